"""Several files in one request: each is answered as it would be alone, in order, and none costs another its answer."""

import json
import socket
from dataclasses import replace
from hashlib import sha256
from threading import Event
from time import monotonic, sleep

import httpx
import pytest

from api.limits import Limits
from api.schemas import Predictions, RefusedFile
from api.service import Service
from explain.audit import keep_in
from explain.engine import EngineError, this_process
from explain.prediction import predict
from explain.queue import READING
from tests.api.servers import MODEL, SOON, in_zoo, refused, running, scan_file
from tests.bad_files import BAD_FILES
from tests.good_files import nifti, nifti_pair, volume


def test_each_file_is_answered_as_it_would_be_alone_and_in_order(client):
    files = [scan_file(2), nifti(volume()), scan_file(1), scan_file(2)]
    assert client.predict_files(files, MODEL) == [client.predict(data, MODEL) for data in files]
    every = client.predict_files(files, MODEL, slice="all")
    assert every == [client.predict(data, MODEL, slice="all") for data in files]


@pytest.mark.slow
def test_every_bad_file_gets_its_sentence_between_good_ones(client):
    bad = {name: make() for name, make in BAD_FILES.items() if name != "over-the-limit.nii"}  # which is read no further
    names = list(bad)
    for start in range(0, len(names), 8):
        part = [bad[name] for name in names[start : start + 8]]
        first, *answers, last = client.predict_files([scan_file(1), *part, scan_file(2)], MODEL)
        assert (first, last) == (client.predict(scan_file(1), MODEL), client.predict(scan_file(2), MODEL))
        for data, answer in zip(part, answers, strict=True):
            assert isinstance(answer, RefusedFile) and answer.sha256 == sha256(data).hexdigest()
            assert answer.error.endswith(".") and "\n" not in answer.error


def test_a_refused_file_has_the_sentence_that_it_has_alone(client):
    header, _ = nifti_pair(volume())
    for data in (b"no scan", b"", header, nifti(volume())[:400]):
        good, bad = client.predict_files([scan_file(), data], MODEL)
        assert isinstance(good, Predictions) and isinstance(bad, RefusedFile)
        assert bad.error == refused(client.predict, data, MODEL).detail


def test_one_file_is_a_list_of_one_and_none_is_refused(client):
    assert client.predict_files([scan_file()], MODEL) == [client.predict(scan_file(), MODEL)]
    assert refused(client.predict_files, [], MODEL).status in (415, 422)  # a form without parts is none
    assert refused(client.call, "POST", "/predict/files", files={"model": (None, MODEL)}).status == 422


def test_what_concerns_all_files_is_one_answer(client):
    assert refused(client.predict_files, [scan_file()] * 2, "no-model").status == 422
    assert refused(client.predict_files, [scan_file()] * 2, MODEL, plane="oblique").status == 422
    assert refused(client.predict_files, [scan_file()] * 2, MODEL, colour="red").status == 422


@pytest.fixture(scope="module")
def small(tiny_zoo):
    """A server with small limits."""
    limits = Limits(files=3, files_bytes=60_000, file_bytes=50_000)
    with in_zoo(tiny_zoo), running(Service(limits)) as server:
        yield server


def padded(size: int) -> bytes:
    """Return a scan of `size` bytes: a PNG may have anything behind its end."""
    data = scan_file()
    return data + bytes(size - len(data))


def test_the_number_of_files_is_bounded(small):
    with small.client() as client:
        assert len(client.predict_files([scan_file()] * 3, MODEL)) == 3
        error = refused(client.predict_files, [scan_file()] * 4, MODEL)
    assert error.status == 413 and "3" in error.detail


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "not declared"])
def test_a_file_and_all_files_together_are_bounded_in_bytes(small, declared):
    with small.client() as client:

        def send(*sizes: int):
            if declared:
                return client.predict_files([padded(size) for size in sizes], MODEL)
            files = [("file", ("scan", padded(size))) for size in sizes]
            request = client.http.build_request("POST", "/predict/files", files=files, data={"model": MODEL})
            body = request.read()
            chunks = (body[start : start + 5000] for start in range(0, len(body), 5000))
            kind = {"Content-Type": request.headers["content-type"]}
            return client.call("POST", "/predict/files", content=chunks, headers=kind).json()

        assert len(send(30_000, 29_000)) == 2 and len(send(50_000)) == 1
        for sizes in ((30_000, 31_000), (20_001, 20_000, 20_000), (50_001,)):
            assert refused(send, *sizes).status == 413
    assert small.service.uploads.bytes == 0


