"""What is background is shown black, and the anatomy keeps its contrast, whatever value a program filled it with."""

import numpy as np
import pytest

from scans import HIDDEN_SLICE, Scan, ScanError, read
from scans.window import darken_background
from tests.good_files import dicom, dicom12, dicom_frames, disc, item, nifti, tiff, volume

HEAD = np.round(4095 * disc(96)).astype(np.int32)
AROUND = np.hypot(*np.mgrid[-1:1:96j, -1:1:96j]) > 1  # beyond the head and some air


def padded(value: int, kind: type, **attributes: object) -> bytes:
    """Return a DICOM file of the head whose surroundings have `value` stored as `kind`."""
    stored = HEAD.astype(kind)
    stored[AROUND] = np.array(value).astype(kind)
    return dicom(stored, **attributes)


def expected() -> Scan:
    return read(dicom(HEAD.astype(np.uint16)))[0]


@pytest.mark.parametrize(
    ("value", "kind", "declared"),
    [
        (63536, np.uint16, {"PixelPaddingValue": 63536}),
        (-2000, np.int16, {"PixelPaddingValue": -2000}),
        (5000, np.uint16, {"PixelPaddingValue": 4990, "PixelPaddingRangeLimit": 5010}),
        (5000, np.uint16, {"PixelPaddingValue": 5010, "PixelPaddingRangeLimit": 4990}),
        (-32768, np.int16, {"PixelPaddingValue": -32768}),
        (63536, np.uint16, {}),
        (-20000, np.int16, {}),
        (65535, np.uint16, {}),
    ],
)
def test_padding_is_background_whether_the_file_declares_it_or_not(value, kind, declared):
    (scan,) = read(padded(value, kind, **declared))
    assert scan.windowed()[AROUND].max() == scan.windowed()[~AROUND].min() == 0
    np.testing.assert_allclose(scan.windowed()[~AROUND], expected().windowed()[~AROUND], atol=0.03)


def test_padding_of_a_negative_is_black_too():
    stored = (4095 - HEAD).astype(np.uint16)
    stored[AROUND] = 60000
    (scan,) = read(dicom(stored, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=60000))
    assert scan.windowed()[AROUND].max() == 0
    np.testing.assert_allclose(scan.windowed()[~AROUND], expected().windowed()[~AROUND], atol=0.03)


def test_a_file_that_is_nothing_but_padding_is_refused_as_blank():
    with pytest.raises(ScanError, match="same value"):
        read(dicom(np.full((64, 64), 7, np.uint16), PixelPaddingValue=7))


@pytest.mark.parametrize(
    "make",
    [
        lambda filled: nifti(np.repeat(filled[:, :, None], 40, -1).astype(np.int32)),
        lambda filled: tiff([filled.astype(np.uint16)]),
    ],
    ids=["NIfTI", "TIFF"],
)
def test_a_constant_background_far_from_the_anatomy_is_told_and_black(make):
    filled = np.where(AROUND, 60000, HEAD)
    scan = read(make(filled))[0]
    assert any("background" in note for note in scan.notes)
    assert 0.3 < np.mean(scan.windowed() == 0) < 0.7 and np.ptp(scan.windowed()) == 1


@pytest.mark.parametrize(
    "values",
    [
        HEAD,  # black surroundings
        np.minimum(HEAD, 2500),  # saturated
        np.where(AROUND, -1024, HEAD - 1000),  # as in CT
        np.where(np.arange(96 * 96).reshape(96, 96) < 100, 60000, HEAD),  # a bright label
    ],
)
def test_what_belongs_to_the_picture_is_left_alone(values):
    stored = values.astype(np.float32)[None].copy()
    assert darken_background(stored) == () and np.array_equal(stored[0], values)


def test_one_absurd_slice_does_not_take_the_contrast_of_the_others():
    frames = np.stack([disc(64) * 0.05] * 8)
    frames[3] = disc(64)
    scans = read(dicom_frames(frames))
    assert "1 of 8 slices" in " ".join(scans[0].notes) and np.ptp(scans[0].windowed()) == 1
    assert np.ptp(read(dicom_frames(np.stack([disc(64) * 0.05, disc(64)] * 4)))[0].windowed()) < 0.2


