"""Batches of scans: prepared once as bytes, augmented anew each epoch on the processor.

Every random draw depends on (seed, epoch, place in the epoch) alone, so a run that was interrupted and
resumed sees the very same pictures as one that was not.
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from tqdm import tqdm

from datasets.bad_files import read_every
from datasets.label_map import HEALTHY
from datasets.near_duplicates import Prints, print_of
from datasets.records import Record, load
from scans import InputSpec, Placement, Scan, fit
from train.augment import augment
from train.lesion_grid import cells, lesion_mask, lesion_place
from train.recipe import Recipe
from train.synthetic_lesions import KINDS, draw_lesion
from train.teacher import Teacher

_BATCH = 32  # scans that are evaluated at once


def prepare(records: Sequence[Record], spec: InputSpec) -> tuple[np.ndarray, Prints, np.ndarray]:
    """Load each record once, for training.

    Returns the pixels, uint8 (N, height, width), as the model's input; the prints that near-duplicates are found
    by; and the places of the lesions as in `train.lesion_grid`, float32 (N, 4). Raises DatasetError that names the
    unreadable files.
    """
    low, high = spec.value_range

    def one(record: Record, scan: Scan) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        model_input, placement = fit(scan, spec)
        unit = (model_input[..., 0] - low) / (high - low)
        return np.round(255 * unit).astype(np.uint8), *print_of(scan), lesion_place(record, placement)

    done = read_every(records, one)
    pixels, bits, thumbs, places = (np.stack(column) for column in zip(*done, strict=True))
    return pixels, Prints(bits, thumbs), places


def read_batches(
    records: Sequence[Record], spec: InputSpec, title: str
) -> Iterator[tuple[Sequence[Record], np.ndarray, list[Placement]]]:
    """Yield (B records, their model inputs, float32 (B, h, w, c), their placements), read as in the app.

    Nothing is kept or augmented. A bar with `title` shows the progress. Raises DatasetError on an unreadable scan.
    """
    for start in tqdm(range(0, len(records), _BATCH), desc=title, mininterval=2):
        part = records[start : start + _BATCH]
        inputs, placements = zip(*(fit(load(record), spec) for record in part), strict=True)
        yield part, np.stack(inputs), list(placements)


class Batches(keras.utils.PyDataset):
    """Batches of (pixels, truth, weights), shuffled and augmented if training.

    Pixels are float32 (B, side, side, channels) in [0, 1]; truth is int (B,), the classes, or with a recipe's
    `mix` or a teacher float32 (B, K), their shares. With a recipe's `where`, truth and weights are dicts: "logits" as
    above, "where" float32 (B, side / cell, side / cell, 1), the share of each cell that lies in a lesion, with weight 0
    where the lesion has no annotation; with `look` also "look", the same in the layer of the scan's class,
    float32 (B, side / cell, side / cell, K), with weight 0 where there is no lesion.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        labels: np.ndarray,
        recipe: Recipe,
        *,
        training: bool,
        places: np.ndarray | None = None,
        class_weights: np.ndarray | None = None,
        classes: Sequence[str] = (),
        teacher: Teacher | None = None,
    ) -> None:
        """`pixels` is uint8 (N, size, size), `places` float (N, 4) as in `train.lesion_grid`.

        `classes`, the ids in the order of the labels, are needed where lesions are drawn on healthy scans, scans are
        mixed, or a teacher gives its probabilities.
        """
        super().__init__(workers=2, max_queue_size=8)
        self.pixels, self.labels, self.recipe, self.training = pixels, labels, recipe, training
        self.places, self.class_weights, self.classes = places, class_weights, list(classes)
        self.teacher = teacher
        self.epoch = 0
        self.side = recipe.size  # pixels; `train.fit` begins with a smaller one, if the recipe says so

    def __len__(self) -> int:
        whole, rest = divmod(len(self.pixels), self.recipe.batch)
        left_out = self.training and self.recipe.whole_batches and whole
        return whole if left_out or not rest else whole + 1

    def __getitem__(self, index: int) -> tuple:
        rng = np.random.default_rng([self.recipe.seed, self.epoch, index])
        chosen = self._order()[index * self.recipe.batch : (index + 1) * self.recipe.batch]
        pictures, grids, drawn_labels = zip(*(self._picture(i, rng) for i in chosen), strict=True)
        unit = np.stack(pictures).astype(np.float32)[..., None] / 255
        labels = drawn = np.array(drawn_labels, self.labels.dtype)
        weights = np.ones(len(chosen), np.float32) if self.class_weights is None else self.class_weights[labels]
        annotated = np.array([grid is not None for grid in grids], np.float32)
        empty = np.zeros((self.side // self.recipe.cell, self.side // self.recipe.cell), np.float32)
        where = np.stack([empty if grid is None else grid for grid in grids])[..., None]
        if self.recipe.mix or self.teacher:
            labels = np.eye(len(self.classes), dtype=np.float32)[labels]
        if self.recipe.mix and self.training and self.recipe.augment:
            unit, labels, weights, where, annotated = _mixed(
                (unit, labels, weights, where, annotated), self.recipe.mix, rng
            )
        if self.teacher and self.training:
            share = self.recipe.teach
            labels = ((1 - share) * labels + share * self.teacher(unit[..., 0])).astype(np.float32)
        pixels = np.repeat(unit, self.recipe.channels, axis=-1)
        if not self.recipe.where:
            return pixels, labels, weights
        truth, weighed = {"logits": labels, "where": where}, {"logits": weights, "where": annotated}
        if self.recipe.look:
            truth["look"] = where * np.eye(len(self.classes), dtype=np.float32)[drawn][:, None, None]
            weighed["look"] = (where.max(axis=(1, 2, 3)) > 0).astype(np.float32)
        return pixels, truth, weighed

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def _picture(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None, int]:
        """Return one scan as the network gets it, its grid for the gate (None without an annotation), and its class."""
        picture, label = self.pixels[index], int(self.labels[index])
        place = None
        if self.recipe.where and self.places is not None:
            place = lesion_mask(self.places[index], picture.shape)
        if self.training:
            paint = self.recipe.augment and self.recipe.paint
            if paint and self.classes[label] in HEALTHY and rng.random() < paint:
                kind = KINDS[rng.integers(len(KINDS))]
                if painted := draw_lesion(picture, kind, rng):
                    (picture, place), label = painted, self.classes.index(kind)
            place = place if self.recipe.where else None
            picture, place = augment(picture, self.recipe, rng, side=self.side, others=self.pixels, place=place)
        return picture, None if place is None else cells(place, self.side // self.recipe.cell), label

    def _order(self) -> np.ndarray:
        if not self.training:
            return np.arange(len(self.pixels))
        return np.random.default_rng([self.recipe.seed, self.epoch]).permutation(len(self.pixels))


def _mixed(columns: Sequence[np.ndarray], alpha: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Return each float array (B, ...) blended with itself in another order (mixup, Zhang et al. 2018).

    https://arxiv.org/abs/1710.09412. The larger share stays with the scan itself. Where only one of the two
    has an annotation, the mixture's place counts in part.
    """
    size = len(columns[0])
    other = rng.permutation(size)
    share = rng.beta(alpha, alpha, size).astype(np.float32)
    share = np.maximum(share, 1 - share)
    blended = []
    for column in columns:
        mine = share.reshape(-1, *[1] * (column.ndim - 1))
        blended.append(mine * column + (1 - mine) * column[other])
    return blended
