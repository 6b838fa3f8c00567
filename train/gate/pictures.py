"""Batches for the gate: scans, other pictures and pictures made of both, in fixed shares, drawn anew each epoch.

Every random draw depends on (seed, epoch, place in the epoch) alone, as in `train.batches`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import keras
import numpy as np

from datasets.gate_pictures import LITTLE_BRAIN
from datasets.records import Record
from model_zoo.gate import ASPECTS, BRAIN, KIND, PLANE, SEQUENCE
from scans import PHANTOM_KINDS, fit, phantom
from train.augment import augment
from train.gate.made_pictures import photographed, screenshot, several_heads, unreadable, with_text
from train.recipe import Recipe

STEPS = 400  # batches of an epoch
# What a picture of a batch is, and how often; "other-mri" only where there are any.
SHARES = {
    "head": 0.52,
    "several heads": 0.08,
    "ct": 0.11,
    "radiograph": 0.06,
    "other-mri": 0.06,
    "photo": 0.07,
    "screenshot": 0.03,
    "photographed": 0.03,
    "unreadable": 0.07,
}
# Of the heads, the share of each sequence; "" is that of the unlabelled ones.
SEQUENCES = {"T1": 0.23, "T1C+": 0.26, "T2": 0.22, "FLAIR": 0.15, "": 0.14}
_TEXT, _FRAME, _TURNED, _PHANTOM, _NEGATIVE = 0.12, 0.08, 0.06, 0.02, 0.1
PHANTOMS = 120  # of a split


@dataclass(frozen=True)
class Pool:
    """Pictures of one split: uint8 (N, side, side) and their records; and phantoms, uint8 (P, side, side)."""

    pixels: np.ndarray
    records: Sequence[Record]
    phantoms: np.ndarray

    def of_kind(self, kind: str) -> np.ndarray:
        """Return the places of all pictures of a kind."""
        return np.flatnonzero([record.label == kind for record in self.records])


def phantoms_of(recipe: Recipe, first_seed: int, number: int) -> np.ndarray:
    """Return phantoms as the gate sees them, uint8 (number, size, size), from `first_seed` on."""
    pictures = []
    for i in range(number):
        square = fit(phantom(PHANTOM_KINDS[i % len(PHANTOM_KINDS)], first_seed + i).scan, recipe.spec)[0][..., 0]
        pictures.append(np.round(255 * square).astype(np.uint8))
    return np.stack(pictures)


def truth_of(kind: str, plane: str = "", sequence: str = "", brain: str = "") -> np.ndarray:
    """Return float32 (LOGITS,): 1 at the label of each aspect that is known.

    >>> truth_of("ct").nonzero()[0].tolist()
    [3]
    """
    labels = {KIND: kind, PLANE: plane, SEQUENCE: sequence, BRAIN: brain}
    names = [(aspect, label) for aspect, by_class in ASPECTS.items() for label in by_class]
    return np.array([label == labels[aspect] for aspect, label in names], np.float32)


class GateBatches(keras.utils.PyDataset):
    """Batches of (pixels float32 (B, side, side, channels) in [0, 1], truth float32 (B, LOGITS)).

    `side` is set by `train.fit`, which begins with smaller pictures if the recipe says so.
    """

    def __init__(self, pool: Pool, recipe: Recipe) -> None:
        super().__init__(workers=2, max_queue_size=8)
        self.pool, self.recipe, self.epoch, self.side = pool, recipe, 0, recipe.size
        self.kinds = {name: pool.of_kind(name) for name in ("head", "ct", "radiograph", "other-mri", "photo")}
        shares = {name: share for name, share in SHARES.items() if name not in self.kinds or len(self.kinds[name])}
        self.names, self.p = list(shares), np.array(list(shares.values())) / sum(shares.values())
        self.heads = self._by_sequence_and_cohort()

    def __len__(self) -> int:
        return min(STEPS, self.recipe.limit or STEPS)  # a smoke run has few

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self.recipe.seed, self.epoch, index])
        pictures, truths = zip(*(self._drawn(rng) for _ in range(self.recipe.batch)), strict=True)
        unit = np.stack(pictures).astype(np.float32)[..., None] / 255
        return np.repeat(unit, self.recipe.channels, axis=-1), np.stack(truths)

    def _by_sequence_and_cohort(self) -> dict[str, list[np.ndarray]]:
        """Return, by sequence, the places of its heads in each collection: a large collection does not crowd out."""
        found: dict[str, dict[str, list[int]]] = {name: {} for name in SEQUENCES}
        for place in self.kinds["head"]:
            record = self.pool.records[place]
            found[record.sequence].setdefault(record.cohort, []).append(int(place))
        return {name: [np.array(places) for places in cohorts.values()] for name, cohorts in found.items()}

    def _drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        name = self.names[rng.choice(len(self.names), p=self.p)]
        if name == "head":
            return self._head(rng)
        if name in self.kinds:
            return self._other(name, rng)
        made, kind = made_picture(name, self.pool, rng)
        return self._augmented(made, rng), truth_of(kind)

    def _head(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if rng.random() < _PHANTOM:
            picture = self.pool.phantoms[rng.integers(len(self.pool.phantoms))]
            return self._augmented(picture, rng), truth_of("head", "axial", "", "enough")
        known = [name for name, cohorts in self.heads.items() if cohorts]
        p = np.array([SEQUENCES[name] for name in known])
        cohorts = self.heads[known[rng.choice(len(known), p=p / p.sum())]]
        place = rng.choice(cohorts[rng.integers(len(cohorts))])
        record, picture = self.pool.records[place], self.pool.pixels[place]
        if rng.random() < _TURNED:
            picture = np.rot90(picture, int(rng.integers(1, 4)))
        if rng.random() < _TEXT:
            picture = with_text(np.ascontiguousarray(picture), rng)
        picture = self._augmented(np.ascontiguousarray(picture), rng)
        if rng.random() < _FRAME:
            picture = _framed(picture, rng)
        return picture, truth_of("head", record.plane, record.sequence, brain_of(record))

    def _other(self, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        places = self.kinds[kind]
        cohorts = sorted({self.pool.records[place].cohort for place in places})
        cohort = cohorts[rng.integers(len(cohorts))]
        picture = self.pool.pixels[rng.choice([p for p in places if self.pool.records[p].cohort == cohort])]
        if rng.random() < _NEGATIVE:
            picture = 255 - picture
        if rng.random() < _TURNED:
            picture = np.ascontiguousarray(np.rot90(picture, int(rng.integers(1, 4))))
        if rng.random() < _TEXT:
            picture = with_text(picture, rng)
        picture = self._augmented(picture, rng)
        return _framed(picture, rng) if rng.random() < _FRAME else picture, truth_of(kind)

    def _augmented(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return augment(picture, self.recipe, rng, side=self.side)[0]


class KnownBatches(keras.utils.PyDataset):
    """Batches of the pictures of a pool as they are, with what is known of each: for validation."""

    def __init__(self, pool: Pool, recipe: Recipe) -> None:
        super().__init__()
        self.pool, self.recipe, self.side = pool, recipe, recipe.size
        self.truth = np.stack([truth_of(r.label, r.plane, r.sequence, brain_of(r)) for r in pool.records])

    def __len__(self) -> int:
        return -(-len(self.pool.pixels) // self.recipe.batch)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(index * self.recipe.batch, (index + 1) * self.recipe.batch)
        unit = self.pool.pixels[part].astype(np.float32)[..., None] / 255
        return np.repeat(unit, self.recipe.channels, axis=-1), self.truth[part]


def brain_of(record: Record) -> str:
    """Return what is known of the brain in a picture: every scan of a collection was chosen for it."""
    if record.label != "head":
        return ""
    return "little" if record.cohort == LITTLE_BRAIN else "enough"


def made_picture(name: str, pool: Pool, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Return a picture made from those of a pool, uint8 (side, side), and its kind."""
    heads = pool.of_kind("head")
    first = int(rng.integers(max(1, len(heads) - 40)))
    near = pool.pixels[heads[first : first + 40]]  # neighbours in the list: mostly one class, often one series
    if name == "several heads":
        return several_heads(near, rng), "heads"
    if name == "screenshot":
        return screenshot(near, rng), "photo"
    if name == "photographed":
        picture = near[rng.integers(len(near))] if rng.random() < 0.5 else several_heads(near, rng)
        return photographed(picture, rng), "photo"
    return unreadable(near, rng), "unreadable"


