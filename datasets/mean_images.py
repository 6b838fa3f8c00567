"""What do the scans of a class look like, one by one and on the average? Needs the scans themselves.

A mean picture shows what a class has in common. Where the means of two classes differ in outline, plane, brightness
or labels rather than within the head, a model can tell the classes apart without looking at a lesion.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datasets.cards import DATASETS, DatasetCard, dataset_folder
from datasets.cohorts import COHORTS, read_cohort
from datasets.label_map import common_label
from datasets.readers import read_records
from datasets.records import DatasetError, Record, load
from scans import InputSpec, fit

EACH = 150  # scans a class in a mean picture
EACH_DRAWN = 40  # the same of phantoms, which take ten times as long to draw as a file to read
_SIDE = 160  # pixels of a mean picture


@dataclass(frozen=True)
class Mean:
    """The mean of `scans` scans of one class: float32 (160, 160) in [0, 1], and each scan's mean grey value."""

    picture: np.ndarray
    scans: int
    greys: tuple[float, ...]


def parts(card: DatasetCard) -> list[DatasetCard]:
    """Return the cards of the sets that a dataset is made of: itself, or those pooled in it; none for phantoms."""
    tasks = dict.fromkeys(cohort.task for cohort in COHORTS.values()) if card.pooled else [card.task]
    return [DATASETS[task] for task in tasks if DATASETS[task].folder]


def missing(card: DatasetCard, data: Path) -> list[DatasetCard]:
    """Return those of a dataset's `parts` that are not below `data`."""
    return [part for part in parts(card) if not (data / part.folder).is_dir()]


def records_here(card: DatasetCard, data: Path) -> list[Record]:
    """Return the records of a dataset that are below `data`; of a pooled one those of the collections that are here.

    Directories are listed, no scan is read. Labels are the task's own. Raises DatasetError on a broken layout, and
    where nothing is here.
    """
    if not card.pooled:
        return read_records(card, data)
    absent = missing(card, data)
    names = [name for name, cohort in COHORTS.items() if DATASETS[cohort.task] not in absent]
    if not names:
        dataset_folder(absent[0], data)  # says how to get it
    found = [record for name in names for record in read_cohort(name, data)]
    found = [replace(record, label=common_label(record.label, tuple(card.classes))) for record in found]
    return [record for record in found if record.label]


def some(records: Sequence[Record], classes: Sequence[str], each: int, seed: int) -> dict[str, list[Record]]:
    """Return class id -> `each` of its records drawn at random from `seed`, or all where there are fewer."""
    chosen = {}
    for index, label in enumerate(classes):
        own = [record for record in records if record.label == label]
        order = np.random.default_rng([seed, index]).permutation(len(own))[:each]
        chosen[label] = [own[i] for i in order]
    return {label: own for label, own in chosen.items() if own}


def mean_pictures(
    records: Sequence[Record],
    classes: Sequence[str],
    progress: Callable[[float], None] = lambda share: None,
    *,
    each: int | None = None,
    seed: int = 0,
) -> dict[str, Mean]:
    """Return class id -> its mean picture over `each` scans, every scan as `scans.fit` gives it to a model.

    `progress` is told the share done, 0 to 1. Raises DatasetError that names a file which cannot be read.
    """
    drawn = bool(records) and records[0].path is None
    chosen = some(records, classes, each or (EACH_DRAWN if drawn else EACH), seed)
    spec, whole, done, means = InputSpec(_SIDE, _SIDE, 1), sum(map(len, chosen.values())), 0, {}
    if not whole:
        raise DatasetError("there is no scan to take a mean of; check the dataset's folder")

    def one(record: Record) -> tuple[np.ndarray, float]:
        scan = load(record)
        return fit(scan, spec)[0][..., 0], float(scan.windowed().mean())

    with ThreadPoolExecutor(2) as pool:
        for label, own in chosen.items():
            total, greys = np.zeros((_SIDE, _SIDE)), []
            for picture, grey in pool.map(one, own):
                total += picture
                greys.append(grey)
                done += 1
                progress(done / whole)
            means[label] = Mean((total / len(own)).astype(np.float32), len(own), tuple(greys))
    return means
