"""The documented example behind a real authenticating proxy: Apache with mod_auth_openidc, and a real provider."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from websockets.exceptions import InvalidHandshake

from pages.door.settings import DOOR
from tests.door.servers import (
    ENGINEERS,
    ROOT,
    USERS,
    Server,
    drawn,
    free_port,
    provider,
    running,
)

MODULES = Path("/usr/lib/apache2/modules")
MISSING = not (shutil.which("apache2") and (MODULES / "mod_auth_openidc.so").exists())
WHY = "needs Apache with mod_auth_openidc (Debian: apt install apache2-bin libapache2-mod-auth-openidc)"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING, reason=WHY)]
NEEDED = ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "proxy_wstunnel")
EXAMPLE = ROOT / "docs" / "apache.example.conf"
PREFIX = "OIDC_CLAIM_"
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("CANDOR_A") and name != DOOR}


def trusted_headers() -> str:
    """Return the headers that docs/security.md says this proxy sends, as it says so."""
    text = (ROOT / "docs" / "security.md").read_text()
    return next(
        found for found in re.findall(r"--server\.trustedUserHeaders\s*\\?\s*'(\{.*?\})'", text) if PREFIX in found
    )


@contextmanager
def apache(folder: Path, issuer: str, app: int, port: int) -> Iterator[None]:
    """Run Apache with the documented example, its addresses replaced by those of the test."""
    example, log = EXAMPLE.read_text(), folder / "apache.log"
    for before, after in (
        ("https://login.example.org/realms/hospital", issuer),
        ("https://candor.example.org", f"http://localhost:{port}"),
        ("http://127.0.0.1:8501/", f"http://127.0.0.1:{app}/"),
    ):
        assert before in example
        example = example.replace(before, after)
    head = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in (*NEEDED, "auth_openidc")]
    head += [f"Listen 127.0.0.1:{port}", "ServerName localhost", f"ServerRoot {folder}", f"PidFile {folder}/pid"]
    head += [f"ErrorLog {log}", f"DefaultRuntimeDir {folder}", "<Directory />", "AllowOverride None", "</Directory>"]
    if os.getuid() == 0:
        head += ["User www-data", "Group www-data"]
    (folder / "apache.conf").write_text("\n".join([*head, example]))
    process = subprocess.Popen(["apache2", "-f", str(folder / "apache.conf"), "-DFOREGROUND"])
    try:
        _wait(process, port, log)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    """Return once Apache answers, if only to ask for a login."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with suppress(httpx.TransportError):
            httpx.get(f"http://localhost:{port}/")
            return
        time.sleep(0.1)
    raise AssertionError(f"Apache does not answer: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def behind(tmp_path_factory) -> Iterator[Server]:
    """The app behind Apache: a server whose port is Apache's."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    folder.chmod(0o755)
    environment = PLAIN | {"CANDOR_ENGINEERS": ENGINEERS, "CANDOR_USERS": USERS}
    options = ("--server.trustedUserHeaders", trusted_headers(), "--server.allowedHosts", "localhost")
    with (
        provider(folder) as issuer,
        running(folder, environment, options=options) as app,
        apache(folder, issuer, app.port, port),
    ):
        yield Server(port, app.audit)


@contextmanager
def signed_in(server: Server, subject: str) -> Iterator[httpx.Client]:
    """Give a client that has signed in at the provider, as a browser does: it follows, and sends the form."""
    with httpx.Client(timeout=60) as client:
        answer = client.get(f"{server.url}/", headers={"Accept": "text/html"})
        while answer.is_redirect:
            address = urljoin(str(answer.url), answer.headers["location"])
            answer = client.get(address)
        answer = client.post(answer.url, data={"sub": subject})
        while answer.is_redirect and "/oauth2/callback" in answer.headers["location"]:
            answer = client.get(urljoin(str(answer.url), answer.headers["location"]))
        assert answer.is_redirect, answer.text
        client.base_url = server.url
        yield client


def cookies(client: httpx.Client) -> dict[str, str]:
    return {cookie.name: cookie.value for cookie in client.cookies.jar}


def sees(server: Server, client: httpx.Client, words: bytes, **headers: str) -> bool:
    """Return whether the page of somebody who has signed in says this; by the connection of a page."""
    header = "; ".join(f"{name}={value}" for name, value in cookies(client).items())
    with server.socket(additional_headers={"Cookie": header} | headers) as opened:
        return words in drawn(opened, enough=b"Signed in as")[1]


FORGED = {f"{PREFIX}{claim}": value for claim, value in {"sub": "ada", "name": "Ada", "groups": ENGINEERS}.items()}
PATHS = (
    "/",
    "/datasets",
    "/_stcore/health",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/media/x.png",
    "/static/js/x",
)


@pytest.mark.parametrize("headers", [{}, FORGED, {name.lower(): value for name, value in FORGED.items()}])
def test_a_stranger_gets_nothing_of_the_app_whatever_headers_they_send(behind, headers):
    with behind.client(None, **headers) as client:
        for path in PATHS:
            answer = client.get(path)
            assert answer.status_code in (302, 401) and "streamlit" not in answer.text.lower(), path
            assert client.put(path, content=b"x").status_code in (302, 401, 405), path
    with pytest.raises(InvalidHandshake), behind.socket(additional_headers=headers):
        pass


@pytest.mark.parametrize(
    ("subject", "said"), [("ada", b"Signed in as Ada (engineer)."), ("bo", b"Signed in as Bo (user).")]
)
def test_the_app_knows_from_the_proxy_who_comes_in_and_in_which_role(behind, subject, said):
    with signed_in(behind, subject) as client:
        page = client.get("/")
        assert page.status_code == 200 and "<title>" in page.text
        assert sees(behind, client, said)
    assert subject in {line["who"] for line in behind.lines()}


def test_who_has_no_group_is_nobody(behind):
    with signed_in(behind, "eve") as client:
        assert client.get("/").status_code == 403


def test_who_has_signed_in_cannot_make_more_of_themselves(behind):
    with signed_in(behind, "bo") as client:
        assert client.get("/_stcore/metrics", headers=FORGED).status_code == 403
        assert sees(behind, client, b"Signed in as Bo (user).", **FORGED)


def test_another_host_s_name_is_refused_through_the_proxy(behind):
    with signed_in(behind, "ada") as client:
        header = "; ".join(f"{name}={value}" for name, value in cookies(client).items())
        sent = {"Host": f"evil.example.org:{behind.port}", "Cookie": header}
        answer = httpx.get(f"http://127.0.0.1:{behind.port}/", headers=sent)
        assert answer.status_code in (401, 421) and "streamlit" not in answer.text.lower()  # by Apache, or by the app


def test_the_example_maps_the_claims_that_roles_need():
    assert set(json.loads(trusted_headers()).values()) == {"sub", "name", "groups"}
