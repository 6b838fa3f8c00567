"""The control of a counterfactual: a region of the same size, without the one in question, that is changed alike."""

from typing import NamedTuple

import numpy as np

from explain.counterfactual.boxes import grown, mirrored, overlap, pixels_within, shifted, within
from scans import Box

MIRRORED, ELSEWHERE = "mirrored", "elsewhere"
_ALIKE = 0.5  # the mirrored region holds at least this share of the head's pixels that the region holds


class Control(NamedTuple):
    """A region of the head: `place` is MIRRORED or ELSEWHERE, `offset` how far it is moved."""

    place: str
    box: Box
    offset: tuple[int, int]


def control_region(
    box: Box, head: np.ndarray, head_box: Box, *, margin: int = 0, offset: tuple[int, int] = (0, 0)
) -> Control | None:
    """Return the control of a region, None where the head has no place for one.

    It is the region mirrored to the other side of the head, or, where that would be air or touch the region, the
    place whose distance from the middle of the head is nearest to the region's, wholly within the head. Neither it nor
    what it is moved to comes within `margin` pixels of the region. `head` is bool (H, W), `head_box` the box around it.
    """
    mirror, back = mirrored(box, head_box), (offset[0], -offset[1])
    ends = mirror, shifted(mirror, back)
    apart = all(within(each, head.shape) == each and not overlap(each, grown(box, margin)) for each in ends)
    if apart and head[mirror.slices].sum() >= _ALIKE * head[box.slices].sum():
        return Control(MIRRORED, mirror, back)
    return _elsewhere(box, head, head_box, margin, offset)


def _elsewhere(box: Box, head: np.ndarray, head_box: Box, margin: int, offset: tuple[int, int]) -> Control | None:
    rows, columns = head.shape[0] - box.height + 1, head.shape[1] - box.width + 1
    tops, lefts = np.ogrid[:rows, :columns]
    high, wide = box.height, box.width
    free = pixels_within(head, high, wide) == high * wide
    for down, right in {(0, 0), offset}:
        top, left = tops + down, lefts + right
        free &= (top >= 0) & (left >= 0) & (top + high <= head.shape[0]) & (left + wide <= head.shape[1])
        near = grown(box, margin)
        clear = (top >= near.bottom) | (top + high <= near.top)
        free &= clear | (left >= near.right) | (left + wide <= near.left)
    if not free.any():
        return None
    middle = (head_box.top + head_box.bottom) / 2, (head_box.left + head_box.right) / 2
    away = np.hypot(tops + high / 2 - middle[0], lefts + wide / 2 - middle[1])
    own = np.hypot(box.top + high / 2 - middle[0], box.left + wide / 2 - middle[1])
    top, left = np.unravel_index(np.where(free, np.abs(away - own), np.inf).argmin(), free.shape)
    return Control(ELSEWHERE, Box(int(top), int(left), int(top) + high, int(left) + wide), offset)
