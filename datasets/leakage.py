"""Leakage: pairs of near-duplicates, copies and contradicting labels, within a dataset and between datasets.

The step between the fingerprints (`datasets/near_duplicates.py`) and the tables of an audit (`datasets/audit.py`).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.bad_files import read_every
from datasets.cards import DATASETS
from datasets.label_map import common_label
from datasets.near_duplicates import POSITIONS, Prints, bits_apart, correlations, near_duplicate_pairs, print_of
from datasets.records import Record
from scans import Scan


@dataclass(frozen=True)
class FileFacts:
    """What a scan's own file tells: its size, brightness and checksum."""

    width: int  # pixels
    height: int
    mean_grey: float  # of the window that is shown, 0 to 1
    sha256: str  # of the file; of the pixels where there is no file


@dataclass(frozen=True)
class NearDuplicatePair:
    """Two scans that are near-duplicates: rows `i` and `j` of the records, `a` and `b` themselves."""

    i: int
    j: int
    a: Record
    b: Record
    position: str  # in which b equals a: one of datasets.near_duplicates.POSITIONS
    bits: int  # of 256 that differ
    correlation: float  # of the pixels of the two heads
    copy: bool  # the files are the same, byte for byte

    @property
    def contradicts(self) -> bool:
        """True where one picture has two labels; labels of different sets are compared by their common class."""
        if self.a.cohort == self.b.cohort:
            return self.a.label != self.b.label
        shared = tuple(DATASETS["pooled13"].classes)
        return common_label(self.a.label, shared) != common_label(self.b.label, shared)


def read_fingerprints(records: Sequence[Record]) -> tuple[Prints, list[FileFacts]]:
    """Load N scans once, return their prints and facts. Raises DatasetError that names the unreadable files."""

    def one(record: Record, scan: Scan) -> tuple[np.ndarray, np.ndarray, FileFacts]:
        digest = scan.digest or hashlib.sha256(record.path.read_bytes() if record.path else scan.pixels).hexdigest()
        height, width = scan.shape
        return *print_of(scan), FileFacts(width, height, float(scan.windowed().mean()), digest)

    bits, thumbs, facts = zip(*read_every(records, one), strict=True)
    return Prints(np.stack(bits), np.stack(thumbs)), list(facts)


def find_pairs(
    records: Sequence[Record], prints: Prints, facts: Sequence[FileFacts], own: int
) -> list[NearDuplicatePair]:
    """Return every pair of near-duplicates once, of which at least one is among the first `own` records."""
    ours = prints[:own]
    rows = near_duplicate_pairs(ours, prints)
    rows = rows[rows[:, 0] < rows[:, 1]]  # a scan is its own near-duplicate, and pairs of ours come in both orders
    values = zip(rows.tolist(), bits_apart(ours, prints, rows), correlations(ours, prints, rows), strict=True)
    return [
        NearDuplicatePair(
            i, j, records[i], records[j], POSITIONS[p], int(bits), float(r), facts[i].sha256 == facts[j].sha256
        )
        for (i, j, p), bits, r in values
    ]


def listed_pairs(pairs: Sequence[NearDuplicatePair], own: int) -> list[NearDuplicatePair]:
    """Return each scan's nearest near-duplicate in every split of every set, and every pair of contradicting labels.

    A cluster of n near-duplicates has n²/2 pairs, too many for a page; these name every scan that has a
    near-duplicate, and its nearest one. Contradictions come first, then the order of the ids.
    """
    nearest: dict[tuple, NearDuplicatePair] = {}
    for pair in sorted(pairs, key=lambda p: (p.bits, -round(p.correlation, 3), p.i, p.j)):
        nearest.setdefault((pair.i, pair.b.cohort, pair.b.split), pair)
        if pair.j < own:
            nearest.setdefault((pair.j, pair.a.cohort, pair.a.split), pair)
    kept = {(pair.i, pair.j): pair for pair in [*nearest.values(), *(p for p in pairs if p.contradicts)]}
    return sorted(kept.values(), key=lambda p: (not p.contradicts, p.i, p.j))


def counts_by_row(pairs: Sequence[NearDuplicatePair], own: int) -> Counter:
    """Return row -> how many near-duplicates this record has among the first `own` records, its own set."""
    return Counter(row for pair in pairs if pair.j < own for row in (pair.i, pair.j))


def rows_near_training(pairs: Sequence[NearDuplicatePair], own: int) -> set[int]:
    """Return the rows of the first `own` records with a near-duplicate in their own set's training split."""
    inside = [pair for pair in pairs if pair.j < own]
    return {p.i for p in inside if p.b.split == "train"} | {p.j for p in inside if p.a.split == "train"}
