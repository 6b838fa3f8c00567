"""The app as `make run` serves it, with a login configured; who signs in, and what a browser of theirs would send."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, generate_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME, XSRF_COOKIE_NAME
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef0123456789abcdef"
ENGINEERS, USERS = "candor engineers", "radiology"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PEOPLE = {"ada": [ENGINEERS], "bo": [USERS], "cy": [USERS], "eve": ["kitchen"]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, and the folder of its audit log."""

    port: int
    audit: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def cookies(self, subject: str, secret: str = SECRET, **changes) -> dict[str, str]:
        """Return the cookies of somebody who has signed in; `changes` overwrite the claims."""
        now = int(time.time())
        claims = {"sub": subject, "name": subject.title(), "groups": PEOPLE[subject], "iat": now, "exp": now + 300}
        claims |= {"origin": self.url, "is_logged_in": True, "provider": "default"} | changes
        value = create_signed_value(secret, USER_COOKIE_NAME, json.dumps(claims)).decode()
        return {USER_COOKIE_NAME: value, XSRF_COOKIE_NAME: generate_xsrf_token_string()}

    def client(self, cookies: dict[str, str] | None = None, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, cookies=cookies, headers=headers, timeout=60)

    def lines(self) -> list[dict]:
        """Return the lines of the audit log."""
        return [json.loads(line) for path in sorted(self.audit.iterdir()) for line in path.read_text().splitlines()]

    @contextmanager
    def socket(self, cookies: dict[str, str] | None = None, session: str = "", **changes) -> Iterator[ClientConnection]:
        """Open the connection of a page; raises InvalidStatus where it is refused."""
        sent = cookies or {}
        names = ["streamlit", sent.get(XSRF_COOKIE_NAME, "none"), *([session] if session else [])]
        header = "; ".join(f"{name}={value}" for name, value in sent.items())
        given = {"origin": self.url, "additional_headers": {"Cookie": header} if header else {}} | changes
        path = given.pop("path", "/_stcore/stream")
        with connect(f"ws://localhost:{self.port}{path}", subprotocols=names, max_size=None, **given) as opened:
            yield opened


def drawn(
    opened: ClientConnection,
    query: str = "",
    enough: bytes = b"research and teaching tool",
    seconds: float = 60,
) -> tuple[str, bytes]:
    """Return the id of the session and all that the server sends for a run of the page, until it holds `enough`."""
    message = BackMsg()
    message.rerun_script.query_string = query
    opened.send(message.SerializeToString())
    session, found, until = "", b"", time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            frame = opened.recv(timeout=5)
        except TimeoutError:
            continue
        found += frame
        session = session or ForwardMsg.FromString(frame).new_session.initialize.session_id
        if enough in found:
            return session, found
    raise AssertionError(f"{enough!r} never came")


def login_environment(port: int, metadata: str = "http://localhost:9/none", **changes: str) -> dict[str, str]:
    """Return the environment of a server with a login."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CANDOR_A", "CANDOR_DOOR"))}
    return own | {
        "CANDOR_AUTH_REDIRECT_URI": f"http://localhost:{port}/oauth2callback",
        "CANDOR_AUTH_COOKIE_SECRET": SECRET,
        "CANDOR_AUTH_CLIENT_ID": "candor",
        "CANDOR_AUTH_CLIENT_SECRET": "secret of the client",
        "CANDOR_AUTH_SERVER_METADATA_URL": metadata,
        "CANDOR_ENGINEERS": ENGINEERS,
        "CANDOR_USERS": USERS,
        **changes,
    }


@contextmanager
def running(
    folder: Path,
    environment: dict[str, str] | None = None,
    port: int = 0,
    options: Sequence[str] = (),
    health: str = "/_stcore/health",
) -> Iterator[Server]:
    """Run the app as `make run` does until the end of the block; nothing it says may be a traceback."""
    port, log, audit = port or free_port(), folder / "log", folder / "audit"
    environment = (environment or login_environment(port)) | {"CANDOR_AUDIT": str(audit)}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options],
            cwd=ROOT,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(process, f"http://localhost:{port}{health}", log)
        yield Server(port, audit)
    finally:
        process.terminate()
        process.wait(30)
    assert "Traceback" not in log.read_text(errors="replace")


@contextmanager
def provider(folder: Path) -> Iterator[str]:
    """Run a provider of OpenID Connect that knows PEOPLE; its address."""
    port, log = free_port(), folder / "provider.log"
    claims = [json.dumps({"sub": sub, "name": sub.title(), "groups": groups}) for sub, groups in PEOPLE.items()]
    flags = [part for each in claims for part in ("--user-claims", each)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *flags], stdout=stream, stderr=stream
        )
    try:
        wait_for(process, f"http://localhost:{port}/.well-known/openid-configuration", log)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(process: subprocess.Popen, address: str, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            with _DIRECT.open(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer after a minute: {log.read_text(errors='replace')}")
