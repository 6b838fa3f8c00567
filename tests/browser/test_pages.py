"""Does a reader get through the main task of every page, in a real browser?"""

from pathlib import Path

import pytest

from scans import phantom
from tests.browser.conftest import running_app
from tests.browser.test_explain_scan import HEATMAP, assert_no_traceback, downloaded, upload
from tests.browser.widgets import settle, wait_until
from tests.good_files import dicom12, png

pytestmark = pytest.mark.browser

CALM = "[data-testid=stApp][data-test-script-state=notRunning]"
TITLES = {
    "Compare models": "Where do the models disagree?",
    "Model performance": "Model performance",
    "Site calibration": "Site calibration",
    "Datasets": "Datasets",
    "Explanation quality": "Explanation quality",
    "About": "About Candor",
}


def open_page(page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


def test_every_page_opens_by_its_link_with_charts_that_are_not_empty(page):
    page.set_viewport_size({"width": 1600, "height": 1000})
    for name, title in TITLES.items():
        open_page(page, name)
        page.get_by_role("heading", name=title).wait_for()
        page.locator(CALM).wait_for()
        assert_no_traceback(page)
        assert page.locator("[data-testid=stAlert]").get_by_text("went wrong").count() == 0


HELD_SCRIPTS = """
  globalThis.released = new Promise(done => { globalThis.release = done; });
  globalThis.Blob = class extends Blob {
    constructor(parts, options) {
      const held = options?.type === "text/javascript" && /class (Viewer|Rail) /.test(parts.join(""));
      super(held ? ["await globalThis.released;\\n", ...parts] : parts, options);
    }
  };
"""


def test_pictures_and_rail_stand_where_the_page_was_drawn_anew_while_their_scripts_were_loading(page):
    page.add_init_script(HELD_SCRIPTS)
    page.goto(f"{page.url}?method=gradcam")
    page.get_by_text("What did the model look at?").wait_for()
    settle(page)
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()  # the rail is told of it, too
    page.locator("strong", has_text="Grad-CAM.").wait_for()
    settle(page)
    page.get_by_role("button", name="Next method").click()
    page.locator("strong", has_text="Grad-CAM++.").wait_for()
    settle(page)
    assert page.locator(".viewer, .rail").count() == 0
    page.evaluate("release()")
    page.locator(f"{HEATMAP} .title", has_text="Grad-CAM++ for Meningioma").wait_for()
    page.locator(".rail li[aria-selected=true]", has_text="Phantom 2").wait_for()


def test_pictures_and_rail_hear_no_key_once_their_page_is_left(page):
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    settle(page)
    drawn = page.locator(".viewer, .rail").evaluate_all("""nodes => {
      globalThis.heard = [];
      for (const node of nodes) {
        const { viewer, rail } = node.parentElement ?? node.parentNode;
        Object.assign(viewer ?? {}, { shortcut: () => globalThis.heard.push('viewer') });
        Object.assign(rail ?? {}, { key: () => globalThis.heard.push('rail') });
      }
      return nodes.map(node => node.className).toSorted();
    }""")
    page.keyboard.press("x")
    assert sorted(page.evaluate("globalThis.heard")) == drawn and set(drawn) == {"rail", "viewer"}
    page.evaluate("globalThis.heard = []")
    open_page(page, "About")
    page.get_by_role("heading", name="About Candor").wait_for()
    settle(page)
    page.keyboard.press("x")
    assert page.evaluate("globalThis.heard") == []


SOCKETS = """
  globalThis.sockets = [];
  globalThis.WebSocket = class extends WebSocket {
    constructor(address, protocols) {
      super(globalThis.away ? "ws://localhost:1/" : address, protocols);
      sockets.push(this);
    }
  };
"""
LEADER = """[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]
  .map(node => node.shadowRoot.viewer).find(viewer => viewer?.data.leads)"""


def test_a_page_goes_on_where_its_session_ended_while_the_browser_was_away(browser, tmp_path):
    with running_app(tmp_path / "log", "--server.disconnectedSessionTTL", "1") as address:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(120_000)
        page.add_init_script(SOCKETS)
        page.goto(f"{address}?sample=phantom-2")
        page.locator(HEATMAP).wait_for()
        settle(page)
        page.evaluate("away = true; sockets.forEach(each => each.close())")
        page.wait_for_timeout(4000)
        page.evaluate("away = false")
        page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]").wait_for()
        page.wait_for_timeout(1000)
        settle(page)
        page.keyboard.press("h")
        wait_until(page, f"({LEADER}).count > 0 && ({LEADER}).data.applied?.count === ({LEADER}).count")
        page.close()


