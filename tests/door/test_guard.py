"""The parts of the guard that no server is needed for: limits, headers, failures, and what the log does not hold."""

import asyncio
import logging
import time

import httpx
import pytest
from starlette.requests import HTTPConnection

from explain.rate import Rate
from pages.door import guard, visitor
from pages.door.guard import Guard
from pages.door.headers import headers_of, secured
from pages.door.limits import AtOnce
from pages.door.settings import ENGINEER, LOGIN, PROXY, Door
from pages.door.visitor import Visitor, peer_of, visitor_of_claims

HTTPS = Door(LOGIN, origin="https://candor.example.org", engineers=frozenset({"physics"}))


def ask(app, path: str = "/", **options) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(options.pop("method", "GET"), path, **options)

    return asyncio.run(once())


def test_a_rate_comes_back_with_time_and_is_each_person_s_own():
    clock = [0.0]
    rate = Rate(60, lambda: clock[0])
    assert [rate.take("ada") for _ in range(61)] == [True] * 60 + [False]
    assert rate.take("bo")
    clock[0] = 1.0
    assert rate.take("ada") and not rate.take("ada")
    clock[0] = 3600.0
    assert [rate.take("ada") for _ in range(61)] == [True] * 60 + [False]


def test_what_one_person_does_at_once_is_counted_and_given_back():
    tabs = AtOnce(2)
    assert [tabs.begin("ada") for _ in range(3)] == [True, True, False] and tabs.begin("bo")
    tabs.end("ada")
    assert tabs.begin("ada") and not tabs.begin("ada")


async def accept(scope, receive, send):
    """Stands for the app behind the guard."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_more_uploads_than_the_limit_are_told_to_wait(monkeypatch):
    ada = Visitor("ada", ENGINEER, issued=1.0)
    monkeypatch.setattr(guard, "visitor_of", lambda door, connection: ada)
    monkeypatch.setattr(guard, "owns_session", lambda subject, session: True)
    inside = Guard(accept, HTTPS)
    inside.uploads = Rate(2)
    answers = [ask(inside, "/_stcore/upload_file/s/f", method="PUT") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [204, 204, 429] and answers[-1].headers["retry-after"]


def test_a_fault_within_is_one_sentence_with_the_headers_and_is_logged_without_its_message(caplog):
    async def app(scope, receive, send):
        raise RuntimeError("Muster^Erika")

    with caplog.at_level(logging.DEBUG):
        answer = ask(Guard(app, Door()))
    assert answer.status_code == 500 and answer.text.count("\n") == 1 and "Muster" not in answer.text + caplog.text
    assert "RuntimeError in" in caplog.text and answer.headers["x-frame-options"] == "DENY"


def test_cookies_of_streamlit_are_for_https_alone_where_browsers_come_by_https():
    cookies = [(b"set-cookie", b"_streamlit_user=x; Path=/"), (b"set-cookie", b"_streamlit_session=y; Secure")]
    assert secured(HTTPS, cookies)[0][1].endswith(b"; Secure") and secured(HTTPS, cookies)[1] == cookies[1]
    assert secured(Door(), cookies) == cookies
    assert "Strict-Transport-Security" in headers_of(HTTPS, "/") and "Strict-Transport-Security" not in headers_of(
        Door(), "/"
    )


@pytest.mark.parametrize(
    ("claims", "known"),
    [
        ({}, True),
        ({"sub": None}, False),
        ({"sub": 7}, False),
        ({"sub": "  "}, False),
        ({"iat": "now"}, False),
        ({"iat": True}, False),
        ({"iat": float("nan")}, False),
        ({"iat": float("inf")}, False),
        ({"iat": 0}, False),
        ({"name": {"x": 1}, "email": []}, True),
    ],
    ids=str,
)
def test_claims_without_a_subject_or_a_time_are_nobody_s(claims, known):
    found = visitor_of_claims(HTTPS, {"sub": "ada", "iat": time.time(), "groups": ["physics"]} | claims)
    assert (found is not None) == known
    if found:
        assert found.role == ENGINEER and found.name == "ada"


def connection(client, forwarded: str = "") -> HTTPConnection:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return HTTPConnection({"type": "http", "headers": headers, "client": client})


def test_where_a_connection_comes_from_cannot_be_made_up():
    assert peer_of(connection(None), {}) == ""
    assert peer_of(connection(("10.89.0.7", 4711)), {}) == "10.89.0.7"
    assert peer_of(connection(("192.168.1.7", 0), "192.168.1.7"), {}) == "127.0.0.1"
    assert peer_of(connection(("10.89.0.7", 0), "10.89.0.7"), {"FORWARDED_ALLOW_IPS": "*"}) == ""
    assert peer_of(connection(("10.89.0.7", 4711), "10.89.0.7:4711"), {}) == ""
    assert peer_of(connection(("10.89.0.7", 4711), "192.168.1.7"), {}) == "10.89.0.7"
    assert visitor.visitor_of(Door(PROXY, headers=(("x-user", "sub"),)), connection(("10.89.0.7", 4711))) is None
