"""The erasure of a region: replaced by tissue that a similar surrounding encloses, and checked for what is left of it.

A hole with the outline of a lesion that is filled from its own rim is filled with that lesion. So the hole is larger
than the region, and is filled from elsewhere: from the place, in the picture or in its mirror image, whose surrounding
looks most like that of the hole, which usually is the same place on the other side of the head. Where no place of that
size is left beside the hole, it is filled with a smooth shade of the tissue around it.

Pictures here are float32 (H, W) in [0, 1], as the file's own window shows them, and are never changed in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from explain.counterfactual.boxes import grown, mirrored, pixels_within, within
from scans import Box

MOST_LEFT = 0.5  # share of a lesion's contrast; where more is left, the picture does not show its absence
ENOUGH = 0.25  # the same share, at which the hole is grown no further
GROWTHS = (0.2, 0.35, 0.5)  # of the region's shorter side, tried in this order: how far the hole exceeds the region
_LEAST = 2  # pixels that it exceeds the region by at least
_RING = 0.25  # of the shorter side: the width of the surrounding
_DETAIL = 0.125  # of the shorter side: what is finer is texture
_EXTREME = 0.9  # quantile: a lesion may fill a small part of its box
_NORMAL = 1.2816 * 1.4826  # that quantile of a normal distribution, in median absolute deviations
_FARTHEST = 2.5 * 1.4826  # median absolute deviations: beyond them the surrounding is air, fat or bone
_SIMILAR = 0.05  # of the picture's range: surroundings that differ by less are alike, else if closer than one grey
_ALIKE = 0.9  # a filling holds at least this share of the head's pixels that the hole holds: air is no tissue
_FEWEST = 9  # pixels of a surrounding
_FAINTEST = 0.01  # of the picture's range: below it nothing can be seen


@dataclass(frozen=True, eq=False)
class Erasure:
    """A picture without a region. `hole` is what was replaced, the region and `margin` pixels that fade out.

    `contrast_left` is the share of the region's contrast to its surrounding that is still there, from 0; None where
    the region did not stand out from its surrounding.
    """

    picture: np.ndarray
    hole: Box
    margin: int
    contrast_left: float | None


def erase(
    picture: np.ndarray, box: Box, head: np.ndarray, *, margin: int | None = None, avoid: Sequence[Box] = ()
) -> Erasure:
    """Return the picture without a region; `head` is bool (H, W).

    The hole is grown until little of the region's contrast is left, filled from a similar place if that helps, else
    with a shade; with a `margin` in pixels it is grown by that. Nothing is taken from `avoid`: a lesion must not be the
    filling of another place.
    """
    margins = [margin] if margin else sorted({max(_LEAST, round(share * _side(box))) for share in GROWTHS})
    tries = []
    for from_elsewhere, wider in product((True, False), margins):
        hole = within(grown(box, wider), picture.shape)
        around = _ring(hole, _side(box), picture.shape)
        place = _similar_place(picture, hole, around, head, avoid) if from_elsewhere else None
        if place is None and from_elsewhere:
            continue
        filling = _shade(picture, hole, around & head) if place is None else place
        filled = _filled(picture, box, hole, filling, np.ones_like(head) if from_elsewhere else head)
        tries.append(Erasure(filled, hole, wider, contrast_left(picture, filled, box, hole, head)))
        if tries[-1].contrast_left is not None and tries[-1].contrast_left <= ENOUGH:
            return tries[-1]
    seen = [each for each in tries if each.contrast_left is not None]
    return min(seen, key=lambda each: each.contrast_left) if seen else tries[0]


def contrast_left(picture: np.ndarray, changed: np.ndarray, box: Box, hole: Box, head: np.ndarray) -> float | None:
    """Return how much of a region's contrast to its surrounding a change has left, as a share from 0.

    The contrast is how far the 90th percentile of the region's greys, brighter or darker, whichever is farther, lies
    from the median of the head around the `hole`, beyond what that surrounding itself varies by; texture finer than
    an eighth of the region is smoothed away. None where that is less than half of what the surrounding varies by: the
    region looks like it. 1 where the head has no surrounding to compare with.
    """
    around = _ring(hole, _side(box), picture.shape) & head
    if around.sum() < _FEWEST:
        return 1.0
    before, after = (cv2.GaussianBlur(each, (0, 0), max(0.5, _DETAIL * _side(box))) for each in (picture, changed))
    level = np.median(before[around])
    usual = max(_FAINTEST, _NORMAL * np.median(np.abs(before[around] - level)))
    region = before[box.slices] - level
    sign = 1 if np.quantile(region, _EXTREME) >= -np.quantile(region, 1 - _EXTREME) else -1
    had, has = (np.quantile(sign * (each[box.slices] - level), _EXTREME) - usual for each in (before, after))
    return float(max(0.0, has) / had) if had > max(_FAINTEST, usual / 2) else None


def _filled(picture: np.ndarray, box: Box, hole: Box, filling: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the picture with the hole replaced, wholly within the box and less and less towards the hole's edge."""
    rows, columns = (
        np.interp(np.arange(*ends) + 0.5, (ends[0], inner[0], inner[1], ends[1]), (0, 1, 1, 0))
        for ends, inner in (
            ((hole.top, hole.bottom), (box.top, box.bottom)),
            ((hole.left, hole.right), (box.left, box.right)),
        )
    )
    alpha = np.minimum(rows[:, None], columns).astype(np.float32) * where[hole.slices]
    filled = picture.copy()
    filled[hole.slices] += alpha * (filling - filled[hole.slices])
    return np.clip(filled, 0, 1)


