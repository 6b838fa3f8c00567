"""The effect of covering parts of the scan on the logit: occlusion, part by part, and RISE, at random.

- Occlusion (Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901): a window slides over the head and is filled with
  its surroundings; the drop of the logit is shared out over the pixels it covered.
- RISE (Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421): random soft masks; a pixel's value is how much
  higher the logit is for masks that show it.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from explain.methods.gradients import doubling
from explain.refinement import MethodInput, RawMap

WINDOW = 8  # windows per side, edge to edge
_FINER = (1, 2, 4)  # steps per window
GRID, VISIBLE = 7, 0.5  # RISE: cells per side of a mask, and the share of them that is visible
_FIRST, MASKS = 250, 2000
_BATCH = 64  # scans held in memory at once


def occlusion(given: MethodInput) -> Iterator[RawMap]:
    """Yield the mean drop of the logit over the windows that cover a pixel, signed, in logit.

    Windows of an eighth of the side, over the head only: edge to edge, then by half and quarter windows.
    """
    square, head = given.square, given.head
    height, width = head.shape
    tall, wide = max(1, height // WINDOW), max(1, width // WINDOW)
    filled = cv2.blur(square, (2 * wide + 1, 2 * tall + 1)).reshape(square.shape)
    drops: dict[tuple[int, int], float] = {}
    whole = float(given.scores(square[None])[0])
    for finer in _FINER:
        rows = range(0, height - tall + 1, max(1, tall // finer))
        columns = range(0, width - wide + 1, max(1, wide // finer))
        places = [(r, c) for r in rows for c in columns if head[r : r + tall, c : c + wide].any()]
        new = [place for place in places if place not in drops]
        for start in range(0, len(new), _BATCH):
            batch = np.repeat(square[None], len(new[start : start + _BATCH]), axis=0)
            for covered, (r, c) in zip(batch, new[start : start + _BATCH], strict=True):
                covered[r : r + tall, c : c + wide] = filled[r : r + tall, c : c + wide]
            scores = given.scores(batch)
            drops.update(zip(new[start : start + _BATCH], (whole - scores).tolist(), strict=True))
        total, times = np.zeros(head.shape), np.zeros(head.shape)
        for (r, c), drop in drops.items():
            total[r : r + tall, c : c + wide] += drop
            times[r : r + tall, c : c + wide] += 1
        values = (total / np.maximum(times, 1)).astype(np.float32)
        yield RawMap(values, 1 + len(drops), finer / _FINER[-1])


def rise(given: MethodInput, masks: int = MASKS) -> Iterator[RawMap]:
    """Yield how much higher the logit is if a pixel is visible, signed, in logit.

    The mean of the scores is taken off first: it adds the same to every pixel in the authors' sum, and only noise
    to a short one.
    """
    square, low = given.square, given.model.card.input.value_range[0]
    rng = np.random.default_rng(given.seed)
    scores, weighed = np.zeros(0), np.zeros(square.shape[:2])
    visible_total, products = np.zeros(square.shape[:2]), np.zeros(square.shape[:2])
    first = None  # taken off every score: a logit that no mask changes must give 0, not the rounding of a large sum
    for taken, size in doubling(_FIRST, masks):
        for start in range(0, size, _BATCH):
            batch = _soft_masks(min(_BATCH, size - start), square.shape[:2], rng)
            batch_scores = given.scores(low + batch[..., None] * (square - low)).astype(np.float64)
            first = batch_scores[0] if first is None else first
            scores = np.concatenate([scores, batch_scores - first])
            products += np.tensordot(batch_scores - first, batch, axes=1)
            visible_total += batch.sum(axis=0)
            weighed += (batch**2).sum(axis=0)
        spread = weighed / taken - (visible_total / taken) ** 2
        covariance = products / taken - scores.mean() * visible_total / taken
        yield RawMap((covariance / np.maximum(spread, 1e-6)).astype(np.float32), taken, taken / masks)


def _soft_masks(count: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return float32 (count, h, w) in [0, 1]: coarse random masks enlarged, cut out at random offsets."""
    height, width = shape
    tall, wide = -(-height // GRID), -(-width // GRID)
    coarse = (rng.random((count, GRID + 1, GRID + 1)) < VISIBLE).astype(np.float32)
    tops, lefts = rng.integers(0, tall, count), rng.integers(0, wide, count)
    size = ((GRID + 1) * wide, (GRID + 1) * tall)
    return np.stack(
        [
            cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)[top : top + height, left : left + width]
            for mask, top, left in zip(coarse, tops, lefts, strict=True)
        ]
    )