def test_what_the_model_says_without_a_region(page):
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.get_by_role("button", name="Box around the hottest region").click()
    page.get_by_text("With the region removed").first.wait_for()
    page.get_by_text("With the region alone").first.wait_for()
    assert_no_traceback(page)


def test_the_keys_turn_the_heatmap_off_and_go_to_the_next_method(page):
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.locator(CALM).wait_for()
    page.keyboard.press("h")
    page.locator(".pane[data-kind=map][data-drawn$='no map']").wait_for()
    page.get_by_role("button", name="Show the heatmap").wait_for()
    page.keyboard.press("h")
    page.get_by_role("button", name="Hide the heatmap").wait_for()
    page.keyboard.press("m")
    page.locator("strong", has_text="Grad-CAM++.").wait_for()
    assert_no_traceback(page)


def test_a_click_at_the_moment_at_which_the_server_is_told_of_the_view_is_not_lost(page):
    """Both go in one message, which names the viewer's part of the page alone."""
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.locator(CALM).wait_for()
    page.evaluate(
        """() => {
          document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'h', bubbles: true }));
          document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
          [...document.querySelectorAll('button')].find(node => node.innerText.includes('Next method')).click();
        }"""
    )
    page.locator("strong", has_text="Grad-CAM++.").wait_for(timeout=30_000)
    page.locator(".pane[data-kind=map][data-drawn$='no map']").wait_for()
    assert_no_traceback(page)


def test_the_scan_is_gone_where_all_is_removed_at_the_moment_at_which_the_server_is_told_of_the_view(page):
    upload(page, {"head.png": png(phantom("glioma", 7).scan.pixels)})
    page.locator(HEATMAP).wait_for()
    settle(page)
    page.evaluate(
        """() => {
          document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'h', bubbles: true }));
          document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
          [...document.querySelectorAll('button')].find(node => node.innerText.includes('Remove the file')).click();
        }"""
    )
    page.get_by_text("What did the model look at?").wait_for(timeout=30_000)
    assert page.locator(".pane").count() == 0


def test_a_file_that_was_asked_for_while_the_page_runs_comes_although_the_user_goes_on(page):
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    settle(page)
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("tab", name="Similar cases").click()
        page.get_by_role("button", name="Map and manifest (ZIP)").click()
        page.wait_for_timeout(80)  # the click is told; the page still runs
        page.get_by_role("tab", name="What if?").click()
    assert Path(download.value.path()).read_bytes().startswith(b"PK")


def test_a_click_at_the_moment_at_which_a_region_is_drawn_is_not_lost(page):
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.locator(CALM).wait_for()
    page.get_by_role("button", name="Box around the hottest region").click()
    page.locator("path.control").first.wait_for()
    settle(page)
    page.locator(".viewer[data-group='what if'] .stage").first.evaluate(
        """stage => {
          stage.focus();
          stage.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, composed: true }));
          document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
          [...document.querySelectorAll('button')].find(node => node.innerText.includes('Next method')).click();
        }"""
    )
    page.locator("strong", has_text="Grad-CAM++.").wait_for(timeout=30_000)
    assert_no_traceback(page)


def test_a_reading_is_taken_home_as_a_report_and_as_dicom(page):
    upload(page, {"IM000001": dicom12(phantom("meningioma", 900_002).scan.pixels)})
    page.locator(HEATMAP).wait_for()
    page.locator(CALM).wait_for()
    assert downloaded(page, "Report (PDF)").startswith(b"%PDF")
    html = downloaded(page, "Report (HTML)").decode()
    assert "not for diagnosis" in html.lower() and "IM000001" not in html
    page.get_by_role("button", name="DICOM", exact=True).click()
    for kind in ("Secondary Capture", "Parametric Map", "Structured Report"):
        assert downloaded(page, f"{kind} (DICOM)")[128:132] == b"DICM"


def test_models_are_compared_side_by_side_and_the_scan_comes_along(page):
    upload(page, {"head.png": png(phantom("glioma", 7).scan.pixels)})
    page.locator(HEATMAP).wait_for()
    open_page(page, "Compare models")
    page.get_by_role("heading", name="predict").first.wait_for()  # of a scan: without one the page asks for one
    page.locator(".pane[data-drawn*=' map-']").nth(2).wait_for()
    page.locator(CALM).wait_for()
    assert_no_traceback(page)
    open_page(page, "Explain a scan")
    page.locator(HEATMAP).wait_for()


def test_a_phone_shows_the_prediction_without_scrolling_sideways(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(page.url + "?sample=phantom-1")
    page.locator(HEATMAP).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
