"""What clients of the API leave in the audit log: each answer and each refusal, by digests."""

import json
from hashlib import sha256

import pytest

from api import ROOT
from api.server import make_app
from api.service import Service
from api.tokens import user_of
from explain.audit import keep_in
from explain.rate import REFUSALS
from model_zoo import gate
from tests.api.servers import MODEL, SOON, in_zoo, running, scan_file
from tests.api.test_predictions import ClosedGate
from tests.good_files import dicom12, disc

TOKEN = "0123456789abcdef0"


@pytest.fixture
def log(tmp_path):
    """Return the lines of the audit log that is kept during a test by a call."""
    keep_in(tmp_path)
    yield lambda: [json.loads(line) for path in sorted(tmp_path.iterdir()) for line in path.read_text().splitlines()]
    keep_in(None)


def test_answers_and_refusals_are_in_the_log_with_the_token_s_digest_and_no_name(tiny_zoo, log):
    patient = dicom12(disc(), PatientName="Muster^Erika", PatientID="4711-0815")
    with in_zoo(tiny_zoo), running(Service(tokens=(TOKEN,))) as server:
        with server.client() as stranger:
            stranger.http.get("/models")
        with server.client(TOKEN) as client:
            client.http.post("/predict", files={"file": ("Muster.dcm", patient)}, data={"model": MODEL})
            job = client.wait(client.explain(scan_file(), MODEL, "gradcam"), SOON, 0.02)
            for suffix in ("png", "npy", "zip"):
                client.http.get(f"/jobs/{job.id}/result.{suffix}").raise_for_status()
    refusal, prediction, explanation, *exports = log()
    assert refusal["event"] == "refusal" and refusal["who"] == "nobody" and "401" in refusal["reason"]
    user = user_of(f"Bearer {TOKEN}", (TOKEN,))
    for line in (prediction, explanation, *exports):
        assert line["who"] == user and len(line["scan"]) == len(line["weights"]) == 64
        assert line["model"] == MODEL and line["class"] and line["gate"] == "passed" and line["slice"] == 0
    assert [line["event"] for line in (prediction, explanation)] == ["prediction", "explanation"]
    assert [(line["event"], line["export"]) for line in exports] == [("export", each) for each in ("png", "npy", "zip")]
    assert not any(word in str(log()) for word in ("Muster", "4711", TOKEN))


def test_strangers_cannot_fill_the_disk_by_being_refused(tiny_zoo, log):
    with in_zoo(tiny_zoo), running(Service(tokens=(TOKEN,))) as server, server.client() as stranger:
        assert {stranger.http.get("/models").status_code for _ in range(REFUSALS + 40)} == {401}
    assert REFUSALS <= len(log()) < REFUSALS + 40


ASKS = {"predict": {}, "predict/files": {}, "similar": {}, "explain": {"method": "gradcam"}, "report": {}}
MAPS = ("explain", "report")


@pytest.mark.parametrize("route", ASKS)
def test_what_the_gate_withholds_is_a_refusal_in_the_log_whatever_was_asked_for(route, tiny_zoo, log, monkeypatch):
    with in_zoo(tiny_zoo), running(Service()) as server, server.client() as client:
        monkeypatch.setattr(gate, "load_gate", ClosedGate)
        asked = {"model": MODEL} | ASKS[route]
        answer = client.http.post(f"/{route}", files={"file": ("a.png", scan_file(7))}, data=asked)
    assert answer.status_code == (200 if route.startswith("predict") else 422)
    (line,) = log()
    assert (line["event"], line["gate"], line["model"]) == ("refusal", "withheld", MODEL)
    assert line["scan"] == sha256(scan_file(7)).hexdigest() and line["reason"].startswith("gate: ct")
    assert not {"class", "explained", "method"} & line.keys()


@pytest.mark.parametrize("route", ASKS)
def test_what_the_gate_lets_through_is_in_the_log_whatever_was_asked_for(route, tiny_zoo, log):
    with in_zoo(tiny_zoo), running(Service()) as server, server.client() as client:
        form = {"files": {"file": ("a.png", scan_file(7))}, "data": {"model": MODEL} | ASKS[route]}
        assert client.http.post(f"/{route}", **form).is_success
    assert log() and {line["event"] for line in log()} == {"explanation" if route in MAPS else "prediction"}
    for line in log():
        assert line["scan"] == sha256(scan_file(7)).hexdigest() and line["gate"] == "passed" and line["class"]


def test_every_route_that_predicts_is_among_them():
    routes = make_app(Service()).openapi()["paths"]
    assert {path for path, ways in routes.items() if "post" in ways} == {f"{ROOT}/{name}" for name in ASKS}
