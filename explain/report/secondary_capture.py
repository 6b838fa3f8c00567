"""A map as a DICOM Secondary Capture that refers to the image it was made from, for an archive of scans.

The picture is a page of its own (scan, map, colour bar and text), so it has no position in the patient and no frame of
reference. "Not for diagnosis" is burned into it, and BurnedInAnnotation is set.
Source: DICOM PS3.3 A.8.1 (Secondary Capture), C.12.4 (references), PS3.5 B.2 (identifiers made from a UUID).
"""

import hashlib
import io
import json
import uuid
import warnings

import numpy as np

from explain.explanation import NOT_FOR_DIAGNOSIS, Explanation
from explain.methods import METHODS
from explain.render.export import caption, sheet
from explain.report.report_input import ReportInput
from scans import is_dicom
from scans.sandbox import dicom_header

SERIES = "Candor heatmap, not for diagnosis"
WHY_IDENTITY = (
    "An archive adds an object to a study only where the patient matches. Without name and number the capture still "
    "refers to the study, but must be assigned to the patient by hand."
)
NO_DICOM = "This scan is not a DICOM file: its capture starts a study of its own, without a patient."

_FIRST = "NOT FOR DIAGNOSIS. Made by Candor, a tool for research and teaching."
_SERIES_NUMBER = 9001  # far above a scanner's own
_NAMESPACE = uuid.UUID("6f1a3c52-3f0e-5d0b-9c3e-0c5b7e1d9a44")  # of Candor's identifiers


def secondary_capture(
    report: ReportInput, explanation: Explanation, data: bytes | None, identity: bool = False
) -> bytes:
    """Return a DICOM file of the scan beside one of the report's maps.

    `data` are the bytes that the scan was read from. If they are DICOM, the capture keeps their study and refers to
    their series, instance and frame; if not, it starts a study. Name, number and dates of the patient are copied only
    on request (`identity`). The same input gives the same bytes and identifiers. Raises ScanError where the header
    cannot be read again, ValueError where `data` is another file.
    """
    if data is not None and hashlib.sha256(data).hexdigest() != report.scan.digest:
        raise ValueError("these are not the bytes that the scan was read from")
    header = dicom_header(data, identity) if is_dicom(data) else {}
    pixels = page(report, explanation)
    study = header.get("StudyInstanceUID") or _identifier("study", report.scan.digest)
    series = _identifier("series", study, header, report.scan.digest, explanation.weights, report.date.isoformat())
    instance = _identifier("instance", series, hashlib.sha256(pixels).hexdigest(), explanation.manifest())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, on values of the source that violate the standard
        dataset = _dataset(report, explanation, pixels, header, (study, series, instance))
        if header:
            _refer(dataset, report, header)
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def page(report: ReportInput, explanation: Explanation) -> np.ndarray:
    """Return uint8 (h, w, 3): the scan, the map over it, the colour bar and the caption."""
    names = dict(zip(report.card.classes, report.card.names, strict=True))
    drawing = report.drawing(explanation)
    lines = caption(explanation, names, report.card.title, METHODS[explanation.method].title)
    return sheet(report.drawing().picture, drawing.picture, drawing.colour_bar, [_FIRST, *lines, *drawing.notes])


def _identifier(*parts: object) -> str:
    """Return a DICOM identifier that depends on `parts` alone."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(parts, sort_keys=True)).int}"


def _dataset(report: ReportInput, explanation: Explanation, pixels: np.ndarray, header: dict, uids: tuple[str, ...]):
    from highdicom.sc import SCImage  # half a second that a page need not wait for
    from pydicom.uid import ExplicitVRLittleEndian

    day, time = f"{report.date:%Y%m%d}", f"{report.date:%H%M%S}"
    study, series, instance = uids
    number = 1 + next((k for k, each in enumerate(report.explanations) if each is explanation), 0)
    dataset = SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),  # highdicom requires one; removed below
        study_instance_uid=study,
        series_instance_uid=series,
        series_number=_SERIES_NUMBER,
        sop_instance_uid=instance,
        instance_number=number,
        manufacturer="Candor",
        manufacturer_model_name=report.card.id,
        software_versions=explanation.weights[:12],
        patient_id=header.get("PatientID") or None,
        patient_name=header.get("PatientName") or None,
        patient_birth_date=header.get("PatientBirthDate") or None,
        patient_sex=header.get("PatientSex") or None,
        accession_number=header.get("AccessionNumber") or None,
        study_id=header.get("StudyID") or None,
        study_date=header.get("StudyDate") or (None if header else day),
        study_time=header.get("StudyTime") or (None if header else time),
        referring_physician_name=header.get("ReferringPhysicianName") or None,
        series_description=SERIES,
        content_date=day,
        content_time=time,
        series_date=day,
        series_time=time,
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    if issuer := header.get("IssuerOfPatientID"):
        dataset.IssuerOfPatientID = issuer
    dataset.PatientOrientation = None  # a page of two pictures has no orientation in the patient
    dataset.ConversionType = "WSD"  # made at a workstation, not digitised
    dataset.DateOfSecondaryCapture = dataset.InstanceCreationDate = day  # highdicom sets the present
    dataset.TimeOfSecondaryCapture = dataset.InstanceCreationTime = time
    for tool in dataset.ContributingEquipmentSequence:
        tool.ContributionDateTime = day + time
    dataset.BodyPartExamined = "BRAIN"
    dataset.BurnedInAnnotation = "YES"
    dataset.ImageComments = caption_line(report, explanation)
    dataset.DerivationDescription = f"{METHODS[explanation.method].title} of {report.card.id}; not for diagnosis"
    return dataset


def caption_line(report: ReportInput, explanation: Explanation) -> str:
    """Return the description of the capture, one line for a viewer."""
    return (
        f"{NOT_FOR_DIAGNOSIS} {METHODS[explanation.method].title} map of {report.name_of(explanation.target)} by "
        f"{report.card.id}, weights {explanation.weights[:12]}."
    )


def _refer(dataset, report: ReportInput, header: dict[str, str]) -> None:
    """Let the capture refer to the image it was made from, as far as that has identifiers."""
    from pydicom import Dataset
    from pydicom.sr.codedict import codes

    if not (header["SOPInstanceUID"] and header["SOPClassUID"]):
        return
    source, purpose = Dataset(), Dataset()
    source.ReferencedSOPClassUID = header["SOPClassUID"]
    source.ReferencedSOPInstanceUID = header["SOPInstanceUID"]
    if header["SeriesInstanceUID"]:
        series = Dataset()
        series.SeriesInstanceUID = header["SeriesInstanceUID"]
        plain = Dataset()
        plain.update(source)
        series.ReferencedInstanceSequence = [plain]
        dataset.ReferencedSeriesSequence = [series]
    if report.scan.frame > 0 or (report.scan.count > 1 and report.scan.frame == 0):
        source.ReferencedFrameNumber = report.scan.frame + 1
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = (
        code.value,
        code.scheme_designator,
        code.meaning,
    )
    source.PurposeOfReferenceCodeSequence = [purpose]
    source.SpatialLocationsPreserved = "NO"
    dataset.SourceImageSequence = [source]
