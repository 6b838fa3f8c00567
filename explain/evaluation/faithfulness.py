"""Faithfulness: whether the probability follows when the pixels that a map marks are removed or shown.

Deletion and insertion, Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421. Deletion replaces the pixels that the
map ranks first by a baseline, step by step, and a good map makes the score fall early: low is good. Insertion starts
from the baseline and shows the pixels in the same order: high is good.

The limits: only the ranking of the pixels counts, and a half-replaced picture is unlike any training scan (Gomez et
al. 2022, https://arxiv.org/abs/2201.13291), so the score may fall for that reason alone. Two baselines and the
controls, evaluated on the same scans, show how much of a value is due to that.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import cv2
import numpy as np

from scans import resize

Scores = Callable[[np.ndarray], np.ndarray]  # batch (N, h, w, c) -> the target's probability (N,)

STEPS = 20
_SIGMA = 1 / 16  # of the square's side: a tumour's outline and texture are gone, its place in the head is not
_BOX = 1 / 4  # of the square's side


def deletion_and_insertion(
    scores_of: Scores,
    square: np.ndarray,
    heat: np.ndarray,
    baselines: Mapping[str, np.ndarray],
    steps: int = STEPS,
) -> dict[str, float]:
    """Return the areas under the curves, 0 to 1 for probabilities: {"deletion blur": ..., "insertion blur": ...}.

    `square` is float32 (h, w, c), `heat` (h', w') a map over it on a grid of any size, signed; `baselines` gives for
    each name a square of the same shape. Calls `scores_of` once per baseline, with 2 x `steps` squares. Raises
    ValueError for less than one step, other shapes, and a map or scores that are not finite.
    """
    order = ranking(resize(np.asarray(heat, np.float32), square.shape[:2]))
    areas = {}
    for name, baseline in baselines.items():
        scores = checked_scores(scores_of, curve_inputs(square, order, baseline, steps))
        areas[f"deletion {name}"] = auc(scores[: steps + 1])
        areas[f"insertion {name}"] = auc(np.append(scores[steps:], scores[0]))
    return areas


def ranking(heat: np.ndarray) -> np.ndarray:
    """Return int (h * w,): the pixels of `heat` (h, w), highest first, as places in its ravelled order.

    Pixels of one value come in a fixed, scattered order, the same for every map of that size. Raises ValueError for
    a map that is not finite.
    """
    if not np.isfinite(heat).all():
        raise ValueError("the map holds values that are not finite, which have no rank")
    # In raster order, a map that is mostly zero would remove the picture from the top: after the few pixels that
    # it marks, it would be scored as a map of the forehead.
    scattered = _scattered(heat.size)
    return scattered[np.argsort(-heat.ravel()[scattered], kind="stable")]


@lru_cache(maxsize=8)
def _scattered(pixels: int) -> np.ndarray:
    order = np.random.default_rng(0).permutation(pixels)
    order.flags.writeable = False
    return order


def curve_inputs(square: np.ndarray, order: np.ndarray, baseline: np.ndarray, steps: int) -> np.ndarray:
    """Return float32 (2 * steps, h, w, c): the way from the square to the baseline and back, without its last step.

    Square k of the first half has the first k / steps of the pixels in `order` replaced by the baseline's; square k
    of the second half has them restored. The scores of both curves share their ends: deletion's are the first
    steps + 1, insertion's are the last `steps` and then the first.
    """
    if steps < 1:
        raise ValueError(f"a curve of {steps} steps has no area; use 1 or more")
    if baseline.shape != square.shape:
        raise ValueError(f"the baseline is of shape {baseline.shape}, the square of {square.shape}; make them one")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    place = place.reshape(*square.shape[:2], 1)
    batch = np.empty((2 * steps, *square.shape), np.float32)
    for k in range(steps):
        first = place < round(order.size * k / steps)
        batch[k] = np.where(first, baseline, square)
        batch[steps + k] = np.where(first, square, baseline)
    return batch


def checked_scores(scores_of: Scores, batch: np.ndarray) -> np.ndarray:
    """Return float64 (N,), the scores of a batch (N, h, w, c). Raises ValueError unless they are N finite numbers."""
    scores = np.asarray(scores_of(batch), np.float64)
    if scores.shape != (len(batch),) or not np.isfinite(scores).all():
        raise ValueError(
            f"{len(batch)} squares need as many finite scores; they are of shape {scores.shape}. Give the "
            "probability of one class"
        )
    return scores


def auc(scores: np.ndarray) -> float:
    """Return the area under a curve of scores (n,) at equal steps from 0 to 1, by trapezoids; n is 2 or more."""
    if len(scores) < 2:
        raise ValueError(f"{len(scores)} score has no area; give 2 or more")
    return float((np.sum(scores) - scores[0] / 2 - scores[-1] / 2) / (len(scores) - 1))


def blurred(square: np.ndarray) -> np.ndarray:
    """Return float32 (h, w, c): the square under a Gaussian whose sigma is a sixteenth of its longer side."""
    sigma = max(square.shape[:2]) * _SIGMA
    return cv2.GaussianBlur(square, (0, 0), sigma).reshape(square.shape).astype(np.float32)


def local_mean(square: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Return float32 (h, w, c): each pixel of `head` as the mean of the head's pixels in a box around it.

    The box is a quarter of the square's longer side. Outside `head`, bool (h, w), the square is unchanged: there is
    nothing to hide. Raises ValueError for an empty head.
    """
    if not head.any():
        raise ValueError("no pixel of the square is in the head, so there is no mean to put in its place")
    box = 2 * [round(max(square.shape[:2]) * _BOX) | 1]
    within = head.astype(np.float64)

    def total(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, box, normalize=False, borderType=cv2.BORDER_CONSTANT).reshape(values.shape)

    mean = total(square * within[..., None]) / np.maximum(total(within), 1)[..., None]
    return np.where(head[..., None], mean, square).astype(np.float32)
