"""The sandbox: a child that misbehaves becomes a sentence, and nothing of one file reaches the next."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from scans import ScanError, read, sandbox
from tests.good_files import (
    dicom12,
    dicom_jpeg,
    disc,
    eight_bit,
    figshare_mat,
    mgh,
    nifti,
    nifti_gz,
    nrrd,
    tiff,
    volume,
)

ROOT = Path(__file__).parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces both limits, and has /proc")
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system starts a process for each file")


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """A function that replaces parts of the worker by a script; `worker` is its module."""
    servers = []

    def replace(script: str) -> sandbox.Server:
        path = tmp_path / "worker.py"
        path.write_text(
            f"import json, os, sys, time\nsys.path.insert(0, {str(ROOT)!r})\n"
            "from scans import sandbox_worker as worker\n"
            "worker._load_decoders, LOADED = lambda: None, worker._load_decoders\n"
            f"{textwrap.dedent(script)}\n"
            "worker.serve()\n"
        )
        servers.append(sandbox.Server(path))
        monkeypatch.setattr(sandbox, "SERVER", servers[-1])
        return servers[-1]

    yield replace
    for server in servers:
        server.stop()


def answering(statement: str) -> str:
    """Return the script of a worker whose children do this instead of decoding; `out` is their answer."""
    return f"""
        def decode_file(kind, plane, stack, source, answer):
            with os.fdopen(source, "rb") as file, os.fdopen(answer, "wb") as out:
                {statement}
        worker.decode_file = decode_file
    """


MISBEHAVIOUR = {
    "says nothing": ("pass", "broke down"),
    "is killed": ("os.kill(os.getpid(), 9)", "broke down"),
    "raises": ("1 / 0", "broke down"),
    "prints junk": ("out.write(b'Muster^Erika')", "broke down"),
    "prints JSON that is no answer": ("out.write(b'[1]')", "broke down"),
    "stops in the middle": ("""out.write(b'{"shape": [64, 64]}\\nabc')""", "broke down"),
    "claims a huge slice": ("""out.write(b'{"shape": [100000, 100000]}')""", "broke down"),
    "claims a strange shape": ("""out.write(b'{"shape": [-5, -5]}')""", "broke down"),
    "invents a fact": (
        """out.write(b'{"shape": [1, 1], "name": "Erika"}\\nabcd{"end": 1}\\n')""",
        "broke down",
    ),
    "takes for ever": ("time.sleep(60)", "within 20 s, perhaps because"),
    "never stops writing": ("file.read(); [out.write(bytes(1_000_000)) for _ in iter(int, 1)]", "broke down"),
}


@FORKS
@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_a_child_that_misbehaves_becomes_a_sentence(how, worker, monkeypatch):
    statement, words = MISBEHAVIOUR[how]
    worker(answering(statement))
    monkeypatch.setattr(sandbox, "SECONDS", 1)
    with pytest.raises(ScanError, match=words) as refusal:
        read(nifti(volume()))
    assert "Erika" not in str(refusal.value)


LIMITS = {
    "memory": ("[bytearray(2_000_000_000)]", "more than the 800 MB of memory"),
    "the processor": ("iter(lambda: sum(range(10**6)), None)", "longer than the 6 s"),
}


@LINUX
@pytest.mark.parametrize("what", LIMITS)
def test_a_decoder_that_takes_too_much_is_stopped_by_the_child_s_own_limits(what, worker):
    greedy, words = LIMITS[what]
    worker(
        "worker.CPU_SECONDS, worker._send = 1, lambda scan, answer: None\n"
        f"worker._decoder = lambda kind: lambda data, plane, stack: {greedy}"
    )
    with pytest.raises(ScanError, match=words):
        read(nifti(volume()))


@FORKS
def test_nothing_of_one_file_is_there_when_the_next_is_decoded(worker):
    worker("""
        import numpy as np
        from scans import Scan
        seen = []
        def decoder(kind):
            def decode(data, plane, stack):
                seen.append(data)
                yield Scan(np.eye(64), "", notes=(str(len(seen)), str(os.getpid())))
            return decode
        worker._decoder = decoder
    """)
    first, second = (read(nifti(volume() * factor))[0].notes for factor in (1, 2))
    assert first[0] == second[0] == "1" and first[1] != second[1]


@FORKS
def test_a_server_that_was_killed_is_replaced():
    server = sandbox.SERVER
    server.start()
    old = server._process.pid
    os.kill(old, signal.SIGKILL)
    assert len(read(dicom12(disc()))) == 1
    assert server._process.pid != old and server._process.poll() is None


@FORKS
def test_a_server_that_cannot_start_is_one_sentence_and_leaves_no_descriptor_behind(worker):
    server = worker("raise SystemExit")
    descriptors = set(Path("/dev/fd").iterdir())
    for _ in range(2):
        with pytest.raises(ScanError, match="broke down"):
            read(dicom12(disc()))
    server.stop()
    assert len(set(Path("/dev/fd").iterdir())) == len(descriptors)


@LINUX
def test_the_server_ends_with_its_caller():
    script = """
        import os, signal
        from scans import read, sandbox
        from tests.good_files import dicom12, disc
        read(dicom12(disc()))
        print(sandbox.SERVER._process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True)
    server = Path("/proc") / done.stdout.strip()
    for _ in range(50):
        # Where nobody collects the status of orphans, it stays a zombie.
        if not server.exists() or "\nState:\tZ" in (server / "status").read_text():
            return
        time.sleep(0.1)
    raise AssertionError("the server is still there")


