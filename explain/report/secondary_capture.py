"""How does a map get into an archive of scans? As a DICOM Secondary Capture that knows which image it was made of.

The picture is a page of its own (scan, map, key and words), so it lies at no place in the patient and says nothing of
a frame of reference. "Not for diagnosis" is burned into it, and BurnedInAnnotation says that words are.
Source: DICOM PS3.3 A.8.1 (Secondary Capture), C.12.4 (references), PS3.5 B.2 (identifiers made of a UUID).
"""

import hashlib
import io
import json
import uuid
import warnings

import numpy as np

from explain.explanation import Explanation
from explain.methods import METHODS
from explain.render.export import caption, sheet
from explain.report.report_input import ReportInput
from scans.sandbox import dicom_header

SERIES = "Candor heatmap, not for diagnosis"
WHY_IDENTITY = (
    "An archive files an object under a study only where the patient matches. Without name and number the capture "
    "still refers to the study, but has to be assigned to the patient by hand."
)
NO_DICOM = "This scan is no DICOM file: its capture begins a study of its own, without a patient."

_FIRST = "NOT FOR DIAGNOSIS. Made by Candor, a tool for research and teaching."
_SERIES_NUMBER = 9001  # far above a scanner's own
_OURS = uuid.UUID("6f1a3c52-3f0e-5d0b-9c3e-0c5b7e1d9a44")  # the space of Candor's names


def is_dicom(data: bytes | None) -> bool:
    """True where a file is DICOM (Part 10), so that there is a study to refer to."""
    return data is not None and data[128:132] == b"DICM"


def secondary_capture(
    report: ReportInput, explanation: Explanation, data: bytes | None, identity: bool = False
) -> bytes:
    """Return a DICOM file of the scan beside one of the report's maps.

    `data` are the bytes that the scan was read from. Where they are DICOM the capture keeps their study and refers to
    their series and instance, and to the frame; where not, it begins a study. Name, number and dates of the patient
    are copied only where the reader asked for it (`identity`). The same input gives the same bytes and the same
    identifiers. Raises ScanError where the header cannot be read again, ValueError where `data` is another file.
    """
    if data is not None and hashlib.sha256(data).hexdigest() != report.scan.digest:
        raise ValueError("these are not the bytes that the scan was read from")
    known = dicom_header(data, identity) if is_dicom(data) else {}
    pixels = page(report, explanation)
    study = known.get("StudyInstanceUID") or _identifier("study", report.scan.digest)
    series = _identifier("series", study, known, report.scan.digest, explanation.weights, report.date.isoformat())
    instance = _identifier("instance", series, hashlib.sha256(pixels).hexdigest(), explanation.manifest())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, on a name or number that the source had against the standard
        dataset = _dataset(report, explanation, pixels, known, (study, series, instance))
        if known:
            _refer(dataset, report, known)
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def page(report: ReportInput, explanation: Explanation) -> np.ndarray:
    """Return uint8 (h, w, 3): the scan, the map over it, the key, and the words that go with them."""
    names = dict(zip(report.card.classes, report.card.names, strict=True))
    drawing = report.drawing(explanation)
    lines = caption(explanation, names, report.card.title, METHODS[explanation.method].title)
    return sheet(report.drawing().picture, drawing.picture, drawing.colour_bar, [_FIRST, *lines, *drawing.notes])


def _identifier(*parts: object) -> str:
    """Return a DICOM identifier that the same parts always give, and others never."""
    return f"2.25.{uuid.uuid5(_OURS, json.dumps(parts, sort_keys=True)).int}"


def _dataset(report: ReportInput, explanation: Explanation, pixels: np.ndarray, known: dict, uids: tuple[str, ...]):
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
        patient_orientation=("L", "P"),  # highdicom asks for one; taken out below
        study_instance_uid=study,
        series_instance_uid=series,
        series_number=_SERIES_NUMBER,
        sop_instance_uid=instance,
        instance_number=number,
        manufacturer="Candor",
        manufacturer_model_name=report.card.id,
        software_versions=explanation.weights[:12],
        patient_id=known.get("PatientID") or None,
        patient_name=known.get("PatientName") or None,
        patient_birth_date=known.get("PatientBirthDate") or None,
        patient_sex=known.get("PatientSex") or None,
        accession_number=known.get("AccessionNumber") or None,
        study_id=known.get("StudyID") or None,
        study_date=known.get("StudyDate") or (None if known else day),
        study_time=known.get("StudyTime") or (None if known else time),
        referring_physician_name=known.get("ReferringPhysicianName") or None,
        series_description=SERIES,
        content_date=day,
        content_time=time,
        series_date=day,
        series_time=time,
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    if issuer := known.get("IssuerOfPatientID"):
        dataset.IssuerOfPatientID = issuer
    dataset.PatientOrientation = None  # a page of two pictures lies no way in the patient
    dataset.ConversionType = "WSD"  # made at a workstation, not digitised
    dataset.DateOfSecondaryCapture = dataset.InstanceCreationDate = day  # highdicom's are the clock's
    dataset.TimeOfSecondaryCapture = dataset.InstanceCreationTime = time
    for tool in dataset.ContributingEquipmentSequence:
        tool.ContributionDateTime = day + time
    dataset.BodyPartExamined = "BRAIN"
    dataset.BurnedInAnnotation = "YES"
    dataset.ImageComments = caption_line(report, explanation)
    dataset.DerivationDescription = f"{METHODS[explanation.method].title} of {report.card.id}; not for diagnosis"
    return dataset


def caption_line(report: ReportInput, explanation: Explanation) -> str:
    """Return what the capture is, in one line that a viewer may show."""
    return (
        f"Not for diagnosis. {METHODS[explanation.method].title} map of {report.name_of(explanation.target)} by "
        f"{report.card.id}, weights {explanation.weights[:12]}. Evidence about the model, not the patient."
    )


def _refer(dataset, report: ReportInput, known: dict[str, str]) -> None:
    """Let the capture refer to the image that it was made of, as far as that says which it is."""
    from pydicom import Dataset
    from pydicom.sr.codedict import codes

    if not (known["SOPInstanceUID"] and known["SOPClassUID"]):
        return
    source, purpose = Dataset(), Dataset()
    source.ReferencedSOPClassUID = known["SOPClassUID"]
    source.ReferencedSOPInstanceUID = known["SOPInstanceUID"]
    if known["SeriesInstanceUID"]:
        series = Dataset()
        series.SeriesInstanceUID = known["SeriesInstanceUID"]
        plain = Dataset()
        plain.update(source)
        series.ReferencedInstanceSequence = [plain]
        dataset.ReferencedSeriesSequence = [series]
    if report.scan.count > 1:
        source.ReferencedFrameNumber = report.scan.index + 1
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = (
        code.value,
        code.scheme_designator,
        code.meaning,
    )
    source.PurposeOfReferenceCodeSequence = [purpose]
    source.SpatialLocationsPreserved = "NO"
    dataset.SourceImageSequence = [source]
