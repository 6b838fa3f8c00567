"""Near-duplicates among scans, mirror images and turned copies included.

They are found in two steps. A difference hash of the head-cropped scan (16 x 16 comparisons of neighbouring cells,
256 bits) names the candidates: a few bits apart in any of eight positions (mirrored or not, turned by quarters).
Then their pixels must agree, the better the more bits differ. Near-duplicates are copies, mirror images, half turns
(the no-tumour scans hold more than a thousand) and slices so close that a radiologist would call them one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from datasets.records import Record
from scans import Scan, find_head, resize

SIDE = 16
# (bits of 256 that may differ at most, correlation that the pixels of the two heads must then have at least)
GROUP_RULES = ((6, 0.85),)  # close near-duplicates, which share a group
NEAR_DUPLICATE_RULES = (
    *GROUP_RULES,
    (12, 0.98),
)  # re-encoded copies lie further apart; groups by this rule would chain whole volumes
POSITIONS = ("as is", *(f"turned by {90 * k}°" for k in (1, 2, 3)), "mirrored") + tuple(
    f"mirrored and turned by {90 * k}°" for k in (1, 2, 3)
)
_INVERSE = np.array([0, 3, 2, 1, 4, 5, 6, 7])  # undoes each position; a mirror image, turned or not, undoes itself
# A cell counts as brighter than its neighbour from this share of the range on: without it the noise of the air
# decides half of the bits, and copies saved twice as JPEG are missed.
_STEP = 0.02
_THUMB = 32  # pixels per side of a thumbnail
_ROWS = 2048  # scans compared at once with all others: bounds the memory


@dataclass(frozen=True)
class Prints:
    """Fingerprints of N scans: `bits` int8 (N, 8, 256) of -1 and 1, `thumbs` uint8 (N, 32, 32).

    The eight hashes of a scan are those of its head in the eight `POSITIONS`.
    """

    bits: np.ndarray
    thumbs: np.ndarray

    def __len__(self) -> int:
        return len(self.bits)

    def __getitem__(self, chosen) -> "Prints":
        return Prints(self.bits[chosen], self.thumbs[chosen])


def print_of(scan: Scan) -> tuple[np.ndarray, np.ndarray]:
    """Return one scan's row of `Prints`: int8 (8, 256) and uint8 (32, 32)."""
    pixels = scan.windowed()  # as `scans.fit` shows it to a model
    head = pixels[find_head(pixels).slices]
    bits = np.stack([_difference_hash(positioned(head, position)) for position in range(len(POSITIONS))])
    thumb = resize(np.ascontiguousarray(head), (_THUMB, _THUMB))
    return bits, np.round(255 * np.clip(thumb, 0, 1)).astype(np.uint8)


def positioned(picture: np.ndarray, position: int) -> np.ndarray:
    """Return `picture` (..., h, w) in one of the eight `POSITIONS`: mirrored first, then turned."""
    picture = picture[..., ::-1] if position >= 4 else picture
    return np.ascontiguousarray(np.rot90(picture, position % 4, axes=(-2, -1)))


def _difference_hash(head: np.ndarray) -> np.ndarray:
    cells = resize(head, (SIDE, SIDE + 1))
    return np.where(cells[:, 1:] > cells[:, :-1] + _STEP, 1, -1).astype(np.int8).ravel()


def near_duplicate_pairs(a: Prints, b: Prints, rules: Sequence[tuple[int, float]] = NEAR_DUPLICATE_RULES) -> np.ndarray:
    """Return int (P, 3): row of `a`, row of `b`, and the position in which `b` equals `a`, for every pair.

    Two scans are near-duplicates where any of `rules` holds: at most so many bits apart, pixels correlated at least
    so far. A pair is listed once: in the position that satisfies the first rule, and of those in the one that fits
    best. A scan that is in both is its own near-duplicate.
    """
    most = max(bits for bits, _ in rules)
    pairs = np.concatenate([np.zeros((0, 3), int), *_candidates(a, b, most)])
    apart, alike = bits_apart(a, b, pairs), correlations(a, b, pairs)
    kept = np.array([(apart <= bits) & (alike >= correlation) for bits, correlation in rules])
    order = np.lexsort([pairs[:, 2], -alike.round(3), ~kept[0], pairs[:, 1], pairs[:, 0]])
    pairs = pairs[order[kept.any(axis=0)[order]]]
    again = np.zeros(len(pairs), bool)
    again[1:] = (pairs[1:, :2] == pairs[:-1, :2]).all(axis=1)
    return pairs[~again]


