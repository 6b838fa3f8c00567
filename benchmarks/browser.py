"""How long does a reader wait, in a real Chromium: for the page, the first answer, each heatmap after that?

The app is started as `make run` does. The first prediction counts from the start of its process; a heatmap
from handing the file to the upload field until the new overlay stands on the page.
"""

import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.record import write
from explain import png
from scans import PHANTOM_KINDS, phantom
from tests.browser.conftest import QUIET, find_chromium, running_app
from tests.browser.test_explain_scan import HEATMAP

_SCANS = 20


def main() -> None:
    """Measure with twenty scans of the Kaggle test set where it is, else with phantoms."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        tab = browser.new_page(viewport={"width": 1600, "height": 1000})
        tab.set_default_timeout(60_000)
        tab.goto("about:blank")  # the browser's own start is not the app's
        started = perf_counter()
        with running_app(Path(folder) / "log") as address:
            up = perf_counter()
            tab.goto(f"{address}?model=cnn3-kaggle4")
            tab.get_by_text("What did the model look at?").wait_for()
            painted = perf_counter()
            tab.locator("[data-testid=stButton] button").first.click()  # a sample
            tab.locator(HEATMAP).wait_for()
            first = perf_counter()
            waits = [_seconds_to_heatmap(tab, name, data) for name, data in _scans()]
        browser.close()
    write(
        "browser",
        {
            "page painted, seconds after the server was up": round(painted - up, 2),
            "first prediction, seconds after the start of the process": round(first - started, 2),
            "upload to heatmap, warm": {
                "scans": len(waits),
                "of": "the Kaggle test set" if os.environ.get("CANDOR_DATA") else "phantoms",
                "median seconds": round(median(waits), 2),
                "fastest": round(min(waits), 2),
                "slowest": round(max(waits), 2),
            },
        },
    )


def _seconds_to_heatmap(tab: Page, name: str, data: bytes) -> float:
    old = tab.locator(HEATMAP).get_attribute("src")
    file = {"name": name, "mimeType": "image/png", "buffer": data}
    started = perf_counter()
    tab.locator("input[type=file]").set_input_files([file])
    tab.wait_for_function(
        "([css, old]) => { const i = document.querySelector(css); return i && i.src != old && i.complete }",
        arg=[HEATMAP, old],
        polling=20,
    )
    return perf_counter() - started


def _scans() -> list[tuple[str, bytes]]:
    data = os.environ.get("CANDOR_DATA")
    if data:
        found = sorted(Path(data).glob("brain-tumor-mri-dataset/Testing/*/*.jpg"))
        chosen = [found[i] for i in np.linspace(0, len(found) - 1, _SCANS, dtype=int)]
        return [(path.name, path.read_bytes()) for path in chosen]
    drawn = [phantom(PHANTOM_KINDS[i % 4], i).scan.pixels for i in range(_SCANS)]
    return [(f"{i}.png", png(np.round(255 * pixels).astype(np.uint8))) for i, pixels in enumerate(drawn)]


if __name__ == "__main__":
    main()
