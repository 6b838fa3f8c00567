"""Frames of different kinds are never one volume, and a mosaic is taken apart: no such file is one head."""

import numpy as np
import pytest

from scans import ScanError, in_series, read
from tests.good_files import dicom12, dicom_frames, disc, item

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


def enhanced(groups: list, levels: list[float] | None = None, stack: str = "") -> list:
    """Return the scans of a stack of a multi-frame file whose n-th frame is `levels[n]` bright."""
    return read(enhanced_file(groups, levels), stack=stack)


def enhanced_file(groups: list, levels: list[float] | None = None) -> bytes:
    levels = levels or [0.5 + 0.05 * number for number in range(len(groups))]
    frames = np.stack([disc(64) * level for level in levels])
    return dicom_frames(frames, PerFrameFunctionalGroupsSequence=groups)


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
    assert note == f"This file holds 2 stacks; this is magnitude (3 frames). The others: {name} (3 frames)."
    assert scans[0].stack == "magnitude" and scans[0].stacks == ("magnitude", name)


def test_the_grey_range_is_that_of_the_stack_alone():
    """The other frames are ten times as bright, or an offset below 0."""
    groups = [frame(z, "FIELD_MAP", "REAL") for z in (0, 5)] + [frame(z) for z in (0, 5)]
    scans = enhanced(groups, [1.0, 1.0, 0.1, 0.1])
    assert scans[0].span[1] < 500 and np.ptp(scans[0].windowed()) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_another_stack_is_read_by_its_name_and_nothing_is_predicted_from_it(name):
    groups = [frame(z) for z in (0, 5)] + [frame(z, *OTHERS[name]) for z in (10, 5, 0)]
    scans = enhanced(groups, stack=name)
    assert [scan.position for scan in scans] == [0, 5, 10] and [scan.frame for scan in scans] == [4, 3, 2]
    assert {scan.stack for scan in scans} == {name} and len({scan.key for scan in scans}) == 3
    assert enhanced(groups)[0].withheld == "" and "models know" not in " ".join(enhanced(groups)[0].notes)
    if name == "real part":
        assert scans[0].withheld == "" and "models know plain magnitude images" in " ".join(scans[0].notes)
    else:
        assert name in scans[0].withheld == scans[0].not_assessable and "nothing is predicted." in scans[0].withheld


def test_stacks_of_one_file_have_keys_of_their_own():
    groups = [frame(0, echo=20), frame(0, echo=90)]
    (first,), (second,) = enhanced(groups, [0.5, 0.5]), enhanced(groups, [0.5, 0.5], "TE 90 ms")
    assert first.digest == second.digest and first.index == second.index and first.key != second.key


@pytest.mark.parametrize(
    ("name", "said"), [("TE 7 ms", "it has TE 20 ms, TE 90 ms"), ("x" * 2000, "No stack has a name as long")]
)
def test_an_unknown_stack_gets_a_sentence_with_those_that_there_are(name, said):
    with pytest.raises(ScanError, match=said):
        enhanced([frame(0, echo=20), frame(0, echo=90)], stack=name)
    with pytest.raises(ScanError, match=r"holds one stack|No stack has a name"):
        enhanced([frame(0)], stack=name)


def test_slices_turned_differently_are_stacks_of_their_own_though_their_plane_is_one():
    tilted = item(ImageOrientationPatient=[1, 0, 0, 0, 0.8, 0.6])
    groups = [frame(z) for z in (0, 5)]
    for z in (0, 5):
        turned = frame(z)
        turned.PlaneOrientationSequence = [tilted]
        groups.append(turned)
    assert enhanced(groups)[0].stacks == ("axial", "axial 2")


def test_a_map_is_known_by_its_unit():
    unit = item(MeasurementUnitsCodeSequence=[item(CodeValue="Hz")])
    groups = [frame(0, "OTHER", "", RealWorldValueMappingSequence=[unit]), frame(0)]
    assert "field map" in enhanced(groups)[0].notes[0]


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ([frame(z, echo=te) for z in (0, 5) for te in (20, 90)], "this is TE 20 ms (2 frames). The others: TE 90 ms"),
        (
            [frame(z, MRDiffusionSequence=[item(DiffusionBValue=float(b))]) for b in (0, 1000) for z in (0, 5)],
            "this is b 0 (2 frames). The others: b 1000",
        ),
        (
            [frame(z, FrameContentSequence=[item(TemporalPositionIndex=t)]) for t in (1, 2) for z in (0, 5)],
            "this is time 1 (2 frames). The others: time 2",
        ),
        (
            [frame(z) for _ in range(3) for z in (0, 5)],
            "this is repetition 1 (2 frames). The others: repetition 2 (2 frames), rep",
        ),
    ],
    ids=["echoes", "b-values", "times", "repetitions"],
)
def test_echoes_b_values_times_and_repetitions_are_stacks_of_their_own(groups, named):
    scans = enhanced(groups)
    assert [scan.position for scan in scans] == [0, 5] and named in scans[0].notes[0]


def test_positions_that_differ_by_rounding_are_one_place():
    """Heights that lie on the border of two hundredths of a millimetre, as a second time they come a little higher."""
    heights = [2.125 * k for k in range(6)]
    scans = enhanced([frame(z + wrong) for wrong in (0, 1e-9) for z in heights])
    assert scans[0].stacks == ("repetition 1", "repetition 2")
    assert [scan.frame for scan in scans] == list(range(6)) and [scan.position for scan in scans] == heights


PLACE = {"ImagePositionPatient": [0.0, 0.0, 5.0]}
AT_THE_TOP = {"ImageOrientationPatient": AXIAL, "SpacingBetweenSlices": 3.0, **PLACE}
SHARED = [item(PlanePositionSequence=[item(**PLACE)], PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)])]


@pytest.mark.parametrize("place", [AT_THE_TOP, {"SharedFunctionalGroupsSequence": SHARED}], ids=["top", "shared"])
def test_one_position_for_several_frames_is_not_that_of_each(place):
    scans = read(dicom_frames(np.stack([disc(64) * level for level in (0.5, 0.9, 0.7)]), **place))
    assert [scan.frame for scan in scans] == [0, 1, 2] and scans[0].stacks == () and scans[0].plane == "axial"
    assert {(scan.position, scan.corner) for scan in scans} == {(None, ())} and len({scan.span for scan in scans}) == 1
    (single,) = read(dicom_frames(disc(64)[None], **place))
    assert single.position == 5


def test_frames_are_sorted_by_their_position():
    scans = enhanced([frame(z) for z in (10, 0, 15, 5)])
    assert [scan.position for scan in scans] == [0, 5, 10, 15]
    assert [scan.frame for scan in scans] == [1, 3, 0, 2] and [scan.index for scan in scans] == [0, 1, 2, 3]
    assert scans[0].notes == ()


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
    files = [
        read(dicom12(disc(side), ImagePositionPatient=[0, 0, z], **place)) for side, z in ((64, 0), (64, 5), (96, 9))
    ]
    assert sorted(map(len, in_series(files))) == [1, 2]
