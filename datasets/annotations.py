"""Annotations of radiologists: the boxes and masks that come with figshare's slices.

Jun Cheng's brain tumor dataset, https://doi.org/10.6084/m9.figshare.1512427, as its author serves it (MATLAB v7.3:
`cjdata/image` and `cjdata/tumorMask`), or as JPEG with boxes beside it (`<n>.txt`, published with RCS-YOLO).
"""

from pathlib import Path

import h5py
import numpy as np

from scans.head import Box
from scans.scan import ScanError

RelativeBox = tuple[float, float, float, float]  # x centre, y centre, width, height in shares of the picture, 0 to 1

UNREADABLE_MAT = (OSError, KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError)  # of h5py


def has_annotation(path: Path) -> bool:
    """Tell whether boxes or a mask come with a scan. Raises ScanError on a broken file of boxes."""
    return path.suffix == ".mat" or bool(boxes_beside(path))


def annotated_boxes(path: Path) -> tuple[RelativeBox, ...]:
    """Return the boxes that come with a scan: of its `<stem>.txt`, or around its mask; () for none.

    Raises ScanError on a file that holds anything else.
    """
    if path.suffix != ".mat":
        return boxes_beside(path)
    try:
        with h5py.File(path) as file:
            return boxes_around(file["cjdata/tumorMask"][:].T)
    except UNREADABLE_MAT as error:
        raise ScanError(f"{path} is not a figshare slice (MATLAB v7.3 with cjdata/tumorMask): {error}") from error


def boxes_beside(path: Path) -> tuple[RelativeBox, ...]:
    """Return the boxes in `<stem>.txt` beside a picture, `class x_centre y_centre width height` per line.

    () without such a file. Raises ScanError on one that holds anything else.
    """
    path = path.with_suffix(".txt")
    if not path.exists():
        return ()
    try:
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        boxes = tuple((float(x), float(y), float(w), float(h)) for _, x, y, w, h in rows)
    except OSError as error:
        raise ScanError(f"{path} cannot be read ({error.strerror}); check its permissions, or remove it") from error
    except ValueError:
        boxes = ((-1.0,) * 4,)
    if not all(0 <= value <= 1 for box in boxes for value in box):
        raise ScanError(
            f"{path} should have five numbers per line: class, and x, y, width and height between 0 and 1, as shares "
            "of the picture; correct it, or remove it to go without its boxes"
        )
    return boxes


def boxes_around(mask: np.ndarray) -> tuple[RelativeBox, ...]:
    """Return the one box around a mask (H, W); () for an empty mask."""
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    if not rows.size:
        return ()
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = mask.shape
    return (
        (
            float((left + right) / 2 / width),
            float((top + bottom) / 2 / height),
            float((right - left) / width),
            float((bottom - top) / height),
        ),
    )


def boxes_in_pixels(boxes: tuple[RelativeBox, ...], shape: tuple[int, int]) -> tuple[Box, ...]:
    """Return the boxes in the pixels of a scan of `shape` (rows, columns), as far as they lie within it."""
    rows, columns = shape
    return tuple(
        Box(
            max(0, round((y - h / 2) * rows)),
            max(0, round((x - w / 2) * columns)),
            min(rows, round((y + h / 2) * rows)),
            min(columns, round((x + w / 2) * columns)),
        )
        for x, y, w, h in boxes
    )
