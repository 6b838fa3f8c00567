"""A map comes back from DICOM as it went in, refers to its source, and holds no patient data unless requested."""

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from pydicom import config, dcmread

from explain.explanation import NOT_FOR_DIAGNOSIS
from explain.report.secondary_capture import SERIES, page, secondary_capture
from scans import read
from tests.explain.report.conftest import report_of
from tests.explain.report.sources import STUDY, magnitude_and_phase
from tests.good_files import dicom12, dicom_frames, disc, png
from tests.scans.test_archive import zipped

pytestmark = pytest.mark.slow

PATIENT = ("Müster", "Muster", "4711", "19640812", "Doktor", "20260102", "A7")


@pytest.fixture(scope="module")
def source() -> bytes:
    return dicom12(disc(), **STUDY)


def captured(data: bytes, identity: bool = False, **changes):
    report = report_of(data, **changes)
    made = secondary_capture(report, report.explanations[0], data, identity)
    return report, made, dcmread(io.BytesIO(made))


@pytest.fixture(scope="module")
def capture(source):
    """The report of `source`, the bytes of its capture, and the same read again."""
    return captured(source)


def test_the_pixels_are_the_page_that_was_drawn(capture):
    report, _, dataset = capture
    assert np.array_equal(dataset.pixel_array, page(report, report.explanations[0]))
    assert dataset.PhotometricInterpretation == "RGB" and dataset.BurnedInAnnotation == "YES"
    assert dataset.SeriesDescription == SERIES and dataset.ImageComments.startswith(NOT_FOR_DIAGNOSIS)


def test_it_keeps_the_study_and_refers_to_series_and_image_but_is_of_a_series_of_its_own(source, capture):
    _, _, dataset = capture
    original = dcmread(io.BytesIO(source))
    assert dataset.StudyInstanceUID == STUDY["StudyInstanceUID"]
    assert dataset.SeriesInstanceUID != STUDY["SeriesInstanceUID"]
    assert dataset.SOPInstanceUID != original.SOPInstanceUID
    assert dataset.SeriesInstanceUID.startswith("2.25.") and dataset.SOPInstanceUID.startswith("2.25.")
    (image,), (series,) = dataset.SourceImageSequence, dataset.ReferencedSeriesSequence
    assert image.ReferencedSOPInstanceUID == original.SOPInstanceUID
    assert image.ReferencedSOPClassUID == original.SOPClassUID and "ReferencedFrameNumber" not in image
    assert series.SeriesInstanceUID == STUDY["SeriesInstanceUID"]
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == original.SOPInstanceUID
    assert "FrameOfReferenceUID" not in dataset and not dataset.PatientOrientation


def test_patient_data_is_left_out_unless_the_user_requests_it(source, capture):
    _, made, dataset = capture
    assert not dataset.PatientName and not dataset.PatientID and not dataset.PatientBirthDate
    assert [word for word in PATIENT if word.encode() in made or word.encode("latin-1") in made] == []
    _, _, named = captured(source, identity=True)
    assert (named.PatientName, named.PatientID, named.PatientBirthDate) == ("Müster^Erika", "4711", "19640812")
    assert (named.PatientSex, named.StudyDate, named.StudyTime) == ("F", "20260102", "101112")
    assert (named.StudyID, named.AccessionNumber, named.ReferringPhysicianName) == ("S7", "A7", "Doktor^Anna")
    assert named.StudyInstanceUID == dataset.StudyInstanceUID and named.SOPInstanceUID != dataset.SOPInstanceUID


def test_a_scan_that_is_not_dicom_starts_a_study_without_a_patient():
    _, _, dataset = captured(png(disc()))
    assert dataset.StudyInstanceUID.startswith("2.25.") and not dataset.PatientName and not dataset.PatientID
    assert "SourceImageSequence" not in dataset and dataset.StudyDate == "20261121"


def test_the_frame_of_a_multi_frame_file_is_named():
    frames = np.stack([disc() * share for share in (0.5, 0.75, 1)])
    _, _, dataset = captured(dicom_frames(frames, **STUDY), index=2)
    assert dataset.SourceImageSequence[0].ReferencedFrameNumber == 3
    _, _, dataset = captured(magnitude_and_phase())
    assert dataset.SourceImageSequence[0].ReferencedFrameNumber == 1


