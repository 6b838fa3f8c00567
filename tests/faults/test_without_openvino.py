"""Without OpenVINO the command line, the API and the app predict with TensorFlow, and say so; each as a process."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from api.client import ApiError, Client
from explain.render.overlay import png
from scans import phantom
from tests.faults.app_server import running_app

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODEL, PATIENCE = "candor-pooled4", 180.0
SAID = "TensorFlow predicts"


@pytest.fixture(scope="module")
def without(tmp_path_factory) -> Path:
    """A folder that makes a Python which looks there first unable to import OpenVINO."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['openvino'] = None\n")
    return folder


@pytest.fixture(scope="module")
def scan() -> bytes:
    return png(np.round(255 * phantom("glioma", 3).scan.pixels).astype(np.uint8))


def test_the_command_line_predicts_and_the_manifest_names_tensorflow(without, scan, tmp_path):
    (tmp_path / "scan.png").write_bytes(scan)
    ask = [str(tmp_path / "scan.png"), "--model", MODEL, "--method", "gradcam", "--anyway", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "explain", *ask, "--out", str(tmp_path / "out")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(without)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    (manifest,) = json.loads(done.stdout)
    settings = manifest["settings"]
    assert (settings["prediction runtime"], settings["prediction precision"]) == ("tensorflow", "f32")
    assert done.stderr.count(SAID) == 1 and "Traceback" not in done.stderr


def test_the_api_predicts_and_the_manifest_names_tensorflow(without, scan, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(without)},
            stderr=log,
        )
    try:
        with Client(f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            until = time.monotonic() + PATIENCE
            while not _ready(client):
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.1)
            seen = client.predict(scan, MODEL, anyway=True).predictions[0]
            assert sum(seen.probabilities.values()) == pytest.approx(1)
            job = client.wait(client.explain(scan, MODEL, "gradcam", anyway=True), PATIENCE)
            assert client.manifest(job.id)["settings"]["prediction runtime"] == "tensorflow"
    finally:
        process.terminate()
        process.wait(30)
    assert (tmp_path / "log").read_text().count(SAID) == 1


def _ready(client: Client) -> bool:
    try:
        return bool(client.ready())
    except (ApiError, httpx.TransportError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_app_predicts_a_sample(without, tmp_path):
    with running_app(tmp_path, path=without) as server:
        address, origin = f"ws://localhost:{server.port}/_stcore/stream", f"http://localhost:{server.port}"
        with connect(address, origin=origin, subprotocols=["streamlit"], max_size=2**28) as connection:
            message = BackMsg()
            message.rerun_script.query_string = "sample=phantom-2"
            connection.send(message.SerializeToString())
            until = time.monotonic() + PATIENCE
            while not _says(connection.recv(timeout=PATIENCE), "confidence"):
                assert time.monotonic() < until
    assert (tmp_path / "log").read_text().count(SAID) == 1


def _says(answer: bytes, word: str) -> bool:
    return word in str(ForwardMsg.FromString(answer)).lower()
