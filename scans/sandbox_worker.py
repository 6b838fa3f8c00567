"""The process inside the sandbox: it limits itself, runs one decoder and writes slices or one sentence to stdout.

`scans/sandbox.py` runs it as a script, `sandbox_worker.py KIND PLANE`, so that it starts without OpenCV.
"""

import contextlib
import json
import logging
import os
import sys
import types
import warnings
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

MEGABYTES = 800  # of address space, where the system can limit it
CPU_SECONDS = 10
HEADERS = ("references", "identity")  # what can be read of a DICOM file's header

_TOO_LARGE = (
    f"Decoding this file takes more than the {MEGABYTES} MB of memory that are granted; export a smaller part "
    "of it, or single slices."
)
_DAMAGED = {
    "dicom": "This DICOM file is damaged, cut short or of a rare kind, and cannot be decoded; send it again, or "
    "export it uncompressed or as PNG.",
    "nifti": "This NIfTI file is damaged or cut short, and cannot be decoded; send it again, or save the volume anew.",
}


def main(kind: str, plane: str) -> None:
    """Decode stdin as `kind`, "dicom" or "nifti", and write what `scans.sandbox` expects.

    For "references" and "identity" the output is what the header of a DICOM file says, and no slices.
    """
    # The output gets a descriptor of its own: what a C library prints must not end up in it.
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        _limit()
        package = types.ModuleType("scans")  # scans/__init__.py would import OpenCV, which takes 0.2 s
        package.__path__ = [str(Path(__file__).parent)]
        sys.modules["scans"] = package
        from scans.scan import ScanError

        try:
            decoder = _decoder(kind)
            data = sys.stdin.buffer.read()
            if kind in HEADERS:
                _line(decoder(data, kind == "identity"), answer)
            else:
                for scan in decoder(data, plane):
                    _send(scan, answer)
            _line({"end": True}, answer)
        except ScanError as error:
            _line({"error": str(error)}, answer)
        except MemoryError:
            _line({"error": _TOO_LARGE}, answer)
        except Exception:  # a decoder fails in a dozen ways, and its own words may hold a patient's name
            _line({"error": _DAMAGED["nifti" if kind == "nifti" else "dicom"]}, answer)


def _limit() -> None:
    """Bound memory and processor time, leave no core dump, and log nothing about the data."""
    with contextlib.suppress(ImportError):  # Windows has no such limits; the parent's clock still runs
        import resource

        for kind, limit in (
            (resource.RLIMIT_AS, (MEGABYTES * 1_000_000,) * 2),
            (
                resource.RLIMIT_CPU,
                (CPU_SECONDS, CPU_SECONDS + 1),
            ),  # at the second the parent could not tell why
            (resource.RLIMIT_CORE, (0, 0)),
        ):
            with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS but refuses it
                resource.setrlimit(kind, limit)
    warnings.simplefilter("ignore")
    logging.disable()


def _decoder(kind: str):
    """Return the decoder of `kind`, importing no more than it needs: a user waits for the scan."""
    if kind != "nifti":
        sys.modules["requests"] = None  # pydicom imports it to download its own test files
    if kind in HEADERS:
        from scans.dicom_header import header_of

        return header_of
    if kind == "dicom":
        from scans.dicom import read_dicom

        return read_dicom
    sys.modules["pydicom"] = None  # nibabel imports it where it is installed
    from scans.nifti import read_nifti

    return read_nifti


def _send(scan, answer: BinaryIO) -> None:
    ours = ("pixels", "digest", "index", "count")  # the parent knows these itself
    facts = {field.name: getattr(scan, field.name) for field in fields(scan) if field.name not in ours}
    _line({"shape": scan.shape, **facts}, answer)
    answer.write(scan.pixels.data)


def _line(facts: dict, answer: BinaryIO) -> None:
    answer.write(json.dumps(facts).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
