"""The slices of a volume become one grid of voxels whose places in the patient are known, whatever the format."""

from dataclasses import replace

import numpy as np
import pytest

from scans import Scan, ScanError, in_series, read
from scans.grid import LONGEST, MOST, grid_of, reduced, reduced_shape
from tests.good_files import dicom12, dicom_frames, item, mgh, nifti, nrrd

SHAPE = (40, 48, 36)  # to the patient's right, front and head
SIZES = np.array([1.5, 0.8, 3.0])  # mm
MARKER = np.array([30, 12, 25])  # a voxel of them
ORIGIN = np.array([-20.0, -30.0, -10.0])  # mm rightwards, forwards, upwards of the first voxel's middle
PLACE = ORIGIN + MARKER * SIZES
DICOM_PLACE = PLACE * [-1, -1, 1]
AFFINE = np.diag([*SIZES, 1.0])
AFFINE[:3, 3] = ORIGIN
VALUES = np.random.default_rng(0).integers(0, 300, SHAPE).astype(np.int16)
VALUES[tuple(MARKER)] = 2000
FILES = {"NIfTI": nifti, "MGH": mgh, "NRRD": nrrd}


def series(places: list[float], **attributes: object) -> list[Scan]:
    """Return axial DICOM slices whose z are `places`, bright at the marker, as a study gives them."""
    files = []
    for number, z in enumerate(places):
        pixels = np.full((48, 40), 0.1)
        pixels[5, 7] = 1.0 - number / 100
        where = {"ImagePositionPatient": [-10, -20, z], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        files.append(dicom12(pixels, PixelSpacing=[0.5, 0.7], SeriesInstanceUID="1.2", **where | attributes))
    [stack] = in_series([read(file) for file in files])
    return stack


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("kind", FILES)
def test_a_marker_lies_where_it_was_put_in_mm_whatever_the_format_and_the_cut(kind, plane):
    volume = read(FILES[kind](VALUES, AFFINE), plane=plane)
    grid = grid_of(volume)
    values, span = reduced(volume, grid)
    assert values.shape == grid.shape == (len(volume), *volume[0].shape)
    at = np.unravel_index(values.argmax(), values.shape)
    place = np.array(grid.origin) + sum(k * np.array(step) for k, step in zip(at, grid.steps, strict=True))
    np.testing.assert_allclose(place, DICOM_PLACE, atol=1e-3)
    assert span[0] + values.max() / 65535 * (span[1] - span[0]) == pytest.approx(2000, abs=1)
    order = {"axial": (2, 1, 0), "coronal": (1, 2, 0), "sagittal": (0, 2, 1)}[plane]
    np.testing.assert_allclose(grid.sizes, SIZES[list(order)], rtol=1e-5)
    slice_ = volume[at[0]]  # its own facts say the same
    own = np.array(slice_.corner) + at[2] * slice_.spacing[1] * np.array(slice_.directions[:3])
    own += at[1] * slice_.spacing[0] * np.array(slice_.directions[3:])
    np.testing.assert_allclose(own, DICOM_PLACE, atol=1e-3)


def test_an_oblique_volume_keeps_its_true_directions():
    turn = np.deg2rad(20)
    turned = np.eye(4)
    turned[:3, :3] = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    grid = grid_of(read(nifti(VALUES, turned @ AFFINE)))
    at = (MARKER[2], SHAPE[1] - 1 - MARKER[1], SHAPE[0] - 1 - MARKER[0])
    place = np.array(grid.origin) + sum(k * np.array(step) for k, step in zip(at, grid.steps, strict=True))
    np.testing.assert_allclose(place, (turned[:3, :3] @ PLACE) * [-1, -1, 1], atol=1e-3)


@pytest.mark.parametrize(
    ("plane", "sides"),
    [
        ("axial", (("I", "S"), ("A", "P"), ("R", "L"))),
        ("coronal", (("P", "A"), ("S", "I"), ("R", "L"))),
        ("sagittal", (("L", "R"), ("S", "I"), ("A", "P"))),
    ],
)
def test_every_axis_knows_its_sides(plane, sides):
    assert grid_of(read(nifti(VALUES, AFFINE), plane=plane)).sides == sides


def test_a_file_that_does_not_say_how_the_patient_lies_has_a_grid_without_sides_or_places():
    def forget(header):
        header["sform_code"] = header["qform_code"] = 0

    grid = grid_of(read(nifti(VALUES, AFFINE, change=forget)))
    assert grid.sides == (("", ""),) * 3 and grid.origin == grid.steps == () and grid.sizes[0] == pytest.approx(3.0)
    without_origin = nrrd(VALUES, AFFINE, space_origin=None)
    grid = grid_of(read(without_origin))
    assert grid.sides[0] == ("I", "S") and grid.origin == ()


def test_a_series_of_files_lies_by_the_positions_of_its_slices():
    grid = grid_of(series([3.0 * k for k in range(12)]))
    assert grid.shape == (12, 48, 40) and grid.sizes == pytest.approx((3.0, 0.5, 0.7)) and grid.in_mm
    assert grid.origin == (-10, -20, 0) and grid.steps[0] == pytest.approx((0, 0, 3))
    assert grid.layers == tuple(range(12))


def test_a_missing_slice_leaves_its_layer_empty():
    volume = series([3.0 * k for k in range(12) if k not in (4, 5)])
    grid = grid_of(volume)
    assert grid.shape[0] == 12 and grid.layers == (0, 1, 2, 3, -1, -1, 4, 5, 6, 7, 8, 9)
    values, _ = reduced(volume, grid)
    assert not values[4:6].any() and values[3].any() and values[6].any()


def test_slices_with_spans_of_their_own_share_one_in_the_grid():
    volume = series([2.0 * k for k in range(5)])
    values, (low, high) = reduced(volume, grid_of(volume))
    stored = low + values[:, 5, 7] / 65535 * (high - low)
    np.testing.assert_allclose(stored, [round(4095 * (1 - k / 100)) for k in range(5)], atol=1)
    negative = [replace(scan, span=scan.span[::-1], pixels=1 - scan.pixels) for scan in volume]
    values, (low, high) = reduced(negative, grid_of(negative))
    assert low > high
    np.testing.assert_allclose(low + values[:, 5, 7] / 65535 * (high - low), stored, atol=1)


def test_frames_of_one_file_lie_by_their_own_positions():
    frames = np.random.default_rng(0).random((6, 48, 40))
    groups = [item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 4.0 * k])]) for k in range(6)]
    shared = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[1, 1])],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        )
    ]
    facts = {"PerFrameFunctionalGroupsSequence": groups, "SharedFunctionalGroupsSequence": shared}
    assert grid_of(read(dicom_frames(frames, **facts))).sizes == pytest.approx((4, 1, 1))