def _candidates(a: Prints, b: Prints, bits: int) -> Iterator[np.ndarray]:
    """Yield int (P, 3) for each block of rows and each position.

    The dot product of two hashes of -1 and 1 is 256 minus twice their Hamming distance. Turning `b` is not
    the same as turning `a` back: a step counts when it goes up, not down. Either way counts.
    """
    least = SIDE * SIDE - 2 * bits
    theirs = np.ascontiguousarray(b.bits.transpose(1, 2, 0)).astype(np.float32)  # (8, 256, M)
    for start in range(0, len(a), _ROWS):
        ours = a.bits[start : start + _ROWS].astype(np.float32)  # (n, 8, 256)
        for position in range(len(POSITIONS)):
            close = ours[:, 0] @ theirs[position] >= least
            close |= ours[:, _INVERSE[position]] @ theirs[0] >= least
            rows, columns = np.nonzero(close)
            yield np.column_stack([rows + start, columns, np.full(len(rows), position)])


def bits_apart(a: Prints, b: Prints, pairs: np.ndarray) -> np.ndarray:
    """Return int (P,), 0 to 256: how many bits of each pair differ, turned the way in which fewer do."""
    i, j, position = pairs.T
    forth = np.count_nonzero(a.bits[i, 0] != b.bits[j, position], axis=1)
    return np.minimum(forth, np.count_nonzero(a.bits[i, _INVERSE[position]] != b.bits[j, 0], axis=1))


def correlations(a: Prints, b: Prints, pairs: np.ndarray) -> np.ndarray:
    """Return float (P,): the correlation of the pixels of each pair's heads, -1 to 1."""
    agreement = np.empty(len(pairs))
    turned = np.stack([positioned(b.thumbs, position) for position in range(len(POSITIONS))])  # (8, M, 32, 32)
    for start in range(0, len(pairs), _ROWS):
        i, j, position = pairs[start : start + _ROWS].T
        agreement[start : start + _ROWS] = np.sum(_unit(a.thumbs[i]) * _unit(turned[position, j]), axis=1)
    return agreement


def _unit(thumbs: np.ndarray) -> np.ndarray:
    flat = thumbs.reshape(len(thumbs), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


@dataclass(frozen=True)
class NearDuplicates:
    """Every pair of near-duplicates among N scans: `rows`, int (P, 2), in both orders, each scan with itself too.

    `close`, bool (P,), marks those by `GROUP_RULES`; `positions`, int (P,), are those in which the second scan of a
    pair equals the first.
    """

    rows: np.ndarray
    close: np.ndarray
    positions: np.ndarray

    @property
    def close_rows(self) -> np.ndarray:
        """The close pairs alone, int (Q, 2)."""
        return self.rows[self.close]

    def among(self, chosen: np.ndarray) -> "NearDuplicates":
        """Return the pairs of which both are in bool (N,) `chosen`; rows count these scans only."""
        kept = chosen[self.rows].all(axis=1)
        return NearDuplicates((np.cumsum(chosen) - 1)[self.rows[kept]], self.close[kept], self.positions[kept])

    def of(self, chosen: np.ndarray) -> np.ndarray:
        """Return bool (N,): the scans with a near-duplicate in bool (N,) `chosen`, those themselves included."""
        near = np.zeros(len(chosen), bool)
        near[self.rows[chosen[self.rows[:, 1]], 0]] = True
        return near


def find_near_duplicates(prints: Prints) -> NearDuplicates:
    """Compare all scans with each other, once."""
    pairs = near_duplicate_pairs(prints, prints)
    apart, alike = bits_apart(prints, prints, pairs), correlations(prints, prints, pairs)
    close = np.any([(apart <= bits) & (alike >= correlation) for bits, correlation in GROUP_RULES], axis=0)
    return NearDuplicates(pairs[:, :2], close, pairs[:, 2])


def with_groups(records: Sequence[Record], close_rows: np.ndarray, block: int = 0) -> list[Record]:
    """Return the records with `group` set: close near-duplicates, slices of one patient, blocks of neighbours.

    `close_rows` int (P, 2) are the rows of the close pairs; groups are transitive. `block` is the length of the runs
    of running numbers that stay together where no patient is known; 0 for sets without running numbers.
    """
    keys = [_patient_key(record, block) for record in records]
    first: dict[str, int] = {}
    same = [(i, first.setdefault(key, i)) for i, key in enumerate(keys) if key]
    links = np.concatenate([close_rows, np.array(same, dtype=int).reshape(-1, 2)])
    graph = coo_array((np.ones(len(links)), links.T), shape=(len(records), len(records)))
    _, groups = connected_components(graph, directed=False)
    return [replace(record, group=f"g{group:05d}") for record, group in zip(records, groups, strict=True)]


def _patient_key(record: Record, block: int) -> str:
    if record.patient:
        return f"patient {record.patient}"
    return f"{record.label} block {record.number // block}" if block and record.number >= 0 else ""


def with_near_duplicate_flag(records: Sequence[Record], duplicates: NearDuplicates) -> list[Record]:
    """Return the records with `near_duplicate` set on the test scans that have one in training or validation.

    Validation scans count although they only chose the model: the stricter rule.
    """
    near_used = duplicates.of(np.array([record.split in ("train", "val") for record in records]))
    return [replace(r, near_duplicate=r.split == "test" and bool(near_used[i])) for i, r in enumerate(records)]
