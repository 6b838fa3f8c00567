"""DICOM sources of results, with a patient and a place that are known."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.good_files import dicom12, dicom_frames, disc, item, nifti, png, volume

STUDY = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.10.1",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.10.2",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.10.3",
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientName": "Müster^Erika",
    "PatientSex": "F",
    "StudyDate": "20260102",
    "StudyTime": "101112",
    "StudyID": "S7",
    "AccessionNumber": "A7",
    "ReferringPhysicianName": "Doktor^Anna",
}
PLACE = {
    "ImageOrientationPatient": [0, 1, 0, 0, 0, -1],
    "ImagePositionPatient": [-12.5, -120.25, 90],
    "PixelSpacing": [0.9, 0.8],
    "SliceThickness": 5,
}
PATIENT = ("Müster", "Muster", "4711", "19640812", "Doktor", "20260102", "A7")
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"


def magnitude_and_phase() -> bytes:
    """Return a file of two frames, each of which is a stack of its own."""
    kinds = [item(MRImageFrameTypeSequence=[item(ComplexImageComponent=kind)]) for kind in ("MAGNITUDE", "PHASE")]
    frames = np.stack([disc()] * 2)
    return dicom_frames(frames, **STUDY, SOPClassUID=ENHANCED_MR, PerFrameFunctionalGroupsSequence=kinds)


# name -> the bytes of a file, and which of its slices is reported
SOURCES = {
    "placed": lambda: (dicom12(disc(), **STUDY, **PLACE), 0),
    "unplaced": lambda: (dicom12(disc(), **STUDY), 0),
    "without study": lambda: (dicom12(disc()), 0),
    "frames": lambda: (dicom_frames(np.stack([disc()] * 3), **STUDY, SOPClassUID=ENHANCED_MR), 1),
    "png": lambda: (png(disc()), 0),
    "nifti": lambda: (nifti(np.round(255 * volume()).astype(np.uint8)), 10),
}

needs_validator = pytest.mark.skipif(
    not shutil.which("dciodvfy"), reason="needs dciodvfy (Debian: apt install dicom3tools)"
)


def errors_of(data: bytes, folder: Path) -> list[str]:
    """Return what dciodvfy finds wrong with a DICOM file."""
    (folder / "a.dcm").write_bytes(data)
    output = subprocess.run(["dciodvfy", "-new", folder / "a.dcm"], capture_output=True, text=True, check=False)
    found = [line for line in (output.stdout + output.stderr).splitlines() if line.startswith("Error")]
    return found or ([] if output.returncode == 0 else [f"exit status {output.returncode}"])


def words_in(data: bytes) -> list[str]:
    """Return which words about the patient stand in a file."""
    return [word for word in PATIENT if word.encode() in data or word.encode("latin-1") in data]
