"""Uploads stay in memory and within their limits; what is slow, cut short or no form is refused in one sentence."""

import socket
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from time import sleep

import pytest

from api import protocol
from api.client import ApiError
from api.limits import Limits
from api.service import Service
from scans import MAX_BYTES
from scans.read import too_large
from tests.api.servers import MODEL, SOON, answer_to, in_zoo, refused, running, scan_file

BOUNDARY = b"0123456789abcdef"
KIND = f"multipart/form-data; boundary={BOUNDARY.decode()}"
SMALL = Limits(file_bytes=100_000, uploads_bytes=150_000, idle_seconds=0.4, upload_seconds=1.2)


@pytest.fixture(scope="module")
def small(tiny_zoo):
    """A server with small limits."""
    with in_zoo(tiny_zoo), running(Service(SMALL)) as server:
        yield server


@pytest.fixture(scope="module")
def small_client(small):
    with small.client() as client:
        yield client


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'Content-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return b"--" + BOUNDARY + b"\r\n" + head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def head(length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {KIND}\r\n{size}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def posted(client, content: bytes, kind: str = KIND) -> ApiError:
    return refused(client.call, "POST", "/predict", content=content, headers={"Content-Type": kind})


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_declared_size_over_the_limit_is_refused_before_the_rest_is_sent(small):
    beginning = part("model", MODEL.encode()) + part("file", bytes(2000), "scan.nii")
    answer = answer_to(small.port, head(60_000_000) + beginning)
    assert status(answer) == 413 and b"60.0 MB" in answer and b"application/problem+json" in answer


def test_a_file_over_the_limit_without_a_declared_size_is_read_no_further(small, monkeypatch):
    taken = []
    share = small.service.uploads.share

    @contextmanager
    def watched():
        with share() as add:
            yield lambda count: (taken.append(count), add(count))

    monkeypatch.setattr(small.service.uploads, "share", watched)
    chunks = [chunk(part("file", bytes(20_000), "scan.nii")[:-2])] + [chunk(bytes(20_000))] * 60
    answer = answer_to(small.port, head(None), *chunks)
    assert status(answer) == 413 and b"more than 0.1 MB" in answer
    assert sum(taken) <= SMALL.file_bytes
    assert small.service.uploads.bytes == 0


def test_the_limit_that_ships_is_that_of_the_reader(client):
    assert Limits().file_bytes == MAX_BYTES
    error = refused(client.predict, bytes(MAX_BYTES + 1), MODEL)
    assert (error.status, error.detail) == (413, too_large(MAX_BYTES + 1))


def test_a_file_of_exactly_the_limit_is_read(small_client):
    error = refused(small_client.predict, bytes(SMALL.file_bytes), MODEL)
    assert error.status == 422


def test_a_long_field_many_parts_and_a_third_file_are_refused(small_client):
    for parts in (
        [part("model", b"m" * 3000)],
        [part("stack", b"")] * 50,
        [part("file", b"a", "a"), part("file", b"b", "b"), part("file", b"c", "c")],
    ):
        error = posted(small_client, form(*parts))
        assert error.status == 413 and error.detail.endswith(".")


@pytest.mark.parametrize("kind", ["application/json", "", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_that_is_no_form_is_refused(kind, small_client):
    assert posted(small_client, b"{}", kind).status == 415


def test_bytes_behind_the_end_of_a_form_are_not_read_for_ever(small_client):
    whole = form(part("model", MODEL.encode()), part("file", scan_file(), "scan.png"))
    assert posted(small_client, whole + bytes(300_000)).status == 413
    assert small_client.call("POST", "/predict", content=whole + b"\r\n", headers={"Content-Type": KIND}).is_success


def test_a_form_that_is_broken_or_cut_short_is_refused(small_client):
    whole = form(part("model", MODEL.encode()), part("file", scan_file(), "scan.png"))
    for broken in (whole[: len(whole) // 2], b"junk" + whole, b"", form(part("model", b"\xff\xfe"))):
        assert posted(small_client, broken).status == 422


def test_half_an_upload_times_out_and_the_connection_is_closed(small):
    answer = answer_to(small.port, head(50_000) + part("file", bytes(1000), "scan.nii"))
    assert status(answer) == 408 and b"too slowly" in answer
    assert small.service.uploads.bytes == 0


def test_an_upload_that_trickles_times_out(small):
    drops = [b"\0" * 10] * 30
    answer = answer_to(small.port, head(50_000) + part("file", bytes(1000), "scan.nii")[:-2], *drops, pause=0.1)
    assert status(answer) == 408


def test_half_a_head_is_given_up(small, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    assert answer_to(small.port, b"GET /api/v1/health HTTP/1.1\r\nHost: local") == b""
    assert answer_to(small.port) == b""
    whole = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = answer_to(small.port, whole, b"GET /api", pause=0.2)
    assert status(answer) == 200 and answer.count(b"HTTP/1.1") == 1


def test_what_is_no_http_gets_a_problem_document_with_the_headers(small):
    answer = answer_to(small.port, b"Muster^Erika 4711\r\n\r\n")
    assert status(answer) == 400 and b"application/problem+json" in answer and b"nosniff" in answer.lower()
    assert b"Muster" not in answer


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(small):
    with socket.create_connection(("127.0.0.1", small.port)) as connection:
        connection.sendall(head(50_000) + part("file", bytes(1000), "scan.nii"))
        sleep(0.1)
    for _ in range(200):
        if small.service.uploads.bytes == 0:
            break
        sleep(0.02)
    assert small.service.uploads.bytes == 0


def test_all_uploads_together_are_bounded(small, small_client):
    with small.service.uploads.share() as add:
        add(120_000)
        error = refused(small_client.predict, bytes(90_000), MODEL)
    assert error.status == 503 and error.retry_after > 0
    assert refused(small_client.predict, bytes(90_000), MODEL).status == 422


def test_an_upload_is_never_written_to_disk(client, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise AssertionError("a temporary file")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", refuse)
    large = scan_file() + bytes(3_000_000)  # a PNG may have anything behind its end
    assert client.predict(large, MODEL).predictions[0].predicted


def test_more_jobs_than_one_user_may_have_are_refused_until_one_is_over(tiny_zoo, slow):
    limits = replace(SMALL, lanes={name: replace(lane, per_user=2) for name, lane in Limits().lanes.items()})
    with in_zoo(tiny_zoo), running(Service(limits)) as server, server.client() as client:
        live = [client.explain(scan_file(number), MODEL, "lime") for number in (1, 2)]
        error = refused(client.explain, scan_file(3), MODEL, "lime")
        assert error.status == 429 and error.retry_after > 0
        slow.go.set()
        for job in live:
            client.wait(job, SOON, 0.02)
        assert client.wait(client.explain(scan_file(3), MODEL, "lime"), SOON, 0.02).state == "done"
