"""One door for every file: its bytes tell its type, and nothing tells who sent it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from scans import MAX_BYTES, PLANES, ScanError, read
from tests import good_files
from tests.good_files import dicom12, disc, eight_bit, jpeg, nifti, nifti_gz, picture, png, png16, tiff, volume

KINDS = {
    "png": lambda: png(disc()),
    "jpg": lambda: jpeg(disc()),
    "tif": lambda: tiff([eight_bit(disc())]),
    "bmp": lambda: good_files.bmp(disc()),
    "webp": lambda: good_files.webp(disc()),
    "dcm": lambda: dicom12(disc()),
    "nii": lambda: nifti(volume()),
    "gz": lambda: nifti_gz(volume()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_known_by_its_bytes_whatever_its_name(kind, tmp_path):
    data = KINDS[kind]()
    misnamed = tmp_path / "scan.txt"
    misnamed.write_bytes(data)
    from_path, from_bytes = read(misnamed), read(data)
    assert len(from_path) == len(from_bytes) > 0
    for index, (one, other) in enumerate(zip(from_path, from_bytes, strict=True)):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.digest == other.digest == hashlib.sha256(data).hexdigest()
        assert (one.index, one.count) == (index, len(from_path))
        assert one.pixels.dtype == np.float32
        assert not one.pixels.flags.writeable
        assert 0 <= one.pixels.min() <= one.pixels.max() <= 1


def test_the_sequence_is_what_the_caller_knows():
    assert [scan.sequence for scan in read(png(disc()), sequence="T1C+")] == ["T1C+"]
    assert [scan.sequence for scan in read(png(disc()))] == [""]


def test_a_plane_that_does_not_exist_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match=f"no plane 'oblique'; a volume is cut {', '.join(PLANES)}"):
        read(nifti(volume()), plane="oblique")


def test_a_missing_file_and_a_folder_are_refused_without_their_names(tmp_path):
    for path in (tmp_path / "erika-muster.png", tmp_path):
        with pytest.raises(ScanError, match="cannot be opened") as refusal:
            read(path)
        assert str(path.name) not in str(refusal.value)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device without an end here")
def test_a_device_that_never_ends_is_read_no_further_than_the_limit():
    with pytest.raises(ScanError, match=r"has 50\.0 MB; at most 50 MB"):
        read(Path("/dev/zero"))


def test_a_file_at_the_limit_is_read_and_one_byte_more_is_refused():
    padded = png(disc()).ljust(MAX_BYTES, b"\0")
    assert len(read(padded)) == 1
    with pytest.raises(ScanError, match="at most 50 MB are accepted"):
        read(padded + b"\0")


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (b"PK\x03\x04", "ZIP archive is damaged"),
        (b"%PDF-1.4", "PDF document"),
        (b"MATLAB 7.3 MAT-file", "a MATLAB file"),
        (b"\n <!DOCTYPE HTML><title>", "web page, not a picture"),
        (b'<?xml version="1.0"?>', "web page, not a picture"),
        (b"\x5c\x01\x00\x00", "Analyze or NIfTI pair"),
    ],
)
def test_what_a_stranger_is_tells_what_to_do(start, sentence):
    with pytest.raises(ScanError, match=sentence):
        read(start + bytes(400))


def test_16_bit_and_8_bit_of_one_picture_look_the_same():
    eight, sixteen = read(png(disc()))[0], read(png16(disc()))[0]
    assert sixteen.windowed() * 0.8 == pytest.approx(eight.windowed(), abs=0.02)


def test_the_windowed_picture_of_every_kind_shows_the_same_head():
    reference = disc() / disc().max()
    for kind in ("png", "jpg", "tif", "bmp", "webp", "dcm"):
        (scan,) = read(KINDS[kind]())
        shown = scan.windowed() / scan.windowed().max()
        assert np.corrcoef(shown.ravel(), reference.ravel())[0, 1] > 0.99, kind


def test_a_thumbnail_among_large_pages_is_named():
    pages = [np.eye(64, dtype=np.uint8) * 255, np.eye(20, dtype=np.uint8) * 255]
    with pytest.raises(ScanError, match="Slice 2 of this file is 20 x 20 pixels; at least 32 x 32"):
        read(tiff(pages))


def test_png_with_a_colour_profile_and_text_is_a_plain_picture():
    from PIL import Image, ImageCms, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", "Muster^Erika")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = picture(Image.fromarray(eight_bit(disc())).convert("RGB"), "PNG", pnginfo=text, icc_profile=profile)
    (scan,) = read(data)
    assert "Muster" not in repr(scan)
    assert scan.pixels == pytest.approx(disc(), abs=1 / 255)
