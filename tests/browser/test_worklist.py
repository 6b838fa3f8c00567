"""Does a reader get through a worklist of tens of files by pictures, keys and states, in a real browser?"""

import pytest

from scans import phantom
from tests.browser.test_explain_scan import HEATMAP, assert_no_traceback, upload
from tests.browser.widgets import CALM, settle, wait_until
from tests.good_files import png

pytestmark = pytest.mark.browser

FILES = {f"head-{k:02}.png": png(phantom(("glioma", "notumor")[k % 2], k + 1, 96).scan.pixels) for k in range(20)}
OPEN = ".rail li[aria-selected=true]"
# querySelector does not look into the component's own tree of nodes; Playwright's locators do.
RAIL = "[...document.querySelectorAll('*')].map(n => n.shadowRoot?.querySelector('.rail')).find(Boolean)"


def name_of_open(page) -> str:
    return page.locator(f"{OPEN} .name").inner_text()


def names_of_explained(page) -> set[str]:
    return set(page.locator(".rail li[data-state=explained] .name").all_inner_texts())


def open_three(page) -> None:
    """Upload three files, which may arrive in several runs of the page, until the last is explained."""
    upload(page, dict(list(FILES.items())[:3]))
    page.locator(OPEN, has_text="head-02.png").wait_for()
    page.locator(HEATMAP).wait_for()
    settle(page)


def runs_of_the_page(page) -> list:
    """The messages by which the browser asks the server to run the page, as they are sent."""
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    return sent


def test_an_empty_page_has_a_large_zone_that_names_the_formats_and_a_small_one_beside_scans(page):
    zone = page.locator("[data-testid=stFileUploaderDropzone]")
    zone.wait_for()
    page.get_by_text("NIfTI (.nii, .nii.gz)").wait_for()
    settle(page)
    large = zone.bounding_box()
    assert large["height"] >= 150 and large["width"] > 0.8 * page.viewport_size["width"]
    upload(page, dict(list(FILES.items())[:2]))
    page.locator(HEATMAP).wait_for()
    settle(page)
    small = zone.bounding_box()
    assert small["height"] < 80 and small["width"] < 0.3 * page.viewport_size["width"]
    assert page.locator("[data-testid=stFileChip]:visible").count() == 0  # the worklist lists them
    assert page.get_by_text("What did the model look at?").count() == 0


def test_twenty_files_are_listed_with_pictures_and_the_keys_step_through_them(page):
    sent = runs_of_the_page(page)
    page.reload()
    page.get_by_text("What did the model look at?").wait_for()
    upload(page, FILES)
    page.locator(HEATMAP).wait_for()
    wait_until(page, f"{RAIL}.querySelectorAll('[aria-label=Worklist] li').length == 20")
    page.locator(OPEN, has_text="head-19.png").wait_for()  # twenty files may arrive in several runs of the page
    settle(page)
    assert name_of_open(page) == "head-19.png" and page.locator(f"{OPEN} .state").inner_text() == "Explained"
    explained = names_of_explained(page)  # also what was last in the list while the rest was still on its way
    assert "head-19.png" in explained and len(explained) < 10
    wait_until(page, f"{RAIL}.querySelector('li img').naturalWidth == 96")
    page.locator("input[aria-label='Opacity (%)']").focus()  # a slider that has the focus takes no key away
    before = len(sent)
    for _ in range(6):
        page.keyboard.press("j")
    assert name_of_open(page) == "head-13.png"  # at once
    for _ in range(2):
        page.keyboard.press("k")
    page.get_by_text("5 of 20").wait_for()
    assert page.locator(".rail [role=status]").text_content() == "5 of 20: head-15.png"  # a screen reader says so
    page.wait_for_timeout(500)
    settle(page)
    page.locator(HEATMAP).wait_for()
    assert name_of_open(page) == "head-15.png" and page.locator(f"{OPEN} .state").inner_text() == "Explained"
    assert names_of_explained(page) == explained | {"head-15.png"}  # those in between were passed over
    assert len(sent) - before <= 4, "more runs of the page than the reader's stops"
    assert_no_traceback(page)


def test_a_click_opens_a_scan_and_its_cross_removes_it(page):
    open_three(page)
    first = page.locator(".rail li", has_text="head-00.png")
    first.click()
    wait_until(page, f"{RAIL}.querySelector('li[aria-selected=true] .name').textContent == 'head-00.png'")
    page.wait_for_timeout(400)
    settle(page)
    first.hover()
    first.get_by_role("button").click()
    wait_until(page, f"{RAIL}.querySelectorAll('[aria-label=Worklist] li').length == 2")
    settle(page)
    assert name_of_open(page) == "head-01.png"
    page.get_by_role("button", name="Close the scan").click()
    page.get_by_text("What did the model look at?").wait_for()
    page.locator(CALM).wait_for()
    assert page.locator(".rail li", has_text="head-01.png").count() == 1
    assert_no_traceback(page)


