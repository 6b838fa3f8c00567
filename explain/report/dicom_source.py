"""Where a DICOM result belongs: the study, the patient and the image of its source, read again when it is made.

A `Scan` holds nothing that identifies the patient or the study. So the identifying tags are read from the bytes of the
file at the moment of an export, in the sandbox, go into the result, and stay nowhere else. Results of files that are
not DICOM start a study of their own, without a patient.
"""

import hashlib
import json
import uuid
from datetime import datetime

from explain.report.report_input import ReportInput
from scans import dicom_file
from scans.sandbox import dicom_header

# Series of their own, far above a scanner's numbers: objects of one series share a modality and a kind.
SERIES_NUMBERS = {"capture": 9001, "map": 9002, "report": 9003}

_NAMESPACE = uuid.UUID("6f1a3c52-3f0e-5d0b-9c3e-0c5b7e1d9a44")  # of Candor's identifiers
_IDENTITY = {
    "PatientID": "patient_id",
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
    "AccessionNumber": "accession_number",
    "StudyID": "study_id",
    "StudyDate": "study_date",
    "StudyTime": "study_time",
    "ReferringPhysicianName": "referring_physician_name",
}


def header_of(report: ReportInput, data: bytes | None, identity: bool) -> dict[str, str]:
    """Return the references of the report's file by keyword, {} where it is not DICOM; the patient on request.

    `data` is that file, or the ZIP archive that it came in. Raises ScanError where the header cannot be read again,
    ValueError where `data` is another file.
    """
    if data is None:
        return {}
    if hashlib.sha256(data).hexdigest() not in (report.scan.digest, report.scan.member):
        raise ValueError("these are not the bytes that the scan was read from")
    file = dicom_file(report.scan, data)
    return {} if file is None else dicom_header(file, identity)


def identifier(*parts: object) -> str:
    """Return a DICOM identifier that depends on `parts` alone (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(parts, sort_keys=True)).int}"


def study_of(report: ReportInput, header: dict[str, str]) -> str:
    """Return the identifier of the source's study, or of one that the scan starts."""
    return header.get("StudyInstanceUID") or identifier("study", report.scan.digest)


def series_of(report: ReportInput, header: dict[str, str], kind: str) -> str:
    """Return the identifier of the series of one kind of result, a key of `SERIES_NUMBERS`."""
    facts = header, report.scan.digest, report.card.weights_sha256, report.date.isoformat()
    return identifier("series", kind, study_of(report, header), *facts)


def day_and_time(date: datetime) -> tuple[str, str]:
    """Return a date as DICOM writes it: YYYYMMDD and HHMMSS."""
    return f"{date:%Y%m%d}", f"{date:%H%M%S}"


def maker_and_dates(report: ReportInput, series_description: str) -> dict[str, str]:
    """Return what every kind of result says of its maker, its series' name, its dates and its characters.

    As the keyword arguments of highdicom's objects.
    """
    day, time = day_and_time(report.date)
    return {
        "manufacturer": "Candor",
        "manufacturer_model_name": report.card.id,
        "series_description": series_description,
        "content_date": day,
        "content_time": time,
        "series_date": day,
        "series_time": time,
        "specific_character_set": "ISO_IR 192",
    }


def patient_and_study(report: ReportInput, header: dict[str, str]) -> dict[str, str | None]:
    """Return the arguments of highdicom for patient and study; a study that starts here has the report's date."""
    day, time = day_and_time(report.date)
    facts = {argument: header.get(keyword) or None for keyword, argument in _IDENTITY.items()}
    return facts if header else facts | {"study_date": day, "study_time": time}


def stand_in(report: ReportInput, header: dict[str, str], sop_class: str):
    """Return a dataset that stands for the source where highdicom wants one: its patient, study and identifiers.

    What the file lacks is made up from the scan alone, so the references that highdicom makes of it are replaced by
    those of `refer`, or left out.
    """
    from pydicom import Dataset

    dataset = Dataset()
    facts = patient_and_study(report, header)
    for keyword, argument in _IDENTITY.items():
        setattr(dataset, keyword, facts[argument])
    if issuer := header.get("IssuerOfPatientID"):
        dataset.IssuerOfPatientID = issuer
    dataset.SOPClassUID = sop_class
    dataset.StudyInstanceUID = study_of(report, header)
    dataset.SeriesInstanceUID = header.get("SeriesInstanceUID") or identifier("no series", report.scan.digest)
    dataset.SOPInstanceUID = header.get("SOPInstanceUID") or identifier("no instance", report.scan.digest)
    dataset.Rows, dataset.Columns = report.scan.shape
    return dataset


def has_source(header: dict[str, str]) -> bool:
    """Return whether a source has what a reference to it needs: image, series and study."""
    needed = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    return all(header.get(keyword) for keyword in needed)


def frame_number(report: ReportInput, header: dict[str, str]) -> int | None:
    """Return the number of the scan's frame in its file, from 1; None where the file is one picture."""
    frame = report.scan.frame
    return frame + 1 if frame >= 0 and int(header.get("NumberOfFrames") or 1) > 1 else None


def lossy_compression(header: dict[str, str]) -> dict[str, list[str]]:
    """Return what a source that has lost information says of it, by keyword; {} for any other.

    What is made of it has lost it, too (PS3.3 C.7.6.1.1.5).
    """
    names = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
    lossy = header.get("LossyImageCompression") == "01"
    return {name: header[name].split("\\") for name in names if lossy and header.get(name)}


def source_item(report: ReportInput, header: dict[str, str], preserved: bool):
    """Return an item of a Source Image Sequence. `preserved`: the result's pixels lie where the source's do."""
    from pydicom.sr.codedict import codes

    source = _instance(header)
    if number := frame_number(report, header):
        source.ReferencedFrameNumber = number
    source.PurposeOfReferenceCodeSequence = [coded(codes.DCM.SourceImageForImageProcessingOperation)]
    source.SpatialLocationsPreserved = "YES" if preserved else "NO"
    return source


def refer(dataset, report: ReportInput, header: dict[str, str], *, preserved: bool = False) -> None:
    """Let an image refer to the image it was made from, where that has all identifiers (PS3.3 C.12.4, C.12.2)."""
    from pydicom import Dataset

    for keyword in ("SourceImageSequence", "ReferencedSeriesSequence"):
        if keyword in dataset:
            delattr(dataset, keyword)
    if not has_source(header):
        return
    series = Dataset()
    series.SeriesInstanceUID = header["SeriesInstanceUID"]
    series.ReferencedInstanceSequence = [_instance(header)]
    dataset.ReferencedSeriesSequence = [series]
    dataset.SourceImageSequence = [source_item(report, header, preserved)]


def coded(code):
    """Return the item of a code sequence for a code of pydicom."""
    from highdicom.sr.coding import CodedConcept

    return CodedConcept.from_code(code)


def set_dates(dataset, report: ReportInput) -> None:
    """Replace the present, which highdicom writes, by the report's date: the same report gives the same bytes."""
    day, time = day_and_time(report.date)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = day, time
    for tool in dataset.get("ContributingEquipmentSequence", []):
        tool.ContributionDateTime = day + time


def _instance(header: dict[str, str]):
    from pydicom import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = header["SOPClassUID"]
    item.ReferencedSOPInstanceUID = header["SOPInstanceUID"]
    return item