def test_an_inverse_presentation_is_shown_upright_in_gray():
    negative = read(dicom12(1 - disc(), PresentationLUTShape="INVERSE"))[0]
    np.testing.assert_allclose(negative.windowed(), read(dicom12(disc()))[0].windowed(), atol=0.01)
    assert negative.span[0] > negative.span[1]


def test_a_window_wider_than_the_values_is_shown_as_it_says():
    """Values of 0 to 2047 in a window of 0 to 8190: the brightest is a quarter of white."""
    (scan,) = read(dicom12(disc() / 2, WindowCenter=4095, WindowWidth=8190, VOILUTFunction="LINEAR_EXACT"))
    assert scan.windowed().max() == pytest.approx(2047 * disc().max() / 8190, abs=0.01)


def test_a_picture_that_its_window_hides_is_told_and_not_predicted():
    (scan,) = read(dicom12(disc() * 0.02, WindowCenter=2048, WindowWidth=4096))
    assert scan.not_assessable == HIDDEN_SLICE and read(dicom12(disc()))[0].not_assessable == ""


@pytest.mark.parametrize("share", [0.0, 0.004, 0.005, 0.006, 0.01, 0.5, 0.994, 0.996, 1.0])
@pytest.mark.parametrize(("dark", "bright"), [(0.1, 0.9), (0.24, 0.35), (0.3, 0.335), (0.3, 0.345), (0.0, 0.03)])
def test_a_slice_is_hidden_where_its_percentiles_say_so(share, dark, bright):
    pixels = np.full(64 * 64, dark, np.float32)
    pixels[: round(share * pixels.size)] = bright
    pixels[0], pixels[-1] = 0.0, 1.0  # never blank
    low, high = np.percentile(pixels, [0.5, 99.5])
    hidden = Scan(pixels.reshape(64, 64), "").not_assessable == HIDDEN_SLICE
    assert hidden == bool(high - low < 0.04)


def test_a_blank_file_with_a_window_is_told_to_be_blank():
    with pytest.raises(ScanError, match="same value"):
        read(dicom12(np.zeros((64, 64)), WindowCenter=468, WindowWidth=1016))


@pytest.mark.parametrize(
    ("ratio", "spacing"), [([2, 1], (2.0, 1.0)), ([1, 2], (1.0, 2.0)), ([1, 1], (1.0, 1.0)), ([0, 1], (1.0, 1.0))]
)
def test_the_shape_of_a_pixel_is_kept_where_its_size_is_unknown(ratio, spacing):
    (scan,) = read(dicom12(disc(), PixelAspectRatio=ratio))
    assert scan.spacing == spacing and not scan.in_mm


def test_the_size_of_a_pixel_comes_before_its_shape():
    (scan,) = read(dicom12(disc(), PixelAspectRatio=[2, 1], PixelSpacing=[0.9, 0.8]))
    assert scan.spacing == (0.9, 0.8) and scan.in_mm


def test_a_volume_of_ordinary_values_has_no_note():
    assert read(nifti((1000 * volume()).astype(np.int16)))[0].notes == ()


def real_world(slope: float, intercept: float) -> list:
    unit = item(CodeValue="ms", CodingSchemeDesignator="UCUM", CodeMeaning="millisecond")
    mapping = item(RealWorldValueSlope=slope, RealWorldValueIntercept=intercept, MeasurementUnitsCodeSequence=[unit])
    return [mapping]


def test_real_world_values_decide_where_nothing_else_scales_the_frames():
    """Two equal frames, the second of which stands for values twice as large."""
    groups = [item(RealWorldValueMappingSequence=real_world(slope, 100.0)) for slope in (1.0, 2.0)]
    first, second = read(dicom_frames(np.stack([disc()] * 2), PerFrameFunctionalGroupsSequence=groups))
    top = round(4095 * float(disc().max()))
    assert first.span == (100, 100 + 2 * top) and second.pixels.max() == 1
    assert first.pixels.max() == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    "attributes", [{"RescaleSlope": 3, "RescaleIntercept": 0}, {"WindowCenter": 1000, "WindowWidth": 500}]
)
def test_a_rescale_or_a_window_comes_before_real_world_values(attributes):
    mapped = read(dicom12(disc(), RealWorldValueMappingSequence=real_world(7.0, 5.0), **attributes))
    assert mapped[0].span == read(dicom12(disc(), **attributes))[0].span
    assert read(dicom12(disc(), RealWorldValueMappingSequence=real_world(7.0, 5.0)))[0].span[0] == 5
