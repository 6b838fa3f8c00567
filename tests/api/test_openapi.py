"""The OpenAPI document is valid and whole, its page loads nothing from elsewhere, and the counters can be read."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from api import ROOT
from api.metrics import OTHER
from api.problems import MEDIA_TYPE
from api.server import OPEN, make_app
from api.service import Service
from explain import predict
from explain.engine import EngineError, this_process
from explain.queue import LANES
from explain.request import SETTINGS
from tests.api.servers import MODEL, SOON, in_zoo, refused, running, scan_file

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def document(client) -> dict:
    return client.call("GET", "/openapi.json").json()


def test_the_document_is_valid_openapi(document):
    validate(document)
    assert document["openapi"].startswith("3.1") and "components" in document


def test_every_operation_says_what_it_does_and_how_it_refuses(document):
    for path, operations in document["paths"].items():
        assert path.startswith(ROOT)
        for operation in operations.values():
            assert operation["description"].endswith(".")
            errors = {status: each for status, each in operation["responses"].items() if status >= "4"}
            assert {"401", "404", "421", "500", "503"} <= set(errors)
            assert all(list(each["content"]) == [MEDIA_TYPE] for each in errors.values())


def test_the_forms_have_a_file_and_every_setting_of_a_request(document):
    forms = {
        path: operations["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
        for path, operations in document["paths"].items()
        if "post" in operations
    }
    assert set(forms) == {f"{ROOT}/{name}" for name in ("predict", "predict/files", "similar", "explain", "report")}
    assert all({"file", "model"} <= set(form["required"]) for form in forms.values())
    assert set(SETTINGS) <= set(forms[f"{ROOT}/explain"]["properties"])


def test_a_token_is_described_only_where_one_is_needed(document):
    assert "security" not in document
    with_tokens = make_app(Service(tokens=("0123456789abcdef",))).openapi()
    validate(with_tokens)
    assert with_tokens["security"] and with_tokens["components"]["securitySchemes"]
    for path, operations in with_tokens["paths"].items():
        for operation in operations.values():
            assert operation.get("security") == ([] if path in OPEN else None)


def test_every_status_that_a_job_is_answered_with_is_in_the_document(document, client, slow):
    live = client.explain(scan_file(30), MODEL, "gradcam")
    assert refused(client.map, live.id).status == 409
    client.cancel(live.id)
    slow.go.set()
    for submit in (
        lambda: client.explain(scan_file(30), MODEL, "gradcam"),
        lambda: client.report(scan_file(30), MODEL),
    ):
        job = client.wait(submit(), SOON, 0.02)
        for path in submit().results:
            client.call("GET", path.removeprefix(ROOT))
        client.cancel(job.id)
        assert refused(client.job, job.id).status == 404
    assert refused(client.explain, b"no scan", MODEL, "gradcam").status == 422
    seen = [dict(key[1:]) for key in samples(client) if key[0] == "candor_http_requests_total"]
    seen = [(each["route"], each["method"].lower(), each["status"]) for each in seen if each["route"] != OTHER]
    assert {"200", "202", "204", "404", "409", "422"} <= {status for _, _, status in seen}
    paths = document["paths"]
    described = [each for each in seen if each[1] in paths.get(each[0], {})]
    assert [each for each in described if each[2] not in paths[each[0]][each[1]]["responses"]] == []


def test_the_page_and_its_files_come_from_this_server_alone(client):
    page = client.call("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert sources and not any("//" in source for source in sources)
    for source in sources:
        if not source.startswith("data:"):
            assert len(client.call("GET", f"/{source}").content) > 20
    assert "http" not in client.call("GET", "/docs/start.js").text
    assert refused(client.call, "GET", "/docs/..%2f..%2fserver.py").status == 404


def test_the_docs_describe_every_route(document):
    text = DOCUMENT.read_text()
    assert [path for path in document["paths"] if f"{path.removeprefix(ROOT)}`" not in text] == []


def samples(client) -> dict[tuple, float]:
    families = text_string_to_metric_families(client.call("GET", "/metrics").text)
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def test_the_counters_can_be_parsed_and_count(client):
    before = samples(client)
    client.predict(scan_file(), MODEL)
    refused(client.predict, b"no scan", MODEL)
    refused(client.call, "GET", "/Muster^Erika")
    client.wait(client.explain(scan_file(), MODEL, "gradcam"), SOON, 0.02)
    after = samples(client)

    def risen(status: int, route: str, method: str) -> float:
        key = ("candor_http_requests_total", ("method", method), ("route", route), ("status", str(status)))
        return after.get(key, 0) - before.get(key, 0)

    assert risen(200, f"{ROOT}/predict", "POST") == 1
    assert risen(422, f"{ROOT}/predict", "POST") == 1
    assert risen(404, "other", "GET") == 1
    names = {key[0] for key in after}
    assert {"candor_jobs", "candor_jobs_bytes", "candor_uploads_bytes", "process_resident_memory_bytes"} <= names
    assert {dict(key[1:])["lane"] for key in after if key[0] == "candor_queue_jobs"} == set(LANES)
    assert after[("candor_uploads_bytes",)] == 0 and after[("candor_jobs_bytes",)] > 0
    assert "Muster" not in str(list(after))


def test_an_engine_that_fails_at_the_start_is_asked_again(tiny_zoo, monkeypatch):
    monkeypatch.setattr("api.service._AGAIN", 0.01)
    failures = [EngineError("a worker was lost"), EngineError("and another one")]

    def shaky(*asked, **how):
        if failures:
            raise failures.pop()
        return predict(*asked, **how)

    engine = replace(this_process(), predict=shaky)
    with in_zoo(tiny_zoo), running(Service(engine=engine)) as server, server.client() as client:
        assert failures == [] and client.ready().status == "ready"


def test_it_is_alive_at_once_and_ready_once_it_can_predict(client, server, monkeypatch):
    from scans.sandbox import SERVER

    assert client.health().status == "alive"
    assert client.ready().models == [MODEL]
    server.service.lacking.append("The first model is being loaded.")
    error = refused(client.ready)
    assert (error.status, error.retry_after > 0) == (503, True)
    assert client.health().status == "alive"
    server.service.lacking.clear()
    SERVER.stop()
    assert refused(client.ready).status == 503
    assert client.ready().status == "ready"
