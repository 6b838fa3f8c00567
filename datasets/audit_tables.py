"""The stored tables of an audit, read back: what is known of a dataset whose scans are not on this machine."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datasets import audit
from datasets.cards import DATASETS, DatasetCard
from datasets.cohorts import COHORT_OF_TASK, COHORTS, POOLED_COHORTS
from datasets.label_map import common_label
from datasets.readers import read_phantom4
from datasets.records import DatasetError

_PERCENTILES = (5, 25, 50, 75, 95)


class Row(NamedTuple):
    """One scan of an audit: a line of `scans.csv`. A phantom has only id, label and split."""

    id: str
    label: str  # class id of the task it is shown in
    split: str  # the publisher's; "" where there is none
    sequence: str = ""
    cohort: str = ""
    width: int = 0  # pixels
    height: int = 0
    mean_grey: float = float("nan")  # 0 to 1
    near_duplicate_in_training: bool = False  # in the training split of its own set


class Side(NamedTuple):
    """One scan of a pair. `id` is its path below the data folder."""

    id: str
    cohort: str
    split: str
    label: str  # class id of its own collection


class Pair(NamedTuple):
    """Two near-duplicates: `b`, turned into `position` (one of `datasets.near_duplicates.POSITIONS`), equals `a`."""

    a: Side
    b: Side
    position: str
    bits: int  # of 256 that differ
    correlation: float  # of the pixels of the two heads, -1 to 1
    copy: bool  # the files are the same, byte for byte
    contradicts: bool

    @property
    def leaks(self) -> bool:
        """True where one is a training scan and the other a test scan of the same set."""
        return self.a.cohort == self.b.cohort and {self.a.split, self.b.split} == {"train", "test"}


@dataclass(frozen=True)
class AuditTables:
    """The stored scans of a dataset; `unlisted` counts those of collections without a table of their own."""

    card: DatasetCard
    rows: tuple[Row, ...]
    summaries: dict[str, dict]  # cohort -> the content of its `summary.json`
    unlisted: dict[tuple[str, str], int]  # (cohort, class id) -> scans

    @property
    def scans(self) -> int:
        """The number of scans, listed or not."""
        return len(self.rows) + sum(self.unlisted.values())


# title of a filter -> which pairs it keeps
PAIR_FILTERS: dict[str, Callable[[Pair], bool]] = {
    "All": lambda pair: True,
    "Contradicting labels": lambda pair: pair.contradicts,
    "Training and test": lambda pair: pair.leaks,
    "Exact copies": lambda pair: pair.copy,
    "Other collections": lambda pair: pair.a.cohort != pair.b.cohort,
}
# field of a Row by which scans are grouped -> title of the group of scans without a value
GROUPINGS = {"split": "no published split", "sequence": "sequence not stated", "cohort": ""}


def read_audit(card: DatasetCard, folder: Path | None = None) -> AuditTables:
    """Read the tables of a dataset in `folder` (`datasets/audits`); of a pooled one those of its collections.

    Raises DatasetError where a table is missing or is not what `python -m train audit` writes.
    """
    if card.task == "phantom4":
        rows = tuple(Row(r.id, r.label, r.split, cohort="phantom") for r in read_phantom4(Path()))
        return AuditTables(card, rows, {}, {})
    folder, tasks, classes = folder or audit.AUDITS_FOLDER, _audited(card), tuple(card.classes)
    try:
        summaries = {COHORT_OF_TASK[task]: _summary(folder / task / audit.SUMMARY) for task in tasks}
        rows = [row for task in tasks for row in map(_row(task), _lines(folder / task / audit.SCANS))]
        unlisted = {}
        if card.pooled:  # Br35H lies beside figshare and has no audit of its own; all its scans are of one class
            unlisted["br35h", "notumor"] = int(summaries["figshare"]["other_collections"]["br35h"]["scans"])
            rows = [row._replace(label=common_label(row.label, classes)) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise _damaged(tasks, error) from error
    return AuditTables(card, tuple(row for row in rows if row.label), summaries, unlisted)


def read_pairs(card: DatasetCard, folder: Path | None = None) -> tuple[Pair, ...]:
    """Read the stored pairs: each scan's nearest near-duplicate per split and set, and all contradicting labels.

    Contradicting labels come first. Raises DatasetError as `read_audit` does.
    """
    tasks = [] if card.task == "phantom4" else _audited(card)
    folder = folder or audit.AUDITS_FOLDER
    try:
        pairs = [pair for task in tasks for pair in map(_pair(task), _lines(folder / task / audit.PAIRS))]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise _damaged(tasks, error) from error
    if card.pooled:  # a pair of two collections is in the tables of both
        pairs = list({frozenset((pair.a.id, pair.b.id)): pair for pair in reversed(pairs)}.values())[::-1]
    return tuple(sorted(pairs, key=lambda pair: not pair.contradicts))


def _audited(card: DatasetCard) -> list[str]:
    return [task for task, name in COHORT_OF_TASK.items() if name in POOLED_COHORTS] if card.pooled else [card.task]


def _damaged(tasks: list[str], error: Exception) -> DatasetError:
    again = " and ".join(f"`python -m train audit {task} --across`" for task in tasks)
    return DatasetError(
        f"A stored table of {' or '.join(tasks)} is missing or damaged ({type(error).__name__}): restore the folder "
        f"datasets/audits, or make the tables again with {again}."
    )


def _summary(path: Path) -> dict:
    """Read a `summary.json`. Raises ValueError on one that lacks what the app reads."""
    summary = json.loads(path.read_text("utf-8"))
    if missing := {"version", "other_collections"} - set(summary):
        raise ValueError(f"{path} has no {', '.join(sorted(missing))}")
    return summary


def _lines(path: Path) -> Iterable[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file, strict=True)


def _row(task: str) -> Callable[[dict[str, str]], Row]:
    def row(line: dict[str, str]) -> Row:
        return Row(
            line["id"],
            line["label"],
            line["split"],
            line["sequence"],
            COHORT_OF_TASK[task],
            int(line["width"]),
            int(line["height"]),
            float(line["mean_grey"]),
            line["near_duplicate_in_training"] == "1",
        )

    return row


def _pair(task: str) -> Callable[[dict[str, str]], Pair]:
    own, folder = COHORT_OF_TASK[task], DATASETS[task].folder

    def side(line: dict[str, str], which: str) -> Side:
        cohort, name = line[f"dataset_{which}"], line[f"id_{which}"]
        scan_id = f"{folder}/{name}" if cohort == own else name  # others' ids begin with their folder
        return Side(scan_id, cohort, line[f"split_{which}"], line[f"label_{which}"])

    def pair(line: dict[str, str]) -> Pair:
        flags = line["exact_copy"] == "1", line["contradicts"] == "1"
        facts = line["position"], int(line["bits_apart"]), float(line["correlation"])
        return Pair(side(line, "a"), side(line, "b"), *facts, *flags)

    return pair


def class_counts(tables: AuditTables, by: str) -> dict[str, dict[str, int]]:
    """Return group -> class id -> scans; `by` is one of GROUPINGS, and every class has a number, 0 included."""
    numbers: Counter = Counter((getattr(row, by) or GROUPINGS[by], row.label) for row in tables.rows)
    for (cohort, label), scans in tables.unlisted.items():
        numbers[cohort if by == "cohort" else GROUPINGS[by], label] += scans
    order = ("train", "test", "T1", "T1C+", "T2", *COHORTS)  # other groups come last, in their order in the table
    groups = sorted(dict.fromkeys(group for group, _ in numbers), key=lambda g: order.index(g) if g in order else 99)
    return {group: {label: numbers[group, label] for label in tables.card.classes} for group in groups}


def leakage(tables: AuditTables) -> dict[str, tuple[int, int]]:
    """Return class id -> (test scans with a near-duplicate in training, test scans); {} without a published split."""
    test = [row for row in tables.rows if row.split == "test" and row.cohort != "phantom"]
    leaking = Counter(row.label for row in test if row.near_duplicate_in_training)
    return {label: (leaking[label], n) for label, n in _by_class(tables, Counter(row.label for row in test)).items()}


def sizes(tables: AuditTables) -> Counter:
    """Return (width, height) in pixels -> scans, for the scans whose size is stored."""
    return Counter((row.width, row.height) for row in tables.rows if row.width)


def brightness(tables: AuditTables) -> dict[str, tuple[float, ...]]:
    """Return class id -> the 5th, 25th, 50th, 75th and 95th percentile of its scans' mean grey values, 0 to 1."""
    greys = {
        label: [row.mean_grey for row in tables.rows if row.label == label and row.width]
        for label in tables.card.classes
    }
    return {label: percentiles(values) for label, values in greys.items() if values}


def percentiles(values: Sequence[float]) -> tuple[float, ...]:
    """Return the 5th, 25th, 50th, 75th and 95th percentile."""
    return tuple(float(value) for value in np.percentile(values, _PERCENTILES))


def differences(tables: AuditTables) -> list[tuple[str, str, int, int]]:
    """Return (split, class id, published scans, audited scans) for the published version nearest to the audited one.

    Empty where no counts are published. The nearest is the one that `nearest_version` names.
    """
    split = class_counts(tables, "split")
    split["all"] = {label: sum(numbers[label] for numbers in split.values()) for label in tables.card.classes}
    compared = [
        [(name, label, n, split.get(name, {}).get(label, 0)) for name in version for label, n in version[name].items()]
        for version in tables.card.versions.values()
    ]
    return min(
        compared, key=lambda rows: sum(abs(published - audited) for _, _, published, audited in rows), default=[]
    )


def _by_class(tables: AuditTables, numbers: Counter) -> dict[str, int]:
    return {label: numbers[label] for label in tables.card.classes if numbers[label]}