def test_a_slice_of_an_archive_keeps_the_study_and_the_patient_of_its_own_file():
    place = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "SeriesInstanceUID": "1.2.3.4"}
    files = [
        dicom12(disc() * share, **STUDY | place, ImagePositionPatient=[0, 0, 10 * share]) for share in (0.5, 0.75, 1)
    ]
    data = zipped({f"IM{number}": each for number, each in enumerate(files)})
    _, made, dataset = captured(data, identity=True, index=1)
    (image,) = dataset.SourceImageSequence
    assert image.ReferencedSOPInstanceUID == dcmread(io.BytesIO(files[1])).SOPInstanceUID
    assert "ReferencedFrameNumber" not in image  # a file of one frame, though the archive has three slices
    assert (dataset.StudyInstanceUID, dataset.PatientID) == (STUDY["StudyInstanceUID"], "4711")
    report = report_of(data, index=1)
    assert secondary_capture(report, report.explanations[0], files[1], identity=True) == made
    with pytest.raises(ValueError, match="not the bytes"):
        secondary_capture(report, report.explanations[0], files[0])


def test_what_its_source_has_lost_it_has_lost_too():
    lossy = {"LossyImageCompression": "01", "LossyImageCompressionRatio": ["8.5", "2"]}
    lossy |= {"LossyImageCompressionMethod": ["ISO_10918_1", "ISO_15444_1"]}
    _, _, dataset = captured(dicom12(disc(), **STUDY, **lossy))
    assert dataset.LossyImageCompression == "01" and list(dataset.LossyImageCompressionRatio) == [8.5, 2]
    assert list(dataset.LossyImageCompressionMethod) == lossy["LossyImageCompressionMethod"]
    assert captured(dicom12(disc(), **STUDY))[2].get("LossyImageCompression", "00") == "00"


def test_the_same_report_gives_the_same_bytes_and_any_other_another_identifier(source, capture):
    report, made, dataset = capture
    assert secondary_capture(report, report.explanations[0], source) == made
    later = replace(report, date=report.date + timedelta(days=1))
    identifiers = {dataset.SOPInstanceUID}
    for other in (later, replace(report, explanations=(replace(report.explanations[0], evaluations=9),))):
        identifiers.add(dcmread(io.BytesIO(secondary_capture(other, other.explanations[0], source))).SOPInstanceUID)
    assert len(identifiers) == 3


def test_maps_of_one_report_are_one_series_in_their_order(source):
    report = report_of(source, methods=("gradcam", "lime"))
    first, second = (dcmread(io.BytesIO(secondary_capture(report, each, source))) for each in report.explanations)
    assert first.SeriesInstanceUID == second.SeriesInstanceUID and first.SOPInstanceUID != second.SOPInstanceUID
    assert (first.InstanceNumber, second.InstanceNumber) == (1, 2)


def test_bytes_of_another_file_are_refused(source):
    report = report_of(source)
    with pytest.raises(ValueError, match="not the bytes"):
        secondary_capture(report, report.explanations[0], dicom12(disc(80)))


def test_a_file_with_an_invalid_study_identifier_still_gets_a_capture():
    odd = {"StudyInstanceUID": "not a number", "PatientBirthDate": "May", "PatientSex": "X", "StudyTime": "noon"}
    with config.disable_value_validation():  # as careless exports do
        data = dicom12(disc(), **odd, SeriesInstanceUID="1..2", PatientName="A^B^C^D^E^F^G", PatientID=None)
    _, _, dataset = captured(data, identity=True)
    assert dataset.StudyInstanceUID.startswith("2.25.") and "ReferencedSeriesSequence" not in dataset
    assert not dataset.PatientID and not dataset.PatientBirthDate and not dataset.PatientSex and not dataset.StudyTime


def test_candor_reads_it_again_and_warns_of_the_text_in_it(capture):
    _, made, _ = capture
    (scan,) = read(made)
    assert any("text is burned into" in note for note in scan.notes)


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="needs dciodvfy (Debian: apt install dicom3tools)")
@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("kind", ["dicom", "png"])
def test_a_validator_finds_no_error(source, tmp_path, kind, identity):
    data = source if kind == "dicom" else png(disc())
    (tmp_path / "a.dcm").write_bytes(captured(data, identity)[1])
    output = subprocess.run(["dciodvfy", "-new", tmp_path / "a.dcm"], capture_output=True, text=True, check=False)
    assert [line for line in (output.stdout + output.stderr).splitlines() if line.startswith("Error")] == []
    assert output.returncode == 0
