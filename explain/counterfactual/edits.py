"""Edits of a picture: a region removed, kept alone or moved, and its mirror image.

Pictures here are float32 (H, W) in [0, 1], as the file's own window shows them, and are never changed in place.
"""

import cv2
import numpy as np

from scans import Box, resize
from scans.head import head_mask

_RADIUS = 3  # pixels around the hole that one pixel is filled from
_REACH = 16  # pixels around the box that inpainting is given: it uses no more than twice its radius
_STEPS = 65535
_EDGE = 8  # the soft edge is this fraction of the region's shorter side
_OUTLINE = 256  # pixels: the head's outline is found at this size, whatever the scan's own


def erased(picture: np.ndarray, box: Box) -> np.ndarray:
    """Return the picture with the box inpainted from its surroundings (Telea 2004), so that no rectangle marks it."""
    near = within(Box(box.top - _REACH, box.left - _REACH, box.bottom + _REACH, box.right + _REACH), picture.shape)
    # 16 bits: 8 would make bands of a smooth shade, and OpenCV's filling of float pictures adds and takes off up
    # to 1 of their unit, which in [0, 1] is everything (with OpenCV 4.12: fillings from -1.2 to 1.8).
    coarse = np.round(_STEPS * picture[near.slices]).astype(np.uint16)
    hole = np.zeros(picture.shape, np.uint8)
    hole[box.slices] = 1
    filled = picture.copy()
    filling = cv2.inpaint(coarse, hole[near.slices].copy(), _RADIUS, cv2.INPAINT_TELEA) / np.float32(_STEPS)
    filled[near.slices] = np.where(hole[near.slices], filling, picture[near.slices])
    return filled


def kept(picture: np.ndarray, box: Box) -> np.ndarray:
    """Return the region on a head that has an outline and one grey, its median, and nothing else; the air is black.

    On black, the model would be given a rectangle that floats in air, and a changed prediction could be due to the
    missing head. A blurred head still shows where another lesion is, and unchanged air still holds the letters
    burned into it.
    """
    head = outline(picture)
    alone = np.where(head, np.median(picture[head]), 0).astype(np.float32)
    return _laid(alone, picture[box.slices], box)


def moved(picture: np.ndarray, box: Box, goal: Box) -> np.ndarray:
    """Return the picture with the region laid over `goal`, a box of the same size, and filled where it was."""
    return _laid(erased(picture, box), picture[box.slices], goal)


def _laid(picture: np.ndarray, region: np.ndarray, goal: Box) -> np.ndarray:
    """Return the picture with a region laid over it, fading out within its own edge."""
    edge = max(1.0, min(region.shape) / _EDGE)
    rows, columns = (np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) for side in region.shape)
    alpha = np.clip(np.minimum(rows[:, None], columns) / edge, 0, 1).astype(np.float32)
    changed = picture.copy()
    changed[goal.slices] += alpha * (region - changed[goal.slices])
    return changed


def outline(picture: np.ndarray) -> np.ndarray:
    """Return bool (H, W): the head with all within its outline; everywhere if no head is found."""
    scale = min(1.0, _OUTLINE / max(picture.shape))
    small = resize(picture, tuple(max(1, round(scale * side)) for side in picture.shape))
    head = resize(head_mask(small).astype(np.float32), picture.shape) >= 0.5
    return head if head.any() else np.ones_like(head)


def mirrored(box: Box, head: Box) -> Box:
    """Return the box on the other side of the head's vertical middle, which may lie outside the scan."""
    both = head.left + head.right
    return Box(box.top, both - box.right, box.bottom, both - box.left)


def shifted(box: Box, offset: tuple[int, int]) -> Box:
    """Return the box `offset` rows further down and columns further to the right."""
    rows, columns = offset
    return Box(box.top + rows, box.left + columns, box.bottom + rows, box.right + columns)


def within(box: Box, shape: tuple[int, int]) -> Box:
    """Return the part of a box that lies in a picture of `shape`."""
    return Box(max(0, box.top), max(0, box.left), min(shape[0], box.bottom), min(shape[1], box.right))


def overlap(first: Box, second: Box) -> bool:
    """Return whether two boxes share a pixel."""
    rows = min(first.bottom, second.bottom) - max(first.top, second.top)
    return rows > 0 and min(first.right, second.right) > max(first.left, second.left)