def with_made_pictures(pool: Pool, number: int, seed: int) -> Pool:
    """Return the pool with `number` pictures of each kind that is made, for validation and test, and the phantoms."""
    pixels, records = [pool.pixels], list(pool.records)
    split = records[0].split
    for name in ("several heads", "screenshot", "photographed", "unreadable"):
        for i in range(number):
            picture, kind = made_picture(name, pool, np.random.default_rng([seed, *name.encode(), i]))
            pixels.append(picture[None])
            records.append(Record(f"made/{name}/{i}", kind, split=split, group=f"made {name} {i}", cohort=name))
    for i, picture in enumerate(pool.phantoms):
        pixels.append(picture[None])
        records.append(Record(f"made/phantom/{i}", "head", None, split, f"phantom {i}", cohort="phantom"))
    records = [replace(r, plane="axial") if r.cohort == "phantom" else r for r in records]
    return Pool(np.concatenate(pixels), records, pool.phantoms)


def _framed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture smaller on a plain ground, as pages and slides show it."""
    side = picture.shape[0]
    canvas = np.full((side, side), int(rng.choice([0, 0, 255, 255, 128])), np.uint8)
    height, width = (int(side * part) for part in rng.uniform(0.55, 0.97, 2))
    height, width = (max(height, width),) * 2 if rng.random() < 0.7 else (height, width)
    top, left = int(rng.integers(side - height + 1)), int(rng.integers(side - width + 1))
    canvas[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return canvas
