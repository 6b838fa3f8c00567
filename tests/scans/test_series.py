"""Slices of one series are ordered as a NIfTI volume of the same head."""

from dataclasses import replace

import numpy as np
import pytest

from scans import in_series, read
from tests.good_files import dicom12, dicom_frames, disc, item, png
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
    places = [[scan.digest for scan in scans] for scans in ([*first, *second], picture, other, crossing, lost, volume)]
    assert [[scan.digest for scan in scans] for scans in found] == places


def test_of_the_number_of_a_series_only_a_hash_is_kept():
    (scan,) = read(a_file((0, 0, 7), "1.2.826.0.1.4711"))
    assert len(scan.series) == 64 and "4711" not in repr(scan) and scan.position == 7
    (scan,) = read(dicom12(disc()))
    assert scan.series == "" and scan.position is None


def test_a_place_that_is_none_is_no_reason_to_refuse_the_pixels():
    (scan,) = frames(dicom12(disc(), ImageOrientationPatient=AXIAL, ImagePositionPatient=[1, 2]))
    assert scan.position is None and scan.plane == "axial"


def series(levels, heights=None, **attributes: object) -> list[list]:
    """The scans of files, each `levels[n]` bright and at `heights[n]` mm."""
    heights = range(0, 5 * len(levels), 5) if heights is None else heights
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": AXIAL}
    return [
        read(dicom12(disc() * level, ImagePositionPatient=[0, 0, z], **place | attributes))
        for level, z in zip(levels, heights, strict=True)
    ]


LEVELS = [0.9, 0.1, 0.5, 0.3]


@pytest.mark.parametrize("white", [False, True], ids=["MONOCHROME2", "MONOCHROME1"])
def test_single_files_of_one_series_are_seen_as_the_slices_of_one_volume(white):
    attributes = {"PhotometricInterpretation": "MONOCHROME1"} if white else {}
    (singles,) = in_series(series(LEVELS, **attributes))
    whole = read(dicom_frames(np.stack([disc() * level for level in LEVELS]), **attributes))
    for single, frame in zip(singles, whole, strict=True):
        assert np.abs(single.windowed() - frame.windowed()).max() < 1e-5
        assert single.grey_range == pytest.approx(frame.grey_range, abs=0.01)
    alone = [scans[0].windowed() for scans in series(LEVELS, **attributes)]
    assert np.abs(alone[1] - singles[1].windowed()).max() > 0.5  # by itself the darkest slice is as bright as any


def test_a_window_that_the_file_gives_stays_as_it_is():
    files = series(LEVELS, WindowCenter=1000, WindowWidth=800)
    (found,) = in_series(files)
    assert [scan.window for scan in found] == [scans[0].window for scans in files]


def test_a_blank_slice_takes_no_part_in_the_grey_range():
    (found,) = in_series(series([0.9, 0.0001, 0.5]))
    assert found[1].blank and np.isfinite(found[1].window).all() and found[0].window != found[2].window


def test_one_absurd_slice_of_a_series_is_told_and_does_not_take_the_contrast_of_the_others():
    (found,) = in_series(series([1.0] + [0.05] * 7))
    assert float(found[3].windowed().max()) == 1 and "1 of 8 slices hold values up to" in found[3].notes[0]


def test_the_same_slice_twice_is_shown_once_and_told():
    files = series([0.9, 0.1, 0.5])
    copy = series([0.1], [5], InstanceNumber=77)  # another file with the same pixels
    (found,) = in_series([*files, copy[0], files[2]])
    assert [scan.position for scan in found] == [0, 5, 10]
    assert "2 slices came twice and are shown once." in found[0].notes


def test_slices_at_one_place_that_differ_are_repetitions_in_the_order_of_their_acquisition():
    later = series([0.2, 0.3], AcquisitionNumber=2)
    earlier = series([0.8, 0.9], AcquisitionNumber=1)
    first, second = in_series([*later, *earlier])
    assert [scan.acquired[0] for scan in first + second] == [1, 1, 2, 2]
    assert [scan.stack for scan in first + second] == ["", "", "repetition 2", "repetition 2"]


HEIGHTS = [0, 5, 10, 15]