def test_the_slices_of_all_files_together_are_bounded(tiny_zoo):
    with in_zoo(tiny_zoo), running(Service(Limits(slices=40))) as server, server.client() as client:
        data = nifti(volume((40, 48, 36)))
        first, second, third = client.predict_files([data, data, scan_file()], MODEL, slice="all")
    assert len(first.predictions) == 36 and "40" in second.error
    assert len(third.predictions) == 1  # there is room for it


def test_no_more_than_one_file_of_a_request_is_in_the_queue_at_a_time(tiny_zoo):
    live = []

    def watched(model, scan, *, anyway=False):
        live.append(sum(engine.queue.counts()[READING, state] for state in ("waiting", "running")))
        return predict(model, scan, anyway=anyway)

    engine = replace(this_process(), predict=watched)
    with in_zoo(tiny_zoo), running(Service(engine=engine)) as server, server.client() as client:
        live.clear()
        client.predict_files([scan_file(number) for number in range(6)], MODEL)
    assert live == [1] * 6


def test_a_fault_over_one_file_is_said_and_costs_the_others_nothing_but_a_lost_engine_ends_all(tiny_zoo):
    raised = [None]

    def faulty(model, scan, *, anyway=False):
        if raised[0] is not None and scan.digest == sha256(scan_file(3)).hexdigest():
            raise raised[0]
        return predict(model, scan, anyway=anyway)

    engine = replace(this_process(), predict=faulty)
    with in_zoo(tiny_zoo), running(Service(engine=engine)) as server, server.client() as client:
        raised[0] = RuntimeError("Muster^Erika")
        first, second, third = client.predict_files([scan_file(2), scan_file(3), scan_file(4)], MODEL)
        assert isinstance(first, Predictions) and isinstance(third, Predictions)
        assert second.error and "Muster" not in second.error
        raised[0] = EngineError("the cluster is gone")
        assert refused(client.predict_files, [scan_file(2), scan_file(3)], MODEL).status == 503
        assert server.service.uploads.bytes == 0 and server.service.queue.counts()[READING, "running"] == 0


def test_nothing_more_is_predicted_for_a_client_that_has_gone(tiny_zoo):
    seen, sent, begun, gone = [], Event(), Event(), Event()

    def waiting(model, scan, *, anyway=False):
        if sent.is_set():  # not the first prediction, which the server makes by itself
            seen.append(scan.digest)
            begun.set()
            assert gone.wait(SOON)
        return predict(model, scan, anyway=anyway)

    engine = replace(this_process(), predict=waiting)
    with in_zoo(tiny_zoo), running(Service(engine=engine)) as server:
        sent.set()
        files = [("file", ("scan", scan_file(number))) for number in range(20)]
        request = httpx.Request("POST", f"{server.url}/api/v1/predict/files", files=files, data={"model": MODEL})
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            head = "\r\n".join(["POST /api/v1/predict/files HTTP/1.1", *lines, "", ""])
            connection.sendall(head.encode() + request.read())
            assert begun.wait(SOON)
        sleep(0.2)  # until the server has seen it
        gone.set()
        until = monotonic() + SOON
        while server.service.uploads.bytes and monotonic() < until:
            sleep(0.01)
        assert server.service.uploads.bytes == 0 and len(seen) < 3


def test_every_file_that_is_predicted_has_its_line_in_the_audit_log(tiny_zoo, tmp_path):
    keep_in(tmp_path)
    try:
        with in_zoo(tiny_zoo), running(Service()) as server, server.client() as client:
            client.predict_files([scan_file(1), b"no scan", scan_file(2)], MODEL)
    finally:
        keep_in(None)
    (log,) = tmp_path.iterdir()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["scan"] for line in lines] == [sha256(scan_file(number)).hexdigest() for number in (1, 2)]
    assert {line["event"] for line in lines} == {"prediction"}
