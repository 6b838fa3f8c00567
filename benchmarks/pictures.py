"""The pictures of the README and the docs: pages with a phantom, and the viewer at work.

python -m benchmarks.pictures [explain-page] [compare-page] [viewer]

Each is written to docs/ from a real Chromium that drives the app. Only phantoms are shown.
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from model_zoo.whole_files import write_whole
from tests.browser.conftest import QUIET, find_chromium, running_app
from tests.browser.test_explain_scan import HEATMAP, upload
from tests.browser.widgets import settle
from tests.good_files import head, nifti

DOCS = Path(__file__).parents[1] / "docs"
MOST = 1_500_000  # bytes of the animated picture

_WAIT = 600_000  # ms
_SIZE = (860, 500)  # of the animated picture, which is drawn at this size and shown at it
_FRAME, _LONG = 110, 900  # ms that a frame is shown, and the last of a part
_DEPTH, _SIDE, _MM = 40, 256, (0.9, 0.9, 4.4)
_PLANES = ".viewer:has(.pane[data-kind=plane])"


def explain_page(browser: Browser, address: str) -> bytes:
    """Return the Explain page as PNG, with a phantom and its map."""
    page = _opened(browser, f"{address}?sample=phantom-2", (1440, 1000))
    page.locator(HEATMAP).wait_for()
    return _settled(page).screenshot()


def compare_page(browser: Browser, address: str) -> bytes:
    """Return the Compare page as PNG, with three models and two methods on a phantom."""
    page = _opened(browser, f"{address}compare_models?sample=phantom-2", (1440, 1300))
    page.locator(".viewer[data-group=compare] .pane[data-drawn*=' map-']").nth(5).wait_for()
    return _settled(page).screenshot()


def viewer(browser: Browser, address: str) -> bytes:
    """Return the viewer at work as an animated WebP: map, window, zoom, slices and three planes of a made-up head."""
    page = _opened(browser, address, (1320, 1100))
    upload(page, {"head.nii": nifti(head(_DEPTH, _SIDE), np.diag([*_MM, 1.0]))})
    page.locator(HEATMAP).wait_for()
    page.get_by_role("tab", name="Three planes").click()
    page.locator(f"{_PLANES} .pane[data-drawn]").nth(2).wait_for()
    _settled(page)
    frames: list[Image.Image] = []
    lasts: list[int] = []
    panes = page.locator(".viewer[data-group=explain]:has(.controls input[type=range]) .panes")
    planes = page.locator(f"{_PLANES} .panes")

    def part(shown, steps: list[Callable[[], None]]) -> None:
        shown.evaluate("node => node.scrollIntoView({ block: 'center' })")  # clear of the page's head
        for step in steps:
            step()
            page.wait_for_timeout(120)
            frames.append(_framed(shown.screenshot()))
        lasts.append(len(frames) - 1)

    def set_to(label: str, value: int) -> Callable[[], None]:
        control = page.locator(f".controls input[aria-label^='{label}']")
        script = "(node, value) => { node.value = value; node.dispatchEvent(new Event('input', { bubbles: true })); }"
        return lambda: control.evaluate(script, value)

    stage, coronal = page.locator(f"{HEATMAP} .stage"), page.locator(f"{_PLANES} .stage").nth(1)
    part(panes, [set_to("Opacity", value) for value in (50, 40, 25, 10, 0, 15, 35, 55, 70)])
    part(panes, [set_to("Threshold", value) for value in (15, 30, 45, 60, 40, 20)])
    part(panes, _drag(page, stage, "right", [(-12 * k, 6 * k) for k in range(1, 6)] + [(-30, 15), (0, 0)]))
    part(panes, [lambda: _wheel(page, stage, 0.42, 0.62, -90, zooms=True) for _ in range(5)])
    part(panes, _drag(page, stage, "middle", [(9 * k, -7 * k) for k in range(1, 5)]))
    part(panes, [lambda: (stage.dblclick(), None)[1]] + [lambda: page.keyboard.press("p") for _ in range(6)])
    page.locator(f"{HEATMAP}[data-place='{_DEPTH // 2 - 6}']").wait_for()
    part(panes, [lambda: settle(page)])
    part(planes, [lambda: _wheel(page, coronal, 0.5, 0.5, 120) for _ in range(8)])
    part(planes, _drag(page, coronal, "left", [(7 * k, -5 * k) for k in range(8)]))
    times = [_LONG if k in lasts else _FRAME for k in range(len(frames))]
    for quality in (75, 55, 35, 20):
        stream = io.BytesIO()
        frames[0].save(
            stream, "WEBP", save_all=True, append_images=frames[1:], duration=times, loop=0, quality=quality, method=6
        )
        if len(stream.getvalue()) < MOST:
            return stream.getvalue()
    raise ValueError(f"the animated picture has {len(stream.getvalue())} bytes; it may have {MOST}: leave out frames")


PICTURES = {
    "explain-page": (explain_page, "png"),
    "compare-page": (compare_page, "png"),
    "viewer": (viewer, "webp"),
}


def _opened(browser: Browser, address: str, size: tuple[int, int]) -> Page:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme="dark")
    page.set_default_timeout(_WAIT)
    page.goto(address)
    return page


def _settled(page: Page) -> Page:
    settle(page)
    page.wait_for_timeout(1000)
    return page


def _framed(png: bytes) -> Image.Image:
    """Return a picture of the screen in the middle of a frame of `_SIZE`."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail(_SIZE)
    frame = Image.new("RGB", _SIZE, picture.getpixel((0, picture.height - 1)))
    frame.paste(picture, ((_SIZE[0] - picture.width) // 2, 0))
    return frame


def _wheel(page: Page, stage, across: float, down: float, way: int, zooms: bool = False) -> None:
    box = stage.bounding_box()
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    if zooms:
        page.keyboard.down("Control")
    page.mouse.wheel(0, way)
    if zooms:
        page.keyboard.up("Control")


def _drag(page: Page, stage, button: str, way: list[tuple[int, int]]) -> list[Callable[[], None]]:
    """Return the steps of a drag from the middle of a picture; the button is let go with the last."""
    start: list[float] = []

    def move(right: int, down: int, first: bool, last: bool) -> None:
        if first:
            box = stage.bounding_box()
            start[:] = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(*start)
            page.mouse.down(button=button)
        page.mouse.move(start[0] + right, start[1] + down)
        if last:
            page.mouse.up(button=button)

    ends = range(len(way))
    return [lambda k=k: move(*way[k], k == 0, k == len(way) - 1) for k in ends]


def main() -> None:
    """Make the pictures named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PICTURES)}; all without any")
    names = parser.parse_args().names or list(PICTURES)
    if unknown := set(names) - set(PICTURES):
        parser.error(f"no picture {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder) / "log") as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        for name in names:
            make, ending = PICTURES[name]
            write_whole(DOCS / f"{name}.{ending}", make(browser, address))
        browser.close()


if __name__ == "__main__":
    main()
