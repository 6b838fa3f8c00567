"""Files that lack what the standard asks for, and hold every pixel all the same, are read, with a note."""

import gzip
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from scans import MAX_BYTES, ScanError, is_dicom, read
from scans.sandbox import dicom_header
from tests.good_files import deep_tiff, dicom, dicom12, disc, eight_bit, jpeg, nifti, picture, ramp, volume

SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


def same_pixels(data: bytes, whole: bytes) -> bool:
    one, other = read(data), read(whole)
    return len(one) == len(other) and all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, other, strict=True))


def meta_length(data: bytes) -> int:
    """Return where the dataset of a DICOM file begins."""
    return 132 + 12 + int.from_bytes(data[140:144], "little")


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_a_dataset_without_preamble_and_file_meta_is_read(syntax):
    whole = dicom12(disc(), syntax=syntax)
    bare = whole[meta_length(whole) :]
    assert is_dicom(bare) and same_pixels(bare, whole)
    assert "does not say how it is encoded" in " ".join(read(bare)[0].notes)
    assert dicom_header(bare) == dicom_header(whole)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_a_file_without_its_preamble_is_read(syntax):
    whole = dicom12(disc(), syntax=syntax)
    assert same_pixels(whole[132:], whole) and "preamble" in " ".join(read(whole[132:])[0].notes)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_a_file_without_a_transfer_syntax_is_read(syntax):
    whole = dicom12(disc(), syntax=syntax)
    media = b"\x02\x00\x02\x00UI\x04\x001.2\x00"  # file meta with another element only
    meta = b"\x02\x00\x00\x00UL\x04\x00" + len(media).to_bytes(4, "little") + media
    assert same_pixels(bytes(128) + b"DICM" + meta + whole[meta_length(whole) :], whole)


def test_a_gzipped_dicom_file_is_read():
    whole = dicom12(disc())
    assert same_pixels(gzip.compress(whole), whole) and dicom_header(gzip.compress(whole)) == dicom_header(whole)


@pytest.mark.parametrize("part", [1_000, 8_000])
def test_a_gzipped_dicom_file_of_several_members_is_read(part):
    """So bgzip and pigz write; what follows the last member is no part of the file."""
    whole = dicom12(disc())
    members = b"".join(gzip.compress(whole[at : at + part]) for at in range(0, len(whole), part))
    assert same_pixels(members, whole) and same_pixels(members + b"and more", whole)
    with pytest.raises(ScanError, match="cut short"):
        read(members[:-50])


def test_a_gzipped_dicom_file_may_begin_as_a_nifti_header_does():
    whole = b"\x5c\x01\x00\x00" + dicom12(disc())[4:]
    assert same_pixels(gzip.compress(whole), whole)


