"""Which scans are near-duplicates of each other, mirror images included?

A difference hash of the head-cropped scan (16 x 16 comparisons of neighbouring cells, 256 bits). At most
6 bits apart is a twin: copies, mirror images, and slices so near that a reader would call them one.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scans import Scan, find_head, resize
from train.records import Record

SIDE = 16
TWIN_BITS = 6  # of 256
_STEP = 0.02  # a cell is brighter than its neighbour by at least this much of the range: without it the
# grain of the air decides half of the bits, and copies saved twice as JPEG are missed


def hash_scan(scan: Scan) -> np.ndarray:
    """Return int8 (2, 256) of -1 and 1: the difference hash of the head, and that of its mirror image."""
    head = scan.windowed()[find_head(scan.pixels).slices]
    return np.stack([_difference_hash(head), _difference_hash(head[:, ::-1])])


def _difference_hash(head: np.ndarray) -> np.ndarray:
    cells = resize(np.ascontiguousarray(head), (SIDE, SIDE + 1))
    return np.where(cells[:, 1:] > cells[:, :-1] + _STEP, 1, -1).astype(np.int8).ravel()


def twin_pairs(a: np.ndarray, b: np.ndarray, bits: int = TWIN_BITS) -> np.ndarray:
    """Return int (P, 2): which rows of hashes `a` (N, 2, 256) and `b` (M, 2, 256) are at most `bits` apart.

    The dot product of two hashes of -1 and 1 is 256 minus twice their Hamming distance.
    """
    least = 2 * SIDE * SIDE / 2 - 2 * bits
    (a_plain, a_mirror), (b_plain, b_mirror) = (h.astype(np.float32).transpose(1, 0, 2) for h in (a, b))
    close = a_plain @ b_plain.T >= least
    close |= a_plain @ b_mirror.T >= least
    close |= a_mirror @ b_plain.T >= least  # not the same: a step counts when it goes up, not down
    return np.argwhere(close)


def with_groups(records: Sequence[Record], hashes: np.ndarray, block: int = 0) -> list[Record]:
    """Return the records with `group` set: twins of twins, slices of one patient, blocks of neighbours.

    `block` is the length of the runs of running numbers that are kept together where no patient is
    known; 0 for sets without running numbers.
    """
    pairs = twin_pairs(hashes, hashes)
    keys = [_patient_key(record, block) for record in records]
    first: dict[str, int] = {}
    same = [(i, first.setdefault(key, i)) for i, key in enumerate(keys) if key]
    links = np.concatenate([pairs, np.array(same, dtype=int).reshape(-1, 2)])
    graph = coo_array((np.ones(len(links)), links.T), shape=(len(records), len(records)))
    _, groups = connected_components(graph, directed=False)
    return [replace(record, group=f"g{group:05d}") for record, group in zip(records, groups, strict=True)]


def _patient_key(record: Record, block: int) -> str:
    if record.patient:
        return f"patient {record.patient}"
    return f"{record.label} block {record.number // block}" if block and record.number >= 0 else ""


def with_twins(records: Sequence[Record], hashes: np.ndarray, bits: int = TWIN_BITS) -> list[Record]:
    """Return the records with `twin` set on the test scans that have a twin among all the others.

    A scan that only chose the model (validation) counts as seen: the stricter reading.
    """
    seen = np.array([record.split != "test" for record in records])
    with_twin = set(twin_pairs(hashes, hashes[seen], bits)[:, 0].tolist())
    return [replace(r, twin=r.split == "test" and i in with_twin) for i, r in enumerate(records)]
