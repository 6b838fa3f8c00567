"""Where did a radiologist mark the tumour? figshare's slices, and the boxes or masks that come with them.

Jun Cheng's brain tumor dataset, https://doi.org/10.6084/m9.figshare.1512427, as its author serves it (MATLAB v7.3:
`cjdata/image` and `cjdata/tumorMask`), or as JPEG with boxes beside it (`<n>.txt`, published with RCS-YOLO). A box
is (x centre, y centre, width, height) in shares of the picture.
"""

from pathlib import Path

import h5py
import numpy as np

from scans.head import Box
from scans.scan import Scan, ScanError
from scans.window import stretch

Mark = tuple[float, float, float, float]


def read_mat(path: Path) -> Scan:
    """Read the slice of a figshare file; int16, stored column by column. Raises ScanError."""
    try:
        with h5py.File(path) as file:
            values = np.asarray(file["cjdata/image"]).T
    except (OSError, KeyError) as error:
        raise ScanError(f"{path} is not a figshare slice (MATLAB v7.3 with cjdata/image): {error}") from error
    pixels, span, window = stretch(values)
    return Scan(pixels, digest="", span=span, window=window, modality="MR", sequence="T1C+")


def marks_beside(path: Path) -> tuple[Mark, ...]:
    """Return the boxes in `<stem>.txt` beside a picture: `class x_centre y_centre width height` a line.

    None without such a file. Raises ScanError on one that holds anything else.
    """
    path = path.with_suffix(".txt")
    if not path.exists():
        return ()
    try:
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        boxes = tuple((float(x), float(y), float(w), float(h)) for _, x, y, w, h in rows)
    except ValueError:
        boxes = ((-1.0,) * 4,)
    if not all(0 <= value <= 1 for box in boxes for value in box):
        raise ScanError(
            f"{path} should have five numbers a line: class, and x, y, width and height between 0 and 1, shares of "
            "the picture; mend it, or remove it to go without its boxes"
        )
    return boxes


def mark_around(mask: np.ndarray) -> tuple[Mark, ...]:
    """Return the one box around a mask (H, W); none for an empty mask."""
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


def boxes_in_pixels(marks: tuple[Mark, ...], shape: tuple[int, int]) -> tuple[Box, ...]:
    """Return the boxes in the pixels of a scan of `shape`."""
    rows, columns = shape
    return tuple(
        Box(
            round((y - h / 2) * rows),
            round((x - w / 2) * columns),
            round((y + h / 2) * rows),
            round((x + w / 2) * columns),
        )
        for x, y, w, h in marks
    )


def read_marked(path: Path) -> tuple[Scan, tuple[Mark, ...]]:
    """Return a figshare slice with its boxes, from a `.mat` file or a picture. Raises ScanError."""
    from scans.read import read

    if path.suffix != ".mat":
        return read(path)[0], marks_beside(path)
    scan = read_mat(path)
    with h5py.File(path) as file:
        return scan, mark_around(np.asarray(file["cjdata/tumorMask"]).T)
