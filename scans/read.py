"""Reading the scans of a file: the one door through which every scan comes in."""

import hashlib
from dataclasses import replace
from pathlib import Path

from scans.archive import is_zip, read_archive
from scans.file_types import ACCEPTED, is_dicom, is_hdf5, is_picture, volume_kind
from scans.images import is_small, read_image
from scans.pairs import read_pair
from scans.sandbox import decode
from scans.scan import MAX_BYTES, MIN_SIDE, PLANES, Scan, ScanError
from scans.series import about_places, single_slice
from scans.strangers import sentence as stranger


def read(source: Path | bytes, *, plane: str = "axial", stack: str = "", sequence: str = "") -> list[Scan]:
    """Return the scans of a file, or of its bytes: one for a picture, one per slice for a volume.

    `plane` is the cut through a volume of NIfTI, MGH or NRRD; other files have their own. `stack` names one of several
    stacks in the file, "" the first; `Scan.stacks` holds their names. `sequence` is what the caller knows about the
    file. The first bytes decide the type of a file, never its name; but a path to one of two files that make a volume
    (.hdr, .img) is read with the other beside it. Raises ScanError with one sentence for the user.

    >>> import cv2, numpy as np
    >>> png = cv2.imencode(".png", np.arange(4096, dtype=np.uint8).reshape(64, 64))[1].tobytes()
    >>> read(png)[0].shape
    (64, 64)
    """
    if plane not in PLANES:
        raise ValueError(f"no plane {plane!r}; a volume is cut {', '.join(PLANES)}")
    data = _bytes_of(source)
    scans = _decode(data, hashlib.sha256(data).hexdigest(), plane, stack)
    for scan in scans:
        _check_size(scan)
    if all(scan.blank for scan in scans) and not single_slice(scans):  # of a series the outermost may be blank
        part = f"the stack {scans[0].stack!r}" if scans[0].stacks else "this file"
        raise ScanError(
            f"Every pixel of {part} has the same value, so there is nothing to see; check the export and the window it "
            "was saved with."
        )
    notes = about_places(scans)
    return [replace(scan, sequence=sequence or scan.sequence, notes=scan.notes + notes) for scan in scans]


def _decode(data: bytes, digest: str, plane: str, stack: str) -> list[Scan]:
    if is_dicom(data):  # first: the 128 bytes before its magic may be the start of a TIFF (PS3.10 7.1)
        return decode("dicom", data, digest, plane, stack)
    if is_picture(data):
        return read_image(data, digest) if is_small(data) else decode("picture", data, digest, plane)
    if kind := volume_kind(data):
        return decode(kind, data, digest, plane, stack)
    if is_hdf5(data):
        return decode("mat", data, digest, plane, stack)
    if is_zip(data):
        return read_archive(data, digest, stack, lambda member: read(member, plane=plane))
    raise ScanError(stranger(data))


def _check_size(scan: Scan) -> None:
    rows, columns = scan.shape
    if min(rows, columns) >= MIN_SIDE:
        return
    which = f"Slice {scan.index + 1} of this file" if scan.count > 1 else "This picture"
    raise ScanError(
        f"{which} is {columns} x {rows} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed to see a head, so "
        "export the scan at its full size."
    )


def too_large(size: int, *, more: bool = False) -> str:
    """Return the sentence about a file of `size` bytes, or of more where it was read no further."""
    return (
        f"This file has {'more than ' if more else ''}{size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are "
        "accepted, so export a smaller part or compress it (.nii.gz)."
    )


def _bytes_of(source: Path | bytes) -> bytes:
    """Return the bytes of a file that is neither empty nor too large. Raises ScanError."""
    if isinstance(source, Path):
        try:
            size = source.stat().st_size
            with source.open("rb") as file:
                # A pipe or a device says size 0 and may never end.
                data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
            data = read_pair(source, data) or data
        except OSError as error:
            raise ScanError(f"This file cannot be opened ({error.strerror}); check its path and permissions.") from None
    else:
        data, size = source, len(source)
    size = max(size, len(data))
    if size > MAX_BYTES:
        raise ScanError(too_large(size))
    if not data:
        raise ScanError(f"This file is empty (0 bytes); send it again as one of {ACCEPTED}.")
    return data
