"""Boxes in a picture: mirrored, moved, grown, cut to its size, and whether they overlap."""

import cv2
import numpy as np

from scans import Box


def mirrored(box: Box, head: Box) -> Box:
    """Return the box on the other side of the head's vertical middle, which may lie outside the scan."""
    both = head.left + head.right
    return Box(box.top, both - box.right, box.bottom, both - box.left)


def shifted(box: Box, offset: tuple[int, int]) -> Box:
    """Return the box `offset` rows further down and columns further to the right."""
    rows, columns = offset
    return Box(box.top + rows, box.left + columns, box.bottom + rows, box.right + columns)


def grown(box: Box, margin: int) -> Box:
    """Return the box with `margin` pixels more on each side."""
    return Box(box.top - margin, box.left - margin, box.bottom + margin, box.right + margin)


def within(box: Box, shape: tuple[int, int]) -> Box:
    """Return the part of a box that lies in a picture of `shape`."""
    return Box(max(0, box.top), max(0, box.left), min(shape[0], box.bottom), min(shape[1], box.right))


def overlap(first: Box, second: Box) -> bool:
    """Return whether two boxes share a pixel."""
    rows = min(first.bottom, second.bottom) - max(first.top, second.top)
    return rows > 0 and min(first.right, second.right) > max(first.left, second.left)


def pixels_within(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return int (H - height + 1, W - width + 1): how many pixels of a mask (H, W) a box with that corner holds."""
    sums = cv2.integral(mask.astype(np.uint8))
    return sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
