"""How do scans become batches? Prepared once as bytes, augmented anew each epoch on the processor.

Every random draw depends on (seed, epoch, place in the epoch) alone, so a run that was interrupted and
resumed sees the very same pictures as one that was not.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import keras
import numpy as np
from tqdm import tqdm

from scans import InputSpec, fit
from train.recipe import Recipe
from train.records import Record, load
from train.twins import hash_scan


def prepare(records: Sequence[Record], spec: InputSpec) -> tuple[np.ndarray, np.ndarray]:
    """Load each record once. Returns uint8 (N, height, width) as the model will see it, and its hashes.

    The hashes are those of `train.twins.hash_scan`, int8 (N, 2, 256).
    """
    low, high = spec.value_range

    def one(record: Record) -> tuple[np.ndarray, np.ndarray]:
        scan = load(record)
        unit = (fit(scan, spec)[0][..., 0] - low) / (high - low)
        return np.round(255 * unit).astype(np.uint8), hash_scan(scan)

    with ThreadPoolExecutor(2) as pool:
        done = list(tqdm(pool.map(one, records), total=len(records), desc="reading scans", mininterval=2))
    return np.stack([pixels for pixels, _ in done]), np.stack([bits for _, bits in done])


class Batches(keras.utils.PyDataset):
    """Batches of (float32 (B, height, width, channels), int (B,)), shuffled and augmented if training."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, recipe: Recipe, *, training: bool) -> None:
        super().__init__(workers=2, max_queue_size=8)
        self.pixels, self.labels, self.recipe, self.training = pixels, labels, recipe, training
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.pixels) // self.recipe.batch)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self.recipe.seed, self.epoch, index])
        chosen = self._order()[index * self.recipe.batch : (index + 1) * self.recipe.batch]
        pixels = self.pixels[chosen]
        if self.training:
            pixels = np.stack([augment(picture, self.recipe, rng) for picture in pixels])
        unit = pixels.astype(np.float32) / 255
        return np.repeat(unit[..., None], self.recipe.channels, axis=-1), self.labels[chosen]

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def _order(self) -> np.ndarray:
        if not self.training:
            return np.arange(len(self.pixels))
        return np.random.default_rng([self.recipe.seed, self.epoch]).permutation(len(self.pixels))


def augment(picture: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (h, w): `picture` moved, mirrored, relit, with noise or a hole, as the recipe says."""
    picture = _move(picture, recipe, rng)
    if recipe.contrast or recipe.brightness:
        picture = cv2.LUT(picture, _tone_curve(picture, recipe, rng))
    if recipe.noise:
        grain = rng.standard_normal(picture.shape, np.float32) * (255 * recipe.noise * rng.random())
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    if recipe.erase and rng.random() < recipe.erase:
        picture = _erase(picture, rng)
    return picture


def _move(picture: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape
    angle = rng.uniform(-recipe.rotate, recipe.rotate)
    scale = rng.uniform(1 - recipe.zoom, 1 + recipe.zoom)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-recipe.shift, recipe.shift, 2) * (width, height)
    if rng.random() < recipe.flip:
        picture = np.ascontiguousarray(picture[:, ::-1])
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)


def _tone_curve(picture: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (256,): gain about the mean, offset and gamma, as one look-up table."""
    gain, gamma = rng.uniform(1 - recipe.contrast, 1 + recipe.contrast, 2)
    offset = rng.uniform(-recipe.brightness, recipe.brightness)
    values = np.linspace(0, 1, 256) ** gamma
    mean = float(picture.mean()) / 255
    curve = (values - mean) * gain + mean + offset
    curve[0] = min(curve[0], 0.0)  # air stays black: a lifted background would be a shortcut
    return np.round(255 * np.clip(curve, 0, 1)).astype(np.uint8)


def _erase(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape
    rows, columns = (rng.uniform(0.1, 0.3, 2) * (height, width)).astype(int)
    top, left = rng.integers(0, height - rows), rng.integers(0, width - columns)
    picture = picture.copy()
    picture[top : top + rows, left : left + columns] = 0
    return picture
