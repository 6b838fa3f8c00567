"""Seconds to read a series of single DICOM files, and the memory that the app keeps of it.

256 files of 256 x 256 pixels, 12 bit, uncompressed: in this process, with the sandbox's server and with a process of
its own for each file (as before the server, and still where a system cannot fork), side by side; then in the app, from
the moment when a real Chromium is given the files. The memory is that of the server of the app, before the series was
opened, with it, and after the browser has left.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

from playwright.async_api import Browser, async_playwright

from benchmarks.app import memory, new_tab
from benchmarks.record import write
from scans import phantom, read, sandbox
from tests.browser.conftest import QUIET, find_chromium, running_app
from tests.browser.test_explain_scan import HEATMAP
from tests.good_files import dicom12

FILES, SIDE, SOME = 256, 256, 32  # SOME: read by a process each, which takes long
WORKERS = 2  # as the lane of the queue
FORGOTTEN = 160  # seconds after which Streamlit has let go of a session, with the garbage collected
_PICTURE, _OVERLAY = "img[alt='The scan']", HEATMAP
_THERE = "css => document.querySelector(css) !== null"


def main() -> None:
    files = series()
    results = {"files": FILES, "pixels": f"{SIDE} x {SIDE}, 12 bit", "threads": WORKERS, **_side_by_side(files)}
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, data in files.items():
            paths.append(Path(folder) / name)
            paths[-1].write_bytes(data)
        results |= asyncio.run(_in_the_app(paths, Path(folder) / "log"))
    write("reading", results)


def series(count: int = FILES) -> dict[str, bytes]:
    """Return the files of a series by name."""
    head = phantom("glioma", 1, SIDE).scan.pixels
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1]}
    return {
        f"IM{k:04d}": dicom12(head * (0.5 + k / count / 2), ImagePositionPatient=[0, 0, k], InstanceNumber=k, **place)
        for k in range(count)
    }


def _side_by_side(files: dict[str, bytes]) -> dict:
    """Return seconds per file with the server and with a process for each; they take turns."""
    some = list(files.values())[:SOME]
    warm, cold = [], []
    _seconds(lambda: read(some[0]))  # the server starts
    for _ in range(2):
        warm.append(_seconds(lambda: _read_all(list(files.values()))) / FILES)
        with patch.object(sandbox.Server, "child", lambda server, *request: sandbox.Process(server.worker, *request)):
            cold.append(_seconds(lambda: _read_all(some)) / SOME)
    return {
        "first file, seconds": round(_seconds(lambda: read(some[0])), 3),
        "all files, seconds": round(min(warm) * FILES, 2),
        "seconds per file": {"server": round(min(warm), 4), "a process each": round(min(cold), 4)},
        "times faster": round(min(cold) / min(warm), 1),
    }


def _read_all(files: list[bytes]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(read, files))


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


async def _in_the_app(paths: list[Path], log: Path) -> dict:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        with running_app(log) as address:
            await _visit(browser, address, paths[:3])  # all that is loaded once is loaded
            time.sleep(FORGOTTEN)
            before = memory("VmRSS")
            seconds = await _visit(browser, address, paths)
            time.sleep(FORGOTTEN)
            results = {
                "in the app, seconds": seconds,
                "memory, MB": {"before": before, "with the series": seconds.pop("memory"), "after": memory("VmRSS")},
            }
        await browser.close()
        return results


async def _visit(browser: Browser, address: str, paths: list[Path]) -> dict:
    """Open the app, give it the files, wait for the prediction and its map, and leave."""
    tab = await new_tab(browser)
    await tab.goto(address)
    await tab.locator("h1").first.wait_for()
    await asyncio.sleep(3)
    started = perf_counter()
    await tab.locator("input[type=file]").set_input_files(paths)
    await tab.wait_for_function(_THERE, arg=_PICTURE, polling=20)
    first = perf_counter()
    await tab.wait_for_function(_THERE, arg=_OVERLAY, polling=20)
    done = perf_counter()
    used = memory("VmRSS")
    await tab.context.close()
    return {
        "to the first picture": round(first - started, 2),
        "to the prediction and its map": round(done - started, 2),
        "memory": used,
    }


if __name__ == "__main__":
    main()
