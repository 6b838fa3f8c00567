"""ROAD: faithfulness when what is removed leaves no outline of itself.

ROAD, Rong et al. 2022, https://arxiv.org/abs/2202.00449: "remove and debias". A removed pixel becomes the weighted
mean of its eight neighbours, 1/6 for each of the four direct ones and 1/12 for each diagonal one, where neighbours
that are removed too are solved for at the same time; a little noise hides how smooth that is. The more relevant
pixels are removed first (MoRF: a good map lets the score fall) or the least relevant (LeRF: it lets it stay).

Three choices. At the picture's border, the weights of the neighbours that exist are scaled to a sum of 1. A square
of more than 80 pixels a side is ranked, removed and solved on a grid of 80, since the cost of solving grows faster
than the pixels do; only removed pixels take the solution, the kept ones stay. The noise is drawn once for all
channels, as a scan's channels are copies of one picture.

The limit: where a hole is smaller than the lesion, it is filled from the lesion's own rim, and little is removed.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from explain.evaluation.faithfulness import Scores, checked_scores, ranking
from scans import resize

PERCENTILES = (10, 30, 50, 70, 90)
NOISE = 0.01  # standard deviation, of the square's range
_GRID = 80  # cells a side, at most

# half of the eight neighbours (rows down, columns right) and their weights; the other half mirrors them
_NEIGHBOURS = ((0, 1, 1 / 6), (1, 0, 1 / 6), (1, 1, 1 / 12), (1, -1, 1 / 12))


def road(
    scores_of: Scores, square: np.ndarray, heat: np.ndarray, percentiles: Sequence[float] = PERCENTILES, seed: int = 0
) -> dict[str, float]:
    """Return {"road morf", "road lerf", "road"}: the mean scores, and (lerf - morf) / 2, of which high is good.

    `square` is float32 (h, w, c), `heat` (h', w') a map over it on a grid of any size, signed. For probabilities
    the first two are 0 to 1 and the last -0.5 to 0.5, 0 on average for an uninformative map. Calls `scores_of`
    once, with two squares per percentile. Raises ValueError for a percentile that is not between 0 and 100, and for
    a map or scores that are not finite.
    """
    if not percentiles or not all(0 < p < 100 for p in percentiles):
        raise ValueError(f"percentiles must lie between 0 and 100, without these; they are {tuple(percentiles)}")
    grid = _grid(square.shape[:2])
    order = ranking(resize(np.asarray(heat, np.float32), grid))
    rng = np.random.default_rng(seed)
    batch = np.empty((2 * len(percentiles), *square.shape), np.float32)
    for way, relevant_first in enumerate((order, order[::-1])):
        for k, percentile in enumerate(percentiles):
            removed = np.zeros(order.size, bool)
            removed[relevant_first[: round(order.size * percentile / 100)]] = True
            batch[way * len(percentiles) + k] = impute(square, removed.reshape(grid), rng)
    morf, lerf = checked_scores(scores_of, batch).reshape(2, -1).mean(axis=1)
    return {"road morf": float(morf), "road lerf": float(lerf), "road": float(lerf - morf) / 2}


def impute(square: np.ndarray, removed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return float32 (h, w, c): `square` with the removed pixels made up from the others, and noise on them.

    `removed` is bool, (h, w) or a coarser grid over the square (h', w'). On a coarser grid a cell is the mean of
    its kept pixels, and the solution comes back bilinearly. A constant stays, and so does a linear ramp away from
    the border, up to the noise. Raises ValueError where nothing is left to make pixels up from.
    """
    if removed.all():
        raise ValueError("every pixel is removed, so there is nothing to make them up from; keep one at least")
    shape = square.shape[:2]
    hole = cv2.resize(removed.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)
    kept = (~hole).astype(np.float32)
    # Weighed, so that a cell at the rim of a hole takes nothing from the pixels that it shares with the hole.
    cells = _resized(square * kept[..., None], removed.shape)
    cells /= np.maximum(resize(kept, removed.shape), 1e-6)[..., None]
    filled = _resized(_solved(cells, removed), shape)
    noise = rng.normal(0.0, NOISE * np.ptp(square), shape).astype(np.float32)
    return np.where(hole[..., None], filled + noise[..., None], square).astype(np.float32)


def _grid(shape: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _GRID / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _resized(square: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`resize`, which drops the last axis where it holds one channel."""
    return resize(square, shape).reshape(*shape, -1)


def _solved(cells: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Return float32 (h, w, c): every removed cell the weighted mean of its neighbours, exactly.

    The system is written as weights x (cell - neighbour), summed to 0, which makes it symmetric: a factorisation
    that may rely on that is faster (37 ms against 58 for five of 80 x 80), and one of them serves all channels.
    """
    count = int(removed.sum())
    if count == 0:
        return cells
    number = np.full(removed.shape, -1)
    number[removed] = np.arange(count)
    weight = np.zeros(removed.shape)  # the sum of the weights of the neighbours that exist
    known = np.zeros(cells.shape)  # the weighted sum of those that are kept
    rows, columns, values = [], [], []
    for down, right, share in _NEIGHBOURS:
        one, other = _pairs(removed.shape, down, right)
        weight[one] += share
        weight[other] += share
        known[one] += share * np.where(removed[other][..., None], 0, cells[other])
        known[other] += share * np.where(removed[one][..., None], 0, cells[one])
        both = removed[one] & removed[other]
        i, j = number[one][both], number[other][both]
        rows += [i, j]
        columns += [j, i]
        values.append(np.full(2 * i.size, -share))
    diagonal = np.arange(count)
    places = np.concatenate([*rows, diagonal]), np.concatenate([*columns, diagonal])
    system = csc_matrix((np.concatenate([*values, weight[removed]]), places), shape=(count, count))
    # Not a banded Cholesky, though it is faster alone: its threads stand in each other's way on a busy machine.
    factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    filled = cells.copy()
    filled[removed] = factors.solve(known[removed])
    return filled


def _pairs(shape: tuple[int, int], down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return two views of a picture, so that each cell of the second is `down`, `right` of that of the first."""
    height, width = shape
    left, cut = max(0, -right), max(0, right)
    one = slice(0, height - down), slice(left, width - cut)
    other = slice(down, height), slice(left + right, width - cut + right)
    return one, other