def _similar_place(
    picture: np.ndarray, hole: Box, around: np.ndarray, head: np.ndarray, avoid: Sequence[Box]
) -> np.ndarray | None:
    """Return a filling for the hole, float32 (h, w), from where the surrounding is most alike; None if none is alike.

    Its grey is that of the surrounding: the median difference of the two is added.
    """
    patch = within(grown(hole, _width(around, hole)), picture.shape)
    mask = around[patch.slices].astype(np.float32)
    if not mask.any():
        return None
    inner = Box(hole.top - patch.top, hole.left - patch.left, hole.bottom - patch.top, hole.right - patch.left)
    enough = _ALIKE * head[hole.slices].sum()
    best, source = np.inf, None
    for mirror in (True, False):  # where both are alike, the other side of the head
        searched, of_head, taken = picture, head, [hole, *avoid]
        if mirror:
            searched, of_head = (np.ascontiguousarray(each[:, ::-1]) for each in (picture, head))
            taken = [mirrored(each, Box(0, 0, *picture.shape)) for each in taken]
        apart = cv2.matchTemplate(searched, picture[patch.slices], cv2.TM_SQDIFF, mask=mask)
        held = pixels_within(of_head, hole.height, hole.width)[inner.top :, inner.left :]
        free = _free(apart.shape, inner, taken) & (held[: apart.shape[0], : apart.shape[1]] >= enough)
        apart[~free] = np.inf
        row, column = np.unravel_index(apart.argmin(), apart.shape)
        if apart[row, column] < best:
            best = apart[row, column]
            source = searched[row : row + patch.height, column : column + patch.width]
    if source is None:
        return None
    ring = picture[patch.slices][mask > 0]
    apart = ring - source[mask > 0]
    level = np.median(apart)
    if np.mean((apart - level) ** 2) > max(_SIMILAR**2, np.var(ring)):
        return None
    return source[inner.slices] + level


def _free(shape: tuple[int, int], inner: Box, taken: Sequence[Box]) -> np.ndarray:
    """Return bool: for each place of a patch's corner, whether its `inner` part overlaps none of `taken`."""
    free = np.ones(shape, bool)
    for each in taken:
        rows = slice(max(0, each.top - inner.bottom + 1), max(0, each.bottom - inner.top))
        columns = slice(max(0, each.left - inner.right + 1), max(0, each.right - inner.left))
        free[rows, columns] = False
    return free


def _shade(picture: np.ndarray, hole: Box, around: np.ndarray) -> np.ndarray:
    """Return a smooth shade for the hole, float32 (h, w), from the tissue around it; air, fat and bone count less."""
    if not around.any():
        return np.full((hole.height, hole.width), np.median(picture), np.float32)
    level = np.median(picture[around])
    spread = max(_FAINTEST, _FARTHEST * np.median(np.abs(picture[around] - level)))
    tissue = np.where(around, np.clip(picture, level - spread, level + spread), 0).astype(np.float32)
    near = within(grown(hole, max(hole.height, hole.width)), picture.shape)
    total, weight = (
        cv2.GaussianBlur(each[near.slices].astype(np.float32), (0, 0), _side(hole) / 2) for each in (tissue, around)
    )
    inside = Box(hole.top - near.top, hole.left - near.left, hole.bottom - near.top, hole.right - near.left).slices
    return np.where(weight[inside] > 1e-6, total[inside] / np.maximum(weight[inside], 1e-6), level).astype(np.float32)


def _ring(hole: Box, side: int, shape: tuple[int, int]) -> np.ndarray:
    """Return bool (H, W): the surrounding of a hole that was made for a region of that shorter side."""
    ring = np.zeros(shape, bool)
    ring[within(grown(hole, max(3, round(_RING * side))), shape).slices] = True
    ring[hole.slices] = False
    return ring


def _width(around: np.ndarray, hole: Box) -> int:
    rows = np.flatnonzero(around.any(axis=1))
    columns = np.flatnonzero(around.any(axis=0))
    if not len(rows):
        return 0
    return int(
        max(hole.top - rows[0], rows[-1] + 1 - hole.bottom, hole.left - columns[0], columns[-1] + 1 - hole.right)
    )


def _side(box: Box) -> int:
    return min(box.height, box.width)
