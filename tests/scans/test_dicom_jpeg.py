"""JPEG and JPEG-LS inside DICOM: every syntax reads back what was encoded, and a frame that is cut short is none."""

import imagecodecs
import numpy as np
import pytest
from pydicom import uid

from scans import ScanError, read
from scans.jpeg_decoders import DECODER_DEPENDENCIES
from tests.good_files import dicom, ramp
from tests.scans.test_dicom import only


def test_jpeg_lossless_reads_back_the_values_written():
    """The commonest compression of MR archives, written here by hand: nothing installed encodes it."""
    values = np.round(4095 * ramp()).astype(np.uint16)
    for syntax in (uid.JPEGLossless, uid.JPEGLosslessSV1):
        scan = only(dicom(values, bits_stored=12, syntax=syntax, encoded=[lossless_jpeg(values, 12)]))
        assert np.array_equal(np.round(4095 * scan.pixels), values)


def lossless_jpeg(values: np.ndarray, bits: int) -> bytes:
    """Encode by ITU-T T.81 process 14, predictor 1 (the pixel to the left), all Huffman codes of 5 bits."""
    rows, columns = values.shape
    before = np.roll(values.astype(int), 1, axis=1)
    before[1:, 0], before[0, 0] = values[:-1, 0], 1 << (bits - 1)
    stream = ""
    for difference in (values - before).ravel().tolist():
        size = abs(difference).bit_length()
        stream += f"{size:05b}"
        if size:
            stream += f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}"
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    frame = bytes([bits, *rows.to_bytes(2, "big"), *columns.to_bytes(2, "big"), 1, 1, 0x11, 0])
    segments = [(0xC4, table), (0xC3, frame), (0xDA, bytes([1, 1, 0, 1, 0, 0]))]
    head = b"".join(bytes([0xFF, marker, 0, len(body) + 2]) + body for marker, body in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


every_syntax = pytest.mark.parametrize("syntax", DECODER_DEPENDENCIES, ids=lambda syntax: syntax.name)
both_depths = pytest.mark.parametrize("bits", [8, 12])


def values_of(bits: int) -> np.ndarray:
    return np.round((2**bits - 1) * ramp()).astype(np.uint8 if bits == 8 else np.uint16)


def encoded(syntax: uid.UID, bits: int) -> bytes:
    """Return `values_of` as an encoder writes them."""
    if syntax in (uid.JPEGLSLossless, uid.JPEGLSNearLossless):
        return imagecodecs.jpegls_encode(values_of(bits), level=2 if syntax == uid.JPEGLSNearLossless else 0)
    lossless = syntax != uid.JPEGExtended12Bit
    return imagecodecs.jpeg8_encode(
        values_of(bits), level=None if lossless else 95, lossless=lossless, bitspersample=bits
    )


@every_syntax
@both_depths
def test_every_jpeg_syntax_reads_back_what_an_encoder_wrote(syntax, bits):
    scan = only(dicom(values_of(bits), bits_stored=bits, syntax=syntax, encoded=[encoded(syntax, bits)]))
    most = {uid.JPEGExtended12Bit: (2**bits - 1) / 50}.get(syntax, 2)
    read_back = scan.pixels * (scan.span[1] - scan.span[0]) + scan.span[0]
    np.testing.assert_allclose(read_back, values_of(bits), atol=most + 1e-2)


@every_syntax
@both_depths
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_frame_that_is_cut_short_is_refused(syntax, bits, kept):
    whole = encoded(syntax, bits)
    part = whole[: int(kept * len(whole))]
    with pytest.raises(ScanError, match="cut short"):
        read(dicom(values_of(bits), bits_stored=bits, syntax=syntax, encoded=[part]))


@pytest.mark.parametrize("syntax", [uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1])
@both_depths
@pytest.mark.parametrize("lost", [1, 2])
def test_a_frame_that_lacks_its_end_marker_only_is_read(syntax, bits, lost):
    files = [
        dicom(values_of(bits), bits_stored=bits, syntax=syntax, encoded=[frame])
        for frame in (encoded(syntax, bits), encoded(syntax, bits)[:-lost])
    ]
    whole, part = map(only, files)
    assert np.array_equal(whole.pixels, part.pixels)


@every_syntax
def test_a_frame_of_another_shape_than_the_file_says_is_refused(syntax):
    """As many pixels, in rows of another length."""
    other = values_of(12).reshape(96, 32)
    with pytest.raises(ScanError, match="damaged"):
        read(dicom(other, bits_stored=12, syntax=syntax, encoded=[encoded(syntax, 12)]))


def test_colours_of_lossless_jpeg_are_read_as_they_are_stored():
    """Without a marker the components 1, 2, 3 pass for YCbCr: converted, red would not have the brightness of red."""
    red = np.zeros((32, 32, 3), np.uint8)
    red[8:24, 8:24, 0] = 255
    frame = imagecodecs.jpeg8_encode(red, colorspace="RGB", outcolorspace="RGB", lossless=True)
    scan = only(dicom(red, bits_stored=8, syntax=uid.JPEGLosslessSV1, encoded=[frame]))
    assert scan.pixels[16, 16] == pytest.approx(0.299, abs=0.01) and scan.pixels[0, 0] == 0
