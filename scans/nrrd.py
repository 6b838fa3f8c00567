"""NRRD files (.nrrd) with their voxels: what their header says of them.

https://teem.sourceforge.net/nrrd/format.html. pynrrd reads the header only: its reader of the voxels opens any file
that the header names, and inflates without a limit. The header is used only after it was checked.
"""

import bz2
import gzip
import io
import math
from collections.abc import Iterator
from typing import Any, BinaryIO

import nrrd
import numpy as np

from scans.quiet import without_warnings
from scans.scan import MAX_BYTES, Scan, ScanError
from scans.volumes import AFTER_HEADER, Layout, check_promise, checked_affine, checked_dtype, opened, room_of, slices

_HEADER = 1_000_000  # bytes: diffusion series list a gradient for each volume
_LINES = 10_000  # of them, and of those to skip

_TEXT = ("ascii", "text", "txt")
_GZIP = ("gzip", "gz")
_BZIP2 = ("bzip2", "bz2")

# The signs of x, y, z on the way to rightwards, forwards, upwards.
_SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "ras": (1, 1, 1),
    "las": (-1, 1, 1),
    "lps": (-1, -1, 1),
}
_GUESS = _SPACES["lps"]  # where the file does not say: x to the left and y to the back, as a picture is stored

_MM = {"nm": 1e-6, "um": 1e-3, "\u00b5m": 1e-3, "micron": 1e-3, "microns": 1e-3, "cm": 10.0, "m": 1000.0}  # in mm

_IN_SPACE = ("domain", "space", "none", "???")  # kinds of an axis along which the voxels of one volume lie
_SEVERAL = ("list", "vector", "time", "none", "???")  # of one along which the volumes lie


def read_nrrd(data: bytes, plane: str, stack: str = "") -> Iterator[Scan]:
    """Yield the slices of one of the file's volumes along `plane`, as `scans.volumes.slices` does.

    Raises ScanError with a sentence for the user.
    """
    with opened(data) as stream:
        header = _header(stream)
        space, several = _axes(header)
        sizes = [int(size) for size in header["sizes"]]
        shape = tuple(([sizes[axis] for axis in space] + [1])[:3])
        volumes = math.prod(sizes[axis] for axis in several)
        affine, oriented = _affine(header, space)
        placed = header.get("space origin") is not None
        voxels, dtype, room = _voxels(stream, header, data)
        check_promise("NRRD", shape, volumes, dtype.itemsize, room)
        together = math.prod(sizes[: several[0]]) if several else 0
        layout = Layout("NRRD", shape, dtype, affine, oriented, volumes, together, placed=placed)
        yield from slices(voxels, layout, plane, stack)


def _header(stream: BinaryIO) -> dict[str, Any]:
    """Return the header, and leave `stream` behind it, and behind the lines to skip. Raises ScanError."""
    lines, room = [], _HEADER
    while len(lines) < _LINES and room > 0:
        line = stream.readline(room)
        lines.append(line)
        room -= len(line)
        if not line.strip():
            break
    else:
        raise ScanError(f"The header of this NRRD file is longer than {_HEADER / 1e6:.0f} MB; save the volume anew.")
    header = nrrd.read_header(lines)
    if any(name.lower().replace(" ", "") == "datafile" for name in header):
        raise ScanError("This is the header of an NRRD volume without its voxels; save both as one .nrrd file.")
    sizes = header["sizes"]
    if len(sizes) != header["dimension"] or len(sizes) < 2 or min(sizes) < 1:
        raise ScanError("The header of this NRRD file contradicts itself; export the volume again.")
    skipped = header.get("line skip", header.get("lineskip", 0))
    for _ in range(min(skipped, _LINES)):
        stream.readline(AFTER_HEADER)
    return header


