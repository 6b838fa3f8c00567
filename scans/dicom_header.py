"""The study, series and instance of a DICOM file and, where the user asks for it, the patient.

Only for an export that has to be filed beside its source. No other part of Candor sees any of this. Runs in
the sandbox, like `scans/dicom.py`.
"""

import re

from pydicom import Dataset, uid

from scans.dicom_files import dataset_of

REFERENCES = (
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID",
)  # fmt: skip
IDENTITY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate",
    "StudyTime", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip

_LONGEST = {"StudyID": 16, "AccessionNumber": 16}  # characters; 64 for the others (PS3.5 table 6.2-1)
_FORMS = {
    "PatientBirthDate": r"\d{8}",
    "StudyDate": r"\d{8}",
    "StudyTime": r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?",
    "PatientSex": "[MFO]",
}


def header_of(data: bytes, identity: bool) -> dict[str, str]:
    """Return REFERENCES, and IDENTITY on request, each "" where the file lacks it or it is not valid.

    Raises ScanError as `scans.dicom` does, and anything at all over a broken file.
    """
    names = REFERENCES + (IDENTITY if identity else ())
    dataset, _ = dataset_of(data, [*names, "SpecificCharacterSet"])
    return {name: _value(dataset, name) for name in names}


def _value(dataset: Dataset, name: str) -> str:
    value = dataset.get(name)
    text = "" if value is None else str(value).strip()
    if name in REFERENCES:
        return text if uid.UID(text).is_valid else ""
    if not re.fullmatch(_FORMS.get(name, r"[^\x00-\x1f\x7f\\]*"), text):
        return ""
    return text[: _LONGEST.get(name, 64)]
