"""The header of a DICOM file: its study, the patient only on request, read under the guard of the pixels."""

import pytest
from pydicom import config

from scans import ScanError
from scans.dicom_header import FACTS, IDENTITY, REFERENCES
from scans.sandbox import dicom_header
from tests.bad_files import BAD_FILES
from tests.good_files import dicom12, disc, item, png


def test_references_are_given_and_whose_it_is_only_where_asked():
    data = dicom12(disc(), StudyInstanceUID="1.2.3", PatientName="Müster^Erika", SpecificCharacterSet="ISO_IR 192")
    plain = dicom_header(data)
    assert (
        set(plain) == {*REFERENCES, *FACTS}
        and plain["StudyInstanceUID"] == "1.2.3"
        and plain["SeriesInstanceUID"] == ""
    )
    named = dicom_header(data, identity=True)
    assert set(named) == {*REFERENCES, *FACTS, *IDENTITY}
    assert (named["PatientName"], named["PatientID"], named["StudyDate"]) == ("Müster^Erika", "4711", "")


def test_values_that_are_not_valid_are_left_out():
    wrong = {"StudyInstanceUID": "1.2.x", "PatientBirthDate": "May 1964", "PatientSex": "?", "StudyID": "S" * 16}
    with config.disable_value_validation():
        data = dicom12(disc(), **wrong)
    named = dicom_header(data, identity=True)
    assert [named[name] for name in wrong] == ["", "", "", "S" * 16]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PatientID", ["AB", "CD"]),
        ("IssuerOfPatientID", ["AB", "CD"]),
        ("ReferringPhysicianName", ["A^B", "C^D"]),
        ("StudyInstanceUID", ["1.2", "1.3"]),
        ("AccessionNumber", "12345678901234567"),
        ("StudyID", "S" * 17),
        ("PatientID", "X" * 65),
    ],
)
def test_several_values_or_a_number_that_would_be_cut_to_another_one_are_none(name, value):
    with config.disable_value_validation():
        data = dicom12(disc(), **{name: value})
    assert dicom_header(data, identity=True)[name] == ""


def test_a_name_that_is_too_long_is_cut_short():
    with config.disable_value_validation():
        data = dicom12(disc(), PatientName="N" * 70)
    assert dicom_header(data, identity=True)["PatientName"] == "N" * 64


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PatientBirthDate", "00000000"),
        ("PatientBirthDate", "19640231"),
        ("StudyDate", "20261399"),
        ("StudyTime", "256199"),
        ("SliceThickness", "-3"),
        ("LossyImageCompression", "yes"),
    ],
)
def test_what_looks_like_a_value_but_is_none_is_left_out(name, value):
    with config.disable_value_validation():
        data = dicom12(disc(), **{name: value})
    assert dicom_header(data, identity=True)[name] == ""


def test_what_a_result_must_repeat_is_given_of_a_plain_file_and_of_functional_groups():
    plain = dicom12(disc(), SliceThickness="4.5", LossyImageCompression="01", LossyImageCompressionRatio=["8.5", "2"])
    header = dicom_header(plain)
    assert (header["SliceThickness"], header["LossyImageCompression"]) == ("4.5", "01")
    assert header["LossyImageCompressionRatio"] == "8.5\\2" and header["LossyImageCompressionMethod"] == ""
    groups = [item(PixelMeasuresSequence=[item(SliceThickness=3)])]
    assert dicom_header(dicom12(disc(), SharedFunctionalGroupsSequence=groups))["SliceThickness"] == "3.0"


@pytest.mark.parametrize("name", ["deflated-bomb.dcm", "archive.dcm", "text.dcm"])
def test_what_is_refused_as_a_scan_is_refused_here(name):
    with pytest.raises(ScanError):
        dicom_header(BAD_FILES[name]())


def test_a_picture_names_no_study():
    with pytest.raises(ScanError, match="names no study"):
        dicom_header(png(disc()))
