"""The values of a map come back from DICOM as they were, in the place of their source, with their meaning in codes."""

import io
from dataclasses import replace
from datetime import timedelta

import highdicom
import numpy as np
import pytest
from pydicom import dcmread

from explain import METHODS
from explain.report.dicom_codes import DICOM_METHODS, SCHEME
from explain.report.parametric_map import parametric_map, place_of, values
from scans import Scan
from tests.explain.report.conftest import card, explained, report_of
from tests.explain.report.sources import (
    PLACE,
    SOURCES,
    STUDY,
    errors_of,
    magnitude_and_phase,
    needs_validator,
    words_in,
)
from tests.good_files import dicom12, disc, png

pytestmark = pytest.mark.slow


def mapped(data: bytes, identity: bool = False, **changes):
    report = report_of(data, **changes)
    made = parametric_map(report, report.explanations[0], data, identity)
    return report, made, dcmread(io.BytesIO(made))


@pytest.fixture(scope="module")
def source() -> bytes:
    return dicom12(disc(), **STUDY, **PLACE)


@pytest.fixture(scope="module")
def lime(source):
    """The report of `source` with a signed map, the bytes of its Parametric Map, and the same read again."""
    return mapped(source, methods=("lime",))


def test_the_values_are_those_of_the_map_by_two_readers(lime):
    report, _, dataset = lime
    heat = report.explanations[0].heat
    assert heat.min() == -1 and heat.max() == 1
    assert np.array_equal(values(dataset), heat) and values(dataset).dtype == np.float32
    assert np.array_equal(dataset.pixel_array, heat)
    assert isinstance(highdicom.pm.ParametricMap.from_dataset(dataset), highdicom.pm.ParametricMap)
    window = dataset.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence[0]
    assert (window.WindowCenter, window.WindowWidth, window.VOILUTFunction) == (0, 2, "LINEAR_EXACT")


def test_it_lies_where_its_source_lies(lime):
    _, made, dataset = lime
    assert dataset.FrameOfReferenceUID == STUDY["FrameOfReferenceUID"]
    shared, frame = dataset.SharedFunctionalGroupsSequence[0], dataset.PerFrameFunctionalGroupsSequence[0]
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == PLACE["ImageOrientationPatient"]
    assert frame.PlanePositionSequence[0].ImagePositionPatient == PLACE["ImagePositionPatient"]
    (measures,) = shared.PixelMeasuresSequence
    assert measures.PixelSpacing == PLACE["PixelSpacing"] and measures.SliceThickness == 5
    assert "SpacingBetweenSlices" not in measures
    affine = highdicom.imread(io.BytesIO(made)).get_volume_geometry().affine
    corner, other = affine @ [0, 0, 0, 1], affine @ [0, 63, 0, 1]
    assert corner[:3] == pytest.approx([-12.5, -120.25, 90]) and other[2] == pytest.approx(90 - 63 * 0.9)


