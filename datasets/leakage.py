"""Which scans of a set are twins, copies or contradictions of which others, in it and in other sets?

The step between the prints (`datasets/near_duplicates.py`) and the tables of an audit (`datasets/audit.py`).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from datasets.cards import DATASETS
from datasets.label_map import common_label
from datasets.near_duplicates import POSITIONS, Prints, bits_apart, correlations, print_of, twin_pairs
from datasets.records import DatasetError, Record, load

_NAMED = 5  # unreadable files that one message names


@dataclass(frozen=True)
class Facts:
    """What a scan itself says, whoever published it."""

    width: int  # pixels
    height: int
    mean_grey: float  # of the window that is shown, 0 to 1
    sha256: str  # of the file; of the pixels where there is no file


@dataclass(frozen=True)
class Twin:
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
        """True where one picture has two labels; those of different sets are compared by what they share."""
        if self.a.cohort == self.b.cohort:
            return self.a.label != self.b.label
        shared = tuple(DATASETS["pooled13"].classes)
        return common_label(self.a.label, shared) != common_label(self.b.label, shared)


def look_at(records: Sequence[Record]) -> tuple[Prints, list[Facts]]:
    """Load N scans once and return their prints and facts. Raises DatasetError that names what cannot be read."""

    def one(record: Record) -> tuple[np.ndarray, np.ndarray, Facts] | DatasetError:
        try:
            scan = load(record)
        except DatasetError as error:
            return error
        digest = scan.digest or hashlib.sha256(record.path.read_bytes() if record.path else scan.pixels).hexdigest()
        height, width = scan.shape
        return *print_of(scan), Facts(width, height, float(scan.windowed().mean()), digest)

    with ThreadPoolExecutor(2) as pool:
        done = list(tqdm(pool.map(one, records), total=len(records), desc="reading scans", mininterval=2))
    failed = [found for found in done if isinstance(found, DatasetError)]
    if failed:
        raise DatasetError(_unreadable(records, done, failed))
    bits, thumbs, facts = zip(*done, strict=True)
    return Prints(np.stack(bits), np.stack(thumbs)), list(facts)


def _unreadable(records: Sequence[Record], done: Sequence, failed: Sequence[DatasetError]) -> str:
    names = [str(r.path) for r, found in zip(records, done, strict=True) if isinstance(found, DatasetError)][1:]
    if not names:
        return str(failed[0])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{failed[0]} The same holds for {', '.join(names[:_NAMED])}{more}."


def find_twins(records: Sequence[Record], prints: Prints, facts: Sequence[Facts], own: int) -> list[Twin]:
    """Return every pair of twins once, of which at least one is among the first `own` records."""
    ours = prints[:own]
    pairs = twin_pairs(ours, prints)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]  # a scan is its own twin, and a pair of ours stands there both ways
    rows = zip(pairs.tolist(), bits_apart(ours, prints, pairs), correlations(ours, prints, pairs), strict=True)
    return [
        Twin(i, j, records[i], records[j], POSITIONS[p], int(bits), float(r), facts[i].sha256 == facts[j].sha256)
        for (i, j, p), bits, r in rows
    ]


def worth_showing(twins: Sequence[Twin], own: int) -> list[Twin]:
    """Return each scan's nearest twin in every split of every set, and every pair that contradicts itself.

    A cluster of n near-duplicates has n²/2 pairs, too many for a page; these name every scan that has a
    twin, and the nearest one. Contradictions come first, then the order of the ids.
    """
    nearest: dict[tuple, Twin] = {}
    for twin in sorted(twins, key=lambda t: (t.bits, -round(t.correlation, 3), t.i, t.j)):
        nearest.setdefault((twin.i, twin.b.cohort, twin.b.split), twin)
        if twin.j < own:
            nearest.setdefault((twin.j, twin.a.cohort, twin.a.split), twin)
    kept = {(twin.i, twin.j): twin for twin in [*nearest.values(), *(t for t in twins if t.contradicts)]}
    return sorted(kept.values(), key=lambda t: (not t.contradicts, t.i, t.j))


def scans_with_twin(twins: Sequence[Twin], own: int) -> Counter:
    """Return how many twins each of the first `own` records has among them, by row."""
    return Counter(row for twin in twins if twin.j < own for row in (twin.i, twin.j))


def rows_in_training(twins: Sequence[Twin], own: int) -> set[int]:
    """Return the rows of the first `own` records with a twin in their own set's training split."""
    inside = [twin for twin in twins if twin.j < own]
    return {t.i for t in inside if t.b.split == "train"} | {t.j for t in inside if t.a.split == "train"}
