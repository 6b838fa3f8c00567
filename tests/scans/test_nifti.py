"""NIfTI volumes: their types, and what their headers say (the rest is in test_volumes.py)."""

import gzip

import nibabel
import numpy as np
import pytest

from scans import ScanError, read
from scans.nifti import read_nifti
from tests.good_files import nifti, nifti_gz, volume


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
)
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image], ids=["NIfTI-1", "NIfTI-2"])
def test_every_gray_type_reads_back(dtype, kind):
    values = np.round(100 * volume()).astype(dtype)
    scans = list(read_nifti(nifti(values, kind=kind), "axial"))
    assert scans[0].span == (0, values.max())
    assert scans[18].pixels[::-1, ::-1].T * values.max() == pytest.approx(values[..., 18], abs=1e-4)


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image], ids=["NIfTI-1", "NIfTI-2"])
def test_extensions_of_the_header_do_not_matter(kind, packed):
    """AFNI writes its history there, of some thousand bytes, as a comment."""
    image = kind(np.round(100 * volume()).astype(np.int16), np.eye(4))
    plain = read(image.to_bytes())
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("afni", b"x" * 3000))
    extended = read(packed(image.to_bytes()))
    assert [scan.notes for scan in extended] == [scan.notes for scan in plain]
    assert np.array_equal([scan.pixels for scan in extended], [scan.pixels for scan in plain])


def test_big_endian_voxels_read_back():
    image = nibabel.Nifti1Image(np.round(1000 * volume()).astype(np.int16), np.eye(4))
    header = image.header.as_byteswapped(">")
    data = nibabel.Nifti1Image(np.round(1000 * volume()).astype(">i2"), np.eye(4), header).to_bytes()
    scans = list(read_nifti(data, "axial"))
    assert scans[18].pixels[::-1, ::-1].T * scans[0].span[1] == pytest.approx(1000 * volume()[..., 18], abs=0.51)


@pytest.mark.parametrize(("unit", "factor"), [(0, 1.0), (1, 1e3), (2, 1.0), (3, 1e-3), (2 | 8, 1.0), (3 | 16, 1e-3)])
def test_lengths_are_in_mm_whatever_the_unit_of_the_file(unit, factor):
    """Metre, millimetre or micrometre; the bits above are the unit of time."""

    def say(header):
        header["xyzt_units"] = unit
        header["sform_code"] = 1

    affine = np.diag([0.5, 0.5, 2.0, 1.0])
    affine[:3, 3] = -10, -20, 30
    scans = list(read_nifti(nifti(np.round(1000 * volume()).astype(np.int16), affine, change=say), "axial"))
    plain = list(read_nifti(nifti(np.round(1000 * volume()).astype(np.int16), affine), "axial"))
    for one, other in zip(scans, plain, strict=True):
        assert one.in_mm and one.edges == other.edges and one.plane == other.plane
        assert (*one.spacing, one.apart) == pytest.approx([factor * mm for mm in (*other.spacing, other.apart)])
        assert (*one.corner, one.position) == pytest.approx([factor * mm for mm in (*other.corner, other.position)])


def test_slope_and_intercept_are_honoured():
    def scale(header):
        header["scl_slope"], header["scl_inter"] = 0.5, -10

    scan = next(read_nifti(nifti(np.round(1000 * volume()).astype(np.int16), change=scale), "axial"))
    assert scan.span == (-10, np.round(1000 * volume()).max() / 2 - 10)


def test_all_slices_share_one_span_and_a_window_without_the_extremes():
    values = np.round(1000 * volume()).astype(np.int16)
    values[20, 20, 18] = 30_000  # one hot voxel
    scans = list(read_nifti(nifti(values), "axial"))
    assert {(scan.span, scan.window) for scan in scans} == {((0, 30_000), scans[0].window)}
    assert scans[0].window[1] == pytest.approx(values[values < 30_000].max() / 30_000, rel=0.02)


@pytest.mark.parametrize("sides", [(40, 48), (40, 48, 1), (40, 48, 1, 1)], ids=str)
def test_a_single_slice_is_one_scan_whatever_plane_is_asked_for(sides):
    values = volume()[..., 18].reshape(sides)
    for plane in ("axial", "coronal"):
        (scan,) = read_nifti(nifti(values), plane)
        assert (scan.shape, scan.plane) == ((48, 40), "axial")


def test_a_single_coronal_slice_says_so():
    (scan,) = read_nifti(nifti(volume()[:, 20:21]), "axial")
    assert (scan.shape, scan.plane, scan.edges) == ((36, 40), "coronal", ("R", "L", "S", "I"))


def test_the_plane_that_shows_a_head_is_named_where_the_chosen_one_does_not():
    with pytest.raises(ScanError, match=r"Cut coronal, .* slices of 64 x 20 pixels; .* look at it axial"):
        list(read_nifti(nifti(volume((64, 64, 20))), "coronal"))


def test_nan_outside_the_head_becomes_its_darkest_value():
    values = np.where(volume() > 0, 5 + volume(), np.nan).astype(np.float32)
    scans = list(read_nifti(nifti(values), "axial"))
    assert scans[0].span[0] == pytest.approx(np.nanmin(values))
    assert scans[18].pixels[0, 0] == 0
    assert f"{np.isnan(values).sum()} of {values.size} pixels are not numbers" in scans[0].notes[0]


def test_where_the_file_does_not_say_how_the_patient_lies_no_letters_are_shown():
    def forget(header):
        header["sform_code"] = header["qform_code"] = 0

    scan = next(read_nifti(nifti(volume(), change=forget), "axial"))
    assert scan.edges == ("", "", "", "")
    assert "left and right may be swapped" in scan.notes[0]


def test_a_compressed_volume_comes_through_the_sandbox_as_it_is():
    plain, packed = read(nifti(volume()), plane="sagittal"), read(nifti_gz(volume()), plane="sagittal")
    assert len(plain) == len(packed) == 40
    for index, (one, other) in enumerate(zip(plain, packed, strict=True)):
        assert np.array_equal(one.pixels, other.pixels)
        assert (one.index, one.count, one.plane) == (index, 40, "sagittal")
    assert plain[0].digest != packed[0].digest


def test_gzip_members_one_after_another_are_one_file():
    data = nifti(volume())
    split = gzip.compress(data[:1000]) + gzip.compress(data[1000:])
    assert len(list(read_nifti(split, "axial"))) == 36


def test_what_a_volume_of_60_million_voxels_costs_is_bounded_before_it_is_read():
    def grow(header):
        header["dim"][1:4] = 1000, 1000, 61

    with pytest.raises(ScanError, match="claims 1000 x 1000 x 61 voxels; 60 million at most"):
        list(read_nifti(gzip.compress(nifti(volume(), change=grow)), "axial"))
