"""JPEG inside DICOM, decoded by imagecodecs (BSD-3; its libjpeg-turbo and CharLS), as plugins of pydicom.

pydicom itself decodes baseline JPEG through Pillow. Its own plugins for lossless, 12-bit and JPEG-LS pictures need
pylibjpeg-libjpeg, which is GPL-3.0, or GDCM, which leaks memory on hostile files (CVE-2026-3650).
"""

from pydicom import uid
from pydicom.pixels import get_decoder

LABEL = "imagecodecs"
DECODER_DEPENDENCIES = dict.fromkeys(
    (uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEGLSNearLossless),
    ("numpy", "imagecodecs"),
)
_JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)


def is_available(syntax: str) -> bool:
    """Return True where this file decodes a transfer syntax; pydicom asks."""
    return syntax in DECODER_DEPENDENCIES


def register() -> None:
    """Add the plugins to pydicom, once per process; the codecs are loaded by the first file that needs them."""
    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        if LABEL not in decoder.available_plugins:
            decoder.add_plugin(LABEL, (__name__, "decode_frame"))


def decode_frame(frame: bytes, runner) -> bytearray:
    """Return the pixels of one encoded frame, colours by pixel; `runner`, pydicom's, learns their bits and order."""
    import imagecodecs

    if runner.transfer_syntax in _JPEG_LS:
        pixels = imagecodecs.jpegls_decode(frame)
    elif runner.samples_per_pixel == 1:
        pixels = imagecodecs.jpeg8_decode(frame)
    else:  # as it is stored: the components' numbers would be taken for YCbCr
        pixels = imagecodecs.jpeg8_decode(frame, colorspace="RGB", outcolorspace="RGB")
    runner.set_option("bits_allocated", 8 * pixels.dtype.itemsize)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return bytearray(pixels)
