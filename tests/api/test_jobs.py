"""Jobs: the map is that of the library, the same question is the same job, and every job can be followed and left."""

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pydicom import dcmread
from pypdf import PdfReader

from api.client import Client
from api.routes.jobs import RESULTS
from explain import Request, draw, explain, methods_for, png
from explain.explanation import NOT_FOR_DIAGNOSIS
from model_zoo import load_model, model_card
from scans import read
from tests.api.servers import MODEL, SOON, refused, scan_file
from tests.conftest import CLASSES, compiling
from tests.good_files import dicom12, disc
from tests.scans.test_archive import zipped

SAMPLED = "integrated-gradients"  # waits in the lane for slow maps, and is soon done
STUDY = {"StudyInstanceUID": "1.2.826.0.1.3680043.10.1", "PatientName": "Muster^Erika", "PatientID": "4711"}


def own(data: bytes, method: str, **settings):
    """Return the explanation that the library gives for a file."""
    return explain(Request(load_model(MODEL), read(data)[0], method, **settings))


def finished(client: Client, data: bytes, method: str, **settings):
    """Submit a map and return its job, which is done."""
    job = client.wait(client.explain(data, MODEL, method, **settings), SOON, 0.02)
    assert job.state == "done", job.error
    return job


@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=compiling(name)) for name in ("gradcam", "integrated-gradients", "rise")]
)
def test_a_map_is_that_of_the_library_bit_for_bit(method, client, in_tiny_zoo):
    data = scan_file(3)
    job, expected = finished(client, data, method, seed=5), own(data, method, seed=5)
    assert np.array_equal(client.map(job.id), expected.heat)
    sent, known = client.manifest(job.id), json.loads(json.dumps(expected.manifest()))
    assert {name: value for name, value in sent.items() if name != "seconds"} == {
        name: value for name, value in known.items() if name != "seconds"
    }


def test_every_result_of_a_map_is_what_the_app_and_the_command_make(client, in_tiny_zoo):
    data = dicom12(disc(), **STUDY)
    job, expected = finished(client, data, "gradcam"), own(data, "gradcam")
    files = {name: client.result(job.id, name) for name in RESULTS["explanation"]}
    assert files["result.png"] == png(draw(read(data)[0], expected).picture)
    with zipfile.ZipFile(io.BytesIO(files["result.zip"])) as archive:
        assert archive.namelist() == ["map.npy", "manifest.json", "overlay.png"]
        assert np.array_equal(np.load(io.BytesIO(archive.read("map.npy"))), expected.heat)
    capture = dcmread(io.BytesIO(files["result.dcm"]))
    assert capture.StudyInstanceUID == STUDY["StudyInstanceUID"] and not capture.PatientName
    assert capture.ImageComments.startswith(NOT_FOR_DIAGNOSIS)
    named = dcmread(io.BytesIO(client.result(job.id, "result.dcm", identity=True)))
    assert (named.PatientName, named.PatientID) == ("Muster^Erika", "4711")
    assert [path.rpartition("/")[2] for path in job.results] == list(files)


def test_of_an_archive_the_study_and_the_patient_of_the_slice_are_kept(client):
    job = finished(client, zipped({"IM0": dicom12(disc(), **STUDY)}), "gradcam")
    capture = dcmread(io.BytesIO(client.result(job.id, "result.dcm")))
    assert capture.StudyInstanceUID == STUDY["StudyInstanceUID"] and not capture.PatientName
    named = dcmread(io.BytesIO(client.result(job.id, "result.dcm", identity=True)))
    assert (named.PatientName, named.PatientID) == ("Muster^Erika", "4711")


def test_a_picture_can_be_drawn_in_other_ways(client):
    job = finished(client, scan_file(4), "gradcam")
    pictures = [{}, {"opacity": 0.9}, {"threshold": 0.6}, {"contours": True}, {"sheet": True}]
    assert len({client.result(job.id, "result.png", **options) for options in pictures}) == len(pictures)
    assert refused(client.result, job.id, "result.png", opacity=7).status == 422


def test_a_report_has_a_pdf_and_a_page_with_the_default_methods(client, in_tiny_zoo):
    job = client.wait(client.report(scan_file(5), MODEL), SOON, 0.05)
    assert job.state == "done" and job.methods == ["gradcam", "occlusion"] and job.kind == "report"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(client.result(job.id, "report.pdf"))).pages)
    html = client.result(job.id, "report.html").decode()
    for part in (MODEL, "Grad-CAM", "Occlusion"):
        assert part in text and part in html
    assert NOT_FOR_DIAGNOSIS in html
    assert refused(client.map, job.id).status == 404
    chosen = client.wait(client.report(scan_file(5), MODEL, ["saliency"]), SOON, 0.05)
    assert chosen.id != job.id and chosen.methods == ["saliency"]


