"""Frames of different kinds are never one volume, and a mosaic is taken apart: no such file is one head."""

import numpy as np
import pytest

from scans import ScanError, in_series, read
from tests.good_files import dicom, dicom12, dicom_frames, disc, item

AXIAL = [1, 0, 0, 0, 1, 0]
HEAD = np.round(4095 * disc(64)).astype(np.uint16)


def frame(height: float, frame_type: str = "M", component: str = "MAGNITUDE", echo: float = 20, **groups: object):
    """Return the functional groups of a frame at `height` mm."""
    return item(
        PlanePositionSequence=[item(ImagePositionPatient=[0, 0, height])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)],
        MRImageFrameTypeSequence=[
            item(FrameType=["ORIGINAL", "PRIMARY", "T1", frame_type], ComplexImageComponent=component)
        ],
        MREchoSequence=[item(EffectiveEchoTime=float(echo))],
        **groups,
    )


def enhanced(groups: list, levels: list[float] | None = None) -> list:
    """Return the scans of a multi-frame file whose n-th frame is `levels[n]` bright."""
    levels = levels or [0.5 + 0.05 * number for number in range(len(groups))]
    frames = np.stack([disc(64) * level for level in levels])
    return read(dicom_frames(frames, PerFrameFunctionalGroupsSequence=groups))


OTHERS = {
    "field map": ("FIELD_MAP", "REAL"),
    "phase": ("P", "PHASE"),
    "real part": ("R", "REAL"),
    "imaginary part": ("I", "IMAGINARY"),
    "ADC map": ("ADC", "MAGNITUDE"),
    "parameter map": ("T2 MAP", "MIXED"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("interleaved", [False, True])
def test_frames_of_another_kind_are_left_out_and_named(name, interleaved):
    heights = [0, 5, 10]
    magnitude, other = [frame(z) for z in heights], [frame(z, *OTHERS[name]) for z in heights]
    groups = [g for pair in zip(other, magnitude, strict=True) for g in pair] if interleaved else other + magnitude
    scans = enhanced(groups)
    assert [scan.position for scan in scans] == heights and len(scans) == scans[0].count == 3
    assert [scan.frame for scan in scans] == ([1, 3, 5] if interleaved else [3, 4, 5])
    (note,) = scans[0].notes
    assert "2 stacks" in note and f"shows magnitude (3 frames) and leaves out {name} (3 frames)" in note


def test_the_grey_range_is_that_of_the_stack_alone():
    """The other frames are ten times as bright, or an offset below 0."""
    groups = [frame(z, "FIELD_MAP", "REAL") for z in (0, 5)] + [frame(z) for z in (0, 5)]
    scans = enhanced(groups, [1.0, 1.0, 0.1, 0.1])
    assert scans[0].span[1] < 500 and np.ptp(scans[0].windowed()) == 1


def test_a_map_is_known_by_its_unit():
    unit = item(MeasurementUnitsCodeSequence=[item(CodeValue="Hz")])
    groups = [frame(0, "OTHER", "", RealWorldValueMappingSequence=[unit]), frame(0)]
    assert "field map" in enhanced(groups)[0].notes[0]


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ([frame(z, echo=te) for z in (0, 5) for te in (20, 90)], "TE 20 ms (2 frames) and leaves out TE 90 ms"),
        (
            [frame(z, MRDiffusionSequence=[item(DiffusionBValue=float(b))]) for b in (0, 1000) for z in (0, 5)],
            "b 0 (2 frames) and leaves out b 1000",
        ),
        (
            [frame(z, FrameContentSequence=[item(TemporalPositionIndex=t)]) for t in (1, 2) for z in (0, 5)],
            "time 1 (2 frames) and leaves out time 2",
        ),
        ([frame(z) for _ in range(3) for z in (0, 5)], "other (2 frames) and leaves out repetition 2 (2 frames), rep"),
    ],
    ids=["echoes", "b-values", "times", "repetitions"],
)
def test_echoes_b_values_times_and_repetitions_are_stacks_of_their_own(groups, named):
    scans = enhanced(groups)
    assert [scan.position for scan in scans] == [0, 5] and named in scans[0].notes[0]


def test_frames_are_sorted_by_their_position():
    scans = enhanced([frame(z) for z in (10, 0, 15, 5)])
    assert [scan.position for scan in scans] == [0, 5, 10, 15]
    assert [scan.frame for scan in scans] == [1, 3, 0, 2] and [scan.index for scan in scans] == [0, 1, 2, 3]
    assert scans[0].notes == ()


def mosaic(count: int, side: int, **attributes: object) -> bytes:
    """Return a mosaic of `count` heads in `side` x `side` tiles, each brighter than the one before."""
    sheet = np.zeros((side * 64, side * 64), np.uint16)
    for number in range(count):
        row, column = divmod(number, side)
        sheet[row * 64 : (row + 1) * 64, column * 64 : (column + 1) * 64] = HEAD * (0.5 + 0.5 * number / count)
    facts = {
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        "AcquisitionMatrix": [64, 0, 0, 64],
        "ImageOrientationPatient": AXIAL,
        "ImagePositionPatient": [-500, -500, 30],
        "SpacingBetweenSlices": 4.0,
    }
    return dicom(sheet, **facts | attributes)


@pytest.mark.parametrize(("count", "side"), [(9, 3), (7, 3), (36, 6)])
def test_a_mosaic_is_taken_apart_into_its_slices(count, side):
    scans = read(mosaic(count, side))
    assert len(scans) == count and {scan.shape for scan in scans} == {(64, 64)}
    assert [scan.position for scan in scans] == [30 + 4 * number for number in range(count)]
    brightness = [float(scan.pixels.max()) for scan in scans]
    assert brightness == sorted(brightness) and "mosaic" in scans[0].notes[-1]


def test_the_slices_of_a_coronal_mosaic_are_in_anatomical_order():
    """Its normal points to the back: the first tile lies in front, 30 mm before the origin, and comes last."""
    place = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1], "ImagePositionPatient": [-500, -30, 500]}
    scans = read(mosaic(4, 2, AcquisitionMatrix=[64, 0, 0, 64], **place))
    assert [scan.position for scan in scans] == [18, 22, 26, 30] and scans[0].plane == "coronal"
    brightness = [float(scan.pixels.max()) for scan in scans]
    assert brightness == sorted(brightness, reverse=True)


def test_a_mosaic_that_does_not_say_how_large_its_slices_are_is_refused():
    with pytest.raises(ScanError, match="is a mosaic, many slices in one picture"):
        read(mosaic(9, 3, AcquisitionMatrix=[0, 0, 0, 0]))


def test_two_echoes_of_one_series_are_two_stacks():
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": AXIAL}
    files = [
        read(dicom12(disc(), ImagePositionPatient=[0, 0, z], EchoTime=te, **place))
        for z in (6, 0, 3)
        for te in (20, 90)
    ]
    stacks = in_series(files)
    assert [[scan.position for scan in scans] for scans in stacks] == [[0, 3, 6], [0, 3, 6]]
    assert [{scan.stack for scan in scans} for scans in stacks] == [{"TE 20 ms"}, {"TE 90 ms"}]


def test_slices_of_another_size_are_no_part_of_a_stack():
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": AXIAL}
    files = [read(dicom12(disc(side), ImagePositionPatient=[0, 0, side], **place)) for side in (64, 64, 96)]
    assert sorted(map(len, in_series(files))) == [1, 2]
