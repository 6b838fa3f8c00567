"""Stability: whether a map stays the same when nothing that matters changes.

Repeatability, one of the four demands of Arun et al. 2021, https://doi.org/10.1148/ryai.2021200267: the same scan
shifted by a few pixels, or with a little noise, should get the same map if it gets the same prediction, and so should
the same scan with another seed. Agreement is Spearman's rank correlation within the head.

The limit: a map that never changes is perfectly stable. Read it with the other measures, never alone.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np

from explain.refinement import rank_agreement
from scans import resize

SHIFTS = ((0.02, 0.0), (-0.02, 0.0), (0.0, 0.02), (0.0, -0.02))  # down and right, of the square's sides
NOISE = 0.01  # standard deviation, of the square's range


def under_shifts_and_noise(
    map_of: Callable[[np.ndarray], np.ndarray],
    same_prediction: Callable[[np.ndarray], bool],
    square: np.ndarray,
    head: np.ndarray,
    seed: int = 0,
) -> float | None:
    """Return the mean agreement, -1 to 1, of the square's map with those of the square shifted and of it with noise.

    `map_of` gives a square's map (h', w') on any grid, `same_prediction` whether a changed square still gets the
    prediction of the first; one that does not is left out, since its map should change. None where all are left out.
    `square` is float32 (h, w, c), `head` bool (h, w). `map_of` is called up to six times.
    """
    first = None
    agreements = []
    for changed, rows, columns in _changes(square, seed):
        if not same_prediction(changed):
            continue
        if first is None:
            first = _drawn(map_of(square), square)
        back = shift_back(_drawn(map_of(changed), square), rows, columns)
        # What the shift pushed over the edge was not visible to the model, so the map has no value for it.
        visible = shift_back(shifted(np.ones_like(head), rows, columns, False), rows, columns)
        agreements.append(rank_agreement(first, back, head & visible))
    return float(np.mean(agreements)) if agreements else None


def _changes(square: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Yield changed squares and the rows down and columns right that each was shifted by."""
    black = float(square.min())
    for shares in SHIFTS:
        rows, columns = (_pixels(share, side) for share, side in zip(shares, square.shape, strict=False))
        yield shifted(square, rows, columns, black), rows, columns
    yield noisy(square, NOISE * float(np.ptp(square)), np.random.default_rng(seed)), 0, 0


def _pixels(share: float, side: int) -> int:
    """The whole pixels of a share of a side: one at least, or a small square would not move."""
    return int(np.sign(share)) * max(1, round(abs(share) * side))


def _drawn(heat: np.ndarray, square: np.ndarray) -> np.ndarray:
    """The map in the square's pixels: on its own grid, a shift is no whole number of cells."""
    return resize(np.asarray(heat, np.float32), square.shape[:2])


def across_seeds(maps: Sequence[np.ndarray], head: np.ndarray) -> float:
    """Return the mean agreement, -1 to 1, of each two of the maps (h', w'), which differ by the seed alone.

    `head` is bool (h, w). Raises ValueError for fewer than two maps.
    """
    if len(maps) < 2:
        raise ValueError(f"agreement across seeds needs two maps or more; there is {len(maps)}")
    return float(np.mean([rank_agreement(first, second, head) for first, second in combinations(maps, 2)]))


def shifted(square: np.ndarray, rows: int, columns: int, fill: float) -> np.ndarray:
    """Return the picture (h, w) or (h, w, c) moved `rows` down and `columns` right, `fill` where it left.

    Negative numbers move it up and left. What passes an edge is lost.
    """
    height, width = square.shape[:2]
    moved = np.full_like(square, fill)
    to = slice(max(0, rows), max(0, height + rows)), slice(max(0, columns), max(0, width + columns))
    source = slice(max(0, -rows), max(0, height - rows)), slice(max(0, -columns), max(0, width - columns))
    moved[to] = square[source]
    return moved


def shift_back(heat: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the map (h, w) of a square shifted by `rows` and `columns` in the pixels of the square before."""
    return shifted(heat, -rows, -columns, 0)


def noisy(square: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Return float32 (h, w, c): the square with Gaussian noise of `sigma`, in its unit, alike in all channels.

    Nothing is clipped, so a few values may leave the model's range by some sigmas.
    """
    noise = rng.normal(0.0, sigma, square.shape[:2])[..., None]  # (h, w, 1): a scan's channels are copies of one
    return (square + noise).astype(np.float32)
