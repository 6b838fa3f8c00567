"""figshare's slices (.mat): MATLAB v7.3 files, which are HDF5, with the picture in `cjdata/image`.

Jun Cheng's brain tumor dataset, https://doi.org/10.6084/m9.figshare.1512427: int16, stored column by column. HDF5 can
name other files on the reader's disk, as links or as the place of its values; none of these is followed.
"""

import io
import math
from collections.abc import Iterator

import h5py
import numpy as np

from scans.scan import MAX_PIXELS, Scan, ScanError
from scans.window import stretch

_OTHER = (
    "This is an HDF5 or MATLAB v7.3 file, but no slice of figshare's (cjdata/image), the only one of its kind that "
    "Candor reads; save its picture as PNG, or its volume as NIfTI."
)
_MINC = "This is a MINC volume; save it as NIfTI (mnc2nii)."


def read_mat(data: bytes, _plane: str = "", stack: str = "") -> Iterator[Scan]:
    """Yield the one slice of a figshare file, contrast-enhanced T1. Raises ScanError with a sentence for the user."""
    if stack:
        raise ScanError("This file holds one stack; open it without naming one.")
    with h5py.File(io.BytesIO(data), "r") as file:
        if _lies_within(file, "minc-2.0"):
            raise ScanError(_MINC)
        values = _image(file)
    pixels, span, window = stretch(values)
    yield Scan(pixels, digest="", span=span, window=window, modality="MR", sequence="T1C+")


def _image(file: h5py.File) -> np.ndarray:
    """Return the picture (H, W), as stored. Raises ScanError where the file is another than figshare's."""
    group = file["cjdata"] if _lies_within(file, "cjdata") else None
    image = group["image"] if isinstance(group, h5py.Group) and _lies_within(group, "image") else None
    if not isinstance(image, h5py.Dataset) or image.is_virtual or image.external:
        raise ScanError(_OTHER)
    if image.ndim != 2 or image.dtype.kind not in "iuf" or image.dtype.itemsize > 8:
        raise ScanError(
            f"This is no figshare slice: its image has the shape {image.shape[::-1]} and not that of one grey picture; "
            "save it as PNG."
        )
    if not 0 < math.prod(image.shape) <= MAX_PIXELS:
        raise ScanError(
            f"This figshare file claims {image.shape[1]} x {image.shape[0]} pixels; {MAX_PIXELS / 1e6:.0f} million at "
            "most are accepted, so save a smaller picture."
        )
    return image[:].T


def _lies_within(group: h5py.Group, name: str) -> bool:
    """Return whether a name stands for something in the file itself, and not for a way to elsewhere."""
    try:  # not `name in group`, which opens the file that a link names
        return group.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD
    except (KeyError, RuntimeError):  # there is no such name
        return False