def test_slices_of_one_value_only_get_a_sentence():
    where = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1], "SeriesInstanceUID": "1.2"}
    files = [
        dicom12(np.zeros((64, 64)), ImagePositionPatient=[0, 0, 5 * k], InstanceNumber=k, **where) for k in range(3)
    ]
    [volume] = in_series([read(file) for file in files])
    for attempt in (grid_of, lambda volume: reduced(volume, grid_of(series([0, 5, 10])))):
        with pytest.raises(ScanError, match="has the value 0, so the other planes show nothing"):
            attempt(volume)


def test_what_has_no_third_axis_gets_a_sentence():
    without_positions = read(dicom_frames(np.random.default_rng(0).random((6, 48, 40))))
    for volume in (without_positions, series([3.0 * k for k in range(4)])[:1]):
        with pytest.raises(ScanError, match=r"\.$"):
            grid_of(volume)


def test_slices_of_a_tilted_gantry_are_not_cut_across():
    volume = [
        replace(scan, corner=(-10, -20 + k, 3.0 * k)) for k, scan in enumerate(series([3.0 * k for k in range(6)]))
    ]
    with pytest.raises(ScanError, match="tilted"):
        grid_of(volume)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((24, 128, 128), (24, 128, 128)), ((176, 256, 256), (176, 183, 183)), ((30, 2000, 1000), (30, 256, 256))],
)
def test_a_volume_is_reduced_to_what_may_be_sent(shape, expected):
    small = reduced_shape(shape)
    assert max(small) <= LONGEST and np.prod(small) <= MOST
    assert small == pytest.approx(expected, abs=4)


def test_reducing_averages():
    pixels = np.zeros((64, 64))
    pixels[:2, :2] = [[0.2, 0.4], [0.6, 0.8]]
    volume = [Scan(pixels * level, "", apart=1.0) for level in (1.0, 0.5)]
    values, _ = reduced(volume, grid_of(volume), longest=32)
    assert values.shape == (2, 32, 32) and values[0, 0, 0] / 65535 == pytest.approx(0.5, abs=1e-3)
    values, _ = reduced(volume * 2, grid_of(volume * 2), longest=2)
    assert values.shape[0] == 2 and values.max() / 65535 == pytest.approx(0.75 * 2.0 / 32**2, abs=1e-3)
