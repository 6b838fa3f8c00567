"""The processes inside the sandbox: a server that keeps the decoders loaded and forks a child for each file.

`scans/sandbox.py` runs this file as a script, `sandbox_worker.py serve`, so that it starts without OpenCV, and sends
each request over a socket: the kind, the plane and the stack, and the descriptors of three pipes, for the file's bytes,
for the answer, and for the exit status. A child limits itself, runs one decoder, writes slices or one sentence, and
ends: so nothing of one file survives into the next. Where the system cannot fork, `sandbox_worker.py KIND PLANE STACK`
decodes one file from stdin.
"""

import contextlib
import gc
import importlib
import json
import logging
import os
import signal
import sys
import types
import warnings
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

MEGABYTES = 800  # of address space, where the system can limit it
CPU_SECONDS = 6
ORPHANED = 60  # seconds after which a child ends whose caller is gone
REQUEST = 1000  # bytes at most of a request
HEADERS = ("references", "identity")  # what can be read of a DICOM file's header
_DECODERS = {  # kind -> its module and function
    "dicom": ("scans.dicom", "read_dicom"),
    "nifti": ("scans.nifti", "read_nifti"),
    "mgh": ("scans.mgh", "read_mgh"),
    "nrrd": ("scans.nrrd", "read_nrrd"),
    "mat": ("scans.mat", "read_mat"),
    "picture": ("scans.images", "read_picture"),
    **dict.fromkeys(HEADERS, ("scans.dicom_header", "header_of")),
}
_LATE = (  # what NumPy, pydicom and Pillow import when they first need it
    "numpy.ma",
    "fractions",
    "pydicom.pixels.decoders.base",
    "openjpeg",
    *(f"PIL.{name}" for name in ("ImageChops", "ImageSequence")),
    *(f"PIL.{name}ImagePlugin" for name in ("Bmp", "Gif", "Jpeg", "Png", "Ppm", "Tiff", "WebP")),
)

_TOO_LARGE = (
    f"Decoding this file takes more than the {MEGABYTES} MB of memory that are granted; export a smaller part "
    "of it, or single slices."
)
_DAMAGED = {
    "dicom": "This DICOM file is damaged, cut short or of a rare kind, and cannot be decoded; send it again, or "
    "export it uncompressed or as PNG.",
    "nifti": "This NIfTI file is damaged or cut short, and cannot be decoded; send it again, or save the volume anew.",
    "mgh": "This MGH file is damaged or cut short, and cannot be decoded; send it again, or save the volume anew.",
    "nrrd": "This NRRD file is damaged or cut short, and cannot be decoded; send it again, or save the volume anew.",
    "mat": "This MATLAB or HDF5 file is damaged or cut short, and cannot be decoded; send it again.",
    "picture": "This picture file is damaged, cut short or of a rare kind; save or send it again as PNG or JPEG.",
}


def serve() -> None:
    """Fork a child for each request that comes over stdin, a socket, until its other end is closed."""
    import select
    import socket

    _load_decoders()
    gc.collect()
    gc.freeze()  # the children share these pages as long as nobody touches them
    running: dict[int, int] = {}  # process -> descriptor that gets its exit status
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake)
    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            ready, _, _ = select.select([requests, woken], [], [])
            if woken in ready:
                os.read(woken, 4096)
                _report_ended(running)
            if requests in ready:
                request, pipes, _, _ = socket.recv_fds(requests, REQUEST, 3)
                if not request:
                    return
                child = os.fork()
                if child == 0:
                    gc.disable()  # it ends before there is much to collect
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for descriptor in (requests.detach(), woken, wake, pipes[2], *running.values()):
                        os.close(descriptor)
                    _end_after(decode_file, *json.loads(request), *pipes[:2])
                running[child] = pipes[2]
                os.close(pipes[0])
                os.close(pipes[1])
                requests.sendall(b"%20d" % child)


def _report_ended(running: dict[int, int]) -> None:
    """Write the exit status of every child that has ended to its caller."""
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        descriptor = running.pop(child)
        with contextlib.suppress(OSError):  # the caller has what it wanted
            os.write(descriptor, b"%20d" % status)
        os.close(descriptor)


def _end_after(work, *arguments) -> None:
    """Do the work of a child, and end the process whatever comes of it."""
    status = 1
    try:
        signal.alarm(ORPHANED)
        work(*arguments)
        status = 0
    finally:
        os._exit(status)


def decode_file(kind: str, plane: str, stack: str, source: int, answer: int) -> None:
    """Decode the bytes from the descriptor `source` as a `kind` of `_DECODERS`, and write to `answer`.

    For "references" and "identity" the answer is what the header of a DICOM file says, and no slices.
    """
    with os.fdopen(source, "rb") as file, os.fdopen(answer, "wb") as stream:
        _limit()
        from scans.scan import ScanError

        try:
            decoder = _decoder(kind)
            data = file.read()
            if kind in HEADERS:
                _line(decoder(data, kind == "identity"), stream)
            else:
                for scan in decoder(data, plane, stack):
                    _send(scan, stream)
            _line({"end": True}, stream)
        except ScanError as error:
            _line({"error": str(error)}, stream)
        except MemoryError:
            _line({"error": _TOO_LARGE}, stream)
        except Exception:  # a decoder fails in a dozen ways, and its own words may hold a patient's name
            _line({"error": _DAMAGED.get(kind, _DAMAGED["dicom"])}, stream)


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


def _load_decoders() -> None:
    """Import what the decoders need before the first file comes: each child would import it again."""
    for kind in _DECODERS:
        _decoder(kind)
    for name in _LATE:
        importlib.import_module(name)


def _decoder(kind: str):
    """Return the decoder of `kind`, importing no more than it needs."""
    sys.modules["requests"] = None  # pydicom imports it to download its own test files
    module, name = _DECODERS[kind]
    return getattr(importlib.import_module(module), name)


def _send(scan, answer: BinaryIO) -> None:
    ours = ("pixels", "digest", "index", "count")  # the parent knows these itself
    facts = {field.name: getattr(scan, field.name) for field in fields(scan) if field.name not in ours}
    _line({"shape": scan.shape, **facts}, answer)
    answer.write(scan.pixels.data)


def _line(facts: dict, answer: BinaryIO) -> None:
    answer.write(json.dumps(facts).encode() + b"\n")


if __name__ == "__main__":
    package = types.ModuleType("scans")  # scans/__init__.py would import OpenCV, which takes 0.2 s
    package.__path__ = [str(Path(__file__).parent)]
    sys.modules["scans"] = package
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        output = os.dup(1)  # what a C library prints must not end up in the answer
        os.dup2(2, 1)
        decode_file(*sys.argv[1:], 0, output)