def acquisition(number: int, heights: list[float], **attributes: object) -> list[list]:
    """The scans of the files of one acquisition, none like one of another."""
    levels = [0.3 + 0.1 * number + 0.01 * k for k in range(len(heights))]
    return series(levels, heights, AcquisitionNumber=number, **attributes)


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_where_a_slice_is_missing_repetitions_are_not_mixed(missing):
    files = [acquisition(k, [z for z in HEIGHTS if k != missing or z != 10]) for k in (1, 2, 3)]
    stacks = in_series([scans for some in files for scans in some])
    assert [{scan.acquired[0] for scan in scans} for scans in stacks] == [{1}, {2}, {3}]
    assert [len(scans) for scans in stacks] == [3 if k == missing else 4 for k in (1, 2, 3)]


@pytest.mark.parametrize("wrong", [0.004, -0.004])
def test_positions_that_differ_by_rounding_do_not_mix_repetitions(wrong):
    stacks = in_series([*acquisition(1, HEIGHTS), *acquisition(2, [0, 5 + wrong, 10, 15])])
    assert [[scan.acquired[0] for scan in scans] for scans in stacks] == [[1] * 4, [2] * 4]


def test_the_parts_of_a_volume_that_were_acquired_in_turn_are_one_stack():
    (found,) = in_series([*acquisition(1, HEIGHTS[::2]), *acquisition(2, HEIGHTS[1::2])])
    assert [scan.position for scan in found] == HEIGHTS and found[0].notes == ()


def test_that_repetitions_may_be_mixed_is_told():
    """Each slice is an acquisition of its own, so that the numbers do not tell which of them belong together."""
    files = [acquisition(k, [z]) for k, z in enumerate([0, 5, 10, 15, 0, 5, 15], 1)]
    stacks = in_series([scans for some in files for scans in some])
    assert [len(scans) for scans in stacks] == [4, 3]
    assert all("told apart by their order only" in scans[0].notes[-1] for scans in stacks)


def notes_of(heights, **attributes: object) -> tuple[str, ...]:
    (found,) = in_series(series([0.5 + 0.01 * k for k in range(len(heights))], heights, **attributes))
    return found[0].notes


@pytest.mark.parametrize(
    ("heights", "told"),
    [
        ([0, 5, 10, 15], ()),
        ([0, 5.02, 9.99, 15.01], ()),
        ([0, 5], ()),
        ([0, 5, 15, 20], ("1 slice is missing: this series leaves gaps between slices 5 mm apart.",)),
        ([0, 3, 18, 21, 24], ("4 slices are missing: this series leaves gaps between slices 3 mm apart.",)),
        ([0, 3, 7, 14.5], ("The distance between the slices of this series varies from 3 to 7.5 mm.",)),
    ],
    ids=["even", "rounded", "two", "one missing", "four missing", "varying"],
)
def test_missing_slices_and_varying_distances_are_told(heights, told):
    assert notes_of(heights) == told
    files = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, z])],
            PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)],
        )
        for z in heights
    ]
    frames_ = np.stack([disc() * (0.5 + 0.01 * k) for k in range(len(heights))])
    assert read(dicom_frames(frames_, PerFrameFunctionalGroupsSequence=files))[0].notes == told


def test_a_tilted_gantry_is_told():
    """Each slice lies 5 mm higher and 2 mm further back than the one before: atan(2 / 5) = 22 degrees."""
    files = [a_slice((0, 2 * k, 5 * k)) for k in range(4)]
    (found,) = in_series(
        [[replace(scans[0], digest=str(k), pixels=scans[0].pixels * (k + 1) / 4)] for k, scans in enumerate(files)]
    )
    assert found[0].notes == (
        "The slices of this series are shifted against each other by 22° (a tilted gantry): neighbours do not show "
        "the same place one above the other.",
    )


def test_slices_turned_differently_are_no_stack_though_their_plane_is_one():
    turned = [1, 0, 0, 0, 0.8, 0.6]
    files = [a_slice((0, 0, 0)), a_slice((0, 0, 5)), a_slice((0, 0, 10), directions=turned)]
    assert [len(scans) for scans in in_series(files)] == [2, 1]