def test_a_scan_that_was_chosen_and_removed_at_once_leaves_its_neighbour_open(page):
    """A server that was busy with something else learns of the click and of the cross in one message."""
    open_three(page)
    row = page.locator(".rail li", has_text="head-00.png")
    row.evaluate("row => { row.click(); row.querySelector('button').click(); }")
    page.locator(OPEN, has_text="head-01.png").wait_for()
    page.locator(HEATMAP).wait_for()
    settle(page)
    assert name_of_open(page) == "head-01.png" and page.locator(".rail li", has_text="head-00.png").count() == 0
    assert_no_traceback(page)


def test_a_new_file_with_the_name_of_one_that_was_removed_is_not_removed_with_the_next(page):
    open_three(page)
    page.locator(".rail li", has_text="head-00.png").evaluate("row => row.querySelector('button').click()")
    upload(page, {"head-00.png": FILES["head-03.png"]})  # before the page is drawn without the first
    page.locator(OPEN, has_text="head-00.png").wait_for()
    page.locator(HEATMAP).wait_for()
    settle(page)
    page.locator(".rail li", has_text="head-01.png").evaluate("row => row.querySelector('button').click()")
    page.locator(".rail li", has_text="head-01.png").wait_for(state="detached")
    settle(page)
    assert name_of_open(page) == "head-00.png"
    assert page.locator("[aria-label=Worklist] li").count() == 2


def test_samples_are_a_list_too(page):
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.get_by_role("button", name="Next scan (J)").click()
    wait_until(page, "location.search.includes('sample=phantom-2')")
    page.locator(HEATMAP).wait_for()
    assert name_of_open(page).startswith("Phantom 2")


def test_the_other_list_is_reached_and_stepped_through_by_key(page):
    upload(page, dict(list(FILES.items())[:2]))
    page.locator(HEATMAP).wait_for()
    settle(page)
    page.locator(".rail summary", has_text="Samples").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.locator(OPEN, has_text="Phantom 2").wait_for()
    wait_until(page, "location.search.includes('sample=phantom-2')")
    page.locator(HEATMAP).wait_for()
    settle(page)
    assert name_of_open(page).startswith("Phantom 2")


def test_a_small_picture_that_failed_to_load_is_asked_for_again(page):
    """As where a run of the page has just replaced its address."""
    page.route("**/media/**", lambda route: route.abort())
    upload(page, {"a.png": FILES["head-00.png"]})
    page.locator(".rail [aria-label=Worklist] li", has_text="a.png").wait_for()
    wait_until(page, f"!{RAIL}.querySelector('[aria-label=Worklist] img').hasAttribute('src')")
    page.unroute("**/media/**")
    page.locator(".rail li", has_text="Phantom 1").dispatch_event("click")
    wait_until(page, f"{RAIL}.querySelector('[aria-label=Worklist] img').naturalWidth == 96")


def test_what_was_chosen_in_vain_gives_way_to_what_the_server_has_open(page):
    upload(page, dict(list(FILES.items())[:3]))
    page.locator(HEATMAP).wait_for()
    settle(page)
    for act, opened in (
        ("rail.choose('head-01.png', 0); setTimeout(() => rail.remove('head-01.png'), 50)", "head-00.png"),
        ("rail.choose('head-01.png', 0)", "head-00.png"),  # gone, or under another name by now
    ):
        page.locator(".rail").evaluate(
            f"node => {{ const {{ rail }} = node.parentElement ?? node.parentNode; {act}; }}"
        )
        page.locator(OPEN, has_text=opened).wait_for(timeout=30_000)
        settle(page)
        assert name_of_open(page) == opened


def test_a_step_right_before_another_page_is_opened_is_not_lost(page):
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    settle(page)
    page.locator(".rail").evaluate(
        """node => {
          (node.parentElement ?? node.parentNode).rail.choose('Phantom 2: meningioma-like', 60_000);
          [...document.querySelectorAll('a')].find(link => link.innerText.includes('Compare models')).click();
        }"""
    )
    page.get_by_role("heading", name="predict").first.wait_for()
    settle(page, maps=False)
    assert name_of_open(page).startswith("Phantom 2")
