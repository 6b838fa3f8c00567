"""The type of a file, told from its first bytes and never from its name."""

import struct
import zlib

NIFTI_HEADER = 348  # bytes of the headers of NIfTI-1 and of Analyze
GZIP = b"\x1f\x8b"

_PNG = b"\x89PNG\r\n\x1a\n"
_PICTURES = (_PNG, b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM", b"GIF87a", b"GIF89a")

# Value representations of DICOM (PS3.5 7.1.2), by the length of their length.
_SHORT_VR = b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
_LONG_VR = b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split()


def is_dicom(data: bytes | None) -> bool:
    """True where the bytes are a DICOM file (Part 10), a dataset without preamble and file meta, or gzip of one.

    >>> is_dicom(bytes(128) + b"DICM")
    True
    """
    if data is None:
        return False
    start = header_bytes(data)
    return start[128:132] == b"DICM" or any(_begins_dataset(start, order) for order in "<>")


def _begins_dataset(data: bytes, order: str) -> bool:
    """True where the first three elements are those of a DICOM dataset in byte order `order`, in groups 2 and 8."""
    at, last = 0, (0, 0)
    for _ in range(3):
        if len(data) < at + 12:
            return False
        tag, vr = struct.unpack_from(f"{order}HH", data, at), data[at + 4 : at + 6]
        if vr in _LONG_VR:
            header, (length,) = 12, struct.unpack_from(f"{order}I", data, at + 8)
        elif vr in _SHORT_VR:
            header, (length,) = 8, struct.unpack_from(f"{order}H", data, at + 6)
        elif order == "<":
            header, (length,) = 8, struct.unpack_from("<I", data, at + 4)
        else:  # big endian is explicit
            return False
        if tag[0] not in (2, 8) or tag <= last or length > NIFTI_HEADER:
            return False
        at, last = at + header + length, tag
    return True


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
    """True where the bytes begin as a picture does; a DICOM file may begin as a TIFF (PS3.10 7.1)."""
    return data.startswith(_PICTURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def is_deep_png(data: bytes) -> bool:
    """True for a PNG of several channels with 16 bits each, of which Pillow would drop the lower 8."""
    return data.startswith(_PNG) and data[24:25] == b"\x10" and data[25:26] in (b"\x02", b"\x04", b"\x06")


def header_bytes(data: bytes) -> bytes:
    """Return the first 348 bytes of a file, or of what gzip holds; b"" where the gzip is broken."""
    if not data.startswith(GZIP):
        return data[:NIFTI_HEADER]
    try:
        # Bounded on both sides: a small gzip file may hold gigabytes.
        return zlib.decompressobj(wbits=31).decompress(data[:100_000], NIFTI_HEADER)
    except zlib.error:
        return b""
