"""A real PACS for tests: Orthanc with its DICOMweb plugin, on a free port of this machine, with an empty storage."""

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dicomweb import Server

USER, PASSWORD = "candor", "only for this test"
_PLUGINS = [Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"), Path("/usr/lib/orthanc/libOrthancDicomWeb.so")]
_STARTS_WITHIN = 60  # seconds, on a busy machine
PLUGIN = next((path for path in _PLUGINS if path.exists()), None)
MISSING = not (shutil.which("Orthanc") and PLUGIN)
WHY = "needs Orthanc with its DICOMweb plugin (Debian: apt install orthanc orthanc-dicomweb)"


@contextmanager
def orthanc(folder: Path) -> Iterator[tuple[Server, subprocess.Popen]]:
    """Give the address of an Orthanc that lives in `folder`, and its process; it is ended on the way out."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("w") as log:
        process = subprocess.Popen(["Orthanc", str(folder / "orthanc.json")], stdout=log, stderr=log)
    try:
        _wait(process, port)
        yield Server(f"http://127.0.0.1:{port}/dicom-web", USER, PASSWORD), process
    finally:
        process.send_signal(signal.SIGCONT)  # a test may have stopped it
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen, port: int) -> None:
    """Return once the server answers, if only to ask for a login."""
    ends = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < ends and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/system", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Orthanc does not start")
