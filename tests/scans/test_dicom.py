"""A DICOM file reads back as the values that were written, scaled, windowed and held as it says."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import uid

from scans import read
from tests.good_files import dicom, dicom12, dicom_frames, dicom_jpeg, disc, eight_bit, item, ramp

STEP = 1 / 4095
SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"  # real files of several makers, part of pydicom


def frames(data: bytes) -> list:
    """Decode in this process: a child for each of these tests would take minutes."""
    from scans.dicom import read_dicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the child does
        return list(read_dicom(data))


def only(data: bytes):
    (scan,) = frames(data)
    return scan


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.RLELossless,
        uid.JPEG2000Lossless,
    ],
    ids=lambda syntax: syntax.name,
)
def test_every_lossless_syntax_reads_back_the_values_written(syntax):
    scan = only(dicom12(ramp(), syntax=syntax))
    assert scan.span == (0, 4095)
    assert np.array_equal(np.round(4095 * scan.pixels), np.round(4095 * ramp()))


def test_jpeg_ls_and_every_other_syntax_of_one_real_scan_agree():
    reference = only((SAMPLES / "MR_small.dcm").read_bytes())
    names = ("RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "implicit")
    for name in names:
        scan = only((SAMPLES / f"MR_small_{name}.dcm").read_bytes())
        assert np.array_equal(scan.pixels, reference.pixels), name
        assert (scan.plane, scan.modality, scan.window) == ("axial", "MR", reference.window)


def test_lossy_jpeg_reads_back_within_its_loss():
    assert only(dicom_jpeg(disc())).pixels == pytest.approx(disc(), abs=0.06)


def test_the_whole_stored_range_is_kept_and_the_window_lies_within_it():
    """LINEAR, PS3.3 C.11.2.1.2: black at c - 0.5 - (w - 1) / 2, white at c - 0.5 + (w - 1) / 2."""
    scan = only(dicom12(ramp(), WindowCenter=1000, WindowWidth=401))
    assert scan.span == (0, 4095)
    assert scan.window == pytest.approx((799.5 / 4095, 1199.5 / 4095))
    shown = scan.windowed()
    assert shown[scan.pixels < 799 / 4095].max() == 0
    assert shown[scan.pixels > 1200 / 4095].min() == 1
    assert shown[np.abs(scan.pixels - 999.5 / 4095) < STEP / 2] == pytest.approx(0.5, abs=0.003)


@pytest.mark.parametrize("function", ["LINEAR_EXACT", "SIGMOID"])
def test_an_exact_window_is_centre_plus_and_minus_half_its_width(function):
    scan = only(dicom12(ramp(), WindowCenter=1000, WindowWidth=400, VOILUTFunction=function))
    assert scan.window == pytest.approx((800 / 4095, 1200 / 4095))


def test_the_first_of_several_windows_counts():
    scan = only(dicom12(ramp(), WindowCenter=[1000, 2000], WindowWidth=[401, 11]))
    assert scan.window == pytest.approx((799.5 / 4095, 1199.5 / 4095))


def test_a_window_wider_than_the_values_reaches_beyond_them():
    window = only(dicom12(ramp(), WindowCenter=2000.5, WindowWidth=20_001)).window
    assert window == pytest.approx((-8000 / 4095, 12_000 / 4095))


def test_without_a_window_a_tenth_of_a_per_cent_is_left_out_at_each_end():
    scan = only(dicom12(ramp()))
    assert scan.window == pytest.approx((0.001, 0.999), abs=STEP)


def test_rescaling_moves_span_and_window_into_the_modality_s_unit():
    scan = only(dicom12(ramp(), RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=0.5 + 1000, WindowWidth=2001))
    assert scan.span == (-1000, 7190)
    assert scan.window == pytest.approx((1000 / 8190, 3000 / 8190))
    assert scan.pixels == pytest.approx(ramp(), abs=STEP)


def test_monochrome1_is_inverted_and_so_is_its_window():
    plain = only(dicom12(ramp(), WindowCenter=1000, WindowWidth=401))
    inverted = only(dicom12(ramp(), WindowCenter=1000, WindowWidth=401, PhotometricInterpretation="MONOCHROME1"))
    assert inverted.pixels == pytest.approx(1 - plain.pixels, abs=1e-6)
    assert inverted.windowed() == pytest.approx(1 - plain.windowed(), abs=1e-5)
    assert inverted.span == (4095, 0)


def test_signed_pixels_keep_their_order():
    values = np.round(4000 * ramp() - 2000).astype(np.int16)
    scan = only(dicom(values))
    assert scan.span == (-2000, 2000)
    assert scan.pixels == pytest.approx(ramp(), abs=1 / 4000)


def test_bits_above_those_stored_are_ignored():
    values = np.round(4095 * ramp()).astype(np.uint16)
    scan = only(dicom(values | 0x8000, bits_stored=12))  # old files keep an overlay there
    assert scan.span == (0, 4095)
    assert np.array_equal(np.round(4095 * scan.pixels), values)


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian], ids=lambda syntax: syntax.name
)
def test_values_that_stand_in_the_highest_bits_are_moved_down(kind, syntax):
    """Also in a frame that would fit into the lowest bits, beside one that does not."""
    values = np.stack([np.round(4095 * ramp()), np.round(200 * ramp())]) - (2048 if kind == np.int16 else 0)
    data = dicom((values * 16).astype(kind), bits_stored=12, HighBit=15, NumberOfFrames=2, syntax=syntax)
    assert (stored_values(data) == values).all()


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_a_high_bit_that_the_values_do_not_reach_is_not_believed(kind):
    values = (np.round(4095 * ramp()) - (2048 if kind == np.int16 else 0)).astype(kind)
    assert (stored_values(dicom(values, bits_stored=12, HighBit=15)) == values).all()


def stored_values(data: bytes) -> np.ndarray:
    """The values of a file as it holds them, (n, H, W)."""
    return np.stack([np.round(scan.span[0] + scan.pixels * np.ptp(scan.span)) for scan in frames(data)])


def test_8_bit_gray_without_a_window_is_shown_as_the_same_picture_in_png_would_be():
    values = eight_bit(0.2 + 0.5 * ramp())
    scan = only(dicom(values))
    assert (scan.span, scan.window) == ((0, 255), (0, 1))
    assert np.array_equal(scan.pixels, values.astype(np.float32) / 255)


@pytest.mark.parametrize("interpretation", ["RGB", "YBR_FULL"])
def test_colour_becomes_gray(interpretation):
    gray = eight_bit(ramp())
    rgb = np.stack([gray, gray, gray], axis=-1)
    if interpretation == "YBR_FULL":
        rgb[..., 1:] = 128
    scan = only(dicom(rgb, PhotometricInterpretation=interpretation))
    assert scan.pixels == pytest.approx(ramp(), abs=2 / 255)


def test_colour_planes_stored_one_after_the_other_become_gray():
    planes = np.zeros((48, 64, 3), np.uint8)
    planes[..., 1] = eight_bit(ramp())
    stored = np.moveaxis(planes, -1, 0).tobytes()
    scan = only(dicom(planes, PlanarConfiguration=1, PixelData=stored))
    assert scan.pixels == pytest.approx(0.587 * ramp(), abs=1 / 255)


def test_each_frame_is_a_scan_and_all_share_one_span():
    scans = frames(dicom_frames(np.stack([level * ramp() for level in (0.25, 1, 0.5)])))
    assert [scan.pixels.max() for scan in scans] == pytest.approx([0.25, 1, 0.5], abs=STEP)
    assert {scan.span for scan in scans} == {(0, 4095)}


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEG2000Lossless], ids=lambda syntax: syntax.name)
def test_compressed_frames_come_in_order(syntax):
    stack = np.stack([level * ramp() for level in (0.25, 1, 0.5)])
    scans = frames(dicom_frames(stack, syntax=syntax))
    assert np.stack([scan.pixels for scan in scans]) == pytest.approx(stack, abs=STEP)


def test_an_enhanced_file_scales_shows_and_measures_each_frame_by_its_own_group():
    own = [
        item(
            PixelValueTransformationSequence=[item(RescaleSlope=slope, RescaleIntercept=0)],
            FrameVOILUTSequence=[item(WindowCenter=center, WindowWidth=1001)],
        )
        for slope, center in ((1, 1000), (2, 2000))
    ]
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.75])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])],
    )
    scans = frames(
        dicom_frames(
            np.stack([ramp(), ramp()]),
            PerFrameFunctionalGroupsSequence=own,
            SharedFunctionalGroupsSequence=[shared],
        )
    )
    assert [scan.pixels.max() for scan in scans] == pytest.approx([0.5, 1])
    assert scans[0].window == pytest.approx((499.5 / 8190, 1499.5 / 8190))
    assert scans[1].window == pytest.approx((1499.5 / 8190, 2499.5 / 8190))
    assert {scan.spacing for scan in scans} == {(0.5, 0.75)}
    assert {(scan.plane, scan.edges) for scan in scans} == {("sagittal", ("A", "P", "S", "I"))}


@pytest.mark.parametrize(
    ("directions", "plane", "edges"),
    [
        ([1, 0, 0, 0, 1, 0], "axial", ("R", "L", "A", "P")),
        ([-1, 0, 0, 0, 1, 0], "axial", ("L", "R", "A", "P")),
        ([1, 0, 0, 0, 0, -1], "coronal", ("R", "L", "S", "I")),
        ([0, 1, 0, 0, 0, -1], "sagittal", ("A", "P", "S", "I")),
        ([0.96, 0, 0.28, 0, 1, 0], "axial", ("R", "L", "A", "P")),  # tilted by 16 degrees
        ([0, 0, 0, 0, 0, 0], "", ("", "", "", "")),
        ([1, 0, 0, 1, 0, 0], "", ("", "", "", "")),
        ([7, 0, 0, 0, 1, 0], "", ("", "", "", "")),
        (None, "", ("", "", "", "")),
    ],
)
def test_plane_and_sides_follow_from_the_orientation(directions, plane, edges):
    scan = only(dicom12(ramp(), **({"ImageOrientationPatient": directions} if directions else {})))
    assert (scan.plane, scan.edges) == (plane, edges)


def test_spacing_is_rows_first_and_square_where_it_is_missing():
    assert only(dicom12(ramp(), PixelSpacing=[0.5, 0.75])).spacing == (0.5, 0.75)
    assert only(dicom12(ramp())).spacing == (1, 1) and not only(dicom12(ramp())).in_mm
    assert only(dicom12(ramp(), PixelSpacing=[1, 1])).in_mm


def test_modality_is_kept_only_where_it_is_one():
    assert only(dicom12(ramp())).modality == "MR"
    assert only(dicom12(ramp(), Modality="MUSTER ERIKA")).modality == ""
    assert only(dicom12(ramp(), Modality=None)).notes == ()


def test_nothing_that_names_the_patient_comes_through_the_sandbox():
    (scan,) = read(dicom12(ramp(), SeriesDescription="Muster T1", StudyDate="20240101", Modality="CT"))
    assert "This file says that it is CT" in scan.notes[0]
    for secret in ("Muster", "Erika", "4711", "1964", "2024"):
        assert secret not in repr(scan)


def test_a_file_that_also_starts_like_a_tiff_is_dicom():
    data = b"II*\0" + dicom12(ramp())[4:]
    (scan,) = read(data)
    assert scan.span == (0, 4095)
    assert scan.modality == "MR"
