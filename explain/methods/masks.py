"""The effect of covering parts of the scan on the logit: occlusion, part by part, and RISE, at random.

- Occlusion (Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901): a window slides over the head and is filled with
  its surroundings; the drop of the logit is shared out over the pixels it covered.
- RISE (Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421): random soft masks; a pixel's value is how much
  higher the logit is for masks that show it. Where theirs are drawn cell by cell, ours come in balanced sets.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from explain.methods.balanced_masks import balanced_masks
from explain.methods.gradients import doubling
from explain.refinement import MethodInput, RawMap

WINDOW = 8  # windows per side, edge to edge
_STEPS = (1, 2)  # steps per window, of the windows that are predicted
_FINEST = 4  # the same, of those whose drop is then interpolated
GRID = 7  # RISE: cells per side of a mask; half of them are visible
SETS = 5  # RISE: of balanced masks, 128 each
_SPREAD = np.array([0.7548776662466927, 0.5698402909980532])  # even steps over a cell, down and right: Roberts' R2
_BATCH = 64  # scans held in memory at once


def occlusion(given: MethodInput) -> Iterator[RawMap]:
    """Yield the mean drop of the logit over the windows that cover a pixel, signed, in logit.

    Windows of an eighth of the side, over the head only: edge to edge, then by half windows. The drop changes slowly
    from one place to the next, so that of quarter windows is interpolated from the four around it. Rows and
    columns beyond the last whole step are taken from the nearest window.
    """
    square, head = given.square, given.head
    tall, wide = (max(1, side // WINDOW) for side in head.shape)
    filled = cv2.blur(square, (2 * wide + 1, 2 * tall + 1)).reshape(square.shape)
    drops: dict[tuple[int, int], float] = {}
    whole = float(given.scores(square[None])[0])
    for steps in _STEPS:
        rows, columns = _places(head.shape, tall, wide, steps)
        new = [(r, c) for r in rows for c in columns if head[r : r + tall, c : c + wide].any() and (r, c) not in drops]
        for start in range(0, len(new), _BATCH):
            batch = np.repeat(square[None], len(new[start : start + _BATCH]), axis=0)
            for covered, (r, c) in zip(batch, new[start : start + _BATCH], strict=True):
                covered[r : r + tall, c : c + wide] = filled[r : r + tall, c : c + wide]
            drops.update(zip(new[start : start + _BATCH], (whole - given.scores(batch)).tolist(), strict=True))
        last = steps == _STEPS[-1]
        of_windows = _interpolated(drops, head, (tall, wide), (rows, columns)) if last else drops
        total, times = np.zeros(head.shape), np.zeros(head.shape)
        for (r, c), drop in of_windows.items():
            total[r : r + tall, c : c + wide] += drop
            times[r : r + tall, c : c + wide] += 1
        values = (total / np.maximum(times, 1)).astype(np.float32)
        yield RawMap(values, 1 + len(drops), steps / _STEPS[-1])


def _places(shape: tuple[int, int], tall: int, wide: int, steps: int) -> tuple[range, range]:
    """Return the first rows and the first columns of all windows."""
    rows, columns = (
        range(0, side - window + 1, max(1, window // steps)) for side, window in zip(shape, (tall, wide), strict=True)
    )
    return rows, columns


def _interpolated(
    drops: dict[tuple[int, int], float], head: np.ndarray, window: tuple[int, int], places: tuple[range, range]
) -> dict[tuple[int, int], float]:
    """Return the drops of the windows at the finest steps that touch the head; a window in the air drops nothing."""
    tall, wide = window
    rows, columns = places
    known = np.array([[drops.get((r, c), 0.0) for c in columns] for r in rows])
    finer = _places(head.shape, tall, wide, _FINEST)
    where = np.meshgrid(*(np.array(new) / old.step for new, old in zip(finer, places, strict=True)), indexing="ij")
    values = map_coordinates(known, where, order=1, mode="nearest")
    return {
        (r, c): value
        for r, line in zip(finer[0], values, strict=True)
        for c, value in zip(finer[1], line.tolist(), strict=True)
        if head[r : r + tall, c : c + wide].any()
    }


def rise(given: MethodInput, sets: int = SETS) -> Iterator[RawMap]:
    """Yield how much higher the logit is if a pixel is visible, signed, in logit.

    The masks come in balanced sets (`balanced_masks`), each of 128 at an offset of its own. The mean of the scores is
    taken off first: it adds the same to every pixel in the authors' sum, and only noise to a short one.
    """
    square, low = given.square, given.model.card.input.value_range[0]
    rng = np.random.default_rng(given.seed)
    start = rng.random(2)
    scores, weighed = np.zeros(0), np.zeros(square.shape[:2])
    visible_total, products = np.zeros(square.shape[:2]), np.zeros(square.shape[:2])
    first = None  # taken off every score: a logit that no mask changes must give 0, not the rounding of a large sum
    for taken, more in doubling(1, sets):
        for number in range(taken - more, taken):
            offset = (start + number * _SPREAD) % 1
            masks = balanced_masks((GRID + 1) ** 2, rng).reshape(-1, GRID + 1, GRID + 1)
            for part in np.array_split(masks, -(-len(masks) // _BATCH)):
                batch = soft_masks(part, square.shape[:2], offset)
                batch_scores = given.scores(low + batch[..., None] * (square - low)).astype(np.float64)
                first = batch_scores[0] if first is None else first
                scores = np.concatenate([scores, batch_scores - first])
                products += np.tensordot(batch_scores - first, batch, axes=1)
                visible_total += batch.sum(axis=0)
                weighed += (batch**2).sum(axis=0)
        spread = weighed / len(scores) - (visible_total / len(scores)) ** 2
        covariance = products / len(scores) - scores.mean() * visible_total / len(scores)
        yield RawMap((covariance / np.maximum(spread, 1e-6)).astype(np.float32), len(scores), taken / sets)


def soft_masks(coarse: np.ndarray, shape: tuple[int, int], offset: np.ndarray) -> np.ndarray:
    """Return float32 (n, h, w) in [0, 1] of coarse masks (n, GRID + 1, GRID + 1), enlarged and cut out.

    `offset`, two shares of a cell, down and to the right, says where.
    """
    height, width = shape
    tall, wide = -(-height // GRID), -(-width // GRID)
    top, left = (int(share * side) for share, side in zip(offset, (tall, wide), strict=True))
    size = ((GRID + 1) * wide, (GRID + 1) * tall)
    return np.stack(
        [
            cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)[top : top + height, left : left + width]
            for mask in coarse.astype(np.float32)
        ]
    )
