"""Mutants for `tests/scans/fuzz.py`: valid files of every kind that Candor reads, each
with one to three seeded mutations.

A mutant is named by a seed and a number, and is the same bytes whenever it is made.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import nibabel
import numpy as np
from PIL import Image
from pydicom import uid

from tests.good_files import (
    bmp,
    dicom,
    dicom12,
    dicom_frames,
    dicom_jpeg,
    disc,
    eight_bit,
    figshare_mat,
    item,
    jpeg,
    mgh,
    nifti,
    nrrd,
    picture,
    png,
    png16,
    tiff,
    volume,
    webp,
)

_HEADER = 1024  # bytes in which most mutations fall
_EXTREMES = (0, 1, 0x7FFF, 0x7FFFFFFF, 0xFFFF, 0xFFFFFFFF, 0x80000000, 0x10000)


@dataclass(frozen=True)
class Kind:
    """A kind of file: `make` returns a valid one, less its wrapping, and `pack` wraps it."""

    make: Callable[[], bytes]
    pack: Callable[[bytes], bytes] = bytes


def _with_checksums(data: bytes) -> bytes:
    """Return a PNG whose chunks have the right checksums, as far as they can be told."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        end = at + 8 + struct.unpack_from(">I", out, at)[0]
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


def _deflated(data: bytes) -> bytes:
    """Return a DICOM file in Explicit VR with all behind its file meta deflated."""
    start = dicom12(disc(40), syntax=uid.DeflatedExplicitVRLittleEndian)
    deflate = zlib.compressobj(wbits=-15)
    return start[: _meta_end(start)] + deflate.compress(data[_meta_end(dicom12(disc(40))) :]) + deflate.flush()


def _meta_end(data: bytes) -> int:
    return 144 + struct.unpack_from("<I", data, 140)[0]


def _slice(number: int = 0) -> bytes:
    place = {"SeriesInstanceUID": "1.2.3", "SOPInstanceUID": f"1.2.3.{number}", "InstanceNumber": number}
    place |= {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 3 * number]}
    return dicom12(disc(40), **place)


def _zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate((data, _slice(1), _slice(2))):
            archive.writestr(zipfile.ZipInfo(f"study/IM{number}", (2020, 1, 1, 0, 0, 0)), member)
    return stream.getvalue()


def _enhanced() -> bytes:
    own = [
        item(
            PixelValueTransformationSequence=[item(RescaleSlope=1 + number, RescaleIntercept=0)],
            FrameVOILUTSequence=[item(WindowCenter=1000, WindowWidth=1001)],
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 3 * number])],
            FrameContentSequence=[item(StackID="1", InStackPositionNumber=1 + number)],
        )
        for number in range(3)
    ]
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.75])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
    )
    groups = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": own}
    return dicom_frames(np.stack([disc(40)] * 3), ImageType=["ORIGINAL", "PRIMARY", "M"], EchoTime=20, **groups)


def _tables() -> bytes:
    tables = {}
    for name, bits, kind in (("ModalityLUTSequence", 16, {"ModalityLUTType": "US"}), ("VOILUTSequence", 12, {})):
        table = item(LUTDescriptor=[4096, 0, bits], LUTData=list(range(4096)), **kind)
        table["LUTData"].VR = table["LUTDescriptor"].VR = "US"
        tables[name] = [table]
    return dicom12(disc(40), PhotometricInterpretation="MONOCHROME1", **tables)


def _lossless() -> bytes:
    from tests.scans.test_dicom_jpeg import lossless_jpeg  # late: it loads pytest

    values = np.round(4095 * disc(40)).astype(np.uint16)
    return dicom(values, bits_stored=12, syntax=uid.JPEGLosslessSV1, encoded=[lossless_jpeg(values, 12)])


def _deep(extension: str) -> bytes:
    import cv2  # late, as in the product

    return cv2.imencode(extension, np.stack([np.round(65535 * disc(40)).astype(np.uint16)] * 3, axis=-1))[1].tobytes()