def _axes(header: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Return the two or three axes of a volume, and the one along which there are several. Raises ScanError."""
    number, sizes = len(header["sizes"]), header["sizes"]
    kinds = [kind.lower() for kind in header.get("kinds", ["???"] * number)]
    directions = _directions(header)
    if directions is not None:
        spatial = [bool(np.any(row)) for row in directions]
    else:
        spatial = [kind in _IN_SPACE for kind in kinds]
    space = [axis for axis in range(number) if spatial[axis]]
    several = [axis for axis in range(number) if not spatial[axis] and sizes[axis] > 1]
    if len(space) not in (2, 3) or len(several) > 1 or any(kinds[axis] not in _SEVERAL for axis in several):
        raise ScanError(
            "This NRRD file holds colour, tensors or axes that it does not explain; Candor reads grey volumes and one "
            "list of them, so save the volume you want as a file of its own."
        )
    return space, several


def _directions(header: dict[str, Any]) -> np.ndarray | None:
    """Return the direction of each axis (n, 3), 0 for those without; None where the file gives none."""
    if header.get("space directions") is None:
        return None
    rows = np.nan_to_num(np.asarray(header["space directions"], float), posinf=np.inf, neginf=-np.inf)
    # A fourth component is time; a plane has two.
    return np.pad(rows, ((0, 0), (0, 3)))[: len(header["sizes"]), :3]


def _affine(header: dict[str, Any], space: list[int]) -> tuple[np.ndarray, bool]:
    """Return the (4, 4) map from indices to mm, and whether the file says how the patient lies. Raises ScanError."""
    directions = _directions(header)
    signs = _SPACES.get(str(header.get("space", "")).lower().removesuffix("-time").removesuffix("t"))
    if directions is None:
        spacings = np.abs(np.nan_to_num(np.asarray(header.get("spacings", np.ones(len(header["sizes"]))), float)))
        directions = np.zeros((len(header["sizes"]), 3))
        for column, axis in enumerate(space):
            directions[axis, column] = spacings[axis] or 1
        signs = None
    columns = [directions[axis] for axis in space]
    if len(columns) == 2:  # a slice: across it lies what is at right angles
        across = np.cross(*columns)
        columns.append(across / (np.linalg.norm(across) or 1))
    columns = [_mm(header) * np.asarray(column) for column in columns]
    affine = np.eye(4)
    affine[:3, :3] = np.array(signs or _GUESS)[:, None] * np.array(columns).T
    if header.get("space origin") is not None:
        origin = np.asarray(header["space origin"], float).ravel()[:3]
        affine[: len(origin), 3] = _mm(header) * np.array(signs or _GUESS)[: len(origin)] * origin
    return checked_affine("NRRD", affine), signs is not None


def _mm(header: dict[str, Any]) -> float:
    """Return how many mm a unit of the header's space is; 1 where it names none that is known, or several."""
    units = {str(unit).strip('"').lower() for unit in header.get("space units") or header.get("units") or ()}
    return _MM.get(units.pop(), 1.0) if len(units) == 1 else 1.0


def _dtype(header: dict[str, Any]) -> np.dtype:
    # pynrrd reads one voxel of zeros: that is where it tells what the names of types mean.
    one = {"dimension": 1, "sizes": np.array([1]), "encoding": "raw", "endian": "little"}
    one |= {name: header[name] for name in ("type", "endian") if name in header}
    return checked_dtype("NRRD", nrrd.read_data(one, io.BytesIO(bytes(8))).dtype)


def _voxels(stream: BinaryIO, header: dict[str, Any], data: bytes) -> tuple[BinaryIO, np.dtype, float]:
    """Return a stream that stands at the first voxel, their type, and how many bytes may follow. Raises ScanError."""
    dtype, room = _dtype(header), room_of(data) - stream.tell()
    encoding = header["encoding"].lower()
    skipped = header.get("byte skip", header.get("byteskip", 0))
    if not 0 <= skipped <= AFTER_HEADER:
        raise ScanError(f"This NRRD file says that its voxels begin at byte {skipped}; export it again.")
    if encoding in (*_GZIP, *_BZIP2):
        stream = gzip.GzipFile(fileobj=stream) if encoding in _GZIP else bz2.BZ2File(stream)
        room = math.inf  # bzip2 packs zeros to next to nothing; MAX_VOXELS and the sandbox remain
    elif encoding in _TEXT:
        text = stream.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ScanError("This NRRD file holds too much text; save it as raw or gzip.")
        with without_warnings():  # behind a word that is no number nothing is read: too few voxels
            values = np.fromstring(text[skipped:], np.float64, sep=" ").astype(np.float32)
        return io.BytesIO(values.tobytes()), values.dtype, values.nbytes
    elif encoding != "raw":
        raise ScanError("This NRRD file is packed in a rare way; save it as raw or gzip.")
    stream.read(skipped)
    return stream, dtype, room - skipped
