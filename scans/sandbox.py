"""Decoding of untrusted files in a child process with little memory and time.

DICOM and NIfTI decoders are large and partly C; a false header can ask them for terabytes. A server process keeps the
decoders loaded and forks a child for each file (`scans/sandbox_worker.py`); the child gets the bytes through a pipe
and writes slices or one sentence. Whatever else happens to it, the caller gets a ScanError. The output is JSON and raw
float32: never pickle.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from scans.file_types import is_dicom
from scans.sandbox_worker import CPU_SECONDS, REQUEST
from scans.scan import MAX_PIXELS, MAX_VOXELS, Scan, ScanError

SECONDS = 20  # on the clock: a good file must not be refused because the machine is busy

_WORKER = Path(__file__).with_name("sandbox_worker.py")
_FACTS = 1_000_000  # bytes at most of one slice's facts
_NUMBER = 20  # bytes of a process number or an exit status

# Each thread of a numeric library reserves address space, and one is enough to decode.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_CRASHED = (
    "The decoder broke down over this file, which is damaged or not what it says it is; export the series "
    "again, as uncompressed DICOM or as PNG."
)
LATE = (
    f"This file could not be decoded within {SECONDS} s, perhaps because the machine is busy; try again, or export a "
    "smaller part of it."
)
TOO_SLOW = (
    f"Decoding this file takes longer than the {CPU_SECONDS} s that are granted; export a smaller part of it, "
    "uncompressed."
)


class Child:
    """A process that decodes one file, forked by a `Server`. `source` takes the bytes, `answer` gives the output."""

    def __init__(self, process: int, source: BinaryIO, answer: BinaryIO, status: int) -> None:
        self.source, self.answer = source, answer
        self._process, self._status = process, status

    def kill(self) -> None:
        """End the process, unless it has ended."""
        if not self._ended(0):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)

    def out_of_time(self) -> bool:
        """Return whether the system stopped the process for its use of the processor; may wait for a second."""
        if not self._ended(1):
            return False
        status = int(os.read(self._status, _NUMBER) or 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU

    def close(self) -> None:
        """Close the pipes; a process that still writes ends by that."""
        with contextlib.suppress(OSError):
            self.source.close()
        self.answer.close()
        os.close(self._status)

    def _ended(self, seconds: float) -> bool:
        return bool(select.select([self._status], [], [], seconds)[0])


class Process:
    """The same where the system cannot fork: a process of its own, started anew for each file."""

    def __init__(self, worker: Path, kind: str, plane: str, stack: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(worker), kind, plane, stack],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ONE_THREAD,
        )
        self.source, self.answer, self.kill = self._process.stdin, self._process.stdout, self._process.kill

    def out_of_time(self) -> bool:
        """Return False: a system that cannot fork has no such limit."""
        return False

    def close(self) -> None:
        """End the process, and close its pipes."""
        self.kill()
        with self._process:
            pass


class Server:
    """The process that forks the children. It starts when the first is wanted, and again if it has ended."""

    def __init__(self, worker: Path = _WORKER) -> None:
        self.worker = worker
        self._lock = threading.Lock()  # guards the fields below
        self._process: subprocess.Popen | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start the process and return at once: it loads the decoders meanwhile."""
        with self._lock:
            self._start()

    @property
    def up(self) -> bool:
        """True where the process runs, or where the system cannot fork and needs none."""
        with self._lock:
            return not hasattr(os, "fork") or (self._process is not None and self._process.poll() is None)

    def child(self, kind: str, plane: str, stack: str) -> Child | Process:
        """Return a new process that decodes one file of `kind`, and is to be closed. Raises ScanError."""
        if not hasattr(os, "fork"):
            return Process(self.worker, kind, plane, stack)
        request = json.dumps([kind, plane, stack]).encode()
        if len(request) > REQUEST:
            raise ScanError("No stack has a name as long as this one.")
        (source_read, source), (answer, answer_write), (status, status_write) = os.pipe(), os.pipe(), os.pipe()
        theirs, ours = (source_read, answer_write, status_write), (source, answer, status)
        try:
            with self._lock:
                process = self._fork(request, theirs)
        except BaseException:
            for descriptor in ours:
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return Child(process, os.fdopen(source, "wb"), os.fdopen(answer, "rb"), status)

    def stop(self) -> None:
        """End the process; its children end with their files."""
        with self._lock:
            self._stop()

    def _fork(self, request: bytes, descriptors: tuple[int, ...]) -> int:
        for _ in range(2):
            self._start()
            with contextlib.suppress(OSError):
                socket.send_fds(self._socket, [request], descriptors)
                if answer := self._socket.recv(_NUMBER, socket.MSG_WAITALL):
                    return int(answer)
            self._stop()  # it was killed: once more with a new one
        raise ScanError(_CRASHED)

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._stop()
        atexit.register(self.stop)
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                # -P: nothing in this folder may stand in for a library of the same name.
                [sys.executable, "-P", str(self.worker), "serve"],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a traceback could hold a patient's name
                env=os.environ | _ONE_THREAD,
            )

    def _stop(self) -> None:
        atexit.unregister(self.stop)
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


SERVER = Server()


def decode(kind: str, data: bytes, digest: str, plane: str, stack: str = "") -> list[Scan]:
    """Return the scans of a stack of a file, "" for the first one; `kind` is one that the worker decodes.

    Raises ScanError with one sentence for the user.
    """

    def scans(stream: BinaryIO) -> list[Scan]:
        slices = list(_slices(stream))
        return [
            Scan(pixels, digest, index=index, count=len(slices), **facts)
            for index, (pixels, facts) in enumerate(slices)
        ]

    return _decode_in_child(kind, plane, stack, data, scans)


def dicom_header(data: bytes, identity: bool = False) -> dict[str, str]:
    """Return a DICOM file's references by keyword (`scans.dicom_header`), with the patient where `identity` is True.

    A missing fact is "". Raises ScanError with one sentence for the user.
    """
    if not is_dicom(data):
        raise ScanError("This file is no DICOM file, so it names no study; give the one that was read.")
    return _decode_in_child("identity" if identity else "references", "", "", data, _facts)


def _decode_in_child(kind: str, plane: str, stack: str, data: bytes, parse: Callable[[BinaryIO], Any]) -> Any:
    """Return what `parse` makes of the output of a child. Raises ScanError with one sentence for the user."""
    late = threading.Event()
    child = SERVER.child(kind, plane, stack)
    clock = threading.Timer(SECONDS, lambda: (late.set(), child.kill()))
    clock.start()
    try:
        with contextlib.suppress(OSError), child.source:  # it may die before it has read everything
            child.source.write(data)
        return parse(child.answer)
    except ScanError:
        raise
    except (EOFError, ValueError, TypeError, KeyError, RecursionError):
        raise ScanError(LATE if late.is_set() else TOO_SLOW if child.out_of_time() else _CRASHED) from None
    finally:
        clock.cancel()
        clock.join()  # before the pipes are closed, whose descriptors another thread may get
        child.kill()
        child.close()


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