@LINUX
def test_files_of_several_threads_leave_no_process_and_no_descriptor_behind():
    read(dicom12(disc()))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    files = [dicom12(disc(64) * level, WindowCenter=1000, WindowWidth=500) for level in np.linspace(0.3, 1, 24)]
    with ThreadPoolExecutor(8) as pool:
        scans = [scans[0] for scans in pool.map(read, files)]
    for scan, file in zip(scans, files, strict=True):
        assert np.array_equal(scan.pixels, read(file)[0].pixels) and scan.span == read(file)[0].span
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    children = Path(f"/proc/{sandbox.SERVER._process.pid}/task/{sandbox.SERVER._process.pid}/children")
    for _ in range(50):
        if not children.read_text().split():
            return
        time.sleep(0.1)
    raise AssertionError(f"children are left: {children.read_text()}")


@pytest.mark.parametrize("make", [lambda: dicom12(disc()), lambda: dicom_jpeg(disc()), lambda: nifti(volume())])
def test_where_the_system_cannot_fork_a_process_for_each_file_reads_the_same(make, monkeypatch):
    expected = read(make())
    monkeypatch.delattr(os, "fork", raising=False)
    scans = read(make())
    assert len(scans) == len(expected) and all(
        np.array_equal(one.pixels, other.pixels) for one, other in zip(scans, expected, strict=True)
    )


@pytest.mark.parametrize("arguments", [["dicom", "axial", ""], ["serve"]])
def test_the_worker_starts_without_heavy_libraries(arguments):
    ours, theirs = socket.socketpair()
    ours.sendall(dicom12(disc()) if arguments != ["serve"] else b"")
    ours.close()
    with theirs:
        done = subprocess.run(
            [sys.executable, "-P", "-X", "importtime", str(ROOT / "scans" / "sandbox_worker.py"), *arguments],
            stdin=theirs,
            capture_output=True,
            check=True,
        )
    # The report goes to stderr, which the worker keeps; its answer has a descriptor of its own.
    imported = {line.rsplit(b"|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert b"pydicom" in imported
    assert imported.isdisjoint({b"cv2", b"tensorflow", b"keras", b"urllib3"})


KINDS = {
    "dicom": lambda: dicom12(disc()),
    "nifti": lambda: nifti_gz(volume()),
    "mgh": lambda: mgh(volume()),
    "nrrd": lambda: nrrd(volume()),
    "mat": lambda: figshare_mat(disc()),
    "picture": lambda: tiff([eight_bit(disc())]),
}


@FORKS
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_decoder_needs_is_there_before_the_first_file(kind, worker):
    """Each child would import it again: that took more than the decoding."""
    worker("""
        from scans.scan import Scan
        LOADED()
        real = worker._decoder
        def decoder(kind):
            def decode(data, plane, stack):
                before = set(sys.modules)
                (scan, *_) = real(kind)(data, plane, stack)
                yield Scan(scan.pixels, "", notes=tuple(sorted(set(sys.modules) - before)))
            return decode
        worker._decoder = decoder
    """)
    (scan,) = sandbox.decode(kind, KINDS[kind](), "", "axial")
    assert scan.notes == ()
