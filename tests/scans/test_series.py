"""Slices of one series are ordered as a NIfTI volume of the same head."""

import numpy as np
import pytest

from scans import in_series, read
from tests.good_files import dicom12, dicom_frames, disc, png
from tests.scans.test_dicom import frames

AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]


def a_slice(place: tuple[float, float, float], number: str = "1.2.3", directions=AXIAL):
    """The scans of a DICOM file whose upper left pixel lies at x, y, z: left, back, up."""
    return frames(a_file(place, number, directions))


def a_file(place: tuple[float, float, float], number: str = "1.2.3", directions=AXIAL) -> bytes:
    return dicom12(
        disc(), SeriesInstanceUID=number, ImageOrientationPatient=directions, ImagePositionPatient=list(place)
    )


@pytest.mark.parametrize(
    ("directions", "axis", "sign"),
    [(AXIAL, 2, 1), (CORONAL, 1, -1), (SAGITTAL, 0, -1)],
    ids=("axial", "coronal", "sagittal"),
)
def test_the_slices_of_a_series_lie_from_below_from_behind_or_from_the_left(directions, axis, sign):
    """DICOM's x grows to the left and its y to the back; a NIfTI volume is cut from the left and from behind."""
    places = [tuple(np.eye(3)[axis] * mm) for mm in (10, -5, 0)]
    (found,) = in_series([a_slice(place, directions=directions) for place in places])
    assert [scan.position for scan in found] == [-5, 0, 10] if sign > 0 else [-10, 0, 5]
    assert {scan.count for scan in found} == {1}


def test_a_tilted_series_is_ordered_across_its_slices():
    tilted = [1, 0, 0, 0, 0.8, 0.6]  # across: (0, -0.6, 0.8)
    found = frames(dicom12(disc(), ImageOrientationPatient=tilted, ImagePositionPatient=[5, 10, 20]))
    assert found[0].position == pytest.approx(-0.6 * 10 + 0.8 * 20)


def test_series_and_planes_are_kept_apart_and_what_does_not_say_where_it_lies_is_left_alone():
    second, other, first = a_slice((0, 0, 8)), a_slice((0, 0, 4), "1.2.4"), a_slice((0, 0, 2))
    crossing = a_slice((0, 3, 0), directions=CORONAL)
    picture = read(png(disc()))
    lost = frames(dicom12(disc(), SeriesInstanceUID="1.2.3"))
    volume = frames(dicom_frames(np.stack([disc()] * 3), SeriesInstanceUID="1.2.3"))
    found = in_series([second, picture, other, first, crossing, lost, volume])
    assert found == [[*first, *second], picture, other, crossing, lost, volume]


def test_of_the_number_of_a_series_only_a_hash_is_kept():
    (scan,) = read(a_file((0, 0, 7), "1.2.826.0.1.4711"))
    assert len(scan.series) == 64 and "4711" not in repr(scan) and scan.position == 7
    (scan,) = read(dicom12(disc()))
    assert scan.series == "" and scan.position is None


def test_a_place_that_is_none_is_no_reason_to_refuse_the_pixels():
    (scan,) = frames(dicom12(disc(), ImageOrientationPatient=AXIAL, ImagePositionPatient=[1, 2]))
    assert scan.position is None and scan.plane == "axial"
