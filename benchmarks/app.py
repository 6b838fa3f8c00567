"""Waiting times in the app, for one user and for eight at once, and its memory.

The app is started as `make run` does and driven by a real Chromium on the same machine, which takes its share of the
cores. A page counts from opening its address, or clicking on its link, until its title appears; a map from the upload
of the file until the new map is drawn. What the viewer draws by itself is timed by `python -m benchmarks.viewer`.
"""

import asyncio
import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path
from time import perf_counter

import numpy as np
from playwright.async_api import Browser, Error, Locator, Page, async_playwright

from benchmarks.record import load_average, processor_seconds, spread, write
from explain import Request, explain, png
from model_zoo import load_model
from scans import PHANTOM_KINDS, phantom, read
from tests.browser.conftest import QUIET, find_chromium, running_app
from tests.browser.test_explain_scan import HEATMAP
from tests.browser.test_pages import CALM

MODEL = "candor-pooled4"
PAGES = ("", "compare_models", "performance", "site_calibration", "datasets", "explanation_quality", "about")
SESSIONS, ROUNDS = 8, 1  # users at once; LIME maps that each requests
_SCANS = 20


async def measure(folder: Path) -> dict:
    """Return all measurements, taken one after the other on one server."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        started = perf_counter()
        with running_app(folder / "log") as address:
            up = perf_counter()
            tab = await new_tab(browser)
            await tab.goto(f"{address}?model={MODEL}")
            await tab.locator("h1").first.wait_for()
            painted = perf_counter()
            await tab.locator("[data-testid=stButton] button").first.click()  # a sample
            await tab.locator(HEATMAP).wait_for()
            first = perf_counter()
            idle = memory("VmRSS")
            results = {
                "load average before": load_average(),
                "page painted, seconds after the server was up": round(painted - up, 2),
                "first prediction, seconds after the start of the process": round(first - started, 2),
                "pages": await _pages(browser, address),
                "upload to heatmap, warm": spread([await _upload(tab, *scan) for scan in _scans()])
                | {"of": "the Kaggle test set" if os.environ.get("CANDOR_DATA") else "phantoms"},
                "memory, MB": {"after the first map": idle, "most": memory("VmHWM")},
            }
            write("app", results)  # the next takes longest
            results[f"{SESSIONS} users at once"] = await _together(browser, address)
            results["memory, MB"]["most"] = memory("VmHWM")
        await browser.close()
        return results


async def new_tab(browser: Browser) -> Page:
    """Return a page of a new session, with nothing in the browser's cache."""
    context = await browser.new_context(
        viewport={"width": 1440, "height": 1000},
        accept_downloads=True,
        bypass_csp=True,  # the app's policy forbids Playwright's own way of waiting
    )
    tab = await context.new_page()
    tab.set_default_timeout(180_000)
    await tab.goto("about:blank")
    return tab


async def _pages(browser: Browser, address: str) -> dict:
    """Return for each page the seconds until its title: opened for the first time, and by its link afterwards."""
    seconds = {}
    for page in PAGES:
        tab = await new_tab(browser)
        began = perf_counter()
        await tab.goto(f"{address}{page}")
        await tab.locator("h1").first.wait_for()
        seconds[page or "explain"] = {"first": round(perf_counter() - began, 2)}
        await tab.context.close()
    tab = await new_tab(browser)
    await tab.goto(address)
    await tab.locator("h1").first.wait_for()
    links = tab.locator("[data-testid=stTopNavLink]")
    for _ in range(2):  # of the second round: every page was opened in this session
        for place in (*range(1, len(PAGES)), 0):
            old = await tab.locator("h1").first.inner_text()
            began = perf_counter()
            await links.nth(place).click()
            await tab.wait_for_function("old => document.querySelector('h1')?.innerText != old", arg=old, polling=20)
            seconds[PAGES[place] or "explain"]["by its link, warm"] = round(perf_counter() - began, 2)
    await tab.context.close()
    return seconds


async def _upload(tab: Page, name: str, data: bytes) -> float:
    another = await _another_map(tab)
    began = perf_counter()
    file = {"name": name, "mimeType": "image/png", "buffer": data}
    await tab.locator("input[type=file]").set_input_files([file])
    await another.wait_for()
    return perf_counter() - began


async def _another_map(tab: Page) -> Locator:
    """Return what finds a map that is drawn and is not the one that is drawn now."""
    drawn = await tab.locator(HEATMAP).all()
    old = await drawn[0].get_attribute("data-drawn") if drawn else ""
    return tab.locator(f"{HEATMAP}:not([data-drawn={json.dumps(old)}])")


