"""How fast the viewer draws: the time of a frame while something is dragged, and slices per second from memory.

The app is started as `make run` does and driven by a real Chromium without a graphics card, on the same machine. A
frame's drawing is what the viewer's own script takes; its interval is the time from one frame of the browser to the
next while the viewer draws in each, 16.7 ms at best. The processor time is that of the page's main thread for a frame,
with layout and all; it does not depend on what else runs on the machine.
"""

import os
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.record import write
from scans import phantom
from tests.browser.conftest import QUIET, find_chromium, running_app
from tests.browser.test_explain_scan import HEATMAP, upload
from tests.browser.widgets import settle
from tests.good_files import nifti

WIDTH, HEIGHT = 2500, 1300  # of the window: two pictures of 870 pixels side by side
SLICES, SIDE = 64, 256
FRAMES = 90  # of each kind
KEYS, RATE = 60, 30  # a key that is held: how often it repeats, and how often a second
PLANES = ".viewer:has(.pane[data-kind=plane])"

_AFFINE = np.diag([0.9, 0.9, 2.5, 1.0])
# What changes in frame k.
_CHANGES = {
    "opacity": "set('Opacity', 30 + k % 50)",
    "threshold": "set('Threshold', 5 + k % 50)",
    "zoom, with the map": "wheel('.pane[data-kind=map] .stage', 0, k % 40 < 20 ? -40 : 40, true)",
    "cross-hair of three planes": "wheel('.pane[data-kind=plane] .stage', 1 + k % 2, k % 20 < 10 ? 120 : -120)",
    "next slice": "document.dispatchEvent(new KeyboardEvent('keydown', { key: k % 30 < 15 ? 'n' : 'p' }))",
}
# A page that learns of another slice draws its viewer anew: it is looked for in each frame.
_ROOTS = """const roots = css => [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]
    .map(each => each.shadowRoot).find(each => each.querySelector(css));
  const seen = [];
  const look = now => {
    const viewer = roots('.controls input[type=range]')?.querySelector('.viewer');
    if (viewer) seen.push([now, viewer.dataset.frame ?? '0 0', viewer.querySelector('.pane').dataset.place]);
  };"""
_DRIVE = f"""frames => new Promise((done, failed) => {{
  {_ROOTS}
  const set = (label, value) => {{
    const node = roots('.controls input[type=range]').querySelector(`.controls input[aria-label^='${{label}}']`);
    node.value = value;
    node.dispatchEvent(new Event('input', {{ bubbles: true }}));
  }};
  const wheel = (css, at, deltaY, ctrlKey = false) => {{
    const stage = roots(css).querySelectorAll(css)[at], box = stage.getBoundingClientRect();
    stage.dispatchEvent(new WheelEvent('wheel', {{ deltaY, ctrlKey, bubbles: true, composed: true, cancelable: true,
      clientX: box.x + 0.6 * box.width, clientY: box.y + 0.6 * box.height }}));
  }};
  let k = 0;
  const step = now => {{
    try {{
      look(now);
      if (k < frames) CHANGE;
      if (++k > frames + 2) done(seen);
      else requestAnimationFrame(step);
    }} catch (error) {{
      failed(error);
    }}
  }};
  requestAnimationFrame(step);
}})"""
_WATCH = f"""() => {{
  {_ROOTS}
  window.seen = seen;
  window.watching = true;
  const step = now => {{
    look(now);
    if (window.watching) requestAnimationFrame(step);
  }};
  requestAnimationFrame(step);
}}"""
_END = "() => { window.watching = false; return window.seen; }"


def measure(folder: Path) -> dict:
    """Return the times of frames, by what is dragged, and what becomes of a key that is held."""
    before = os.getloadavg()[0]
    with sync_playwright() as playwright, running_app(folder / "log") as address:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark", bypass_csp=True)
        page.set_default_timeout(120_000)
        page.goto(address)
        upload(page, {"head.nii": _volume()})
        page.locator(HEATMAP).wait_for()
        page.get_by_role("tab", name="Three planes").click()
        page.locator(f"{PLANES} .pane[data-drawn]").nth(2).wait_for()
        settle(page)
        page.wait_for_timeout(1000)  # until the neighbours are there
        frames = {}
        processor = page.context.new_cdp_session(page)
        processor.send("Performance.enable", {"timeDomain": "threadTicks"})
        for name, change in _CHANGES.items():
            _drive(page, change, 20)  # the browser compiles what is called often
            spent = _spent(processor)
            frames[name] = times(_drive(page, change, FRAMES))
            frames[name]["processor, ms"] = round(1000 * (_spent(processor) - spent) / frames[name]["frames"], 2)
            page.keyboard.press("Escape")
            page.locator(f"{HEATMAP} .stage").dblclick()
            page.wait_for_timeout(500)
            settle(page)
        frames["window"] = _drag_window(page, processor)
        held = _hold(page)
        result = {
            "browser": f"Chromium {browser.version}",
            "side of a picture, pixels": page.locator(f"{HEATMAP} canvas").evaluate("node => node.width"),
            "side of a plane, pixels": page.locator(f"{PLANES} canvas").first.evaluate("node => node.width"),
            "volume": [SIDE, SIDE, SLICES],
            "frames": frames,
            "slices per second, from memory": round(1000 / frames["next slice"]["interval, ms"]["mean"], 1),
            "held key": held,
            "load average before, after": [round(before, 2), round(os.getloadavg()[0], 2)],
        }
        browser.close()
    return result


