"""What becomes of the work of a reader who closes the tab?

The app explains by RISE, with a minute to do it in, a ResNet50V2 of random weights, which it takes long over. From
two seconds after the question, it is seen how long its process goes on working: with the tab closed, and left open.
"""

import asyncio
import os
import tempfile
from pathlib import Path
from time import perf_counter

from playwright.async_api import Browser, async_playwright

from benchmarks.app import HEATMAP, choose, new_tab, process_of_the_app
from benchmarks.record import write
from tests.browser.conftest import QUIET, find_chromium, running_app
from tests.conftest import write_bundle

_AFTER = 2.0  # seconds from the question until the tab is closed
_CALM = 0.15  # of a core: less than this over a second is no work
_TICKS = os.sysconf("SC_CLK_TCK")


def slow_bundle(zoo: Path) -> None:
    """Write a bundle that answers slowly: ResNet50V2 at 224 pixels, seeded."""
    import keras

    keras.utils.set_random_seed(0)
    network = keras.applications.ResNet50V2(weights=None, classes=4, classifier_activation=None)
    write_bundle(zoo / "resnet50v2-phantom4", network)


async def measure(folder: Path) -> dict:
    """Return the seconds of both."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        with running_app(folder / "log") as address:
            found = {
                f"seconds until the work ended, tab {how}": round(await _seconds_of_work(browser, address, how), 1)
                for how in ("left open", "closed")
            }
        await browser.close()
    return found


async def _seconds_of_work(browser: Browser, address: str, how: str) -> float:
    tab = await new_tab(browser)
    await tab.goto(f"{address}?sample={'phantom-1' if how == 'closed' else 'phantom-2'}")
    await tab.locator(HEATMAP).wait_for()
    await tab.get_by_text("Method settings").click()
    await tab.get_by_role("combobox", name="Budget").click()
    await tab.get_by_role("option", name="60 seconds").click()
    await choose(tab, "RISE")
    await tab.get_by_text("Evaluating the model").wait_for()
    await asyncio.sleep(_AFTER)
    if how == "closed":
        await tab.context.close()
    began = perf_counter()
    while True:
        before = _worked()
        await asyncio.sleep(1)
        if _worked() - before < _CALM:
            break
    seconds = perf_counter() - began - 1
    if how != "closed":
        await tab.context.close()
    return seconds


def _worked() -> float:
    """Return the processor seconds that the app's process has used."""
    fields = (process_of_the_app() / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        slow_bundle(Path(folder) / "zoo")
        os.environ["CANDOR_ZOO"] = str(Path(folder) / "zoo")
        write("leaving", asyncio.run(measure(Path(folder))))
