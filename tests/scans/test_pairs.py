"""A header and its voxels in two files are read as one volume."""

import gzip
import struct

import numpy as np
import pytest

from scans import MAX_BYTES, ScanError, is_pair_header, joined, pair_names, read
from tests.good_files import analyze, nifti, nifti_pair, png, ramp, volume
from tests.scans.test_volumes import WAYS, corner, series, shown, stored

BALL = np.round(1000 * volume()).astype(np.int16)
PAIRS = {
    "Analyze": analyze,
    "NIfTI-1": nifti_pair,
    "NIfTI-2": lambda values: nifti_pair(values, second=True),
}
every_pair = pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)


def changed(header: bytes, at: int, code: str, *values: float) -> bytes:
    """Return a header with `values` from byte `at` on."""
    new = bytearray(header)
    struct.pack_into(code, new, at, *values)
    return bytes(new)


@every_pair
def test_a_pair_reads_back_packed_or_not(make):
    header, voxels = make(BALL)
    for one, other in ((header, voxels), (gzip.compress(header), voxels), (header, gzip.compress(voxels))):
        scans = read(joined(one, other))
        assert is_pair_header(one) and not is_pair_header(joined(one, other))
        assert sorted(np.unique(np.round(shown(scans)))) == sorted(np.unique(BALL))


@pytest.mark.parametrize(("axes", "flips"), WAYS[::7], ids=str)
def test_a_nifti_pair_keeps_its_orientation(axes, flips):
    scans = read(joined(*nifti_pair(*stored(corner(), axes, flips))))
    assert shown(scans) == pytest.approx(corner(), abs=1e-3)
    assert scans[0].edges == ("R", "L", "A", "P")


def test_an_analyze_pair_shows_no_letters():
    scans = read(joined(*analyze(BALL)))
    assert scans[0].edges == ("", "", "", "")
    assert "left and right may be swapped" in scans[0].notes[0]


def test_an_analyze_header_says_nothing_where_nifti_keeps_its_orientation():
    """Byte 252 is `orient` of Analyze and the start of a patient's name, and the code of an orientation of NIfTI."""
    header, voxels = analyze(BALL)
    scans = read(joined(changed(header, 252, "<hh6f", 1, 1, 9, 9, 9, 9, 9, 9), voxels))
    assert scans[0].edges == ("", "", "", "") and "Erika" not in str(scans[0].notes)


def test_an_analyze_header_with_zeros_where_there_should_be_ones_is_read():
    header, voxels = analyze(BALL)
    header = changed(header, 40, "<8h", 4, 40, 48, 36, 0, 0, 0, 0)
    header = changed(header, 80, "<3f", 0, -2, 3)  # sizes of a voxel
    assert read(joined(header, voxels))[0].spacing == pytest.approx((2, 1))


def test_voxels_that_begin_late_in_their_file_are_found():
    header, voxels = nifti_pair(BALL)
    scans = read(joined(changed(header, 108, "<f", 16), bytes(range(16)) + voxels))
    assert shown(scans) == pytest.approx(BALL, abs=0.01)


def test_a_pair_of_several_volumes_is_several_stacks():
    assert read(joined(*nifti_pair(series(2))))[0].stacks == ("volume 1 of 2", "volume 2 of 2")


@every_pair
def test_files_that_do_not_belong_together_are_refused(make):
    header, voxels = make(BALL)
    for other in (voxels[:-2], voxels + bytes(1000), b"", png(ramp())):
        with pytest.raises(ScanError, match=r"^These two files do not belong together: the header \(\.hdr\) tells of "):
            joined(header, other)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (png(ramp()), "This is no header"),
        (nifti(BALL), "This is no header"),
        (b"", "This is no header"),
        (changed(analyze(BALL)[0], 40, "<h", 9), "contradicts itself"),
        (changed(analyze(BALL)[0], 42, "<h", -4), "contradicts itself"),
        (changed(analyze(BALL)[0], 70, "<h", 9999), "contradicts itself"),
        (changed(nifti_pair(BALL)[0], 108, "<f", np.nan), "do not belong together"),
        (gzip.compress(analyze(BALL)[0])[:-20], "damaged or cut short"),
    ],
    ids=["picture", "nii", "empty", "nine axes", "negative side", "unknown type", "no offset", "broken gzip"],
)
def test_a_header_that_is_none_is_refused(header, sentence):
    with pytest.raises(ScanError, match=sentence):
        joined(header, BALL.tobytes())


def test_a_part_that_unpacks_to_more_than_is_accepted_is_refused():
    with pytest.raises(ScanError, match="more than 50 MB, unpacked"):
        joined(analyze(BALL)[0], gzip.compress(bytes(MAX_BYTES + 1), 1))


@pytest.mark.parametrize(
    ("header", "voxels"),
    [("a.hdr", "a.img"), ("a.hdr", "a.img.gz"), ("a.hdr.gz", "a.img.gz"), ("a.HDR", "a.IMG")],
)
def test_a_path_to_either_part_reads_both(header, voxels, tmp_path):
    for name, data in zip((header, voxels), nifti_pair(BALL), strict=True):
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (tmp_path / "another.hdr").write_bytes(b"not of this pair")
    one, other = read(tmp_path / header), read(tmp_path / voxels)
    assert shown(one) == pytest.approx(BALL, abs=0.01)
    assert [scan.key for scan in one] == [scan.key for scan in other]


def test_a_part_alone_says_what_is_missing(tmp_path):
    header, voxels = nifti_pair(BALL)
    (tmp_path / "a.hdr").write_bytes(header)
    (tmp_path / "b.img").write_bytes(voxels)
    with pytest.raises(ScanError, match=r"header of an Analyze or NIfTI pair without its voxels \(\.img\); send both"):
        read(tmp_path / "a.hdr")
    with pytest.raises(ScanError, match="This is not a file Candor knows"):
        read(tmp_path / "b.img")


def test_a_picture_named_img_beside_a_file_named_hdr_is_the_picture(tmp_path):
    (tmp_path / "a.img").write_bytes(png(ramp()))
    (tmp_path / "a.hdr").write_bytes(b"#?RADIANCE\n")
    assert read(tmp_path / "a.img")[0].shape == (48, 64)


def test_the_names_of_pairs_are_found_whatever_their_case_and_packing():
    names = ["b.img", "a.hdr", "B.HDR.GZ", "c.hdr", "d.img", "scan.png", "a.img.gz", ".hdr", ".img"]
    assert pair_names(names) == [("a.hdr", "a.img.gz"), ("B.HDR.GZ", "b.img")]
