"""Volumes as slices in the orientation that a radiologist expects, whatever the format of their file.

A format's reader says where the voxels lie (`Layout`); here one of the file's volumes is read and cut. Runs in the
sandbox, which bounds the cost of a false header.
"""

import gzip
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from scans.file_types import GZIP
from scans.scan import MAX_PIXELS, MAX_VOXELS, MIN_SIDE, PLANES, Scan, ScanError
from scans.window import darken_background, mend, slices_window, stretch_in_place

MAX_VOLUMES = 2_000  # of a file; the longest functional series have 1,200
AFTER_HEADER = 10_000_000  # bytes of extensions that may lie before the voxels

_MAX_NAMES = 1_000_000  # volumes times slices: each slice carries the names of all volumes
_GZIP_RATIO = 1032  # deflate cannot do better, so a short file cannot keep a large promise
_CHUNK = 1_000_000  # voxels converted at a time, and bytes skipped
_SLANT = 0.01  # cosine of the angle between rows and columns; beyond it they are not at right angles
_TO_DICOM = np.array([-1.0, -1.0, 1.0])  # from mm rightwards, forwards and upwards to those of DICOM
_SKEW = 1e-3  # of a cube's volume: an affine that squeezes space flatter than this is broken

# From an array (x, y, z) that grows to the patient's right, front and head: the axis to cut along, the
# array axes that become rows and columns (both reversed), and the patient's side at left, right, top, bottom.
_VIEWS = {
    "axial": (2, (1, 0), ("R", "L", "A", "P")),
    "coronal": (1, (2, 0), ("R", "L", "S", "I")),
    "sagittal": (0, (2, 1), ("A", "P", "S", "I")),
}


@dataclass(frozen=True)
class Layout:
    """What a file's header says of its voxels. `shape` is that of one volume, the axis that is fastest first."""

    kind: str  # "NIfTI" ..., for sentences
    shape: tuple[int, int, int]
    dtype: np.dtype
    affine: np.ndarray  # (4, 4), from indices to mm rightwards, forwards and upwards; `checked_affine` made sure of it
    oriented: bool = True  # the file says how the patient lies; else the affine is a guess
    volumes: int = 1
    together: int = 0  # voxels of one volume that lie side by side before those of the next; 0: all of them
    scale: tuple[float, float] = (1.0, 0.0)  # slope and intercept from stored values
    notes: tuple[str, ...] = ()
    placed: bool = True  # the file says where the first voxel lies; else only directions and sizes are known


def opened(data: bytes) -> BinaryIO:
    """Return a file's bytes as a stream, inflated on the way where they are gzip."""
    return gzip.GzipFile(fileobj=io.BytesIO(data)) if data.startswith(GZIP) else io.BytesIO(data)


def room_of(data: bytes) -> int:
    """Return the bytes that `opened` can yield at most."""
    return len(data) * (_GZIP_RATIO if data.startswith(GZIP) else 1)


def checked_dtype(kind: str, dtype: np.dtype) -> np.dtype:
    """Return `dtype` where it is that of grey voxels. Raises ScanError."""
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ScanError(
            f"This {kind} file stores colour, complex or very long numbers as voxels; Candor reads grey volumes of "
            "8 to 64 bits, so save it as 16-bit integers."
        )
    return dtype


def checked_affine(kind: str, affine: np.ndarray) -> np.ndarray:
    """Return the (4, 4) map from voxels to millimetres where it is finite and invertible. Raises ScanError."""
    if np.isfinite(affine).all():
        volume = np.prod(np.linalg.norm(affine[:3, :3], axis=0))
        if volume > 0 and np.isfinite(volume) and abs(np.linalg.det(affine[:3, :3])) > _SKEW * volume:
            return affine
    raise ScanError(
        f"This {kind} file's orientation (its affine) is not a number or flattens space, so left cannot be told "
        "from right; export the volume again."
    )


def check_promise(kind: str, shape: tuple[int, int, int], volumes: int, itemsize: int, room: float) -> None:
    """Raise ScanError where a header promises more than is accepted, or than the `room` bytes for voxels can hold."""
    size = " x ".join(map(str, shape))
    if math.prod(shape) > MAX_VOXELS:
        raise ScanError(
            f"This {kind} file claims {size} voxels; {MAX_VOXELS / 1e6:.0f} million at most are accepted, so "
            "save a smaller part or a coarser grid."
        )
    if volumes > MAX_VOLUMES or volumes * max(shape) > _MAX_NAMES:
        raise ScanError(
            f"This {kind} file claims {volumes} volumes of {size} voxels; {MAX_VOLUMES:,} volumes at most are "
            f"accepted, with {_MAX_NAMES / 1e6:.0f} million slices together, so save those you want as a file of "
            "their own."
        )
    if math.prod(shape) * volumes * itemsize > room:
        many = f"{volumes} volumes of " if volumes > 1 else ""
        raise ScanError(
            f"This {kind} file claims {many}{size} voxels but is too short to hold them; it is damaged or was cut "
            "short on its way, so send it again."
        )


