"""A map as a DICOM Secondary Capture that refers to the image it was made from, for an archive of scans.

The picture is a page of its own (scan, map, colour bar and text), so it has no position in the patient and no frame of
reference. "Not for diagnosis" is burned into it, and BurnedInAnnotation is set.
Source: DICOM PS3.3 A.8.1 (Secondary Capture), C.12.4 (references), PS3.5 B.2 (identifiers made from a UUID).
"""

import hashlib
import io

import numpy as np

from explain.explanation import NOT_FOR_DIAGNOSIS, Explanation
from explain.methods import METHODS
from explain.render.export import caption, sheet
from explain.report.dicom_source import (
    SERIES_NUMBERS,
    day_and_time,
    header_of,
    identifier,
    lossy_compression,
    maker_and_dates,
    patient_and_study,
    refer,
    series_of,
    set_dates,
    study_of,
)
from explain.report.report_input import ReportInput
from scans.quiet import without_warnings

SERIES = "Candor heatmap, not for diagnosis"
WHY_IDENTITY = (
    "An archive adds an object to a study only where the patient matches. Without name and number it still refers to "
    "the study, but must be assigned to the patient by hand."
)
NO_DICOM = "This scan is not a DICOM file: what is made of it starts a study of its own, without a patient."

_FIRST = "NOT FOR DIAGNOSIS. Made by Candor, a tool for research and teaching."


def secondary_capture(
    report: ReportInput, explanation: Explanation, data: bytes | None, identity: bool = False
) -> bytes:
    """Return a DICOM file of the scan beside one of the report's maps.

    `data` are the bytes that the scan was read from. If they are DICOM, the capture keeps their study and refers to
    their series, instance and frame; if not, it starts a study. Name, number and dates of the patient are copied only
    on request (`identity`). The same input gives the same bytes and identifiers. Raises ScanError where the header
    cannot be read again, ValueError where `data` is another file.
    """
    header = header_of(report, data, identity)
    pixels = page(report, explanation)
    series = series_of(report, header, "capture")
    instance = identifier("instance", series, hashlib.sha256(pixels).hexdigest(), explanation.manifest())
    with without_warnings():  # pydicom's, on values of the source that violate the standard
        dataset = _dataset(report, explanation, pixels, header, (study_of(report, header), series, instance))
        refer(dataset, report, header)
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def page(report: ReportInput, explanation: Explanation) -> np.ndarray:
    """Return uint8 (h, w, 3): the scan, the map over it, the colour bar and the caption."""
    names = dict(zip(report.card.classes, report.card.names, strict=True))
    drawing = report.drawing(explanation)
    lines = caption(explanation, names, report.card.title, METHODS[explanation.method].title)
    return sheet(report.drawing().picture, drawing.picture, drawing.colour_bar, [_FIRST, *lines, *drawing.notes])


def _dataset(report: ReportInput, explanation: Explanation, pixels: np.ndarray, header: dict, uids: tuple[str, ...]):
    from highdicom.sc import SCImage  # half a second that a page need not wait for
    from pydicom.uid import ExplicitVRLittleEndian

    day, time = day_and_time(report.date)
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
        series_number=SERIES_NUMBERS["capture"],
        sop_instance_uid=instance,
        instance_number=number,
        software_versions=explanation.weights[:12],
        **patient_and_study(report, header),
        **maker_and_dates(report, SERIES),
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    if issuer := header.get("IssuerOfPatientID"):
        dataset.IssuerOfPatientID = issuer
    dataset.PatientOrientation = None  # a page of two pictures has no orientation in the patient
    dataset.ConversionType = "WSD"  # made at a workstation, not digitised
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = day, time
    set_dates(dataset, report)
    dataset.BodyPartExamined = "BRAIN"
    dataset.BurnedInAnnotation = "YES"
    dataset.ImageComments = caption_line(report, explanation)
    dataset.DerivationDescription = f"{METHODS[explanation.method].title} of {report.card.id}; not for diagnosis"
    for keyword, value in lossy_compression(header).items():
        setattr(dataset, keyword, value)
    return dataset


def caption_line(report: ReportInput, explanation: Explanation) -> str:
    """Return the description of the capture, one line for a viewer."""
    return (
        f"{NOT_FOR_DIAGNOSIS} {METHODS[explanation.method].title} map of {report.name_of(explanation.target)} by "
        f"{report.card.id}, weights {explanation.weights[:12]}."
    )