def test_the_same_question_is_the_same_job_and_any_other_another(client, in_tiny_zoo):
    data, other = scan_file(6), scan_file(7)
    job = client.explain(data, MODEL, "gradcam")
    assert job.id == Request(load_model(MODEL), read(data)[0], "gradcam").key
    assert client.explain(data, MODEL, "gradcam").id == job.id
    assert client.explain(data, MODEL, "gradcam", target=job.target).id == job.id  # the predicted class
    different = [
        client.explain(other, MODEL, "gradcam"),
        client.explain(data, MODEL, "layercam"),
        client.explain(data, MODEL, "gradcam", target=next(name for name in CLASSES if name != job.target)),
        client.explain(data, MODEL, "gradcam", seed=1),
        client.explain(data, MODEL, "gradcam", seconds=5),
        client.explain(data, MODEL, "gradcam", engine="tf-keras-vis"),
    ]
    assert len({job.id, *(each.id for each in different)}) == 7
    for each in different:
        client.wait(each, SOON, 0.02)


def test_a_new_job_is_accepted_and_one_that_is_done_is_returned(client):
    ask = {"files": {"file": scan_file(8)}, "data": {"model": MODEL, "method": "gradcam"}}
    first = client.call("POST", "/explain", **ask)
    assert first.status_code in (200, 202) and first.headers["location"] == f"/api/v1/jobs/{first.json()['id']}"
    client.wait(client.job(first.json()["id"]), SOON, 0.02)
    again = client.call("POST", "/explain", **ask)
    assert (again.status_code, again.json()["state"], again.json()["progress"]) == (200, "done", 1.0)


def test_a_job_shows_its_progress_its_place_and_then_its_result(client, slow):
    running, waiting = (client.explain(scan_file(number), MODEL, SAMPLED, seconds=60) for number in (10, 11))
    assert slow.begun.wait(SOON)
    seen = client.job(running.id)
    assert seen.state == "running" and 0.45 <= seen.progress < 1 and seen.place == 0
    queued = client.job(waiting.id)
    assert (queued.state, queued.place, queued.progress) == ("queued", 1, 0.0)
    error = refused(client.map, running.id)
    assert error.status == 409 and "running" in error.detail
    slow.go.set()
    assert [client.wait(job, SOON, 0.02).state for job in (running, waiting)] == ["done", "done"]


def test_a_cancel_in_the_middle_stops_the_work_and_the_job_can_be_submitted_again(client, slow):
    job = client.explain(scan_file(12), MODEL, SAMPLED)
    assert slow.begun.wait(SOON)
    client.cancel(job.id)
    assert slow.cancelled.wait(SOON)
    assert client.job(job.id).state == "cancelled"
    assert refused(client.map, job.id).status == 409
    slow.go.set()
    assert client.wait(client.explain(scan_file(12), MODEL, SAMPLED), SOON, 0.02).state == "done"


def test_a_queued_job_that_is_cancelled_never_runs(client, slow):
    first, second = (client.explain(scan_file(number), MODEL, SAMPLED) for number in (13, 14))
    assert slow.begun.wait(SOON)
    client.cancel(second.id)
    slow.go.set()
    client.wait(first, SOON, 0.02)
    assert client.job(second.id).state == "cancelled" and len(slow.requests) == 1


def test_a_finished_job_that_is_deleted_is_forgotten(client):
    job = finished(client, scan_file(15), "gradcam")
    client.cancel(job.id)
    assert refused(client.job, job.id).status == 404
    assert refused(client.cancel, job.id).status == 404


def test_a_job_that_fails_says_why_in_one_sentence(client, monkeypatch, empty_cache, caplog):
    def fail(request, **_):
        raise RuntimeError("Muster^Erika")

    monkeypatch.setattr("explain.cache.explain", fail)
    job = client.wait(client.explain(scan_file(16), MODEL, "gradcam"), SOON, 0.02)
    error = refused(client.map, job.id)
    assert job.state == "failed" and error.status == 409 and error.detail == job.error
    assert "Muster" not in caplog.text + job.error and "RuntimeError" in caplog.text


def test_eight_clients_at_once_each_get_the_result_of_their_own_scan(server, in_tiny_zoo, empty_cache):
    def ask(number: int) -> tuple[int, np.ndarray, list[float]]:
        data = scan_file(20 + number)
        with server.client() as client:
            seen = client.predict(data, MODEL).predictions[0]
            job = client.wait(client.explain(data, MODEL, SAMPLED), SOON, 0.05)
            return number, client.map(job.id), list(seen.probabilities.values())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    maps = {}
    for number, heat, p in answers:
        expected = own(scan_file(20 + number), SAMPLED)
        assert np.array_equal(heat, expected.heat) and p == [float(x) for x in expected.probabilities]
        maps[number] = heat.tobytes()
    assert len(set(maps.values())) == 8


def test_the_lists_are_those_of_the_zoo_and_the_registry(client, in_tiny_zoo):
    from dataclasses import asdict

    from explain import METHODS

    (model,) = client.models()
    card = model_card(MODEL)
    assert model.id == MODEL and model.methods == methods_for(card) and tuple(model.classes) == card.classes
    assert client.card(MODEL) == json.loads(json.dumps(asdict(card)))
    assert [(each.id, each.engines) for each in client.methods()] == [
        (each.id, list(each.engines)) for each in METHODS.values()
    ]
    assert refused(client.card, "no-such-model").status == 404


def test_waiting_ends_after_its_time(client, slow):
    job = client.explain(scan_file(17), MODEL, SAMPLED)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        client.wait(job, 0.2, 0.05)
    assert time.monotonic() - began < SOON
