"""Example scans and mean images of the classes of a dataset, from the scans on this machine.

A mean image shows what a class has in common. Where the means of two classes differ in outline, plane, brightness
or burnt-in text rather than within the head, a model can tell the classes apart without using the lesion.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datasets.cards import DATASETS, DatasetCard
from datasets.cohorts import COHORTS, POOLED_COHORTS, read_cohort
from datasets.label_map import common_label
from datasets.places import dataset_folder
from datasets.readers import read_records
from datasets.records import DatasetError, Record, load
from scans import InputSpec, fit

SCANS = 150  # per class in a mean image
PHANTOMS = 40  # the same for phantoms: drawing one takes ten times as long as reading a file
_SIDE = 160  # pixels per side of a mean image


@dataclass(frozen=True)
class MeanImage:
    """The mean of `scans` scans of one class: float32 (160, 160) in [0, 1], and each scan's mean grey value."""

    image: np.ndarray
    scans: int
    greys: tuple[float, ...]


def collections_of(card: DatasetCard) -> list[DatasetCard]:
    """Return the cards of the sets that a dataset consists of: itself, or those pooled in it; none for phantoms."""
    tasks = dict.fromkeys(COHORTS[name].task for name in POOLED_COHORTS) if card.pooled else [card.task]
    return [DATASETS[task] for task in tasks if DATASETS[task].folder]


def missing_collections(card: DatasetCard, data: Path) -> list[DatasetCard]:
    """Return those of a dataset's collections that are not below `data`."""
    return [each for each in collections_of(card) if not (data / each.folder).is_dir()]


def local_records(card: DatasetCard, data: Path) -> list[Record]:
    """Return the records of a dataset that are below `data`; of a pooled one those of the collections that are there.

    Directories are listed, no scan is read. Labels are the task's own; files without a label are left out. Raises
    DatasetError on a broken layout, and where there is no collection.
    """
    if not card.pooled:
        return [record for record in read_records(card, data) if record.label]
    absent = missing_collections(card, data)
    names = [name for name in POOLED_COHORTS if DATASETS[COHORTS[name].task] not in absent]
    if not names:
        dataset_folder(absent[0], data)  # raises, and says how to get it
    records = [record for name in names for record in read_cohort(name, data)]
    records = [replace(record, label=common_label(record.label, tuple(card.classes))) for record in records]
    return [record for record in records if record.label]


def sample(records: Sequence[Record], classes: Sequence[str], each: int, seed: int) -> dict[str, list[Record]]:
    """Return class id -> `each` of its records drawn at random from `seed`, or all where there are fewer."""
    chosen = {}
    for index, label in enumerate(classes):
        own = [record for record in records if record.label == label]
        order = np.random.default_rng([seed, index]).permutation(len(own))[:each]
        chosen[label] = [own[i] for i in order]
    return {label: own for label, own in chosen.items() if own}


def mean_images(
    records: Sequence[Record],
    classes: Sequence[str],
    progress: Callable[[float], None] = lambda share: None,
    *,
    each: int | None = None,
    seed: int = 0,
) -> dict[str, MeanImage]:
    """Return class id -> its mean image over `each` scans, every scan as `scans.fit` gives it to a model.

    `progress` receives the share done, 0 to 1. Raises DatasetError that names a file which cannot be read.
    """
    synthetic = bool(records) and records[0].path is None
    chosen = sample(records, classes, each or (PHANTOMS if synthetic else SCANS), seed)
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
            means[label] = MeanImage((total / len(own)).astype(np.float32), len(own), tuple(greys))
    return means
