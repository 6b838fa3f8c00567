"""NIfTI volumes (.nii, .nii.gz) as slices in the orientation that a radiologist expects.

NIfTI-1 and -2 in a single file, https://nifti.nimh.nih.gov. The header is used only after it was
checked against the bytes of the file. Runs in the sandbox, which bounds the cost of a false header.
"""

import gzip
import io
import math
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import apply_orientation, io_orientation
from nibabel.spatialimages import HeaderDataError

from scans.scan import MAX_PIXELS, MAX_VOXELS, MIN_SIDE, PLANES, Scan, ScanError
from scans.window import darken_background, mend, slices_window, stretch_in_place

_AFTER_HEADER = 10_000_000  # bytes of extensions that may lie before the voxels
_BEFORE_VOXELS = {Nifti1Header: 352, Nifti2Header: 544}  # bytes of a header and the four that follow it
_GZIP_RATIO = 1032  # deflate cannot do better, so a short file cannot keep a large promise
_CHUNK = 1_000_000  # voxels converted at a time
_SKEW = 1e-3  # of a cube's volume: an affine that squeezes space flatter than this is broken

# From an array (x, y, z) that grows to the patient's right, front and head: the axis to cut along, the
# array axes that become rows and columns (both reversed), and the patient's side at left, right, top, bottom.
_VIEWS = {
    "axial": (2, (1, 0), ("R", "L", "A", "P")),
    "coronal": (1, (2, 0), ("R", "L", "S", "I")),
    "sagittal": (0, (2, 1), ("A", "P", "S", "I")),
}


