"""A picture reads back as the values that were written, whatever the format, mode and depth."""

import numpy as np
import pytest
from PIL import Image

from scans import ScanError, read
from tests.good_files import bmp, disc, eight_bit, jpeg, picture, png, png16, ramp, tiff, webp

STEP = 1 / 255
LETTER = np.pad(np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0]]), 1).repeat(10, 0).repeat(12, 1)  # an F


def only(data: bytes):
    (scan,) = read(data)
    return scan


@pytest.mark.parametrize(
    "write", [png, bmp, webp, lambda pixels: tiff([eight_bit(pixels)])], ids=["PNG", "BMP", "WebP", "TIFF"]
)
def test_an_8_bit_picture_reads_back_exactly(write):
    scan = only(write(ramp()))
    assert np.array_equal(scan.pixels, eight_bit(ramp()).astype(np.float32) / 255)
    assert (scan.span, scan.window, scan.notes) == ((0.0, 255.0), (0.0, 1.0), ())


def test_a_jpeg_reads_back_within_its_loss():
    assert only(jpeg(disc())).pixels == pytest.approx(disc(), abs=0.06)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", mode) for mode in ("L", "LA", "RGB", "RGBA", "P")]
    + [("TIFF", mode) for mode in ("L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "P")],
)
def test_every_mode_becomes_the_same_gray(kind, mode):
    gray = Image.fromarray(eight_bit(ramp()))
    if mode == "P":
        coloured = gray.copy()
        coloured.putpalette([255 - level for level in range(256) for _ in "rgb"])  # stored upside down
        expected = 1 - ramp()
    else:
        coloured, expected = gray.convert("RGB").convert(mode), ramp()
    assert only(picture(coloured, kind)).pixels == pytest.approx(expected, abs=2.5 * STEP)


def test_one_bit_is_black_and_white():
    scan = only(picture(Image.fromarray(LETTER.astype(bool)), "PNG"))
    assert np.array_equal(scan.pixels, LETTER)


def test_colours_are_weighed_as_the_eye_does():
    stripes = np.zeros((48, 48, 3), np.uint8)
    for channel in range(3):
        stripes[:, 16 * channel : 16 * (channel + 1), channel] = 255
    red, green, blue = only(picture(Image.fromarray(stripes), "PNG")).pixels[0, 8::16]
    assert (red, green, blue) == pytest.approx((0.299, 0.587, 0.114), abs=STEP)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_is_black(mode):
    image = Image.fromarray(np.full((40, 40), 200, np.uint8)).convert(mode)
    alpha = np.full((40, 40), 255, np.uint8)
    alpha[:, :20] = 0
    image.putalpha(Image.fromarray(alpha))
    pixels = only(picture(image, "PNG")).pixels
    assert pixels[:, :20].max() == 0
    assert pixels[:, 20:] == pytest.approx(200 / 255)


def test_a_transparent_palette_colour_is_black():
    indexes = np.zeros((40, 40), np.uint8)
    indexes[:, 20:] = 1
    image = Image.fromarray(indexes)
    image.putpalette([255, 255, 255, 90, 90, 90])
    pixels = only(picture(image, "PNG", transparency=0)).pixels
    assert pixels[:, :20].max() == 0
    assert pixels[:, 20:] == pytest.approx(90 / 255)


@pytest.mark.parametrize(
    ("write", "top"),
    [
        (lambda: png16(ramp(), bits=12), 4095),
        (lambda: png16(ramp(), bits=16), 65535),
        (lambda: tiff([np.round(4095 * ramp()).astype("<u2")]), 4095),
        (lambda: picture(Image.frombytes("I;16B", (64, 48), _big_endian()), "TIFF"), 4095),
        (lambda: tiff([np.round(100_000 * ramp()).astype(np.int32)]), 100_000),
        (lambda: tiff([ramp()]), 1.0),
    ],
    ids=["12 in 16 bit PNG", "16 bit PNG", "16 bit TIFF", "big-endian TIFF", "32 bit TIFF", "float TIFF"],
)
def test_more_than_8_bits_are_kept(write, top):
    scan = only(write())
    assert scan.span == pytest.approx((0, top))
    assert scan.pixels == pytest.approx(ramp(), abs=0.6 / 4095)
    assert len(np.unique(scan.pixels)) > 2000


def _big_endian() -> bytes:
    return np.round(4095 * ramp()).astype(">u2").tobytes()


def test_a_hot_pixel_does_not_turn_a_16_bit_picture_black():
    values = np.round(1000 * ramp()).astype(np.uint16)
    values[10, 10] = 65535
    scan = only(picture(Image.fromarray(values), "PNG"))
    assert scan.span == (0, 65535)
    assert scan.windowed()[-1, -2] == pytest.approx(1, abs=0.01)
    assert np.median(scan.windowed()) == pytest.approx(0.5, abs=0.01)


def test_a_16_bit_tiff_stored_white_is_zero_is_turned_round():
    values = np.round(4095 * ramp()).astype(np.uint16)
    scan = only(tiff([values], tiffinfo={262: 0}))
    assert scan.pixels == pytest.approx(1 - ramp(), abs=1 / 4095)


@pytest.mark.parametrize("kind", ["8 bit JPEG", "8 bit PNG", "16 bit PNG", "8 bit TIFF", "16 bit TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_whatever_its_exif_orientation(orientation, kind):
    """What the camera stored is the letter turned away by the inverse of each of the eight orientations."""
    stored = {
        1: LETTER,
        2: LETTER[:, ::-1],
        3: LETTER[::-1, ::-1],
        4: LETTER[::-1],
        5: LETTER.T,
        6: np.rot90(LETTER, 1),
        7: LETTER[::-1, ::-1].T,
        8: np.rot90(LETTER, -1),
    }[orientation]
    bits, file_format = kind.split(" bit ")
    values = np.ascontiguousarray(stored * (255 if bits == "8" else 4095)).astype(f"uint{bits}")
    exif = Image.Exif()
    exif[274] = orientation
    scan = only(picture(Image.fromarray(values), file_format, exif=exif))
    assert scan.shape == LETTER.shape
    assert scan.pixels == pytest.approx(LETTER, abs=0.3 if file_format == "JPEG" else 1e-6)


def test_the_pages_of_a_16_bit_tiff_share_one_span():
    scans = read(tiff([np.round(level * ramp()).astype(np.uint16) for level in (1000, 4000)]))
    assert [(scan.index, scan.count) for scan in scans] == [(0, 2), (1, 2)]
    assert [scan.span for scan in scans] == [(0, 4000)] * 2
    assert [scan.pixels.max() for scan in scans] == pytest.approx([0.25, 1])
    assert scans[0].window == scans[1].window


def test_pages_of_different_sizes_are_read_each_for_itself_and_it_is_said():
    scans = read(tiff([eight_bit(ramp()), eight_bit(disc())]))
    assert [scan.shape for scan in scans] == [(48, 64), (64, 64)]
    assert all("differ in size" in scan.notes[0] for scan in scans)


def test_the_first_frame_of_an_animation_is_its_picture():
    frames = [Image.fromarray(eight_bit(pixels)) for pixels in (disc(), 1 - disc())]
    scan = only(picture(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    assert scan.pixels == pytest.approx(disc(), abs=STEP)


def test_a_float_tiff_with_nan_is_read_with_a_note():
    values = 5 * ramp()
    values[3, 3] = np.nan
    scan = only(tiff([values]))
    assert scan.pixels[3, 3] == 0
    assert scan.notes == (
        "1 of 3072 pixels are not numbers (NaN or infinite); they are shown as the file's darkest value.",
    )


def test_a_picture_of_25_megapixels_is_read_and_one_of_26_is_not():
    assert only(picture(Image.linear_gradient("L").resize((5000, 5000)), "PNG")).shape == (5000, 5000)
    with pytest.raises(ScanError, match=r"claims 5200 x 5000 pixels; 25 megapixels at most"):
        read(picture(Image.new("L", (5200, 5000)), "PNG"))
    with pytest.raises(ScanError, match=r"claims 100 megapixels; 25 megapixels at most"):
        read(picture(Image.new("1", (10_000, 10_000)), "PNG"))


def test_a_tiff_of_more_than_512_pages_is_refused_before_they_are_walked():
    with pytest.raises(ScanError, match="claims more than 512 pages"):
        read(tiff([np.eye(32, dtype=np.uint8)] * 520))
