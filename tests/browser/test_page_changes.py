"""What a user chose, or was shown first, is the same after a look at another page: every widget, every kind of input.

In a real browser: a value that code wrote into a widget and the browser never sent back was lost there, and AppTest,
which has no browser, does not show it.
"""

import numpy as np
import pytest

from scans import phantom
from tests.browser.test_explain_scan import HEATMAP, upload
from tests.browser.widgets import PAGES, assert_widgets, change_every_widget, go_to, settle, wait_until, widget_values
from tests.good_files import dicom12, dicom_frames, nifti, png

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HEAD = phantom("meningioma", 900_002, 128).scan.pixels
STACK = (np.stack([HEAD[::-1, ::-1].T * share for share in (0.8, 0.9, 1.0, 0.9, 0.8, 0.7)], -1) * 900).astype(np.int16)
PLACE = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
INPUTS = {
    "sample": {},
    "picture": {"head.png": png(HEAD)},
    "single DICOM": {"IM1": dicom12(HEAD, WindowCenter=1800, WindowWidth=3600)},
    "multi-frame DICOM": {"frames": dicom_frames(np.stack([HEAD * share for share in (0.8, 0.9, 1.0, 0.9)]))},
    "volume": {"volume.nii": nifti(STACK, np.diag([1, 1, 4, 1]))},
    "series": {f"{k}.dcm": dicom12(HEAD, ImagePositionPatient=[0, 0, 5 * k], **PLACE) for k in range(4)},
}
WINDOW = {"viewer: Window", "viewer: Level"}


def open_input(page, name: str) -> None:
    """Open an input on the Explain page, and touch nothing."""
    if INPUTS[name]:
        upload(page, INPUTS[name])
    else:
        page.goto(page.url + "?sample=phantom-2")
    page.locator(HEATMAP).wait_for()
    page.locator("input[aria-label=Level]").wait_for()
    settle(page)


@pytest.mark.parametrize("name", INPUTS)
def test_opened_and_not_touched_every_widget_shows_the_same_on_the_next_page_and_on_the_way_back(page, name):
    open_input(page, name)
    first, picture = widget_values(page), page.locator(HEATMAP).get_attribute("data-drawn")
    assert set(first) >= WINDOW
    go_to(page, "Compare models")
    page.locator(".pane[data-drawn*=' map-']").first.wait_for()
    for label in WINDOW | {"slider: Slice"}:
        assert widget_values(page, maps=False).get(label) == first.get(label)
    go_to(page, "Explain a scan")
    page.locator(HEATMAP).wait_for()
    assert_widgets(page, first)
    assert page.locator(HEATMAP).get_attribute("data-drawn") == picture


def test_no_page_in_between_changes_what_the_explain_page_shows(page):
    open_input(page, "volume")
    first = widget_values(page)
    for name in PAGES:
        go_to(page, name)
        go_to(page, "Explain a scan")
        page.locator(HEATMAP).wait_for()
        assert_widgets(page, first)


@pytest.mark.parametrize("name", ["sample", "volume"])
def test_every_widget_of_the_explain_page_keeps_what_was_chosen(page, name):
    open_input(page, name)
    before = widget_values(page, maps=False)
    changed = change_every_widget(page)
    assert changed, "there is nothing to change"
    after = widget_values(page, maps=False)
    assert all(after[label] != before[label] for label in changed if label in after and label in before)
    go_to(page, "Compare models")
    go_to(page, "Explain a scan")
    page.locator(HEATMAP).wait_for()
    assert_widgets(page, after)


@pytest.mark.parametrize("name", ["Model performance", "Datasets", "Explanation quality"])
def test_every_widget_of_every_tab_of_another_page_keeps_what_was_chosen(page, name):
    """After a look at another page, and at the page's other tabs."""
    open_input(page, "sample")
    go_to(page, name)
    tabs, changed, after = page.get_by_role("tab"), set(), {}
    for k in range(tabs.count()):
        open_tab(page, k)
        before = widget_values(page, maps=False)
        new = change_every_widget(page, but=changed)
        after[k] = widget_values(page, maps=False)
        assert all(after[k].get(label) != before[label] for label in new if label in after[k])
        changed |= set(new)
    assert changed
    go_to(page, "About")
    go_to(page, name)
    for k, expected in after.items():
        open_tab(page, k)
        assert_widgets(page, expected)


def open_tab(page, k: int) -> None:
    page.get_by_role("tab").nth(k).click()
    page.wait_for_timeout(300)
    settle(page, maps=False)


def test_a_value_set_by_a_button_reaches_the_widget_and_stays(page):
    open_input(page, "volume")
    page.get_by_role("button", name="Next slice").click()
    wait_until(page, "document.querySelector('input[type=range][aria-label=Slice]')?.value == 5")
    page.locator("select[aria-label='Window preset']").select_option("High contrast")
    page.wait_for_timeout(600)
    settle(page)
    moved = widget_values(page)
    go_to(page, "Compare models")
    wait_until(page, "document.querySelector('input[type=range][aria-label=Slice]')?.value == 5")
    go_to(page, "Explain a scan")
    page.locator(HEATMAP).wait_for()
    assert_widgets(page, moved)
    page.locator("select[aria-label='Window preset']").select_option("Default")
    page.wait_for_timeout(600)
    settle(page)
    assert widget_values(page)["viewer: Window"] != moved["viewer: Window"]
    go_to(page, "About")
    go_to(page, "Explain a scan")
    page.locator(HEATMAP).wait_for()
    assert widget_values(page)["viewer: Window"] != moved["viewer: Window"]


def test_the_region_of_a_counterfactual_stays(page):
    open_input(page, "sample")
    page.get_by_role("button", name="Box around the hottest region").click()
    control = page.locator("path.control").first
    control.wait_for()
    assert control.evaluate("node => getComputedStyle(node).fill") == "none"  # the scan under it can be seen
    settle(page)
    chosen = widget_values(page)
    assert chosen["number: Height"] not in ("", None)
    go_to(page, "Compare models")
    go_to(page, "Explain a scan")
    page.locator(HEATMAP).wait_for()
    assert_widgets(page, chosen)
