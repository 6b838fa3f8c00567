"""The type of a file, told from its first bytes and never from its name.

What Candor does not read is named in `scans/strangers.py`.
"""

import struct
import zlib

ACCEPTED = "PNG, JPEG, TIFF, BMP, WebP, grey GIF, DICOM, NIfTI (.nii, .nii.gz), MGH (.mgz), NRRD and figshare's .mat"

NIFTI_HEADER = 348  # bytes of the headers of NIfTI-1 and of Analyze
GZIP = b"\x1f\x8b"

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MGH_TYPES = 12  # numbers that FreeSurfer gives to types of voxels
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


def is_hdf5(data: bytes) -> bool:
    """True where the bytes are HDF5, as those of MATLAB v7.3 are behind 512 bytes of their own."""
    return data.startswith(_HDF5) or data[512:520] == _HDF5


def volume_kind(data: bytes) -> str:
    """Return "nifti", "mgh" or "nrrd" where the bytes are one of these, packed or not, else ""."""
    if is_nifti(data):
        return "nifti"
    header = header_bytes(data)
    if header.startswith(b"NRRD000"):
        return "nrrd"
    if len(header) >= 30 and header.startswith(b"\0\0\0\1"):  # a version; as magic too little
        kind, _, flag = struct.unpack_from(">iih", header, 20)
        return "mgh" if 0 <= kind < _MGH_TYPES and flag in (0, 1) else ""
    return ""


def is_volume(data: bytes | None) -> bool:
    """True where the bytes are of a format whose volumes can be cut in any plane: NIfTI, MGH, NRRD.

    >>> is_volume(b"NRRD0004\\n")
    True
    """
    return data is not None and not is_dicom(data) and not is_picture(data) and volume_kind(data) != ""


def is_pair_header(data: bytes) -> bool:
    """True for the header of an Analyze or NIfTI pair (.hdr), whose voxels are in a file of their own (.img)."""
    header = header_bytes(data)
    if len(header) < NIFTI_HEADER:
        return False
    if header[344:348] == b"ni1\0" or header[4:8] == b"ni2\0":
        return True
    return header[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c") and not is_nifti(data)


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