def test_it_names_its_source_its_model_and_its_method(source, lime):
    report, _, dataset = lime
    original = dcmread(io.BytesIO(source))
    (image,), (series,) = dataset.SourceImageSequence, dataset.ReferencedSeriesSequence
    (derived,) = dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence
    for item in (image, derived.SourceImageSequence[0]):
        assert item.ReferencedSOPInstanceUID == original.SOPInstanceUID and item.SpatialLocationsPreserved == "YES"
    assert series.SeriesInstanceUID == STUDY["SeriesInstanceUID"] != dataset.SeriesInstanceUID
    assert dataset.StudyInstanceUID == STUDY["StudyInstanceUID"]
    assert dataset.ManufacturerModelName == report.card.id
    assert dataset.SoftwareVersions == report.card.weights_sha256 and report.card.weights_sha256 in (
        dataset.DerivationDescription
    )
    (mapping,) = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert (mapping.LUTLabel, mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == ("lime", 1, 0)
    assert METHODS["lime"].unit in mapping.LUTExplanation
    quantity, target = (item.ConceptCodeSequence[0] for item in mapping.QuantityDefinitionSequence)
    assert (quantity.CodeValue, quantity.CodingSchemeDesignator) == ("map.lime", SCHEME)
    assert (target.CodeValue, target.CodeMeaning) == ("class.meningioma", "Meningioma")
    assert SCHEME in [item.CodingSchemeDesignator for item in dataset.CodingSchemeIdentificationSequence]


def test_it_says_where_the_standard_has_a_place_that_it_is_not_for_diagnosis(lime):
    _, _, dataset = lime
    assert dataset.ContentQualification == "RESEARCH"
    texts = (dataset.SeriesDescription, dataset.ContentDescription, dataset.DerivationDescription)
    assert all("not for diagnosis" in str(text).lower() for text in (*texts, dataset.ImageComments))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_code_of_dicom_or_of_the_private_scheme(source, method):
    _, _, dataset = mapped(source, methods=(method,))
    (mapping,) = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    (code,) = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence
    value = code.get("CodeValue") or code.LongCodeValue
    assert code.CodingSchemeDesignator == ("DCM" if method in DICOM_METHODS else SCHEME)
    assert (value == f"map.{method}") != (method in DICOM_METHODS) and len(mapping.LUTLabel) <= 16
    if method == "gradcam":
        assert (value, code.CodeMeaning) == ("130403", "Gradient-weighted class activation")


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("identity", [False, True])
def test_the_patient_is_in_it_only_on_request_and_never_made_up(name, identity):
    data, index = SOURCES[name]()
    report, made, dataset = mapped(data, identity, index=index)
    theirs = identity and name not in ("png", "nifti")
    assert bool(dataset.PatientID) == bool(dataset.PatientName) == theirs
    assert bool(words_in(made)) == theirs
    assert np.array_equal(values(dataset), report.explanations[0].heat)
    assert ("SourceImageSequence" in dataset) == (name not in ("png", "nifti", "without study"))


@pytest.mark.parametrize(
    ("name", "placeholders"),
    [
        ("placed", ()),
        ("unplaced", ("size of a pixel", "orientation", "position")),
        ("png", ("size of a pixel", "orientation", "position")),
        ("nifti", ()),
    ],
)
def test_what_the_file_does_not_give_is_named_and_lies_in_a_frame_of_its_own(name, placeholders):
    data, index = SOURCES[name]()
    report, _, dataset = mapped(data, index=index)
    assert place_of(report.scan).placeholders == placeholders
    assert all(word in dataset.ImageComments for word in placeholders)
    assert (dataset.FrameOfReferenceUID == STUDY["FrameOfReferenceUID"]) == (name == "placed")
    assert ("placeholder" in dataset.ImageComments) == bool(placeholders)


def test_the_sides_of_a_slice_give_its_orientation_where_the_file_gives_no_more():
    coronal = place_of(Scan(disc(), "", edges=("R", "L", "S", "I"), in_mm=True, spacing=(2.0, 1.0)))
    assert coronal.directions == (1, 0, 0, 0, 0, -1) and coronal.spacing == (2.0, 1.0)
    sagittal = place_of(Scan(disc(), "", edges=("A", "P", "S", "I")))
    assert sagittal.directions == (0, 1, 0, 0, 0, -1)


def test_the_frame_of_a_multi_frame_file_and_its_loss_are_repeated():
    data, index = SOURCES["frames"]()
    _, _, dataset = mapped(data, index=index)
    assert dataset.SourceImageSequence[0].ReferencedFrameNumber == 2 and dataset.LossyImageCompression == "00"
    _, _, dataset = mapped(magnitude_and_phase())
    assert dataset.SourceImageSequence[0].ReferencedFrameNumber == 1
    lossy = {"LossyImageCompression": "01", "LossyImageCompressionRatio": ["8.5", "2"]}
    _, _, dataset = mapped(dicom12(disc(), **STUDY, **lossy))
    assert dataset.LossyImageCompression == "01" and list(dataset.LossyImageCompressionRatio) == [8.5, 2]


def test_the_same_report_gives_the_same_bytes_and_any_other_another_identifier(source, lime):
    report, made, dataset = lime
    assert parametric_map(report, report.explanations[0], source) == made
    heat = report.explanations[0].heat + np.float32(1e-6)
    others = [
        replace(report, date=report.date + timedelta(days=1)),
        replace(report, explanations=(replace(report.explanations[0], heat=heat),)),
    ]
    found = [dcmread(io.BytesIO(parametric_map(each, each.explanations[0], source))) for each in others]
    assert len({each.SOPInstanceUID for each in [dataset, *found]}) == 3


@pytest.mark.parametrize("value", [0.0, -2.5, 1e-30, 3e30])
def test_a_map_of_one_value_however_large_is_written(source, value):
    report = report_of(source)
    flat = explained(report.scan, card(), heat=np.full(report.scan.shape, value, np.float32))
    made = dcmread(io.BytesIO(parametric_map(replace(report, explanations=(flat,)), flat, source)))
    assert np.array_equal(values(made), flat.heat)


def test_bytes_of_another_file_are_refused(source):
    report = report_of(source)
    with pytest.raises(ValueError, match="not the bytes"):
        parametric_map(report, report.explanations[0], png(disc()))


@needs_validator
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("identity", [False, True])
def test_a_validator_finds_no_error(tmp_path, name, identity):
    data, index = SOURCES[name]()
    assert errors_of(mapped(data, identity, index=index, methods=("lime",))[1], tmp_path) == []