def slices(stream: BinaryIO, layout: Layout, plane: str, stack: str) -> Iterator[Scan]:
    """Yield the slices of a volume along `plane`, from below, from behind or from the left; one for a 2-D file.

    `stream` stands at the first voxel of the file, and `stack` names one of its volumes, "" the first. The patient's
    right is at the picture's left. Raises ScanError with a sentence for the user, and EOFError on a short stream.
    """
    names = tuple(f"volume {number} of {layout.volumes}" for number in range(1, layout.volumes + 1))
    names = names if layout.volumes > 1 else ()
    number = _chosen(names, stack)
    voxels = _voxels(stream, layout, number)
    stored = voxels.reshape(layout.shape[::-1])  # the first axis is fastest in the file
    notes = layout.notes
    if names:
        notes += (f"This file holds {len(names)} volumes; this is {names[number]}.",)
    notes += mend(voxels) + darken_background(stored)
    span = stretch_in_place(voxels)
    window, about_slices = slices_window(stored)
    notes += about_slices
    if not layout.oriented:
        notes += ("This file does not say how the patient lies; left and right may be swapped.",)

    turned = io_orientation(layout.affine)
    volume = apply_orientation(stored.T, turned)
    sizes = [float(size) for size in voxel_sizes(layout.affine)[np.argsort(turned[:, 0])]]
    plane = _only_plane(volume.shape) or plane
    _check_sides(volume.shape, plane)
    along, (rows, columns), edges = _VIEWS[plane]
    affine = layout.affine @ inv_ornt_aff(turned, layout.shape)
    directions, corners, positions = _places(layout, volume.shape, affine, plane)
    for place, cut in enumerate(np.moveaxis(volume, along, 0)):  # not take(): it copies the volume for each slice
        yield Scan(
            cut.T[::-1, ::-1],
            digest="",
            stack=names[number] if names else "",
            stacks=names,
            plane=plane,
            spacing=(sizes[rows], sizes[columns]),
            apart=sizes[along],
            in_mm=layout.oriented or sizes != [1.0, 1.0, 1.0],  # what programs write that do not know
            span=span,
            window=window,
            edges=edges if layout.oriented else ("", "", "", ""),
            directions=directions,
            corner=corners[place],
            position=positions[place],
            notes=notes,
        )


_Places = tuple[tuple[float, ...], list[tuple[float, ...]], list[float | None]]


def _places(layout: Layout, shape: tuple[int, int, int], affine: np.ndarray, plane: str) -> _Places:
    """Return the directions of a row and a column, and of each slice its first pixel's place and `Scan.position`.

    `affine` is that of the turned volume of this `shape`. In the patient's coordinates of DICOM, in which x grows to
    the left and y to the back. Empty and None where the file does not say, or where rows and columns are not at right
    angles.
    """
    along, (rows, columns), _ = _VIEWS[plane]
    steps = _TO_DICOM[:, None] * affine[:3, :3]
    right, down, through = -steps[:, columns], -steps[:, rows], steps[:, along]
    right, down = right / np.linalg.norm(right), down / np.linalg.norm(down)
    if not layout.oriented or abs(right @ down) > _SLANT:
        return (), [()] * shape[along], [None] * shape[along]
    directions = tuple(float(number) + 0.0 for number in (*right, *down))  # 0 and not -0
    if not layout.placed:
        return directions, [()] * shape[along], [None] * shape[along]
    first = np.zeros(3)
    first[[rows, columns]] = shape[rows] - 1, shape[columns] - 1
    first = _TO_DICOM * affine[:3, 3] + steps @ first
    normal = np.cross(right, down) * np.sign(np.cross(right, down) @ through)
    places = [first + number * through for number in range(shape[along])]
    return directions, [tuple(map(float, place)) for place in places], [float(normal @ place) for place in places]


def _chosen(names: tuple[str, ...], stack: str) -> int:
    """Return the number of the volume of a name, from 0. Raises ScanError where there is none of that name."""
    if stack in names:
        return names.index(stack)
    if stack:
        raise ScanError(
            f"This file has no stack {stack[:80]!r}; it has {names[0]} to {names[-1]}."
            if names
            else "This file holds one stack; open it without naming one."
        )
    return 0


def _voxels(stream: BinaryIO, layout: Layout, number: int) -> np.ndarray:
    """Return one volume's voxels, float32 (n,), as stored, scaled; no more than a chunk of the others besides."""
    size, dtype = math.prod(layout.shape), layout.dtype
    run = layout.together or size
    slope, intercept = layout.scale
    voxels = np.empty(size, np.float32)
    if run == size:
        _skip(stream, number * size * dtype.itemsize)
        for start in range(0, size, _CHUNK):
            part = voxels[start : start + _CHUNK]
            part[:] = _read(stream, part.size, dtype) * slope + intercept
        return voxels
    runs = voxels.reshape(-1, run)  # (n, voxels side by side), and behind each one those of the other volumes
    step = max(1, _CHUNK // (run * layout.volumes))
    for start in range(0, len(runs), step):
        part = runs[start : start + step]
        stored = _read(stream, part.size * layout.volumes, dtype).reshape(len(part), layout.volumes, run)
        part[:] = stored[:, number] * slope + intercept
    return voxels


def _read(stream: BinaryIO, count: int, dtype: np.dtype) -> np.ndarray:
    stored = stream.read(count * dtype.itemsize)
    if len(stored) < count * dtype.itemsize:
        raise EOFError
    return np.frombuffer(stored, dtype)


def _skip(stream: BinaryIO, count: int) -> None:
    """Read on by `count` bytes, a chunk at a time: seek() of an inflated stream takes small steps."""
    while count > 0:
        got = len(stream.read(min(count, _CHUNK)))
        if not got:
            raise EOFError
        count -= got


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
