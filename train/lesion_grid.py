"""The lesion's place in a model's square, and on the coarse grid that a network is trained with.

The data give boxes; a lesion is rounder than its box, so the ellipse in the box represents it. A place is
float32 (4,): top, left, bottom, right in pixels of the model's square; all zero where a scan has no lesion,
and NaN where the scan has no annotation.
"""

import cv2
import numpy as np

from datasets.annotations import boxes_in_pixels
from datasets.label_map import HEALTHY
from datasets.records import Record
from scans import Placement


def lesion_place(record: Record, placement: Placement) -> np.ndarray:
    """Return the place of the record's largest lesion, float32 (4,)."""
    if record.label in HEALTHY:
        return np.zeros(4, np.float32)
    boxes = boxes_in_pixels(record.boxes, placement.scan_shape)
    if not boxes:
        return np.full(4, np.nan, np.float32)
    box = max(boxes, key=lambda b: b.height * b.width)
    crop, inner = placement.box, placement.inner
    rows, columns = inner.height / crop.height, inner.width / crop.width
    return np.array(
        [
            inner.top + (box.top - crop.top) * rows,
            inner.left + (box.left - crop.left) * columns,
            inner.top + (box.bottom - crop.top) * rows,
            inner.left + (box.right - crop.left) * columns,
        ],
        np.float32,
    )


def lesion_mask(place: np.ndarray, shape: tuple[int, int]) -> np.ndarray | None:
    """Return uint8 `shape`, 255 within the lesion; None where it has no annotation."""
    if np.isnan(place).any():
        return None
    canvas = np.zeros(shape, np.uint8)
    top, left, bottom, right = (float(edge) for edge in place)
    if bottom > top and right > left:
        middle, size = ((left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5), (right - left, bottom - top)
        cv2.ellipse(canvas, (middle, size, 0.0), 255, -1)
    return canvas


def cells(picture: np.ndarray, side: int) -> np.ndarray:
    """Return float32 (side, side): the share of each cell that lies in the lesion."""
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
