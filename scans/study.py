"""Several files read together, as the slices of a study are: those of one series share one grey range."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from scans.file_types import is_dicom
from scans.read import read
from scans.scan import Scan, ScanError
from scans.series import in_series, single_slice

_BEGINNING = 100_000  # bytes, of which gzip may need many to show what it holds


def read_files(
    paths: Sequence[Path], *, plane: str = "axial", stack: str = ""
) -> Iterator[tuple[Path, list[Scan] | ScanError]]:
    """Yield each path with its scans, or with the ScanError that says why it has none, in the order given.

    Single DICOM slices are read first and kept, so that those of one series get the grey range that they would have
    in one volume; all else is read when its turn comes. `plane` and `stack` are those of `read`.
    """
    early = {path: _read(path, plane, stack) for path in dict.fromkeys(paths) if len(paths) > 1 and begins_dicom(path)}
    singles = {path: found[0] for path, found in early.items() if isinstance(found, list) and single_slice(found)}
    together = [scan for scans in in_series([[scan] for scan in singles.values()]) for scan in scans]
    by_file = {scan.digest: scan for scan in together}
    by_pixels = {scan.pixels_sha256: scan for scan in together}  # of a slice that came twice only one is in its series
    for path in paths:
        if path not in early:
            yield path, _read(path, plane, stack)
        elif path in singles:
            scan = singles[path]
            if (ranged := by_file.get(scan.digest)) is None:
                ranged = replace(by_pixels[scan.pixels_sha256], digest=scan.digest, acquired=scan.acquired)
            yield path, [ranged]
        else:
            yield path, early[path]


def series_of(path: Path, *, plane: str = "axial", stack: str = "") -> str:
    """Return what the single DICOM slices of one series have in common; "" for any other file.

    Files of which this differs can be read apart from each other, as in many processes: `read_files` makes no
    difference between them and together.
    """
    found = _read(path, plane, stack)
    return found[0].series if isinstance(found, list) and single_slice(found) else ""


def without_pixels(paths: Sequence[Path], *, plane: str = "axial", stack: str = "") -> dict[Path, Scan]:
    """Return the slices of a series as `read_files` gives them beside each other, without their pixels."""
    nothing = np.zeros((0, 0), np.float32)
    found = read_files(paths, plane=plane, stack=stack)
    return {path: replace(scans[0], pixels=nothing) for path, scans in found if isinstance(scans, list)}


def read_beside(path: Path, beside: Scan | None, *, plane: str = "axial", stack: str = "") -> list[Scan]:
    """Return the scans of one file as `read_files` gives them, by what `without_pixels` found; None where nothing was.

    Raises ScanError.
    """
    scans = read(path, plane=plane, stack=stack)
    return scans if beside is None else [replace(beside, pixels=scans[0].pixels)]


def _read(path: Path, plane: str, stack: str) -> list[Scan] | ScanError:
    try:
        return read(path, plane=plane, stack=stack)
    except ScanError as error:
        return error


def begins_dicom(path: Path) -> bool:
    """Return whether a file begins as DICOM does; False where it cannot be read."""
    if not path.is_file():  # a pipe would wait for ever, or give its bytes only once
        return False
    try:
        with path.open("rb") as file:
            return is_dicom(file.read(_BEGINNING))
    except OSError:
        return False
