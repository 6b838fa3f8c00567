"""What is this file, and which scans does it hold? The one door through which every scan comes in."""

import hashlib
from pathlib import Path

from scans.images import read_image
from scans.scan import MIN_SIDE, Scan, ScanError

MAX_BYTES = 50_000_000
ACCEPTED = "PNG, JPEG, TIFF, BMP, WebP, DICOM and NIfTI (.nii, .nii.gz)"
EXTENSIONS = ("png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "dcm", "nii", "gz")

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM")


def read(source: Path | bytes, *, plane: str = "axial", sequence: str = "") -> list[Scan]:
    """Return the scans of a file, or of its bytes: one for a picture, one a slice for a volume.

    `plane` is the cut through a NIfTI volume; other files have their own. What a file is, is decided by
    its first bytes, never by its name. Raises ScanError with one sentence for the reader.
    """
    data = _bytes_of(source)
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(_PICTURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        scans = read_image(data, digest)
    else:
        raise ScanError(f"This is not a file Candor knows; it reads {ACCEPTED}.")
    rows, columns = scans[0].shape
    if min(rows, columns) < MIN_SIDE:
        raise ScanError(
            f"This picture is {columns} x {rows} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed to see "
            "a head, so export the scan at its full size."
        )
    if all(scan.blank for scan in scans):
        raise ScanError(
            "Every pixel of this file has the same value, so there is nothing to see; check the export and "
            "the window it was saved with."
        )
    return scans


def _bytes_of(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        data = source
    else:
        try:
            size = source.stat().st_size
            data = source.read_bytes() if size <= MAX_BYTES else bytes(0)
        except OSError as error:
            raise ScanError(
                f"This file cannot be opened ({error.strerror}); check its path and permissions."
            ) from None
        if size > MAX_BYTES:
            raise ScanError(_too_many(size))
    if len(data) > MAX_BYTES:
        raise ScanError(_too_many(len(data)))
    if not data:
        raise ScanError(f"This file is empty (0 bytes); send it again as one of {ACCEPTED}.")
    return data


def _too_many(size: int) -> str:
    return (
        f"This file has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are accepted, so export a "
        "smaller part or compress it (.nii.gz)."
    )
