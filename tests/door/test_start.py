"""How the app starts: for this machine alone, asking nothing of any other, or not at all and with one sentence."""

import os
import re
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from websockets.exceptions import InvalidStatus

from pages.door.settings import DOOR, OPEN, only_this_machine
from tests.door.servers import ENGINEERS, ROOT, SECRET, USERS, Server, drawn, free_port, login_environment, running

pytestmark = pytest.mark.slow

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("CANDOR_A") and name != DOOR}
HEADERS = '{"X-Forwarded-User": "sub", "X-Forwarded-Preferred-Username": "name", "X-Forwarded-Groups": "groups"}'


def started(*options: str, **environment: str) -> tuple[int, str]:
    """Return the exit status of the app, which ends by itself, and the last line of what it said."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(free_port()), *options]
    done = subprocess.run(command, cwd=ROOT, env=PLAIN | environment, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_it_listens_on_this_machine_alone_unless_told_otherwise():
    assert only_this_machine(tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["address"])


def test_another_address_without_a_login_is_refused_in_one_sentence_that_says_how():
    status, sentence = started("--server.address", "0.0.0.0")
    assert status == 2 and sentence.startswith("error: ") and "0.0.0.0" in sentence
    assert DOOR in sentence and "docs/security.md" in sentence


def test_secrets_or_a_log_that_cannot_be_used_are_refused_in_one_sentence(tmp_path):
    (tmp_path / "broken.toml").write_text("[auth\n")
    (tmp_path / "half.toml").write_text('[auth]\nclient_id = "candor"\n[candor]\nuser = ["*"]\n')
    (tmp_path / "roles.toml").write_text('[candor]\nengineer = ["physics"]\nuser = ["*"]\n')
    (tmp_path / "file").write_text("")
    for options, environment, word in (
        (("--secrets.files", str(tmp_path / "broken.toml")), {}, "secrets"),
        (("--secrets.files", str(tmp_path / "half.toml")), {}, "redirect_uri"),
        (("--secrets.files", str(tmp_path / "roles.toml")), {}, "[candor]"),
        ((), {"CANDOR_ENGINEERS": ENGINEERS}, "[candor]"),
        ((), {"CANDOR_AUDIT": str(tmp_path / "file" / "log")}, "CANDOR_AUDIT"),
    ):
        status, sentence = started(*options, **environment)
        assert status == 2 and sentence.startswith("error: ") and word in sentence


class Recording(BaseHTTPRequestHandler):
    """A proxy that notes what it is asked for and passes nothing on."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        self.send_error(502)

    do_POST = do_CONNECT = do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("options", [(), ("--server.address", "0.0.0.0")], ids=["usual", "every address"])
def test_a_start_and_a_page_ask_nothing_of_any_other_machine(options, tmp_path):
    handler = type("Handler", (Recording,), {"asked": []})
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=proxy.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.server_port}"
    names = [each for name in ("http_proxy", "https_proxy", "all_proxy") for each in (name, name.upper())]
    environment = PLAIN | dict.fromkeys(names, address) | {DOOR: OPEN, "no_proxy": "", "NO_PROXY": ""}
    with running(tmp_path, environment, options=options) as server, server.socket(proxy=None) as opened:
        drawn(opened, enough=b"About")
    proxy.shutdown()
    proxy.server_close()
    assert handler.asked == []
    assert re.search(rf"http://localhost:{server.port}\b", (tmp_path / "log").read_text())


def as_user(server: Server, **headers: str):
    return server.client(None, **{name.replace("_", "-"): value for name, value in headers.items()})


