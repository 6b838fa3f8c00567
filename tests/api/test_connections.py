"""Connections end where their client sends no more of a body that was answered, breaks it, or reads no answer."""

import logging
import socket
from dataclasses import replace
from time import monotonic, sleep

import httpx
import pytest

from api import protocol
from api.limits import Limits
from api.service import Service
from tests.api.servers import MODEL, SOON, answer_to, in_zoo, running
from tests.good_files import disc, png

TOKENS = ("first-token-0123456789",)
LENGTH = 1_000_000
HEALTH = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def closed(tiny_zoo):
    """A server that needs a token."""
    with in_zoo(tiny_zoo), running(Service(tokens=TOKENS)) as server:
        yield server


@pytest.fixture
def quick(monkeypatch):
    """Every time limit is over at once."""
    monkeypatch.setattr(protocol, "REST_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 0.5)


def post(*lines: str) -> bytes:
    """Return the head of a POST with some more lines, which keeps the connection."""
    return "\r\n".join(["POST /api/v1/predict HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


WITHOUT_TOKEN = post(f"Content-Length: {LENGTH}")
TOO_LARGE = post(
    "Content-Length: 60000000", "Content-Type: multipart/form-data; boundary=x", f"Authorization: Bearer {TOKENS[0]}"
) + (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(2000))


@pytest.mark.parametrize(("sent", "status"), [(WITHOUT_TOKEN, b"401"), (TOO_LARGE, b"413")], ids=["401", "413"])
@pytest.mark.parametrize("more", [[b"x"], [b"x"] * 80, []], ids=["one byte", "drops", "nothing"])
def test_a_client_that_is_answered_before_its_body_is_whole_is_not_waited_for(sent, status, more, closed, quick):
    answer = answer_to(closed.port, sent, *more, pause=0.05, timeout=10)
    assert answer.split(b" ")[1] == status and answer.count(b"HTTP/1.1") == 1


def test_a_body_that_is_whole_after_its_answer_leaves_the_connection_for_another_request(closed, monkeypatch):
    monkeypatch.setattr(protocol, "REST_SECONDS", 2.0)
    whole = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = answer_to(closed.port, WITHOUT_TOKEN, bytes(LENGTH), whole, pause=0.1, timeout=10)
    assert [each[:3] for each in answer.split(b"HTTP/1.1 ")[1:]] == [b"401", b"200"]


def test_a_body_that_came_with_the_next_head_does_not_end_the_next_request(closed, monkeypatch):
    monkeypatch.setattr(protocol, "REST_SECONDS", 0.3)
    rest = b"x" * LENGTH + post("Content-Length: 4", "Connection: close")
    answer = answer_to(closed.port, WITHOUT_TOKEN, rest, b"four", pause=0.1, timeout=10)
    assert [each[:3] for each in answer.split(b"HTTP/1.1 ")[1:]] == [b"401", b"401"]


def test_a_client_that_is_silent_after_the_rest_of_its_body_is_given_up(closed, quick):
    answer = answer_to(closed.port, WITHOUT_TOKEN, bytes(LENGTH), pause=0.1, timeout=10)
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("token", ["", f"Authorization: Bearer {TOKENS[0]}"], ids=["without a token", "with one"])
@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\nabcdefgh\r\n", b"-1\r\n"], ids=["zz", "too long", "below 0"])
def test_a_chunk_that_breaks_after_the_answer_ends_the_connection_and_logs_no_traceback(token, broken, closed, caplog):
    with caplog.at_level(logging.DEBUG):
        sent = post("Transfer-Encoding: chunked", *([token] if token else []))
        answer = answer_to(closed.port, sent, broken, pause=0.3, timeout=10)
    assert answer.split(b" ")[1] == (b"415" if token else b"401") and answer.count(b"HTTP/1.1") == 1
    assert "Traceback" not in caplog.text and "protocol" not in caplog.text


def test_an_answer_that_nobody_reads_holds_its_place_and_is_given_up(tiny_zoo, quick):
    service = Service(replace(Limits(), requests=1))
    with in_zoo(tiny_zoo), running(service) as server, server.client() as client, socket.socket() as deaf:
        job = client.wait(client.explain(png(disc(2000)), MODEL, "gradcam"), SOON, 0.05)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(f"GET /api/v1/jobs/{job.id}/result.npy HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        deaf.settimeout(SOON)
        assert deaf.recv(12) == b"HTTP/1.1 200"  # before others ask, who would take the one place
        assert until(client.http, 503), "the answer was left in memory, and its place given back"
        assert until(client.http, 200), "the answer is kept for a client that does not read"
        taken = 0
        while piece := deaf.recv(65_536):
            taken += len(piece)
        assert 0 < taken < 4 * 2000 * 2000
        assert client.map(job.id).shape == (2000, 2000)  # who reads gets all of it


def until(http: httpx.Client, status: int) -> bool:
    """Ask until there is an answer of this status, and return whether one came in time."""
    end = monotonic() + 20
    while monotonic() < end:
        if http.get("/models").status_code == status:
            return True
        sleep(0.01)
    return False


def test_a_client_that_reads_slowly_gets_its_whole_answer(tiny_zoo, monkeypatch):
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 1.0)
    with in_zoo(tiny_zoo), running(Service()) as server, server.client() as client, socket.socket() as slow:
        job = client.wait(client.explain(png(disc(2000)), MODEL, "gradcam"), SOON, 0.05)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        slow.connect(("127.0.0.1", server.port))
        slow.settimeout(SOON)
        head = f"GET /api/v1/jobs/{job.id}/result.npy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        slow.sendall(head.encode())
        began, taken = monotonic(), 0
        while piece := slow.recv(100_000):
            taken += len(piece)
            sleep(0.02)
        assert taken > 4 * 2000 * 2000 and monotonic() - began > 2 * protocol.UNREAD_SECONDS
