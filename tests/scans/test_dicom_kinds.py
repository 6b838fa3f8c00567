"""What the values of a file are is told by its ImageType, as each vendor writes it, and by its class."""

import io

import numpy as np
import pytest
from pydicom import config, dcmread

from scans import ScanError, read
from tests.good_files import dicom12, disc, item
from tests.scans.test_dicom import only

PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"

# What the files of vendors hold, and what it is; "" is an image like any other.
IMAGE_TYPES = {
    r"DERIVED\PRIMARY\T2_STAR MAP\ND": "a parameter map",
    r"DERIVED\PRIMARY\T2* MAP\ND": "a parameter map",
    r"DERIVED\PRIMARY\T2_STAR_MAP": "a parameter map",
    r"ORIGINAL\PRIMARY\T2_STAR_UNSPECIF\T2_STAR\UNSPECIFIED": "a parameter map",
    r"DERIVED\PRIMARY\R2_STAR MAP\ND\NORM": "a parameter map",
    r"DERIVED\PRIMARY\T1 MAP\ND": "a parameter map",
    r"DERIVED\PRIMARY\T2_MAP": "a parameter map",
    r"DERIVED\PRIMARY\PERFUSION\RELCBV\ND": "a perfusion map",
    r"ORIGINAL\PRIMARY\PERFUSION\NONE\DIS2D\RELMTT": "a perfusion map",
    r"DERIVED\PRIMARY\PERFUSION\RELCBF": "a perfusion map",
    r"DERIVED\PRIMARY\PERFUSION\TTP\ND": "a perfusion map",
    r"DERIVED\SECONDARY\RCBV": "a perfusion map",
    r"DERIVED\PRIMARY\DIFFUSION\ADC\ND": "an ADC map",
    r"ORIGINAL\PRIMARY\ADC_UNSPECIFIED\ADC\UNSPECIFIED": "an ADC map",
    r"ORIGINAL\PRIMARY\EADC_UNSPECIFIED\EADC\UNSPECIFIED": "an ADC map",
    r"DERIVED\PRIMARY\DIFFUSION\FA": "an FA map",
    r"ORIGINAL\PRIMARY\B0 MAP\B0\UNSPECIFIED": "a field map",
    r"ORIGINAL\PRIMARY\FIELD_MAP": "a field map",
    r"ORIGINAL\PRIMARY\PHASE MAP\P\FFE": "a phase",
    r"ORIGINAL\PRIMARY\VELOCITY MAP\P\PCA": "a phase",
    r"ORIGINAL\PRIMARY\P\ND": "a phase",
    r"ORIGINAL\PRIMARY\M_FFE\M\FFE": "",
    r"ORIGINAL\PRIMARY\M\ND\NORM": "",
    r"ORIGINAL\PRIMARY\T2_STAR\NONE": "",
    r"ORIGINAL\PRIMARY\PERFUSION\NONE": "",
    r"DERIVED\PRIMARY\DIFFUSION\TRACEW\ND": "",
    r"ORIGINAL\PRIMARY\OTHER": "",
    "ORIGINAL": "",
    "DERIVED": "",
}


@pytest.mark.parametrize("image_type", IMAGE_TYPES)
def test_from_maps_of_every_vendor_nothing_is_predicted(image_type):
    with config.disable_value_validation():  # no "*" is allowed
        data = dicom12(disc(), ImageType=image_type.split("\\"))
    withheld = only(data).withheld
    assert withheld.startswith(f"This is {IMAGE_TYPES[image_type]};") if IMAGE_TYPES[image_type] else withheld == ""


@pytest.mark.parametrize(
    "image_type", [["DERIVED", "SECONDARY", "SCREEN_SAVE"], ["DERIVED", "SECONDARY", "SCREEN SAVE"]]
)
def test_the_picture_of_a_screen_is_told_however_it_is_spelt(image_type):
    assert "secondary capture" in " ".join(only(dicom12(disc(), ImageType=image_type)).notes)


def float_file(**attributes: object) -> bytes:
    """Return a Parametric Map whose pixels are float32, with no more than its pixels need."""
    dataset = dcmread(io.BytesIO(dicom12(disc(), SOPClassUID=PARAMETRIC_MAP, **attributes)))
    dataset.file_meta.MediaStorageSOPClassUID = PARAMETRIC_MAP
    for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, name)
    dataset.BitsAllocated, dataset.FloatPixelData = 32, (0.003 * disc()).astype("<f4").tobytes()
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "image_type", [None, ["DERIVED", "PRIMARY", "VOLUME", "NONE"], ["DERIVED", "PRIMARY", "M", "SE"]]
)
def test_a_parametric_map_is_a_map_whatever_else_it_says(image_type):
    (scan,) = read(float_file(**({"ImageType": image_type} if image_type else {})))
    assert scan.withheld.startswith("This is a parameter map;") and scan.not_assessable == scan.withheld
    np.testing.assert_allclose(scan.span, (0, 0.003 * disc().max()), rtol=1e-6)


def test_a_parametric_map_is_named_by_its_unit_where_that_is_known():
    unit = [item(MeasurementUnitsCodeSequence=[item(CodeValue="um2/s")])]
    assert only(float_file(RealWorldValueMappingSequence=unit)).withheld.startswith("This is an ADC map;")


@pytest.mark.parametrize(
    ("sop_class", "what"),
    [("66", "raw data or a registration"), ("66.4", "a segmentation"), ("66.6", "a set of fibre tracks")],
)
def test_what_shows_no_slice_of_a_patient_is_refused_by_its_name(sop_class, what):
    with pytest.raises(ScanError, match=f"This DICOM file is {what}"):
        read(dicom12(disc(), SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{sop_class}"))


@pytest.mark.slow
def test_from_a_map_that_candor_wrote_nothing_is_predicted():
    from explain.report.parametric_map import parametric_map
    from tests.explain.report.conftest import report_of

    report = report_of(source := dicom12(disc()), methods=("gradcam",))
    (scan,) = read(parametric_map(report, report.explanations[0], source, False))
    assert "parameter map" in scan.withheld
