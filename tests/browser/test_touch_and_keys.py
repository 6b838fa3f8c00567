"""Can the viewer be used with fingers on a phone, and without a mouse at all?"""

import pytest

from tests.browser.test_explain_scan import HEATMAP, upload
from tests.browser.test_viewer import READ, VIEWER, VOLUME, middle, zoom_of
from tests.browser.widgets import settle, wait_until

pytestmark = pytest.mark.browser

_PLACE = "Number(document.querySelector('input[type=range][aria-label=Slice]')?.value)"
# The names of what can be pressed or set in the viewer, and of what has the focus; pictures by their role.
_CONTROLS = """node => [...node.querySelectorAll('button, input, select, .stage')]
  .filter(each => !each.disabled && each.offsetParent !== null)
  .map(each => each.getAttribute('aria-label') ?? each.textContent)"""
_FOCUS = """node => {
  const each = node.getRootNode().activeElement;
  return each && [each.getAttribute('aria-label') ?? each.textContent, getComputedStyle(each).outlineStyle];
}"""


@pytest.fixture
def phone(browser, server):
    """The Explain page on a phone of 390 pixels with a touch screen, and how its fingers move."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark")
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.goto(server)
    protocol = context.new_cdp_session(tab)

    def move(*ways: list[tuple[float, float]]) -> None:
        """Put down a finger for each of `ways`, lead it along, and lift all."""
        for kind, k in [("touchStart", 0), *(("touchMove", k) for k in range(1, len(ways[0])))]:
            points = [{"x": way[k][0], "y": way[k][1], "id": finger} for finger, way in enumerate(ways)]
            protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        protocol.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    yield tab, move
    context.close()


def along(start: tuple[float, float], right: float, down: float, steps: int = 8) -> list[tuple[float, float]]:
    """Return the points of a straight way."""
    return [(start[0] + right * k / steps, start[1] + down * k / steps) for k in range(steps + 1)]


def test_fingers_step_zoom_and_pan_on_a_phone(phone):
    page, move = phone
    upload(page, VOLUME)
    page.locator(HEATMAP).wait_for()
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [page.locator(f"{VIEWER} .pane[data-kind={kind}] .stage").first.bounding_box() for kind in ("map", "scan")]
    assert boxes[0]["width"] > 300 and boxes[0]["y"] < boxes[1]["y"]  # the map first, one below the other

    stage = page.locator(f"{HEATMAP} .stage")
    stage.scroll_into_view_if_needed()
    place = int(page.locator(VIEWER).first.get_attribute("data-place"))
    move(along(middle(page, f"{HEATMAP} .stage"), -80, 0))  # to the left: onwards
    page.locator(f"{VIEWER}[data-place='{place + 3}']").wait_for()
    wait_until(page, f"{_PLACE} == {place + 4}")
    page.locator(f"{HEATMAP}[data-place='{place + 3}']").wait_for()
    settle(page)

    stage.scroll_into_view_if_needed()
    x, y = middle(page, f"{HEATMAP} .stage")
    move(along((x - 30, y), -60, 0), along((x + 30, y), 60, 0))  # apart to three times as far
    page.locator(f"{VIEWER}:not([data-zoom='1.000'])").first.wait_for()
    assert zoom_of(page) == pytest.approx(3, rel=0.15)
    scrolled = page.locator(f"{HEATMAP} .stage").bounding_box()["y"]
    before = page.locator(f"{HEATMAP} canvas").evaluate(READ)["pixels"]
    move(along((x, y), 0, 70))  # upright, too: a picture that is zoomed in moves, and the page does not
    page.wait_for_timeout(300)
    assert page.locator(f"{HEATMAP} canvas").evaluate(READ)["pixels"] != before
    assert page.locator(f"{HEATMAP} .stage").bounding_box()["y"] == scrolled
    assert page.locator(VIEWER).first.get_attribute("data-place") == str(place + 3)


def test_every_control_is_reached_by_tab_and_a_held_key_loses_no_step(page):
    upload(page, VOLUME)
    page.locator(HEATMAP).wait_for()
    settle(page)
    viewer = page.locator(f"{VIEWER}:has(.controls input[type=range])")
    expected = viewer.evaluate(_CONTROLS)
    assert len(expected) > 15 and all(name.strip() for name in expected)
    viewer.locator(".stage").first.focus()
    reached = [viewer.evaluate(_FOCUS)]
    for _ in range(len(expected) - 1):
        page.keyboard.press("Tab")
        reached.append(viewer.evaluate(_FOCUS))
    assert [name for name, _ in reached] == expected
    assert {outline for _, outline in reached[1:]} == {"solid"}  # where the focus is can be seen

    viewer.locator(".stage").first.press("Home")
    page.locator(f"{VIEWER}[data-place='0']").first.wait_for()
    protocol = page.context.new_cdp_session(page)
    key = {"key": "n", "code": "KeyN", "windowsVirtualKeyCode": 78, "text": "n"}
    for k in range(19):  # as fast as they can be sent
        protocol.send("Input.dispatchKeyEvent", {"type": "keyDown", "autoRepeat": k > 0, **key})
    protocol.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    page.locator(f"{VIEWER}[data-place='19']").first.wait_for()  # a busy browser draws some keys later, and loses none
    wait_until(page, f"{_PLACE} == 20")
    page.locator(f"{HEATMAP}[data-place='19']").wait_for()
    settle(page)
    assert viewer.get_attribute("data-place") == "19" and "slice=20" in page.url
