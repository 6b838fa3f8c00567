"""NIfTI files (.nii, .nii.gz): what their header says of the voxels.

NIfTI-1 and -2 in a single file, https://nifti.nimh.nih.gov. The header is used only after it was
checked against the bytes of the file.
"""

import io
import math
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import io_orientation
from nibabel.spatialimages import HeaderDataError

from scans.scan import Scan, ScanError
from scans.volumes import AFTER_HEADER, Layout, check_promise, checked_affine, checked_dtype, opened, room_of, slices

_MM = {1: 1000.0, 3: 0.001}  # `xyzt_units` of metre and micrometre, in mm; 2, or nothing, is mm
_BEFORE_VOXELS = {Nifti1Header: 352, Nifti2Header: 544}  # bytes of a header and the four that follow it


def read_nifti(data: bytes, plane: str, stack: str = "") -> Iterator[Scan]:
    """Yield the slices of one of the file's volumes along `plane`, as `scans.volumes.slices` does.

    Raises ScanError with a sentence for the user.
    """
    with opened(data) as stream:
        header, notes = _header(stream)
        shape, volumes = _shape(header)
        dtype = checked_dtype("NIfTI", header.get_data_dtype())
        offset = _offset(header)
        check_promise("NIfTI", shape, volumes, dtype.itemsize, room_of(data) - offset)
        slope, intercept = header.get_slope_inter()
        layout = Layout(
            "NIfTI",
            shape,
            dtype,
            _affine(header),
            oriented=int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0,
            volumes=volumes,
            scale=(1.0, 0.0) if slope is None else (slope, intercept),
            notes=notes + _contradiction(header),
        )
        stream.seek(offset)
        yield from slices(stream, layout, plane, stack)


def _header(stream: BinaryIO) -> tuple[Nifti1Header, tuple[str, ...]]:
    """Return the header and notes; voxels that would begin within it begin behind it. Raises ScanError."""
    kind = Nifti1Header
    start = stream.read(540)
    if start[4:8] == b"n+2\0":
        kind = Nifti2Header
    try:
        unchecked = kind.from_fileobj(io.BytesIO(start[: kind.sizeof_hdr]), check=False)  # without its extensions
        notes = _mend_offset(unchecked)
        return kind.from_fileobj(io.BytesIO(unchecked.binaryblock)), notes
    except HeaderDataError:
        raise ScanError("The header of this NIfTI file contradicts itself; export the volume again.") from None


def _mend_offset(header: Nifti1Header) -> tuple[str, ...]:
    """Let the voxels begin behind the header where the file says that they lie in it; return notes."""
    smallest = _BEFORE_VOXELS[type(header)]
    offset = float(header["vox_offset"])
    if not 0 <= offset < smallest:
        return ()
    header["vox_offset"] = smallest
    return (
        f"This file says that its voxels begin at byte {offset:.0f}, within its header; they are read from byte "
        f"{smallest} on.",
    )


def _contradiction(header: Nifti1Header) -> tuple[str, ...]:
    """Return a note where the file's two orientations give the patient's sides differently."""
    if int(header["sform_code"]) <= 0 or int(header["qform_code"]) <= 0:
        return ()
    try:
        sides = [io_orientation(affine) for affine in (header.get_sform(), header.get_qform())]
    except (HeaderDataError, ValueError, np.linalg.LinAlgError):
        return ()
    if np.array_equal(*sides):
        return ()
    return (
        "This file's two orientations (sform and qform) contradict each other on the patient's sides; Candor follows "
        "the sform.",
    )


def _shape(header: Nifti1Header) -> tuple[tuple[int, int, int], int]:
    """Return the shape of a volume and the number of volumes, whatever axes tell them apart. Raises ScanError."""
    claimed = tuple(int(side) for side in header["dim"][1 : 1 + max(0, int(header["dim"][0]))])
    if len(claimed) < 2 or min(claimed) < 1:
        raise ScanError(f"This NIfTI file claims the shape {claimed}; a volume has three sides of at least 1.")
    return (claimed + (1,))[:3], math.prod(claimed[3:])


def _offset(header: Nifti1Header) -> int:
    offset = float(header["vox_offset"])
    if not 0 <= offset <= AFTER_HEADER:
        raise ScanError(f"This NIfTI file says that its voxels begin at byte {offset:.0f}; export it again.")
    return int(offset)


def _affine(header: Nifti1Header) -> np.ndarray:
    try:
        affine = header.get_best_affine()
    except HeaderDataError:
        affine = np.full((4, 4), np.nan)
    affine[:3] *= _MM.get(int(header["xyzt_units"]) & 7, 1.0)
    return checked_affine("NIfTI", affine)
