"""Edits of a picture: a region kept alone, or laid over another place; its removal is in `erasure`.

Pictures here are float32 (H, W) in [0, 1], as the file's own window shows them, and are never changed in place.
"""

import numpy as np

from scans import Box, resize
from scans.head import head_mask

_EDGE = 8  # the soft edge is this fraction of the region's shorter side
_OUTLINE = 256  # pixels: the head's outline is found at this size, whatever the scan's own


def kept(picture: np.ndarray, box: Box) -> np.ndarray:
    """Return the region on a head that has an outline and one grey, its median, and nothing else; the air is black.

    On black, the model would be given a rectangle that floats in air, and a changed prediction could be due to the
    missing head. A blurred head still shows where another lesion is, and unchanged air still holds the letters
    burned into it.
    """
    head = outline(picture)
    alone = np.where(head, np.median(picture[head]), 0).astype(np.float32)
    return laid(alone, picture[box.slices], box)


def laid(picture: np.ndarray, region: np.ndarray, goal: Box) -> np.ndarray:
    """Return the picture with a region, float32 of the size of `goal`, laid over it, fading out within its own edge."""
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