def _volume() -> bytes:
    """Return a NIfTI file whose slices all are the same head, so that each of them is explained."""
    pixels = phantom("meningioma", 900_002, SIDE).scan.pixels[::-1, ::-1].T
    return nifti(np.round(900 * np.linspace(0.5, 1, SLICES) * pixels[..., None]).astype(np.int16), _AFFINE)


def times(seen: list) -> dict:
    """Return how long drawing took, and from frame to frame, in ms; `seen` is (time, "number ms", place) per frame."""
    drawn = [(now, *map(float, frame.split())) for now, frame, _ in seen]
    drawing, intervals = [], []
    for (earlier, count, _), (now, number, ms) in pairwise(drawn):
        if number != count:  # something was drawn
            drawing.append(ms)
            intervals.append(now - earlier)
    return {"frames": len(drawing), "drawing, ms": _spread(drawing), "interval, ms": _spread(intervals)}


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 2),
        "95th percentile": round(float(np.percentile(ordered, 95)), 2),
        "mean": round(statistics.fmean(ordered), 2),
    }


def _drive(page: Page, change: str, frames: int) -> list:
    """Change something in each frame; return what was seen at the beginning of each."""
    return page.evaluate(_DRIVE.replace("CHANGE", change), frames)


def _spent(processor: CDPSession) -> float:
    """Return the processor time of the page's main thread so far, in seconds."""
    return next(
        each["value"] for each in processor.send("Performance.getMetrics")["metrics"] if each["name"] == "TaskDuration"
    )


def _drag_window(page: Page, processor: CDPSession) -> dict:
    """Drag with the right button: a real one, since a script's own cannot be captured."""
    box = page.locator(f"{HEATMAP} .stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    for k in range(20):
        page.mouse.move(x + k, y)
    page.evaluate(_WATCH)
    spent = _spent(processor)
    for k in range(2 * FRAMES):
        page.mouse.move(x + 60 * np.sin(k / 15), y + 60 * np.cos(k / 15))
    spent, found = _spent(processor) - spent, times(page.evaluate(_END))
    page.mouse.up(button="right")
    page.wait_for_timeout(500)
    settle(page)
    return found | {"processor, ms": round(1000 * spent / found["frames"], 2)}


def _hold(page: Page) -> dict:
    """Hold the key for the next slice from the first one on; return how many steps came through."""
    page.locator(f"{HEATMAP} .stage").press("Home")
    page.locator(".viewer[data-group=explain][data-place='0']").first.wait_for()
    page.wait_for_timeout(600)
    settle(page)
    page.evaluate(_WATCH)
    keyboard = page.context.new_cdp_session(page)
    key = {"key": "n", "code": "KeyN", "windowsVirtualKeyCode": 78, "text": "n"}
    began = time.perf_counter()
    for k in range(KEYS):
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", "autoRepeat": k > 0, **key})
        time.sleep(max(0.0, began + (k + 1) / RATE - time.perf_counter()))
    seconds = time.perf_counter() - began
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    place = page.locator(".viewer[data-group=explain]").first.get_attribute("data-place")
    drawn = [place for _, _, place in page.evaluate(_END)]
    page.wait_for_timeout(600)
    settle(page)
    page.locator(f"{HEATMAP}[data-place='{place}']").wait_for()  # explained there, and nowhere else
    return {
        "keys": KEYS,
        "keys a second": round(KEYS / seconds, 1),
        "keys lost": KEYS - int(place),
        "slices drawn": len(set(drawn)) - 1,
        "slice that the server explains": int(page.locator("input[aria-label=Slice]").input_value()) - 1,
    }


def main() -> None:
    """Measure, and write `results/viewer.json`."""
    with tempfile.TemporaryDirectory() as folder:
        write("viewer", measure(Path(folder)))


if __name__ == "__main__":
    main()
