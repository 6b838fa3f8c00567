"""Nothing comes through a closed door without a login, and nothing of one person reaches another."""

import re
import time
from http.client import HTTPConnection
from itertools import product

import pytest
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME, XSRF_COOKIE_NAME
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pages.door.headers import policy
from tests.door.servers import SECRET, Server, drawn

pytestmark = pytest.mark.slow

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OPEN = {  # what a browser needs to sign in; all of it leads to the provider, or back to the door
    *(("GET", path) for path in ("/_stcore/health", "/sign-in", "/auth/login", "/auth/logout", "/oauth2callback")),
    ("HEAD", "/_stcore/health"),
}
PATHS = (
    "/",
    "/explain_scan",
    "/datasets",
    "/site_calibration",
    "/about/_stcore/health",
    "/index.html",
    "/favicon.png",
    "/static/js/index.js",
    "/static/../app.py",
    "/app/static/x",
    "/media/",
    "/media/0123456789abcdef0123456789abcdef.png",
    "/media/../_stcore/health",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/stream",
    "/_stcore/script-health-check",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/v1/sessions",
    "/_stcore/upload_file/0123/4567",
    "/_stcore/bidi-components/x/y.js",
    "/_stcore/health/",
    "/_stcore/health/x",
    "/_stcore//health",
    "//_stcore/health",
    "/_stcore/%2568ealth",
    "/_stcore/health%2F..%2Fmetrics",
    "/_stcore/health%3f",
    "/_stcore/health;x",
    "/_STCORE/HEALTH",
    "/%2e%2e/app.py",
    "/component/x/index.html",
    "/auth/login/",
    "/auth/Logout",
    "/auth/logout/../../_stcore/metrics",
    "/oauth2callback/",
    "/oauth2callback/../_stcore/metrics",
    "/sign-in/",
    "/healthz",
    "/.streamlit/secrets.toml",
    "/app.py",
    "/%C3%A9",
    "/%00",
    "/" + "a" * 3000,
    "/_stcore/health",
    "/sign-in",
    "/auth/login",
    "/auth/logout",
    "/oauth2callback",
)
ACCEPTS = ("*/*", "text/html")


def forged(server: Server) -> list[dict[str, str]]:
    """Return cookies of somebody who has not signed in here, or not lately, or has no role."""
    good, now = server.cookies("ada"), int(time.time())
    return [
        {USER_COOKIE_NAME: "rubbish"},
        {USER_COOKIE_NAME: good[USER_COOKIE_NAME][:-1]},
        {USER_COOKIE_NAME: '{"sub": "ada", "groups": ["candor engineers"]}'},
        {XSRF_COOKIE_NAME: good[XSRF_COOKIE_NAME]},
        {"_streamlit_user_tokens": good[USER_COOKIE_NAME]},
        server.cookies("ada", secret="f" * 32),
        server.cookies("ada", origin="https://evil.example"),
        server.cookies("ada", is_logged_in=False),
        server.cookies("ada", is_logged_in="True"),
        server.cookies("ada", iat=now - 13 * 3600),
        server.cookies("ada", iat=now + 3600),
        server.cookies("ada", iat=None),
        server.cookies("ada", sub=""),
        server.cookies("ada", sub=["ada"]),
        server.cookies("eve"),
        server.cookies("ada", groups=[]),
        server.cookies("ada", groups=ENGINEER_IN_A_WORD),
    ]


ENGINEER_IN_A_WORD = "xcandor engineersx"


def asked(server: Server, method: str, path: str, accept: str) -> tuple[int, str]:
    """Return the status and the text of an answer to a path as it stands: an ordinary client would tidy it up."""
    connection = HTTPConnection("localhost", server.port, timeout=60)
    try:
        connection.request(method, path, headers={"Accept": accept})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_of_more_than_500_requests_without_a_login_none_comes_through(server):
    tried, through = 0, []
    for method, path, accept in product(METHODS, PATHS, ACCEPTS):
        status, text = asked(server, method, path, accept)
        tried += 1
        if (method, path) in OPEN:
            assert status in (200, 302, 303) and text.strip() in ("", "ok"), (method, path, text)
        elif status not in (400, 401, 405, 501):
            through.append((method, path, status))
        assert "streamlit" not in text.lower()
    assert tried > 500 and through == []


def test_no_forged_cookie_opens_a_page_a_file_or_a_connection(server):
    for cookies in forged(server):
        with server.client(cookies) as client:
            for path in ("/", "/_stcore/metrics", "/static/js/x.js", "/media/x.png", "/_stcore/host-config"):
                assert client.get(path).status_code in (401, 403), (cookies, path)
        with pytest.raises(InvalidStatus) as refused, server.socket(cookies):
            pass
        assert refused.value.response.status_code == 403
    with server.client(server.cookies("ada")) as client:
        assert client.get("/").status_code == 200


def test_no_connection_without_a_login_is_accepted(server):
    ways = [
        {"path": path, "session": session, "origin": origin}
        for path in ("/_stcore/stream", "/", "/x/_stcore/stream", "/_stcore/stream?x=1", "/_stcore/health", "/media/x")
        for session in ("", "0123-4567")
        for origin in (server.url, None, "https://evil.example")
    ]
    for way in ways:
        with pytest.raises(InvalidStatus) as refused, server.socket(**way):
            pass
        assert refused.value.response.status_code == 403