def _gray(side: int = 40) -> Image.Image:
    return Image.fromarray(eight_bit(disc(side)))


def _voxels(thick: bool = False) -> np.ndarray:
    return np.round(1000 * volume((40, 36, 33 if thick else 4))).astype(np.int16)


def _encoded(syntax: uid.UID) -> Kind:
    return Kind(lambda: dicom12(disc(40), syntax=syntax))


_PNG, _GZIP = {"pack": _with_checksums}, {"pack": lambda data: gzip.compress(data, 1, mtime=0)}
KINDS = {
    "PNG 8 bit": Kind(lambda: png(disc(40)), **_PNG),
    "PNG 16 bit": Kind(lambda: png16(disc(40)), **_PNG),
    "PNG palette": Kind(lambda: picture(_gray().convert("P"), "PNG", transparency=3), **_PNG),
    "PNG colour": Kind(lambda: picture(_gray().convert("RGBA"), "PNG"), **_PNG),
    "PNG 16 bit colour": Kind(lambda: _deep(".png"), **_PNG),
    "JPEG": Kind(lambda: jpeg(disc(40))),
    "JPEG progressive": Kind(lambda: picture(_gray().convert("RGB"), "JPEG", progressive=True)),
    "TIFF": Kind(lambda: tiff([eight_bit(disc(40))])),
    "TIFF deflated": Kind(lambda: tiff([eight_bit(disc(40))], compression="tiff_deflate")),
    "TIFF LZW": Kind(lambda: tiff([eight_bit(disc(40))], compression="tiff_lzw")),
    "TIFF pages": Kind(lambda: tiff([eight_bit(level * disc(40)) for level in (0.5, 1, 0.8)])),
    "TIFF 16 bit": Kind(lambda: tiff([np.round(4095 * disc(40)).astype(np.uint16)])),
    "TIFF 16 bit colour": Kind(lambda: _deep(".tiff")),
    "TIFF float": Kind(lambda: tiff([disc(40)])),
    "GIF": Kind(lambda: picture(_gray(), "GIF", save_all=True, append_images=[_gray().rotate(90)])),
    "BMP": Kind(lambda: bmp(disc(40))),
    "WebP": Kind(lambda: webp(disc(40))),
    "WebP lossy": Kind(lambda: picture(_gray().convert("RGB"), "WEBP")),
    "DICOM implicit": _encoded(uid.ImplicitVRLittleEndian),
    "DICOM explicit": _encoded(uid.ExplicitVRLittleEndian),
    "DICOM big endian": _encoded(uid.ExplicitVRBigEndian),
    "DICOM RLE": _encoded(uid.RLELossless),
    "DICOM JPEG": Kind(lambda: dicom_jpeg(disc(40))),
    "DICOM JPEG lossless": Kind(_lossless),
    "DICOM JPEG-LS": _encoded(uid.JPEGLSLossless),
    "DICOM JPEG 2000": _encoded(uid.JPEG2000Lossless),
    "DICOM deflated": Kind(lambda: dicom12(disc(40)), _deflated),
    "DICOM enhanced": Kind(_enhanced),
    "DICOM tables": Kind(_tables),
    "DICOM colour": Kind(lambda: dicom(np.stack([eight_bit(disc(40))] * 3, axis=-1))),
    "DICOM in gzip": Kind(lambda: dicom12(disc(40)), **_GZIP),
    "NIfTI-1": Kind(lambda: nifti(_voxels(thick=True))),
    "NIfTI-2": Kind(lambda: nifti(_voxels(), kind=nibabel.Nifti2Image)),
    "NIfTI-1 in gzip": Kind(lambda: nifti(_voxels()), **_GZIP),
    "NIfTI-2 in gzip": Kind(lambda: nifti(volume((36, 34, 4)), kind=nibabel.Nifti2Image), **_GZIP),
    "MGH": Kind(lambda: mgh(_voxels())),
    "NRRD": Kind(lambda: nrrd(_voxels())),
    "figshare MAT": Kind(lambda: figshare_mat(np.round(4095 * disc(40)).astype(np.int16))),
    "zip of DICOM": Kind(_slice, _zipped),
}


