"""JPEG inside DICOM, decoded by imagecodecs (BSD-3; its libjpeg-turbo and CharLS), as plugins of pydicom.

pydicom itself decodes baseline JPEG through Pillow. Its own plugins for lossless, 12-bit and JPEG-LS pictures need
pylibjpeg-libjpeg, which is GPL-3.0, or GDCM, which leaks memory on hostile files (CVE-2026-3650).
"""

import numpy as np
from pydicom import uid
from pydicom.pixels import get_decoder

from scans.jpeg_ends import END, decoded_whole, ends

LABEL = "imagecodecs"
DECODER_DEPENDENCIES = dict.fromkeys(
    (uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEGLSNearLossless),
    ("numpy", "imagecodecs"),
)
_JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)


def is_available(syntax: str) -> bool:
    """Return True where this file decodes a transfer syntax; pydicom asks."""
    return syntax in DECODER_DEPENDENCIES


def only_plugin(syntax: str) -> str:
    """Return the plugin that is to decode a transfer syntax, "" for any: pyjpegls would try JPEG-LS, too."""
    return LABEL if syntax in _JPEG_LS else ""


def register() -> None:
    """Add the plugins to pydicom, once per process; the codecs are loaded by the first file that needs them."""
    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        if LABEL not in decoder.available_plugins:
            decoder.add_plugin(LABEL, (__name__, "decode_frame"))


def decode_frame(frame: bytes, runner) -> bytearray:
    """Return the pixels of one encoded frame, colours by pixel; `runner`, pydicom's, learns their bits and order.

    Raises OSError where the frame is cut short, and ValueError where its size is not that of the file's header.
    """

    def decode(data: bytes) -> np.ndarray:
        import imagecodecs

        if runner.transfer_syntax in _JPEG_LS:
            return imagecodecs.jpegls_decode(data)
        if runner.samples_per_pixel == 1:
            return imagecodecs.jpeg8_decode(data)
        # As it is stored: the components' numbers would be taken for YCbCr.
        return imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB")

    in_ls = runner.transfer_syntax in _JPEG_LS
    if in_ls and END not in frame:  # CharLS would refuse it, too, but count to 2^31 before
        raise OSError("a frame without its end")
    pixels = decode(frame) if in_ls or ends(frame) else decoded_whole(frame, decode)
    if pixels.shape[:2] != (runner.rows, runner.columns):
        raise ValueError(f"a frame of {pixels.shape[:2]} in a file of {runner.rows} x {runner.columns}")
    runner.set_option("bits_allocated", 8 * pixels.dtype.itemsize)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return bytearray(pixels)