def read_nifti(data: bytes, plane: str, _stack: str = "") -> Iterator[Scan]:
    """Yield the slices along `plane`, from below, from behind or from the left; one for a 2-D file.

    The patient's right is at the picture's left. Raises ScanError with a sentence for the user.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(data)) if data[:2] == b"\x1f\x8b" else io.BytesIO(data) as stream:
        header, about_header = _header(stream)
        about_header += _contradiction(header)
        shape, dtype = _shape(header), _dtype(header)
        _check_promise(header, shape, dtype, data)
        affine = _affine(header)
        voxels = _voxels(stream, header, math.prod(shape), dtype)
    stored = voxels.reshape(shape[::-1])  # x is fastest in the file
    notes = about_header + mend(voxels) + darken_background(stored)
    span = stretch_in_place(voxels)
    window, about_slices = slices_window(stored)
    notes += about_slices
    oriented = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    if not oriented:
        notes += ("This file does not say how the patient lies; left and right may be swapped.",)

    volume = apply_orientation(stored.T, io_orientation(affine))
    sizes = [float(size) for size in voxel_sizes(affine)[np.argsort(io_orientation(affine)[:, 0])]]
    plane = _only_plane(volume.shape) or plane
    _check_sides(volume.shape, plane)
    along, (rows, columns), edges = _VIEWS[plane]
    for cut in np.moveaxis(volume, along, 0):  # not take(): it copies the volume for each slice
        yield Scan(
            cut.T[::-1, ::-1],
            digest="",
            plane=plane,
            spacing=(sizes[rows], sizes[columns]),
            span=span,
            window=window,
            edges=edges if oriented else ("", "", "", ""),
            notes=notes,
        )


def _header(stream: BinaryIO) -> tuple[Nifti1Header, tuple[str, ...]]:
    """Return the header and notes; voxels that would begin within it begin behind it. Raises ScanError."""
    kind = Nifti1Header
    start = stream.read(540)
    if start[4:8] == b"n+2\0":
        kind = Nifti2Header
    try:
        unchecked = kind.from_fileobj(io.BytesIO(start), check=False)
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


def _shape(header: Nifti1Header) -> tuple[int, int, int]:
    claimed = tuple(int(side) for side in header["dim"][1 : 1 + max(0, int(header["dim"][0]))])
    if len(claimed) < 2 or min(claimed) < 1:
        raise ScanError(f"This NIfTI file claims the shape {claimed}; a volume has three sides of at least 1.")
    if math.prod(claimed[3:]) > 1:
        raise ScanError(
            f"This NIfTI file holds {math.prod(claimed[3:])} volumes ({' x '.join(map(str, claimed))}); Candor "
            "reads one, so save the volume you want as a file of its own."
        )
    return (claimed + (1,))[:3]


def _dtype(header: Nifti1Header) -> np.dtype:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ScanError(
            f"This NIfTI file stores its voxels as {header['datatype']:d} (colour, complex or very long numbers); "
            "Candor reads gray volumes of 8 to 64 bits, so save it as 16-bit integers."
        )
    return dtype


def _check_promise(header: Nifti1Header, shape: tuple[int, int, int], dtype: np.dtype, data: bytes) -> None:
    """Raise ScanError where the header promises more than is accepted or than the file can hold."""
    size = " x ".join(map(str, shape))
    if math.prod(shape) > MAX_VOXELS:
        raise ScanError(
            f"This NIfTI file claims {size} voxels; {MAX_VOXELS / 1e6:.0f} million at most are accepted, so "
            "save a smaller part or a coarser grid."
        )
    offset = float(header["vox_offset"])
    if not 0 <= offset <= _AFTER_HEADER:
        raise ScanError(f"This NIfTI file says that its voxels begin at byte {offset:.0f}; export it again.")
    packed = data[:2] == b"\x1f\x8b"
    if offset + math.prod(shape) * dtype.itemsize > len(data) * (_GZIP_RATIO if packed else 1):
        raise ScanError(
            f"This NIfTI file claims {size} voxels but is too short to hold them; it is damaged or was cut "
            "short on its way, so send it again."
        )


def _affine(header: Nifti1Header) -> np.ndarray:
    """Return the finite, invertible (4, 4) map from voxels to millimetres."""
    try:
        affine = header.get_best_affine()
    except HeaderDataError:
        affine = np.full((4, 4), np.nan)
    if np.isfinite(affine).all():
        volume = np.prod(np.linalg.norm(affine[:3, :3], axis=0))
        if volume > 0 and np.isfinite(volume) and abs(np.linalg.det(affine[:3, :3])) > _SKEW * volume:
            return affine
    raise ScanError(
        "This NIfTI file's orientation (its affine) is not a number or flattens space, so left cannot be told "
        "from right; export the volume again."
    )


def _voxels(stream: BinaryIO, header: Nifti1Header, size: int, dtype: np.dtype) -> np.ndarray:
    """Return float32 (size,) as stored, scaled by the header's slope; no more than a chunk besides it."""
    slope, intercept = header.get_slope_inter()
    slope, intercept = (1.0, 0.0) if slope is None else (slope, intercept)
    stream.seek(int(header["vox_offset"]))
    voxels = np.empty(size, np.float32)
    for start in range(0, size, _CHUNK):
        part = voxels[start : start + _CHUNK]
        stored = stream.read(part.size * dtype.itemsize)
        if len(stored) < part.size * dtype.itemsize:
            raise EOFError
        part[:] = np.frombuffer(stored, dtype) * slope + intercept
    return voxels


def _only_plane(shape: tuple[int, int, int]) -> str:
    """Return the plane of a single slice, or "" for a volume: across a slice there is nothing to see."""
    thin = [plane for plane in PLANES if shape[_VIEWS[plane][0]] == 1]
    return thin[0] if len(thin) == 1 else ""


def _check_sides(shape: tuple[int, int, int], plane: str) -> None:
    """Raise ScanError where slices along `plane` are too small to see a head, or too large."""
    sizes = {name: [shape[axis] for axis in axes] for name, (_, axes, _) in _VIEWS.items()}
    rows, columns = sizes[plane]
    if rows * columns > MAX_PIXELS:
        raise ScanError(
            f"The slices of this volume have {columns} x {rows} pixels; {MAX_PIXELS / 1e6:.0f} million at most "
            "are accepted, so save it on a coarser grid."
        )
    best = max(sizes, key=lambda name: min(sizes[name]))
    if min(sizes[plane]) < MIN_SIDE <= min(sizes[best]):
        raise ScanError(
            f"Cut {plane}, this volume gives slices of {columns} x {rows} pixels; at least {MIN_SIDE} x "
            f"{MIN_SIDE} are needed to see a head, so look at it {best}."
        )