def test_a_gzipped_dicom_file_is_not_unpacked_beyond_the_limit():
    bombs = gzip.compress(dicom12(disc()) + bytes(MAX_BYTES), 9), gzip.compress(bytes(MAX_BYTES // 2), 9)
    for bomb in (bombs[0], gzip.compress(dicom12(disc())) + 2 * bombs[1]):
        with pytest.raises(ScanError, match="more than the 50 MB"):
            read(bomb)


@pytest.mark.parametrize("text", [b"\x08\x00 is where the report begins " * 20, b"\x02\x00\x00\x00" + bytes(400)])
def test_what_only_begins_like_a_dataset_is_none(text):
    assert not is_dicom(text)


def test_a_jpeg_without_its_end_marker_is_read_with_a_note():
    whole = jpeg(disc())
    assert whole.endswith(b"\xff\xd9") and same_pixels(whole[:-2], whole)
    assert "end marker" in " ".join(read(whole[:-2])[0].notes) and read(whole)[0].notes == ()


@pytest.mark.parametrize("lost", [40, 300])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_pixels_is_refused(lost, progressive):
    whole = picture(Image.fromarray(eight_bit(disc(256))), "JPEG", quality=95, progressive=progressive)
    with pytest.raises(ScanError, match="cut short"):
        read(whole[:-lost])


@pytest.mark.parametrize("markers", [{"restart_marker_rows": 1}, {"restart_marker_blocks": 3}])
def test_a_jpeg_that_ends_before_one_of_its_restart_markers_is_refused(markers):
    """A decoder goes on at the next marker: what follows the end must bring each of them."""
    whole = picture(Image.fromarray(eight_bit(disc(256))), "JPEG", quality=90, **markers)
    found = [at for at in range(len(whole) - 1) if whole[at] == 0xFF and 0xD0 <= whole[at + 1] <= 0xD7]
    assert len(found) > 20 and same_pixels(whole[:-2], whole)
    for at in found[-20:]:
        for end in (at, at + 1, at + 2):
            with pytest.raises(ScanError, match="cut short"):
                read(whole[:end])


@pytest.mark.parametrize("offset", [0, 100, 351])
def test_voxels_that_would_begin_within_the_header_begin_behind_it(offset):
    def change(header):
        header["vox_offset"] = offset

    whole = nifti((1000 * volume()).astype(np.int16))
    wrong = nifti((1000 * volume()).astype(np.int16), change=change)
    assert same_pixels(wrong, whole) and f"byte {offset}, within" in " ".join(read(wrong)[0].notes)


def test_orientations_that_contradict_each_other_are_told():
    def change(header):
        header.set_qform(np.diag([-1, 1, 1, 1]), code=1)
        header.set_sform(np.eye(4), code=1)

    assert "contradict" in " ".join(read(nifti(volume(), change=change))[0].notes)


@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_gray_gif_is_read_like_a_png(mode):
    gray = Image.fromarray(eight_bit(disc()))
    assert same_pixels(picture(gray.convert(mode), "GIF"), picture(gray, "PNG"))


def test_a_gif_in_colour_is_refused():
    colour = np.stack([eight_bit(disc()), np.zeros((64, 64), np.uint8), eight_bit(disc()).T], -1)
    with pytest.raises(ScanError, match="GIF in colour"):
        read(picture(Image.fromarray(colour), "GIF"))


def deep_png(values: np.ndarray, exif: bytes = b"", *, last: bool = False) -> bytes:
    """Return a 16-bit PNG of uint16 (H, W, channels), red first; `exif` stands before its pixels, or `last`."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, channels = values.shape
    kind = {2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    parts = [chunk(b"eXIf", exif)] * bool(exif) + [chunk(b"IDAT", zlib.compress(rows))]
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *(parts[::-1] if last else parts), chunk(b"IEND", b"")]
    return b"".join(parts)


def deep_dicom(values: np.ndarray) -> bytes:
    return dicom(values, WindowCenter=40, WindowWidth=80)  # of gray values, which these are not


@pytest.mark.parametrize(
    ("write", "channels"),
    [(deep_png, 2), (deep_png, 3), (deep_png, 4), (deep_tiff, 3), (deep_tiff, 4), (deep_dicom, 3)],
)
def test_a_16_bit_picture_of_several_channels_keeps_its_16_bits(write, channels):
    gray = np.round(4095 * disc()).astype(np.uint16)
    values = np.repeat(gray[..., None], channels, -1)
    if channels != 3:
        values[..., -1] = 65535  # opaque
    (scan,) = read(write(values))
    assert scan.window[1] == pytest.approx(1, abs=0.05) and not scan.own_window
    assert scan.span == (0.0, float(gray.max())) and len(np.unique(scan.pixels)) == len(np.unique(gray)) > 256
    np.testing.assert_allclose(scan.pixels, gray / gray.max(), atol=2 / 4095)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_16_bit_png_of_several_channels_stands_as_one_in_gray(orientation, channels, last):
    gray = np.round(4095 * ramp()).astype(np.uint16)
    values = np.repeat(gray[..., None], channels, -1)
    if channels != 3:
        values[..., -1] = 65535  # opaque
    exif = Image.Exif()
    exif[274] = orientation
    upright = read(picture(Image.fromarray(gray), "PNG", exif=exif))[0]
    (scan,) = read(deep_png(values, exif.tobytes()[6:], last=last))  # without the six bytes of a JPEG's
    assert scan.shape == upright.shape
    np.testing.assert_allclose(scan.pixels, upright.pixels, atol=2 / 4095)


def test_25_megapixels_in_deep_colours_are_read():
    values = np.full((5000, 5000, 4), 30000, np.uint16)
    values[:2500] = 65535
    pixels = read(cv2.imencode(".png", values)[1].tobytes())[0].pixels
    assert np.array_equal(np.unique(pixels[:2500]), [1]) and np.array_equal(np.unique(pixels[2500:]), [0])


def test_what_is_transparent_in_a_16_bit_png_is_black():
    values = np.full((64, 64, 4), 30000, np.uint16)
    values[..., 3] = 65535 * (np.arange(64) >= 32)
    assert read(deep_png(values))[0].pixels[:, :32].max() == 0


def written(values: np.ndarray, **options: object) -> bytes:
    """Return a TIFF as tifffile writes it."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **{"photometric": "rgb"} | options)
    return stream.getvalue()


DEEP = np.round(4095 * ramp()).astype(np.uint16)
CLEAR = np.dstack([DEEP] * 3 + [np.full_like(DEEP, 32768)])  # half transparent, or not


@pytest.mark.parametrize(
    ("data", "top"),
    [
        (written(np.stack([DEEP] * 3), planarconfig="separate"), 4095),
        (written(np.dstack([DEEP] * 3), byteorder=">", tile=(16, 16), compression="zlib"), 4095),
        (written(CLEAR, extrasamples=["unassalpha"]), 2048),
        (written(CLEAR, extrasamples=["assocalpha"]), 4095),
        (written(CLEAR, extrasamples=["unspecified"]), 4095),
        (written(np.stack([np.dstack([DEEP] * 3)] * 2)), 4095),
    ],
    ids=["planes", "tiles", "alpha", "multiplied", "no alpha", "two pages"],
)
def test_a_16_bit_tiff_in_colour_is_read_however_it_is_stored(data, top):
    for scan in read(data):
        assert scan.span == (0, top)
        np.testing.assert_allclose(scan.pixels, DEEP / 4095, atol=2 / top)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_16_bit_tiff_in_colour_stands_as_one_in_gray(orientation):
    turned = {"extratags": [(274, "H", 1, orientation, True)]}
    assert same_pixels(written(np.dstack([DEEP] * 3), **turned), written(DEEP, photometric="minisblack", **turned))


def test_a_dicom_picture_in_deep_colour_that_needs_all_its_bits_keeps_its_black_and_white():
    values = np.dstack([np.round(60_000 * disc()).astype(np.uint16)] * 3)
    (scan,) = read(dicom(values))
    assert (scan.span, scan.window, scan.own_window) == ((0, 65535), (0, 1), True)
    np.testing.assert_allclose(scan.pixels, values[..., 0] / 65535, atol=1e-4)


@pytest.mark.parametrize("size", [(30_000, 30_000), (2**31 - 1, 1)])
def test_a_16_bit_png_that_claims_too_much_is_refused(size):
    header = struct.pack(">IIBBBBB", *size, 16, 2, 0, 0, 0)
    data = deep_png(np.zeros((40, 40, 3), np.uint16))
    lying = data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    with pytest.raises(ScanError, match=r"megapixels|cannot be decoded"):
        read(lying)
