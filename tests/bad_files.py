"""Files that are no scan, by mistake or by intent: bytes of each kind; everything that reads is tested with all.

`BAD_FILES` must be refused with one sentence; `ODD_FILES` are read, and one of their notes holds the words
given. A key is the name to upload the file under, extension and all. Nothing here is larger than 51 MB.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

import nibabel
import numpy as np
from PIL import Image
from pydicom.uid import JPEGBaseline8Bit

from scans import MAX_BYTES
from tests.bombs import BOMBS
from tests.good_files import (
    dicom,
    dicom12,
    dicom_jpeg,
    disc,
    eight_bit,
    jpeg,
    nifti,
    nifti_gz,
    picture,
    png,
    tiff,
    volume,
)

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Not found</title></head><body>404</body></html>\n" * 20


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _huge_png() -> bytes:
    """10,000 x 10,000 pixels of one bit, in 12 KB."""
    return picture(Image.new("1", (10_000, 10_000)), "PNG", optimize=True)


def _wide_text_png() -> bytes:
    """A small picture with 64 MB of text, compressed."""
    text = zlib.compress(bytes(64_000_000), 9)
    chunk = b"zTXt" + b"Comment\0\0" + text
    crc = struct.pack(">I", zlib.crc32(chunk))
    data = png(disc())
    return data[:33] + struct.pack(">I", len(chunk) - 4) + chunk + crc + data[33:]


@cache
def _gzip_bomb() -> bytes:
    """50 MB of zeros a thousand times, in 49 MB: gzip members follow one another."""
    return gzip.compress(bytes(50_000_000), 9) * 1000


def _nifti_bomb() -> bytes:
    """A header that promises no more than is accepted, with 45 GB of zeros behind it."""
    header = nifti(np.zeros((40, 40, 40), np.int16), change=_shape(390, 390, 390))[:352]
    return gzip.compress(header) + _gzip_bomb()[: 900 * len(_gzip_bomb()) // 1000]


def _deflated_bomb() -> bytes:
    """A DICOM dataset of 1.5 GB of zeros, deflated as a whole, in 1.5 MB."""
    meta = dicom12(disc())[: 132 + 12]  # preamble, magic and the length of the file's meta information
    syntax = b"1.2.840.10008.1.2.1.99"
    element = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(syntax)) + syntax
    meta = meta[:-4] + struct.pack("<I", len(element)) + element
    deflate = zlib.compressobj(9, wbits=-15)
    start = deflate.compress(b"\x09\x00\x01\x10OB\0\0" + struct.pack("<I", 1_500_000_000))
    start += deflate.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers back, so one block can be written again and again.
    block = deflate.compress(bytes(10_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return meta + start + block * 150 + deflate.flush()


def _lying_jpeg() -> bytes:
    """64 x 64 pixels by the DICOM header, 10,000 x 10,000 by that of the JPEG in it."""
    frame = picture(Image.new("L", (10_000, 10_000)), "JPEG")
    return dicom(np.zeros((64, 64), np.uint8), syntax=JPEGBaseline8Bit, encoded=[frame])


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("letter.txt", "The scan is attached.")
    return stream.getvalue()


def _tiff_with_a_large_second_page() -> bytes:
    return tiff([np.zeros((64, 64), np.uint8), np.zeros((6000, 6000), np.uint8)], compression="tiff_deflate")


def _change(**fields: object) -> Callable:
    """Return an edit of a NIfTI header."""

    def change(header: nibabel.Nifti1Header) -> None:
        for name, value in fields.items():
            header[name] = value

    return change


def _shape(*sides: int) -> Callable:
    return _change(dim=[len(sides), *sides, *[1] * (7 - len(sides))])


def _nan_affine(header: nibabel.Nifti1Header) -> None:
    header["sform_code"], header["srow_x"] = 1, np.nan


BAD_FILES: dict[str, Callable[[], bytes]] = {
    "empty.png": bytes,
    "random.png": lambda: np.random.default_rng(7).bytes(5000),
    "web-page.png": lambda: _PAGE,
    "text.dcm": lambda: b"The scan is attached.\r\n" * 40,
    "archive.dcm": _zip,
    "document.png": lambda: b"%PDF-1.7\n" + bytes(500),
    "gzip-of-text.nii.gz": lambda: gzip.compress(_PAGE),
    "cut-short.png": lambda: _half(png(disc())),
    "cut-short.jpg": lambda: _half(jpeg(disc())),
    "cut-short.tif": lambda: _half(tiff([np.eye(64, dtype=np.uint16)])),
    "cut-short.dcm": lambda: _half(dicom12(disc())),
    "cut-short-jpeg.dcm": lambda: _half(dicom_jpeg(disc())),
    "cut-short.nii": lambda: _half(nifti(volume())),
    "cut-short.nii.gz": lambda: _half(nifti_gz(volume())),
    "ten-thousand-square.png": _huge_png,
    "endless-text.png": _wide_text_png,
    "large-second-page.tif": _tiff_with_a_large_second_page,
    "many-layers.jpg": lambda: jpeg(disc()) + b"\xff\xda" * 1000,
    "zip-bomb.nii.gz": _gzip_bomb,
    "zip-bomb-with-header.nii.gz": _nifti_bomb,
    "deflated-bomb.dcm": _deflated_bomb,
    "lying-rows.dcm": lambda: dicom12(disc(), Rows=60_000),
    "lying-frames.dcm": lambda: dicom12(disc(), NumberOfFrames=2_000_000_000),
    "no-rows.dcm": lambda: dicom12(disc(), Rows=0),
    "lying-jpeg.dcm": _lying_jpeg,
    "garbage-jpeg.dcm": lambda: dicom(
        np.zeros((64, 64), np.uint8), syntax=JPEGBaseline8Bit, encoded=[b"Muster^Erika" * 50]
    ),
    "no-picture.dcm": lambda: dicom12(disc(), PixelData=None),
    "nan-affine.nii": lambda: nifti(volume(), change=_nan_affine),
    "flat-affine.nii": lambda: nifti(volume(), change=_change(sform_code=1, srow_z=[1, 0, 0, 0])),
    "one-terabyte.nii": lambda: nifti(volume(), change=_shape(10_000, 10_000, 5000)),
    "one-terabyte.nii.gz": lambda: gzip.compress(nifti(volume(), change=_shape(10_000, 10_000, 5000))),
    "no-side.nii": lambda: nifti(volume(), change=_shape(40, -48, 36)),
    "voxels-far-away.nii": lambda: nifti(volume(), change=_change(vox_offset=1e12)),
    "only-nan.nii": lambda: nifti(np.full((40, 40, 40), np.nan, np.float32)),
    "complex.nii": lambda: nifti(volume().astype(np.complex64)),
    "header-of-a-pair.hdr": lambda: nifti(volume(), change=_change(magic=b"ni1", vox_offset=0))[:352],
    "one-pixel.png": lambda: png(np.ones((1, 1))),
    "one-voxel.nii": lambda: nifti(np.ones((1, 1, 1), np.float32)),
    "black.png": lambda: png(np.zeros((128, 128))),
    "constant.png": lambda: png(np.full((128, 128), 0.5)),
    "black.dcm": lambda: dicom12(np.zeros((64, 64))),
    "constant.nii": lambda: nifti(np.full((40, 40, 40), 7, np.int16)),
    "over-the-limit.nii": lambda: nifti(volume()) + bytes(MAX_BYTES),
    **BOMBS,
}

ODD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "four-d.nii": (lambda: nifti(np.stack([volume()] * 3, axis=-1)), "holds 3 volumes; this is volume 1 of 3"),
    "zero-window.dcm": (lambda: dicom12(disc(), WindowCenter=100, WindowWidth=0), "window of width 0"),
    "window-elsewhere.dcm": (lambda: dicom12(disc(), WindowCenter=-5000, WindowWidth=100), "beyond its values"),
    "zero-slope.dcm": (lambda: dicom12(disc(), RescaleSlope=0, RescaleIntercept=5), "multiply its values by 0"),
    "zero-spacing.dcm": (lambda: dicom12(disc(), PixelSpacing=[0, 0]), "pixel spacing cannot be right"),
    "ct.dcm": (lambda: dicom12(disc(), Modality="CT"), "it is CT, not MR"),
    "burned-in.dcm": (lambda: dicom12(disc(), BurnedInAnnotation="YES"), "text is burned into"),
    "some-nan.nii": (lambda: nifti(np.where(volume() == 0, np.nan, volume())), "not numbers"),
    "no-orientation.nii": (
        lambda: nifti(volume(), change=_change(sform_code=0, qform_code=0)),
        "does not say how the patient lies",
    ),
    "two-sizes.tif": (lambda: tiff([eight_bit(disc(64)), eight_bit(disc(48))]), "differ in size"),
}
