"""The header of a DICOM file: its study, the patient only on request, read under the guard of the pixels."""

import pytest
from pydicom import config

from scans import ScanError
from scans.dicom_header import IDENTITY, REFERENCES
from scans.sandbox import dicom_header
from tests.bad_files import BAD_FILES
from tests.good_files import dicom12, disc, png


def test_references_are_given_and_whose_it_is_only_where_asked():
    data = dicom12(disc(), StudyInstanceUID="1.2.3", PatientName="Müster^Erika", SpecificCharacterSet="ISO_IR 192")
    plain = dicom_header(data)
    assert set(plain) == set(REFERENCES) and plain["StudyInstanceUID"] == "1.2.3" and plain["SeriesInstanceUID"] == ""
    named = dicom_header(data, identity=True)
    assert set(named) == {*REFERENCES, *IDENTITY}
    assert (named["PatientName"], named["PatientID"], named["StudyDate"]) == ("Müster^Erika", "4711", "")


def test_values_that_are_not_valid_are_left_out():
    wrong = {"StudyInstanceUID": "1.2.x", "PatientBirthDate": "May 1964", "PatientSex": "?", "StudyID": "S" * 16}
    with config.disable_value_validation():
        data = dicom12(disc(), **wrong)
    named = dicom_header(data, identity=True)
    assert [named[name] for name in wrong] == ["", "", "", "S" * 16]


@pytest.mark.parametrize("name", ["deflated-bomb.dcm", "archive.dcm", "text.dcm"])
def test_what_is_refused_as_a_scan_is_refused_here(name):
    with pytest.raises(ScanError):
        dicom_header(BAD_FILES[name]())


def test_a_picture_names_no_study():
    with pytest.raises(ScanError, match="names no study"):
        dicom_header(png(disc()))
