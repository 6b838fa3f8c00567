"""The type of a file, told from its first bytes and never from its name."""

import zlib

NIFTI_HEADER = 348  # bytes of the headers of NIfTI-1 and of Analyze
GZIP = b"\x1f\x8b"

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM")


def is_dicom(data: bytes | None) -> bool:
    """True where the bytes are a DICOM file (Part 10).

    >>> is_dicom(bytes(128) + b"DICM")
    True
    """
    return data is not None and data[128:132] == b"DICM"


def is_nifti(data: bytes | None) -> bool:
    """True where the bytes are one NIfTI file with its voxels (.nii, .nii.gz), not any other gzip file.

    >>> is_nifti(bytes(344) + b"n+1\\0")
    True
    """
    if data is None or is_dicom(data):
        return False
    header = header_bytes(data)
    return header[344:348] == b"n+1\0" or header[4:8] == b"n+2\0"


def is_picture(data: bytes) -> bool:
    """True where the bytes begin as PNG, JPEG, TIFF, BMP or WebP do; a DICOM file may begin as a TIFF (PS3.10 7.1)."""
    return data.startswith(_PICTURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def header_bytes(data: bytes) -> bytes:
    """Return the first 348 bytes of a file, or of what gzip holds; b"" where the gzip is broken."""
    if not data.startswith(GZIP):
        return data[:NIFTI_HEADER]
    try:
        # Bounded on both sides: a small gzip file may hold gigabytes.
        return zlib.decompressobj(wbits=31).decompress(data[:100_000], NIFTI_HEADER)
    except zlib.error:
        return b""
