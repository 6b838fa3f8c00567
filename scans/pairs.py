"""Pairs of a header and its voxels (.hdr, .img) as one NIfTI file.

NIfTI-1 and -2 (https://nifti.nimh.nih.gov), and Analyze 7.5, of which NIfTI-1 kept the fields. Analyze says nothing
reliable on how the patient lies, so that its volumes are without letters.
"""

import gzip
import io
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scans.file_types import GZIP, is_dicom, is_pair_header, is_picture
from scans.scan import MAX_BYTES, ScanError

if TYPE_CHECKING:  # where a pair is read: nibabel takes 0.5 s to import
    from nibabel.nifti1 import Nifti1Header

_NAME = re.compile(r"(?P<stem>.+)\.(?P<part>hdr|img)(\.gz)?", re.IGNORECASE | re.DOTALL)
_OTHER_PART = {"hdr": "img", "img": "hdr"}
_AFTER_VOXELS = 512  # bytes that may fill up a block


def pair_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names of header and voxels of each pair among `names`, whatever their case and packing.

    >>> pair_names(["a.img.gz", "b.hdr", "A.HDR", "c.png"])
    [('A.HDR', 'a.img.gz')]
    """
    found = {(match["stem"].lower(), match["part"].lower()): name for name in names if (match := _NAME.fullmatch(name))}
    return [
        (name, found[stem, "img"]) for (stem, part), name in found.items() if part == "hdr" and (stem, "img") in found
    ]


def is_part(name: str, data: bytes) -> bool:
    """Return whether a file by its name and beginning may be the header of a pair, or the voxels of one."""
    match = _NAME.fullmatch(name)
    if not match or match["part"].lower() == "hdr":
        return bool(match) and is_pair_header(data)
    return not is_dicom(data) and not is_picture(data)  # DICOM files are named .img, too


def read_pair(path: Path, data: bytes) -> bytes | None:
    """Return the NIfTI file that the file at `path`, which holds `data`, makes with the one beside it.

    None where it is no part of a pair, or alone. Raises ScanError where the two do not belong together, and OSError.
    """
    match = _NAME.fullmatch(path.name)
    if not match or not data:
        return None
    is_header = match["part"].lower() == "hdr"
    if is_header and not is_pair_header(data):
        return None
    for name in sorted(other.name for other in path.parent.iterdir()):
        other = _NAME.fullmatch(name)
        if other and (other["stem"], other["part"].lower()) == (match["stem"], _OTHER_PART[match["part"].lower()]):
            with (path.parent / name).open("rb") as file:
                beside = file.read(MAX_BYTES + 1)
            if is_header:
                return joined(data, beside)
            if is_pair_header(beside):
                return joined(beside, data)
    return None


def joined(header: bytes, voxels: bytes) -> bytes:
    """Return one .nii file of the two parts of a pair, each of which may be gzip.

    Raises ScanError where they do not belong together, or are larger than is accepted.
    """
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    header, voxels = _inflated(header), _inflated(voxels)
    kind = Nifti2Header if header[4:8] == b"ni2\0" else Nifti1Header
    if not is_pair_header(header) or len(header) < kind.sizeof_hdr:
        raise ScanError("This is no header of an Analyze or NIfTI pair; send its .hdr and its .img file together.")
    known = kind(header[: kind.sizeof_hdr], check=False)
    offset = float(known["vox_offset"])
    if header[344:348] != b"ni1\0" and kind is Nifti1Header:
        known = _without_orientation(known)
    needed = _needed(known)
    if not 0 <= offset <= len(voxels) or not needed <= len(voxels) - offset <= needed + _AFTER_VOXELS:
        raise ScanError(
            f"These two files do not belong together: the header (.hdr) tells of {needed:,} bytes of voxels, and the "
            f"other file (.img) holds {len(voxels):,}; send the two that were saved together."
        )
    known["magic"] = b"n+2\0\r\n\x1a\n" if kind is Nifti2Header else b"n+1"
    known["vox_offset"] = kind.sizeof_hdr + 4  # behind four zeros, which say that no extensions follow
    return known.binaryblock + bytes(4) + voxels[int(offset) :]


def _without_orientation(analyze: "Nifti1Header") -> "Nifti1Header":
    """Return a header with what NIfTI-1 and Analyze 7.5 share: shape, type and size of the voxels."""
    header = type(analyze)(endianness=analyze.endianness)
    header["dim"] = analyze["dim"]
    header["dim"][4:] = np.maximum(analyze["dim"][4:], 1)  # some programs leave 0 there
    header["datatype"], header["bitpix"] = analyze["datatype"], analyze["bitpix"]
    sizes = np.abs(analyze["pixdim"][1:4])
    header["pixdim"][1:4] = np.where(sizes > 0, sizes, 1)
    return header


def _needed(header: "Nifti1Header") -> int:
    """Return how many bytes the voxels take. Raises ScanError."""
    from nibabel.spatialimages import HeaderDataError

    axes = int(header["dim"][0])
    sides = [int(side) for side in header["dim"][1 : 1 + max(0, axes)]]
    try:
        if 2 <= axes <= 7 and min(sides) > 0:
            return math.prod(sides) * header.get_data_dtype().itemsize
    except (HeaderDataError, KeyError):  # a type that nibabel does not know
        pass
    raise ScanError("The header (.hdr) of this pair contradicts itself; save the volume as one .nii file.")


def _inflated(data: bytes) -> bytes:
    """Return what a file holds, unpacked where it is gzip. Raises ScanError."""
    if data.startswith(GZIP):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
                data = stream.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            raise ScanError("This gzip file is damaged or cut short; send it again.") from None
    if len(data) > MAX_BYTES:
        raise ScanError(
            f"A file of this pair has more than {MAX_BYTES / 1e6:.0f} MB, unpacked; save the two as one .nii.gz file."
        )
    return data