def test_behind_a_proxy_its_headers_say_who_comes_in_and_nobody_else_s_do(tmp_path):
    environment = PLAIN | {"CANDOR_ENGINEERS": ENGINEERS, "CANDOR_USERS": USERS}
    options = ("--server.trustedUserHeaders", HEADERS)
    ada = {"X_Forwarded_User": "ada", "X_Forwarded_Groups": f"kitchen,{ENGINEERS}"}
    with running(tmp_path, environment, options=options) as server:
        for headers, status in (
            (ada, 200),
            (ada | {"X_Forwarded_For": "192.168.1.7"}, 200),
            ({}, 401),
            ({"X_Forwarded_User": "eve", "X_Forwarded_Groups": "kitchen"}, 403),
            ({"X_Forwarded_User": ""}, 401),
            (ada | {"X_Forwarded_For": "127.0.0.1:4711"}, 401),  # it cannot be told who sends this
        ):
            with as_user(server, **headers) as client:
                assert client.get("/").status_code == status, headers
        with as_user(server) as client:
            twice = [("X-Forwarded-User", "eve"), ("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", ENGINEERS)]
            assert client.get("/", headers=twice).status_code == 401
        given = {name.replace("_", "-"): value for name, value in ada.items()}
        with server.socket(additional_headers=given) as opened:
            drawn(opened, enough=b"Signed in as ada (engineer).")
    (tmp_path / "elsewhere").mkdir()
    environment |= {"CANDOR_PROXIES": "10.89.0.0/24"}
    with running(tmp_path / "elsewhere", environment, options=options) as server:
        for headers in (ada, ada | {"X_Forwarded_For": "10.89.0.7"}, ada | {"X_Forwarded_For": "10.89.0.7:4711"}):
            with as_user(server, **headers) as client:
                assert client.get("/").status_code == 401


def test_a_header_of_the_proxy_that_comes_twice_is_believed_neither_at_the_door_nor_on_a_page(tmp_path):
    environment = PLAIN | {"CANDOR_ENGINEERS": ENGINEERS, "CANDOR_USERS": "*"}
    user, engineer = ("X-Forwarded-User", "bo"), ("X-Forwarded-Groups", ENGINEERS)
    with running(tmp_path, environment, options=("--server.trustedUserHeaders", HEADERS)) as server:
        for headers, role in (
            ([user, engineer], "engineer"),
            ([user, engineer, ("X-Forwarded-Groups", USERS)], "user"),
            ([user, ("x-forwarded-groups", USERS), engineer], "user"),
        ):
            with server.client() as client:
                metrics = client.get("/_stcore/metrics", headers=headers).status_code
                assert metrics == (200 if role == "engineer" else 403)
            with server.socket(additional_headers=headers) as opened:
                assert f"Signed in as bo ({role}).".encode() in drawn(opened, enough=b"Signed in as")[1]
        with pytest.raises(InvalidStatus), server.socket(additional_headers=[user, user]):
            pass


def test_a_login_in_the_file_of_secrets_holds_under_a_base_address_and_by_https_its_cookies_are_secure(tmp_path):
    port = free_port()
    (tmp_path / "secrets.toml").write_text(
        f"""
[auth]
redirect_uri = "https://candor.example.org/brain/oauth2callback"
cookie_secret = "{SECRET}"
client_id = "candor"
client_secret = "x"
server_metadata_url = "http://localhost:9/none"
[candor]
engineer = ["{ENGINEERS}"]
user = ["*"]
"""
    )
    options = ("--secrets.files", str(tmp_path / "secrets.toml"), "--server.baseUrlPath", "brain")
    with running(tmp_path, PLAIN, port, options, health="/brain/_stcore/health") as server:
        cookies = server.cookies("eve", origin="https://candor.example.org")
        with server.client() as stranger, server.client(cookies) as known:
            assert stranger.get("/brain/").status_code == 401 and known.get("/brain/").status_code == 200
            page = stranger.get("/brain/", headers={"Accept": "text/html"})
            assert 'href="/brain/sign-in"' in page.text
            assert stranger.get("/brain/sign-in").headers["location"].startswith("/brain/auth/login?provider=")
            for path in ("/_stcore/health", "/brain_stcore/health", "/brainx/_stcore/health", "/sign-in"):
                assert stranger.get(path).status_code == 401
            assert known.get("/brain/_stcore/metrics").status_code == 403
            health = stranger.get("/brain/_stcore/health")
            assert "; Secure" in health.headers["set-cookie"]
            assert health.headers["strict-transport-security"].startswith("max-age=")


def test_a_login_on_every_address_starts(tmp_path):
    port = free_port()
    options = ("--server.address", "0.0.0.0")
    with running(tmp_path, login_environment(port), port, options) as server, server.client() as client:
        assert client.get("/").status_code == 401
