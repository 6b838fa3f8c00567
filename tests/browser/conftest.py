"""How is the app driven as a reader drives it? A server of its own, and a real Chromium.

The browser is the system's (Debian: `apt install chromium`); Playwright brings none. Where there is none
the tests are skipped with that reason, save in CI, where they fail.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUIET = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


_DRAWN = """() => {
  const roots = [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')].map(node => node.shadowRoot);
  const state = document.querySelector('[data-testid=stApp]').dataset.testScriptState;
  return [state, ...roots.flatMap(root => [...root.querySelectorAll('.pane')].map(pane =>
    [pane.dataset.kind, pane.dataset.drawn, pane.innerText.slice(0, 200)].join(' | ')))];
}"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show beside a failure what stood on the page, and the last that its server said."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page is not None:
        log = item.funcargs.get("server_log")
        report.sections.append(("the page at that moment", _seen_on(page)))
        report.sections.append(("the last lines of the server", log.read_text(errors="replace")[-3000:] if log else ""))
    return report


def _seen_on(page) -> str:
    try:
        drawn = page.evaluate(_DRAWN)
        return f"{page.url}\n{page.locator('body').inner_text(timeout=2000)}\npanes: {drawn}"
    except Exception as error:  # a page that is gone must not hide the failure itself
        return f"cannot be read: {error}"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    found = find_chromium()
    if found is None:
        reason = "there is no Chromium on this machine (Debian: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def server_log(tmp_path_factory) -> Path:
    """The file of all that the app says."""
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="session")
def server(chromium, server_log) -> Iterator[str]:
    """The address of the app, which all tests share."""
    with running_app(server_log) as address:
        yield address


@contextmanager
def running_app(log: Path, *options: str) -> Iterator[str]:
    """Run the app as `make run` does, on a free port and with more `options`; nothing it says may be a traceback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options],
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(process, f"http://localhost:{port}/_stcore/health", log)
        yield f"http://localhost:{port}/"
    finally:
        process.terminate()
        process.wait(20)
    assert "Traceback" not in log.read_text(errors="replace")


def _wait_until_healthy(process: subprocess.Popen, address: str, log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.read() == b"ok":  # any unknown path answers 200, too, with the page
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server was not up after 30 s: {log.read_text(errors='replace')}")


@pytest.fixture(scope="package")  # not session: its event loop would run on beside the tests of other folders
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """The Explain page, opened. Afterwards nothing was fetched from elsewhere and no script complained."""
    complaints, elsewhere = [], []
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, color_scheme="dark")
    tab = context.new_page()
    tab.set_default_timeout(120_000)  # TensorFlow may still be loading, on a machine that does other work
    tab.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda asked: elsewhere.append(asked.url) if _is_elsewhere(asked.url, server) else None)
    tab.goto(server)
    yield tab
    context.close()
    assert complaints == [] and elsewhere == []


def _is_complaint(message) -> bool:
    """True for an error, except a picture that a newer run had replaced before a busy browser fetched it."""
    replaced = "/media/" in f"{message.text} {message.location.get('url', '')}"
    return message.type == "error" and not replaced


def _is_elsewhere(url: str, server: str) -> bool:
    return not url.startswith((server, server.replace("http", "ws"), "data:", "blob:"))
