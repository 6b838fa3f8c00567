"""Reading the scans of a file: the one door through which every scan comes in."""

import hashlib
from dataclasses import replace
from pathlib import Path

from scans.file_types import GZIP, header_bytes, is_deep_png, is_dicom, is_nifti, is_picture
from scans.images import read_image
from scans.sandbox import decode
from scans.scan import MAX_BYTES, MIN_SIDE, PLANES, Scan, ScanError

ACCEPTED = "PNG, JPEG, TIFF, BMP, WebP, grey GIF, DICOM and NIfTI (.nii, .nii.gz)"

# First bytes of what people send instead of a scan, and what to do about it.
_STRANGERS = {
    b"PK\x03\x04": "This is a ZIP archive; unpack it and send the scans that are in it.",
    b"7z\xbc\xaf\x27\x1c": "This is a 7-Zip archive; unpack it and send the scans that are in it.",
    b"Rar!": "This is a RAR archive; unpack it and send the scans that are in it.",
    b"%PDF": f"This is a PDF document; send the picture itself, as one of {ACCEPTED}.",
    b"\x00\x00\x00\x0cjP  ": f"This is a JPEG 2000 picture outside DICOM; export it again as one of {ACCEPTED}.",
    b"MATLAB": f"This is a MATLAB file; save the picture in it as one of {ACCEPTED}.",
    b"\x89HDF": f"This is an HDF5 file; save the picture in it as one of {ACCEPTED}.",
    b"NRRD": f"This is an NRRD volume; save it as one of {ACCEPTED}.",
}
_WEB_PAGE = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<?xml", b"<!--")
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n\f"


def read(source: Path | bytes, *, plane: str = "axial", stack: str = "", sequence: str = "") -> list[Scan]:
    """Return the scans of a file, or of its bytes: one for a picture, one per slice for a volume.

    `plane` is the cut through a NIfTI volume; other files have their own. `stack` names one of several stacks in the
    file, "" the first; `Scan.stacks` holds their names. `sequence` is what the caller knows about the file. The first
    bytes decide the type of a file, never its name. Raises ScanError with one sentence for the user.

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
    if all(scan.blank for scan in scans):
        raise ScanError(
            "Every pixel of this file has the same value, so there is nothing to see; check the export and "
            "the window it was saved with."
        )
    return [replace(scan, sequence=sequence) for scan in scans] if sequence else scans


def _decode(data: bytes, digest: str, plane: str, stack: str) -> list[Scan]:
    if is_dicom(data):  # first: the 128 bytes before its magic may be the start of a TIFF (PS3.10 7.1)
        return decode("dicom", data, digest, plane, stack)
    if is_deep_png(data):
        return decode("png16", data, digest, plane)
    if is_picture(data):
        return read_image(data, digest)
    if is_nifti(data):
        return decode("nifti", data, digest, plane, stack)
    raise ScanError(_unknown(data, header_bytes(data)))


def _unknown(data: bytes, start: bytes) -> str:
    """Return the sentence for a file that is none of those accepted; `start` is its beginning, inflated."""
    pair = start[344:348] == b"ni1\0" or start[4:8] == b"ni2\0"
    if pair or start[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"):
        return "This is the header of an Analyze or NIfTI pair without its voxels; save both as one .nii file."
    if data.startswith(GZIP):
        return "This gzip file holds neither NIfTI nor DICOM; unpack it and send the scans that are in it."
    for magic, sentence in _STRANGERS.items():
        if data.startswith(magic):
            return sentence
    if data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE):
        return "This is a web page, not a picture; open it in a browser and save the picture itself."
    if not data[:1000].translate(None, _TEXT):
        return f"This file holds text, not a scan; Candor reads {ACCEPTED}."
    return f"This is not a file Candor knows; it reads {ACCEPTED}."


def _check_size(scan: Scan) -> None:
    rows, columns = scan.shape
    if min(rows, columns) >= MIN_SIDE:
        return
    which = f"Slice {scan.index + 1} of this file" if scan.count > 1 else "This picture"
    raise ScanError(
        f"{which} is {columns} x {rows} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed to see a head, so "
        "export the scan at its full size."
    )


def _bytes_of(source: Path | bytes) -> bytes:
    """Return the bytes of a file that is neither empty nor too large. Raises ScanError."""
    if isinstance(source, Path):
        try:
            size = source.stat().st_size
            with source.open("rb") as file:
                # A pipe or a device says size 0 and may never end.
                data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
        except OSError as error:
            raise ScanError(f"This file cannot be opened ({error.strerror}); check its path and permissions.") from None
    else:
        data, size = source, len(source)
    size = max(size, len(data))
    if size > MAX_BYTES:
        raise ScanError(
            f"This file has {size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are accepted, so export a "
            "smaller part or compress it (.nii.gz)."
        )
    if not data:
        raise ScanError(f"This file is empty (0 bytes); send it again as one of {ACCEPTED}.")
    return data
