"""Uses all of an installed Candor once: what `container/check.sh` runs in the image, where no test runner is.

Every kind of file is read, every model predicts, every method explains, every format of a report is written, the HTTP
API answers its client, and every page opens. `python -m tests.image_at_work`; any failure ends it with a traceback.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("CANDOR_DOOR", "open")

import httpx
import imagecodecs
import numpy as np
from pydicom import dcmread, uid
from streamlit.testing.v1 import AppTest

import datasets  # before a page's folder is on the path, where datasets.py would hide the package
from api.client import ApiError, Client
from explain import METHODS, methods_for, predict
from explain.__main__ import main as explain_command
from explain.report.folder import FORMATS
from model_zoo import load_model, models
from pages.components.samples import SAMPLES
from pages.components.state import PageState
from scans import PHANTOM_SAMPLES, ScanError, joined, phantom, read
from tests import good_files as files

PATIENCE = 300.0  # seconds
SECONDS = "1"  # of a map: whether it can be made, not how good it gets


def main() -> None:
    """Use everything, and print a line for each part."""
    scan = phantom(*PHANTOM_SAMPLES[0]).scan
    data = files.dicom12(scan.pixels, StudyInstanceUID=uid.generate_uid(), SeriesInstanceUID=uid.generate_uid())
    print(f"   reads {read_every_kind(scan.pixels)} kinds of files")
    for name in models():
        predict(load_model(name), scan)
    print(f"   predicts with {', '.join(models())}")
    print(f"   explains and reports: {report_everything(data)} files")
    ask_the_api(data)
    print("   answers over HTTP")
    print(f"   opens {open_every_page()} pages")


def read_every_kind(pixels: np.ndarray) -> int:
    """Read one file of each kind, and return how many there were. Raises AssertionError and ScanError."""
    twelve, volume = np.round(4095 * pixels).astype(np.uint16), files.volume()
    header, voxels = files.analyze(volume)
    encoded = {
        uid.JPEGLSLossless: imagecodecs.jpegls_encode(twelve),
        uid.JPEGLosslessSV1: imagecodecs.jpeg8_encode(twelve, lossless=True, bitspersample=12),
    }
    kinds = [make(pixels) for make in (files.png, files.jpeg, files.bmp, files.webp, files.png16, files.dicom_jpeg)]
    kinds += [files.tiff([pixels]), files.deep_tiff(np.dstack([twelve] * 3)), files.figshare_mat(twelve)]
    kinds += [files.dicom12(pixels, syntax=syntax) for syntax in (uid.RLELossless, uid.JPEG2000Lossless)]
    kinds += [files.dicom(twelve, bits_stored=12, syntax=syntax, encoded=[each]) for syntax, each in encoded.items()]
    kinds += [make(volume) for make in (files.nifti, files.nifti_gz, files.mgh, files.nrrd)]
    for data in [*kinds, joined(header, voxels)]:
        assert len(read(data)) >= 1
    try:
        read(b"no scan")
    except ScanError:
        return len(kinds) + 1
    raise AssertionError("what is no scan was read")


def report_everything(data: bytes) -> int:
    """Report one scan in every format by every method, and return how many files that made."""
    first = next(iter(models().values()))
    with tempfile.TemporaryDirectory() as folder:
        scan, out = Path(folder) / "scan.dcm", Path(folder) / "out"
        scan.write_bytes(data)
        given = ["report", str(scan), "--model", first.id, "--out", str(out), "--anyway", "--seconds", SECONDS]
        given += [each for name in FORMATS for each in ("--format", name)]
        given += [each for name in methods_for(first) for each in ("--method", name)]
        assert methods_for(first) == list(METHODS) and explain_command(given) == 0
        made = [path for path in out.rglob("*") if path.is_file()]
        classes = {str(dcmread(path, stop_before_pixels=True).SOPClassUID) for path in made if path.suffix == ".dcm"}
        assert classes == {uid.SecondaryCaptureImageStorage, uid.ParametricMapStorage, uid.EnhancedSRStorage}, classes
        return len(made)


def ask_the_api(data: bytes) -> None:
    """Ask a server for a prediction, a map with its DICOM file, and a report."""
    model = next(iter(models()))
    with server() as client:
        assert len(client.predict_files([data, data], model, anyway=True)) == 2
        for job in (
            client.explain(data, model, "gradcam", anyway=True),
            client.report(data, model, ["lime"], anyway=True, seconds=float(SECONDS)),
        ):
            done = client.wait(job)
            assert done.state == "done", done.error
            for path in done.results:
                assert client.result(job.id, path.rpartition("/")[2])
        assert "candor_jobs" in client.call("GET", "/metrics").text and client.call("GET", "/docs").text


@contextmanager
def server() -> Iterator[Client]:
    """Give the client of a server that can predict, until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "api", "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        with Client(f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    client.ready()
                    break
                except (ApiError, httpx.TransportError):
                    assert time.monotonic() < until and process.poll() is None, "the API does not get ready"
                    time.sleep(0.2)
            yield client
    finally:
        process.terminate()
        process.wait()


def open_every_page() -> int:
    """Open each page with a phantom, and return how many there are."""
    root = Path(datasets.__file__).parents[1]  # this file may lie elsewhere
    pages = sorted((root / "pages").glob("*.py"))
    for page in pages:
        app = AppTest.from_file(str(root / "app.py"), default_timeout=PATIENCE)
        app.session_state["state"] = PageState(scan=next(iter(SAMPLES)), at_once=60.0)
        app.run()
        if page.stem != "explain_scan":
            app.switch_page(f"pages/{page.name}").run()
        assert not app.exception and not app.error, (page.name, app.exception, app.error)
    return len(pages)


if __name__ == "__main__":
    main()
