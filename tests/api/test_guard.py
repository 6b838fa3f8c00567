"""Every answer has its headers, every error one sentence, and nobody gets past the host, the origin and the token."""

import logging
import socket
from dataclasses import replace
from itertools import product

import pytest

from api import ROOT
from api.guard import HEADERS
from api.limits import Limits
from api.service import Service
from scans import read
from tests.api.servers import MODEL, SOON, answer_to, in_zoo, refused, running, scan_file
from tests.good_files import dicom12, disc

TOKENS = ("first-token-0123456789", "second-token-0123456789")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND")


@pytest.fixture(scope="module")
def closed(tiny_zoo):
    """A server that needs a token."""
    with (
        in_zoo(tiny_zoo),
        running(Service(tokens=TOKENS, hosts=("localhost", "127.0.0.1", "candor.example.org"))) as it,
    ):
        yield it


def operations(client) -> list[tuple[str, str]]:
    """Return method and path of every operation of the OpenAPI document, with something for each parameter."""
    paths = client.call("GET", "/openapi.json").json()["paths"]
    assert len(paths) > 15
    filled = {
        path: path.removeprefix(ROOT).replace("{job_id}", "0" * 64).replace("{model_id}", MODEL) for path in paths
    }
    return [(method.upper(), filled[path]) for path in paths for method in paths[path]]


def assert_problem(answer, status: int | None = None) -> dict:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == {"title", "status", "detail"} and body["status"] == answer.status_code
    assert status is None or answer.status_code == status
    assert body["detail"].endswith(".") and "\n" not in body["detail"] and "Traceback" not in body["detail"]
    return body


def test_every_route_needs_a_token_but_health(closed):
    with (
        closed.client(TOKENS[0]) as known,
        closed.client() as stranger,
        closed.client("wrong-token-0123456789") as wrong,
    ):
        every = operations(known)
        unlisted = [("GET", path) for path in ("/docs", "/openapi.json", "/docs/swagger-ui.css", "/nowhere")]
        for method, path in [*every, *unlisted]:
            for client in (stranger, wrong):
                answer = client.http.request(method, path)
                if path == "/health":
                    assert answer.status_code == 200
                else:
                    assert_problem(answer, 401)
                    assert answer.headers["www-authenticate"].startswith("Bearer")
            assert known.http.request(method, path).status_code != 401


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Basic " + TOKENS[0], "Bearer " + TOKENS[0][:-1], TOKENS[0], "Bearer é"]
)
def test_a_header_that_is_no_token_is_refused(value, closed):
    with closed.client() as client:
        assert client.http.get("/models", headers={"Authorization": value.encode()}).status_code == 401
    with closed.client() as client:
        assert client.http.get("/models", headers={"Authorization": f"bearer {TOKENS[1]}"}).status_code == 200


def test_a_job_of_one_token_is_hidden_from_another(closed):
    with closed.client(TOKENS[0]) as first, closed.client(TOKENS[1]) as second:
        job = first.wait(first.explain(scan_file(1), MODEL, "gradcam"), SOON, 0.02)
        assert refused(second.job, job.id).status == 404
        assert refused(second.map, job.id).status == 404
        assert refused(second.cancel, job.id).status == 404
        same = second.wait(second.explain(scan_file(1), MODEL, "gradcam"), SOON, 0.02)
        second.cancel(same.id)
        assert same.id == job.id and first.job(job.id).state == "done"


def test_a_request_for_another_host_is_refused(closed):
    with closed.client(TOKENS[0]) as client:
        for host, status in (("evil.example", 421), ("candor.example.org:8600", 200), ("LOCALHOST", 200), ("", 421)):
            assert client.http.get("/health", headers={"Host": host}).status_code == status
        assert client.http.get("/health", headers={"Host": "[::1]:8600"}).status_code == 421


