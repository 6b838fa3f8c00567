"""Decoding of untrusted files in a child process with little memory and time.

DICOM and NIfTI decoders are large and partly C; a false header can ask them for terabytes. The child
(`scans/sandbox_worker.py`) gets the bytes on stdin and writes slices or one sentence. Whatever else happens to it,
the caller gets a ScanError. The output is JSON and raw float32: never pickle.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from scans.file_types import is_dicom
from scans.sandbox_worker import CPU_SECONDS
from scans.scan import MAX_PIXELS, MAX_VOXELS, Scan, ScanError

SECONDS = 20  # on the clock: a good file must not be refused because the machine is busy

_CHILD = Path(__file__).with_name("sandbox_worker.py")
_FACTS = 1_000_000  # bytes at most of one slice's facts

# Each thread of a numeric library reserves address space, and one is enough to decode.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_CRASHED = (
    "The decoder broke down over this file, which is damaged or not what it says it is; export the series "
    "again, as uncompressed DICOM or as PNG."
)
_TOO_SLOW = (
    f"Decoding this file takes longer than the {CPU_SECONDS} s that are granted; export a smaller part of it, "
    "uncompressed."
)


def decode(kind: str, data: bytes, digest: str, plane: str) -> list[Scan]:
    """Return the scans of a "dicom" or "nifti" file. Raises ScanError with one sentence for the user."""

    def scans(stream: BinaryIO) -> list[Scan]:
        slices = list(_slices(stream))
        return [
            Scan(pixels, digest, index=index, count=len(slices), **facts)
            for index, (pixels, facts) in enumerate(slices)
        ]

    return _decode_in_child(kind, plane, data, scans)


def dicom_header(data: bytes, identity: bool = False) -> dict[str, str]:
    """Return a DICOM file's references by keyword (`scans.dicom_header`), with the patient where `identity` is True.

    A missing fact is "". Raises ScanError with one sentence for the user.
    """
    if not is_dicom(data):
        raise ScanError("This file is no DICOM file (Part 10), so it names no study; give the one that was read.")
    return _decode_in_child("identity" if identity else "references", "", data, _facts)


def _decode_in_child(kind: str, plane: str, data: bytes, parse: Callable[[BinaryIO], Any]) -> Any:
    """Return what `parse` makes of the output of a child. Raises ScanError with one sentence for the user."""
    late = threading.Event()
    with subprocess.Popen(
        # -P: nothing in this folder may stand in for a library of the same name.
        [sys.executable, "-P", str(_CHILD), kind, plane],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback could hold a patient's name
        env=os.environ | _ONE_THREAD,
    ) as child:
        clock = threading.Timer(SECONDS, lambda: (late.set(), child.kill()))
        clock.start()
        try:
            with contextlib.suppress(OSError), child.stdin:  # it may die before it has read everything
                child.stdin.write(data)
            return parse(child.stdout)
        except ScanError:
            raise
        except (EOFError, ValueError, TypeError, KeyError, RecursionError):
            raise ScanError(_TOO_SLOW if late.is_set() or _out_of_time(child) else _CRASHED) from None
        finally:
            clock.cancel()
            child.kill()


def _facts(stream: BinaryIO) -> dict:
    """Return the next line of the output. Raises what `_decode_in_child` expects where there is none."""
    facts = json.loads(stream.readline(_FACTS) or b"null")
    if not isinstance(facts, dict):
        raise EOFError
    if "error" in facts:
        raise ScanError(str(facts["error"]))
    return facts


def _slices(stream: BinaryIO) -> Iterator[tuple[np.ndarray, dict]]:
    """Yield pixels and facts of each slice. Raises what `_decode_in_child` expects where the output is no slice."""
    total = 0
    while True:
        facts = _facts(stream)
        if "end" in facts:
            return
        height, width = facts.pop("shape")
        total += height * width
        if min(height, width) < 1 or height * width > MAX_PIXELS or total > MAX_VOXELS:
            raise ValueError
        pixels = np.empty((height, width), np.float32)
        if stream.readinto(pixels.data.cast("B")) != pixels.nbytes:
            raise EOFError
        yield pixels, {key: tuple(fact) if isinstance(fact, list) else fact for key, fact in facts.items()}


def _out_of_time(child: subprocess.Popen) -> bool:
    """True if the system stopped the child for its use of the processor."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return child.wait(1) == -getattr(signal, "SIGXCPU", 0)
    return False