@cache
def _made(kind: str) -> bytes:
    return KINDS[kind].make()


def good(kind: str) -> bytes:
    """Return the file of a kind that its mutants are made from."""
    return KINDS[kind].pack(_made(kind))


def mutant(seed: int, number: int) -> tuple[str, bytes, tuple[str, ...]]:
    """Return kind, bytes and changes of a mutant: the same for the same numbers. The kinds follow one another."""
    kind = list(KINDS)[number % len(KINDS)]
    rng = np.random.default_rng([seed, number])
    inside = bool(rng.integers(2))  # what is wrapped is broken, or the wrapping
    data = bytearray(_made(kind) if inside else good(kind))
    changes = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        change = _MUTATIONS[rng.integers(len(_MUTATIONS))]
        at = _place(data, rng)
        change(data, at, rng)
        changes.append(f"{change.__name__[1:]} at {at}")
    return kind, KINDS[kind].pack(bytes(data)) if inside else bytes(data), tuple(changes)


def _place(data: bytes, rng: np.random.Generator) -> int:
    """Return where to change a file: mostly in its header, else anywhere or at its end, where a zip lists its files."""
    start = 128 if data[128:132] == b"DICM" else 0
    share = rng.random()
    if share < 0.6:
        place = start + rng.integers(_HEADER if rng.integers(2) else 64)
    elif share < 0.9:
        place = rng.integers(max(1, len(data)))
    else:
        place = len(data) - 1 - rng.integers(128)
    return int(np.clip(place, 0, max(0, len(data) - 1)))


def _flip(data: bytearray, at: int, rng: np.random.Generator) -> None:
    for offset in rng.integers(0, 16, rng.integers(1, 9)):
        if at + offset < len(data):
            data[at + offset] ^= 1 << rng.integers(8)


def _overwrite(data: bytearray, at: int, rng: np.random.Generator) -> None:
    size = min(_length(rng), len(data) - at)
    data[at : at + size] = (bytes(size), b"\xff" * size, rng.bytes(size))[rng.integers(3)]


def _number(data: bytearray, at: int, rng: np.random.Generator) -> None:
    code = ("<H", ">H", "<I", ">I")[rng.integers(4)]
    size = struct.calcsize(code)
    at -= at % 2
    if at + size <= len(data):
        struct.pack_into(code, data, at, _EXTREMES[rng.integers(len(_EXTREMES))] & (256**size - 1))


def _delete(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at : at + _length(rng)]


def _insert(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at:at] = rng.bytes(_length(rng)) if rng.integers(2) else bytes(_length(rng))


def _duplicate(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at:at] = data[at : at + _length(rng)] * int(rng.integers(1, 9))


def _cut(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[max(1, at) :]


def _splice(data: bytearray, at: int, rng: np.random.Generator) -> None:
    other = good(list(KINDS)[rng.integers(len(KINDS))])
    data[at:] = other[_place(other, rng) :]


def _shuffle(data: bytearray, at: int, rng: np.random.Generator) -> None:
    size = _length(rng)
    blocks = [data[start : start + size] for start in range(at, min(len(data), at + 8 * size), size)]
    data[at : at + 8 * size] = b"".join(blocks[index] for index in rng.permutation(len(blocks)))


def _length(rng: np.random.Generator) -> int:
    return int(2 ** rng.integers(0, 9))


_MUTATIONS = (
    _flip,
    _flip,
    _overwrite,
    _number,
    _number,
    _number,
    _number,
    _delete,
    _insert,
    _duplicate,
    _cut,
    _splice,
    _shuffle,
)
