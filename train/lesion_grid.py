"""The lesion's place in a model's square, and on the coarse grid that a network is trained with.

The data give boxes; a lesion is rounder than its box, so the ellipse in the box represents it. A place is
float32 (4,): top, left, bottom, right in pixels of the model's square; all zero where a scan has no lesion,
and NaN where the scan has no annotation.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from datasets.annotations import boxes_in_pixels
from datasets.label_map import HEALTHY
from datasets.near_duplicates import NearDuplicates
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


def places_passed_on(
    places: np.ndarray, records: Sequence[Record], duplicates: NearDuplicates, side: int
) -> np.ndarray:
    """Return the places, float32 (N, 4), where training scans without an annotation have that of a near-duplicate.

    The Kaggle set holds figshare's slices mirrored, and figshare's have boxes. Both scans are cropped to the head and
    shown in squares of `side` pixels, so that a mirror image or a turn of the whole square moves the place. Only
    close near-duplicates of the same class pass it on.
    """
    places, known = places.copy(), ~np.isnan(places).any(axis=1)
    train = np.array([record.split == "train" for record in records])
    labels = np.array([record.label for record in records])
    for (i, j), close, position in zip(duplicates.rows, duplicates.close, duplicates.positions, strict=True):
        if close and known[j] and not known[i] and train[i] and train[j] and labels[i] == labels[j]:
            places[i] = _positioned_place(places[j], int(position), side)
    return places


def _positioned_place(place: np.ndarray, position: int, side: int) -> np.ndarray:
    """Return a place after `datasets.near_duplicates.positioned` of its square: mirrored first, then turned."""
    top, left, bottom, right = place
    if position >= 4:
        left, right = side - right, side - left
    for _ in range(position % 4):  # a quarter turn to the left: the right edge becomes the top
        top, left, bottom, right = side - right, top, side - left, bottom
    return np.array([top, left, bottom, right], np.float32)


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
