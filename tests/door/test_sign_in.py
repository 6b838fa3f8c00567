"""Signing in at a provider of OpenID Connect, in a real browser: what each role sees, and the way out."""

import os
import re
from pathlib import Path

import httpx
import pytest

from tests.browser.conftest import QUIET, chromium  # noqa: F401  # a fixture
from tests.door.servers import free_port, login_environment, provider, running

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CALM = "[data-testid=stApp][data-test-script-state=notRunning]"
PICTURES = "() => [...document.images].map(image => image.src).filter(src => src.includes('/media/'))"


@pytest.fixture
def server(tmp_path):
    """The app behind a login at a provider that knows PEOPLE."""
    port = free_port()
    with provider(tmp_path) as issuer:
        environment = login_environment(port, f"{issuer}/.well-known/openid-configuration")
        with running(tmp_path, environment, port) as server:
            yield server


@pytest.fixture
def tab(chromium):  # noqa: F811
    """A tab of a browser that nobody has signed in with. Afterwards no policy was offended."""
    from playwright.sync_api import sync_playwright

    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        tab = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark").new_page()
        tab.set_default_timeout(90_000)
        tab.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        yield tab
        browser.close()
    assert complaints == []


def shot(tab, name: str) -> None:
    """Keep a picture of the page where a folder for them is named."""
    if folder := os.environ.get("CANDOR_SHOTS"):
        tab.screenshot(path=f"{folder}/{name}.png")


def sign_in(tab, server, subject: str) -> None:
    tab.goto(server.url)
    tab.get_by_role("link", name="Sign in").wait_for()
    shot(tab, "sign-in")
    tab.get_by_role("link", name="Sign in").click()
    tab.get_by_role("button", name=subject, exact=True).first.click()


def sign_out(tab, server) -> None:
    tab.get_by_role("button", name="Sign out").click()
    tab.wait_for_url("**/oauth2/end_session**")
    tab.get_by_role("button").first.click()
    tab.get_by_role("link", name="Sign in").wait_for()
    assert tab.goto(server.url).status == 401


def open_page(tab, server, path: str) -> str:
    """Open a page by its address and return what stands on it."""
    tab.goto(f"{server.url}/{path}")
    tab.locator(CALM).wait_for()
    tab.get_by_text("Signed in as").wait_for()
    tab.wait_for_timeout(1000)
    tab.locator(CALM).wait_for()
    return tab.locator("[data-testid=stMain]").inner_text()


def test_a_user_and_an_engineer_sign_in_see_what_their_role_may_and_sign_out(server, tab):
    assert tab.goto(f"{server.url}/datasets").status == 401

    sign_in(tab, server, "bo")
    tab.get_by_text("Signed in as Bo (user).").wait_for()
    tab.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).wait_for()
    pictures = tab.evaluate(PICTURES)
    assert pictures and {httpx.get(each).status_code for each in pictures} == {401}
    shot(tab, "user")
    tab.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()
    with tab.expect_download() as picture:
        tab.get_by_role("button", name="Picture (PNG)").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    shot(tab, "user-map")
    for path in ("datasets", "site_calibration"):
        text = open_page(tab, server, path)
        assert "for engineers" in text and "Near-duplicates" not in text and "labelled scans of yours" not in text
        shot(tab, f"user-{path}")
    sign_out(tab, server)

    sign_in(tab, server, "ada")
    tab.get_by_text("Signed in as Ada (engineer).").wait_for()
    assert "Near-duplicates" in open_page(tab, server, "datasets")
    shot(tab, "engineer-datasets")
    assert "labelled scans of yours" in open_page(tab, server, "site_calibration")
    sign_out(tab, server)

    sign_in(tab, server, "eve")
    tab.get_by_text(re.compile("may not use Candor")).wait_for()
    shot(tab, "no-role")

    events = [(line["event"], line["who"]) for line in server.lines()]
    assert [pair for pair in events if pair[0].startswith("sign-")] == [
        ("sign-in", "bo"),
        ("sign-out", "bo"),
        ("sign-in", "ada"),
        ("sign-out", "ada"),
        ("sign-in", "eve"),
    ]
    for done in ("prediction", "explanation", "export"):
        assert (done, "bo") in events
    assert ("refusal", "bo") in events and ("refusal", "eve") in events and ("refusal", "ada") not in events