def test_a_connection_that_streamlit_takes_without_its_login_gets_no_page(server):
    cookies = server.cookies("ada")
    for changes in ({"origin": None}, {"cookies": {USER_COOKIE_NAME: cookies[USER_COOKIE_NAME]}}):
        with server.socket(**({"cookies": cookies} | changes)) as opened:
            _, found = drawn(opened, enough=b"reload the page to sign in")
        assert b"Upload" not in found and b"/media/" not in found


def test_another_host_is_answered_with_one_sentence_whoever_asks(server):
    with server.client(server.cookies("ada")) as client:
        for path in ("/", "/_stcore/health", "/sign-in", "/media/x.png"):
            answer = client.get(path, headers={"Host": "evil.example"})
            assert answer.status_code == 421 and answer.text.count("\n") == 1
    with (
        pytest.raises(InvalidStatus),
        server.socket(server.cookies("ada"), additional_headers={"Host": "evil.example"}),
    ):
        pass


def test_pictures_uploads_and_sessions_of_one_person_are_closed_to_another(server):
    with server.socket(server.cookies("bo")) as opened:
        session, found = drawn(opened, enough=b".png")
        pictures = {match.decode() for match in re.findall(rb"/media/[0-9a-f]+\.\w+", found)}
        assert pictures and session
        upload = f"/_stcore/upload_file/{session}/x"
        for subject, status in (("bo", 200), ("cy", 403), ("ada", 403), (None, 401), ("eve", 403)):
            cookies = server.cookies(subject) if subject else {}
            with server.client(cookies) as client:
                for picture in pictures:
                    answer = client.get(picture)
                    assert answer.status_code == status, (subject, picture)
                    if status == 200:
                        assert answer.headers["cache-control"] == "private, no-store"
                sent = {"X-Xsrftoken": cookies.get(XSRF_COOKIE_NAME, "")}
                answer = client.put(upload, files={"file": ("x.png", b"x")}, headers=sent)
                assert answer.status_code == (204 if status == 200 else status)
        with server.socket(server.cookies("cy"), session=session) as other:
            assert drawn(other)[0] not in (session, "")


def test_metrics_are_for_engineers(server):
    for subject, status in (("ada", 200), ("bo", 403)):
        with server.client(server.cookies(subject)) as client:
            assert client.get("/_stcore/metrics").status_code == status


def test_nobody_has_more_tabs_than_the_limit_and_others_have_theirs(server):
    from contextlib import ExitStack

    from pages.door.limits import SOCKETS

    with ExitStack() as tabs:
        for _ in range(SOCKETS):
            tabs.enter_context(server.socket(server.cookies("cy")))
        with pytest.raises(InvalidStatus), server.socket(server.cookies("cy")):
            pass
        with server.socket(server.cookies("bo")):
            pass


def test_signing_out_ends_the_login_for_a_copy_of_its_cookie_too(server):
    cookies = server.cookies("bo", iat=int(time.time()) - 60)
    with server.client(cookies) as client, server.client(cookies) as copy:
        assert copy.get("/").status_code == 200
        client.get("/auth/logout")
        assert copy.get("/").status_code == 401
    with server.client(server.cookies("bo")) as anew:
        assert anew.get("/").status_code == 200


def test_an_open_tab_ends_with_its_login_and_when_its_owner_signs_out_elsewhere(server):
    cookies = server.cookies("bo", iat=int(time.time()) - 30)
    with server.socket(cookies) as opened, server.socket(server.cookies("cy")) as another:
        drawn(opened)
        with server.client(cookies) as client:
            client.get("/auth/logout")
        with pytest.raises(ConnectionClosed):
            while True:
                opened.recv(timeout=20)
        drawn(another)
    nearly_over = server.cookies("bo", iat=int(time.time()) - 12 * 3600 + 4)
    with server.socket(nearly_over) as opened, pytest.raises(ConnectionClosed):
        while True:
            opened.recv(timeout=20)


def test_every_answer_has_the_headers(server):
    with server.client(server.cookies("ada")) as known, server.client() as stranger:
        answers = [
            each.get(path) for each in (known, stranger) for path in ("/", "/sign-in", "/_stcore/health", "/x/y")
        ]
        answers += [known.get("/_stcore/metrics"), known.get("/media/x.png"), known.post("/"), known.get("//x")]
        answers += [known.get("/", headers={"Host": "evil.example"}), stranger.put("/")]
    assert {200, 303, 401, 403, 405, 421} <= {answer.status_code for answer in answers}
    for answer in answers:
        names = answer.headers
        assert names["x-frame-options"] == "DENY" and names["x-content-type-options"] == "nosniff"
        assert names["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in names["content-security-policy"]
    assert answers[0].headers["content-security-policy"] == policy()
    assert "'unsafe-inline'" not in re.findall(r"script-src[^;]*", policy())[0] and "http" not in policy()


def test_the_audit_log_says_who_signed_in_and_who_was_refused_and_holds_no_secret(server):
    with server.client(server.cookies("ada", iat=int(time.time()) - 120)) as client:
        client.get("/")
    lines = server.lines()
    assert {"event": "sign-in", "who": "ada", "reason": "engineer"} in [
        {name: line.get(name) for name in ("event", "who", "reason")} for line in lines
    ]
    refusals = [line for line in lines if line["event"] == "refusal"]
    assert refusals and {line["who"] for line in refusals} <= {"nobody", "ada", "bo", "cy", "eve"}
    assert not any(SECRET in str(line) or "kitchen" in str(line) for line in lines)