def test_a_page_of_another_site_is_refused(client):
    for headers, status in (
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://[x]"}, 403),
        ({"Origin": "http://localhost:8600@evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://[::1]:8600"}, 200),
        ({"Origin": "http://127.0.0.1:8600", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),  # a link to the page of the API
    ):
        answer = client.http.get("/models", headers=headers)
        assert answer.status_code == status == client.http.get("/health", headers=headers).status_code
        if status == 403:
            assert_problem(answer)
    form = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example"}
    assert client.http.post("/predict", headers=form).status_code == 403


def test_methods_and_paths_that_are_not_there_get_a_problem(client):
    known = set(operations(client))
    paths = sorted({path for _, path in known})
    for method, path in product(METHODS, [*paths, "/", "", "/nowhere", "/models/", "/jobs", "/%2e%2e/app.py", "/é"]):
        if (method, path) in known:
            continue
        answer = client.http.request(method, path)
        assert answer.status_code in (404, 405), (method, path)
        if method != "HEAD":
            assert_problem(answer)
        if path in paths:
            assert answer.status_code == 405 and answer.headers["allow"]


def test_every_answer_has_the_headers(client):
    answers = [client.http.request(method, path) for method, path in operations(client)]
    answers += [client.http.get(path) for path in ("/nowhere", "/docs", "/docs/start.js", "/docs/nothing.js")]
    answers.append(client.http.get("/health", headers={"Host": "evil.example"}))
    assert {200, 404, 415, 421} <= {answer.status_code for answer in answers}
    for answer in answers:
        for name, value in HEADERS.items():
            if name == "Content-Security-Policy" and answer.url.path.endswith("/docs"):
                assert answer.headers[name].startswith("default-src 'none'; script-src 'self';")
            else:
                assert answer.headers[name] == value
        assert "server" not in answer.headers and "access-control-allow-origin" not in answer.headers


def test_as_many_requests_as_the_limit_are_answered_and_no_more(tiny_zoo):
    service = Service(replace(Limits(), requests=1, idle_seconds=1.0))
    with in_zoo(tiny_zoo), running(service) as server, server.client() as client:
        with socket.create_connection(("127.0.0.1", server.port)) as held:
            held.sendall(
                b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
            )
            while (answer := client.http.get("/models")).status_code == 200:
                pass
            assert client.http.get("/health").status_code == 200
        assert_problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        while (answer := client.http.get("/models")).status_code == 503:
            pass
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "model"),
        ({"model": "no-such-model"}, MODEL),
        ({"model": MODEL, "slice": "first"}, "slice"),
        ({"model": MODEL, "slice": "-1"}, "a slice is a number from 0"),
        ({"model": MODEL, "slice": "\N{ARABIC-INDIC DIGIT ZERO}"}, "slice"),
        ({"model": MODEL, "slice": "\U00010d40"}, "slice"),  # a digit that `int` does not know
        ({"model": MODEL, "slice": "1" * 7}, "slice"),
        ({"model": MODEL, "plane": "oblique"}, "axial"),
        ({"model": MODEL, "anyway": "perhaps"}, "anyway"),
        ({"model": MODEL, "Muster^Erika": "4711"}, "field"),
        ({"model": [MODEL, MODEL]}, "model"),
        ({"model": MODEL, "stack": "magnitude"}, "stack"),
    ],
)
def test_a_field_that_is_not_accepted_is_named_in_one_sentence(fields, word, client):
    answer = client.http.post("/predict", files={"file": dicom12(disc())}, data=fields)
    detail = assert_problem(answer, 422)["detail"] if answer.status_code != 200 else word
    assert word in detail and "Muster" not in detail and "4711" not in detail


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"method": "magic"}, "gradcam"),
        ({"method": "gradcam", "engine": "steam"}, "compiled"),
        ({"method": "gradcam", "slice": "all"}, "a slice is a number from 0, of at most six digits"),
        ({"method": "gradcam", "target": "broken heart"}, "glioma"),
        ({"method": "gradcam", "seconds": "0"}, "seconds"),
        ({"method": "gradcam", "seconds": "nan"}, "seconds"),
        ({"method": "gradcam", "seconds": "3600"}, "seconds"),
        ({"method": "gradcam", "seed": "-1"}, "seed"),
        ({"method": "gradcam", "seed": "one"}, "seed"),
        ({}, "method"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_one_sentence(fields, word, client):
    answer = client.http.post("/explain", files={"file": scan_file()}, data={"model": MODEL, **fields})
    assert word in assert_problem(answer, 422)["detail"]


def test_a_form_without_a_file_is_refused(client):
    answer = client.http.post("/predict", files={"other": (None, "x")}, data={"model": MODEL})
    assert_problem(answer, 422)
    answer = client.http.post("/predict", files={"model": (None, MODEL)})
    assert "file" in assert_problem(answer, 422)["detail"]


def test_a_fault_within_is_answered_and_logged_without_its_message(client, monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError("Muster^Erika")

    monkeypatch.setattr("api.reading.read", fail)
    with caplog.at_level(logging.DEBUG):
        answer = client.http.post("/predict", files={"file": scan_file()}, data={"model": MODEL})
    assert "Muster" not in assert_problem(answer, 500)["detail"] + caplog.text
    assert "RuntimeError in" in caplog.text and "Traceback" not in caplog.text


def test_a_model_that_is_broken_on_the_server_is_not_the_client_s_fault(client, monkeypatch):
    from model_zoo import ModelError

    def fail(*_, **__):
        raise ModelError("/srv/models/secret cannot be read")

    monkeypatch.setattr("api.reading.load_model", fail)
    answer = client.http.post("/predict", files={"file": scan_file()}, data={"model": MODEL})
    assert "/srv" not in assert_problem(answer, 503)["detail"]


def test_no_log_and_no_answer_names_the_file_or_the_patient(client, caplog):
    patient = {"PatientName": "Muster^Erika", "PatientID": "4711-0815", "PatientBirthDate": "19640812"}
    data = dicom12(disc(), **patient)
    assert read(data)
    with caplog.at_level(logging.DEBUG):
        form = {"files": {"file": ("Muster_Erika.dcm", data)}, "data": {"model": MODEL}}
        answers = [client.http.post("/predict", **form), client.http.get("/Muster^Erika?name=4711-0815")]
        form["data"]["method"] = "gradcam"
        job = client.http.post("/explain", **form)
        client.wait(client.job(job.json()["id"]), SOON, 0.02)
        answers += [job, *(client.http.get(path.removeprefix(ROOT)) for path in job.json()["results"])]
        answers.append(client.http.get("/metrics"))
    own = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "asyncio"))]
    logged = "\n".join(record.getMessage() for record in own)
    assert "POST /api/v1/predict: 200" in logged and "a request for no route: 404" in logged
    for word in ("Muster", "4711-0815", "19640812"):
        assert word not in logged
        assert not any(word.encode() in answer.content for answer in answers)


def test_an_endless_name_of_a_host_or_path_is_refused(server):
    answer = answer_to(server.port, b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
