"""Do the programs that time the app still find its fields, buttons and maps? A page that changes must change them."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.async_api import async_playwright

from benchmarks import app, load
from tests.browser.conftest import QUIET

pytestmark = [pytest.mark.browser, pytest.mark.real_gate]


def run(work: Coroutine):
    """Run it in a thread of its own: the browser of the other tests has the event loop of this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def test_a_user_without_a_browser_gets_the_map_of_the_uploaded_scan(server):
    (visit,), pages = run(load.together(server, load.some_scans(1)))
    assert visit.maps.keys() == visit.seconds.keys() == {"gradcam", "lime"} and pages
    assert all(manifest["model"] == load.MODEL for manifest in visit.manifests.values())


def test_a_user_with_a_browser_uploads_asks_for_lime_and_downloads_the_map(server, chromium):
    async def use() -> dict:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
            tab = await app.new_tab(browser)
            await tab.goto(f"{server}?model={app.MODEL}")
            return await app.use(tab, 0)

    log = run(use())
    assert len(log["quick"]) == len(log["lime"]) == len(log["maps"]) == app.ROUNDS and not log["lost"]
    assert all(app.is_own(*each) for each in log["maps"])
