"""Are a folder and a whole series read while the radiologist looks at the first slices, in a real browser?"""

import re

import pytest

from scans import phantom
from tests.browser.test_explain_scan import HEATMAP, assert_no_traceback
from tests.good_files import dicom12

pytestmark = pytest.mark.browser

HEAD = phantom("glioma", 1, 128).scan.pixels


@pytest.fixture
def folder(tmp_path):
    """A study: a series of 60 slices in one folder, a text beside it."""
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    inner = tmp_path / "study" / "series"
    inner.mkdir(parents=True)
    for k in range(60):
        data = dicom12(HEAD * (0.4 + k / 100), ImagePositionPatient=[0, 0, 3 * k], **place)
        (inner / f"IM{k:03}").write_bytes(data)
    (tmp_path / "study" / "notes.txt").write_text("Nothing to be found.")
    return tmp_path / "study"


def wait_for_series(page) -> None:
    from playwright.sync_api import expect

    whole = re.compile(r"^Series of 60 slices \(IM\d{3}\)$")
    expect(page.locator(".rail li[aria-selected=true] .name")).to_have_text(whole, timeout=60_000)


def test_a_folder_dropped_on_the_field_becomes_its_series(page, folder):
    zone = page.locator("[data-testid=stFileUploaderDropzone]").bounding_box()
    protocol = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        dragged = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        place = {"x": zone["x"] + 20, "y": zone["y"] + 20}
        protocol.send("Input.dispatchDragEvent", {"type": kind, **place, "data": dragged})
    wait_for_series(page)
    page.get_by_text("This file holds text, not a scan").wait_for()
    page.locator(HEATMAP).wait_for()
    assert_no_traceback(page)


def test_a_series_is_shown_while_it_is_read_and_predicted_when_it_is_complete(page, folder):
    page.locator("input[type=file]").set_input_files(sorted((folder / "series").iterdir()))
    page.get_by_role("application", name="The scan").first.wait_for()
    page.locator(HEATMAP).wait_for()
    wait_for_series(page)
    assert page.locator("[data-testid=stProgress]").count() == 0
    page.get_by_role("button", name="Remove all 60 files").click()
    page.get_by_text("What did the model look at?").wait_for()
    assert_no_traceback(page)