async def _together(browser: Browser, address: str) -> dict:
    """Return the waits of eight users who upload at once and request LIME, and of a ninth with quick maps only."""
    tabs = [await new_tab(browser) for _ in range(SESSIONS + 1)]
    for tab in tabs:
        await tab.goto(f"{address}?model={MODEL}")
        await tab.locator("h1").first.wait_for()
    app = process_of_the_app()
    began, own, all_ = perf_counter(), processor_seconds(app), _busy_seconds()
    done = asyncio.Event()
    visitor = asyncio.create_task(_visit(tabs[-1], done))
    users = await asyncio.gather(*(use(tab, user) for user, tab in enumerate(tabs[:-1])))
    done.set()
    quick = await visitor
    seconds = (perf_counter() - began) * os.cpu_count()
    shares = {"the app": processor_seconds(app) - own, "everything": _busy_seconds() - all_}
    for tab in tabs:
        await tab.context.close()
    maps = [(user_map, is_own(*user_map)) for user in users for user_map in user["maps"]]
    return {
        "their first quick map, seconds": spread([seconds for user in users for seconds in user["quick"]]),
        "quick maps of a ninth user meanwhile, seconds": spread(quick),
        "LIME, from the request to the map, seconds": spread([seconds for user in users for seconds in user["lime"]]),
        "LIME maps": len(maps),
        "correct, bit for bit": sum(own for _, own in maps),
        "stopped at the time limit": sum(manifest["stopped"] == "time" for (_, _, manifest), _ in maps),
        "clicks on a download lost": sum(user["lost"] for user in users),
        "share of the processor": {name: round(each / seconds, 2) for name, each in shares.items()},
        "users shown their place in the queue": sum(user["place"] for user in users),
    }


async def use(tab: Page, user: int) -> dict:
    """Return the waits of one user, and every scan with the map that was downloaded for it."""
    log = {"quick": [], "lime": [], "maps": [], "place": False, "lost": 0}
    for turn in range(ROUNDS):
        data = _phantom(PHANTOM_KINDS[user % 4], 700_000 + 10 * user + turn)
        log["quick"].append(await _upload(tab, f"{user}-{turn}.png", data))
        another = await _another_map(tab)
        began = perf_counter()
        await choose(tab, "LIME")
        place = tab.get_by_text("in the queue")
        while not await another.count():
            log["place"] |= bool(await place.count())
            await asyncio.sleep(0.25)  # to look costs the browser time, which all of them share
        log["lime"].append(perf_counter() - began)
        await tab.locator("strong", has_text="LIME.").wait_for()
        log["maps"].append((data, *await _downloaded(tab, log)))
        await choose(tab, "Grad-CAM")
        await tab.locator("strong", has_text="Grad-CAM.").wait_for()
    return log


def is_own(data: bytes, heat: np.ndarray, manifest: dict) -> bool:
    """Return whether a map is what LIME gives for these bytes, computed again alone and in another process."""
    own = explain(Request(load_model(MODEL), read(data)[0], "lime", target=manifest["target"], seed=manifest["seed"]))
    of_this = manifest["scan"] == hashlib.sha256(data).hexdigest() and manifest["method"] == "lime"
    return of_this and np.array_equal(heat, own.heat)


async def _visit(tab: Page, done: asyncio.Event) -> list[float]:
    waits = []
    while not done.is_set():
        waits.append(await _upload(tab, f"{len(waits)}.png", _phantom("glioma", 800_000 + len(waits))))
        await asyncio.sleep(0.5)
    return waits


async def choose(tab: Page, method: str) -> None:
    await tab.get_by_role("combobox", name="Method").click()
    await tab.keyboard.type(method)
    await tab.get_by_role("option", name=method, exact=True).click()


async def _downloaded(tab: Page, log: dict) -> tuple[np.ndarray, dict]:
    """Return map and manifest. A click on a page that is being redrawn is lost; it is counted and repeated."""
    while True:
        await tab.locator(CALM).wait_for()
        async with tab.expect_download() as download:
            await tab.get_by_role("button", name="Map and manifest (ZIP)").click()
        try:
            path = await (await download.value).path()
        except Error:
            log["lost"] += 1
            await asyncio.sleep(0.5)
            continue
        with zipfile.ZipFile(path) as bundle:
            return np.load(io.BytesIO(bundle.read("map.npy"))), json.loads(bundle.read("manifest.json"))


def _phantom(kind: str, seed: int) -> bytes:
    return png(np.round(255 * phantom(kind, seed).scan.pixels).astype(np.uint8))


def _scans() -> list[tuple[str, bytes]]:
    data = os.environ.get("CANDOR_DATA")
    if data:
        paths = sorted(Path(data).glob("brain-tumor-mri-dataset/Testing/*/*.jpg"))
        chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, _SCANS, dtype=int)]
        return [(path.name, path.read_bytes()) for path in chosen]
    return [(f"{i}.png", _phantom(PHANTOM_KINDS[i % 4], i)) for i in range(_SCANS)]


def memory(what: str) -> int:
    """Return the memory of the app's process in MB, as the kernel counts it: VmRSS is now, VmHWM the most so far."""
    status = Path(f"/proc/{process_of_the_app()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what)) // 1024


def _busy_seconds() -> float:
    """Return how long the cores have worked for anybody since the machine started."""
    user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def process_of_the_app() -> int:
    """Return the number of the process of the app that this process has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
        if parent == str(os.getpid()) and b"streamlit" in (folder / "cmdline").read_bytes():
            return int(folder.name)
    raise RuntimeError("the app's process is not there")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write("app", asyncio.run(measure(Path(folder))))
