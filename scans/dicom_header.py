"""The study, series and instance of a DICOM file, what a result must repeat of it, and on request the patient.

Only for an export that has to be filed beside its source. No other part of Candor sees any of this. Runs in
the sandbox, like `scans/dicom.py`.
"""

import re

from pydicom import Dataset, uid
from pydicom.multival import MultiValue
from pydicom.valuerep import DA, TM

from scans.dicom_facts import find
from scans.dicom_files import dataset_of

REFERENCES = (
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID",
)  # fmt: skip
FACTS = (
    "NumberOfFrames", "SliceThickness", "LossyImageCompression", "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)  # fmt: skip
IDENTITY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate",
    "StudyTime", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_NAMES = ("PatientName", "ReferringPhysicianName")  # may be cut short: a number that is would be another one
_LONGEST = {"StudyID": 16, "AccessionNumber": 16}  # characters; 64 for the others (PS3.5 table 6.2-1)
_NUMBER = r"\d{1,9}(\.\d{1,9})?"
_FORMS = {
    "NumberOfFrames": r"\d{1,9}",
    "SliceThickness": _NUMBER,
    "LossyImageCompression": "0[01]",
    "LossyImageCompressionRatio": rf"{_NUMBER}(\\{_NUMBER})*",
    "LossyImageCompressionMethod": r"[A-Z0-9_ ]{1,16}(\\[A-Z0-9_ ]{1,16})*",
    "PatientBirthDate": r"\d{8}",
    "StudyDate": r"\d{8}",
    "StudyTime": r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?",
    "PatientSex": "[MFO]",
}


def header_of(data: bytes, identity: bool) -> dict[str, str]:
    """Return REFERENCES, FACTS, and IDENTITY on request, each "" where the file lacks it or it is not valid.

    Raises ScanError as `scans.dicom` does, and anything at all over a broken file.
    """
    names = REFERENCES + FACTS + (IDENTITY if identity else ())
    dataset, _ = dataset_of(data, [*names, "SpecificCharacterSet", *_GROUPS])
    return {name: _value(dataset, name) for name in names}


def _value(dataset: Dataset, name: str) -> str:
    value = find(dataset, 0, "PixelMeasuresSequence", name) if name == "SliceThickness" else dataset.get(name)
    if isinstance(value, MultiValue):  # only of facts there may be several
        value = "\\".join(map(str, value)) if name in FACTS else ""
    text = "" if value is None else str(value).strip()
    if name in REFERENCES:
        return text if uid.UID(text).is_valid else ""
    if not re.fullmatch(_FORMS.get(name, r"[^\x00-\x1f\x7f\\]*"), text) or not _exists(name, text):
        return ""
    longest = _LONGEST.get(name, 64)
    return text[:longest] if name in _NAMES or len(text) <= longest else ""


def _exists(name: str, text: str) -> bool:
    """Return whether a date or time is one that there is: files hold 00000000 and 19640231."""
    kind = DA if name.endswith("Date") else TM if name.endswith("Time") else None
    try:
        return not text or kind is None or kind(text) is not None
    except ValueError:
        return False
