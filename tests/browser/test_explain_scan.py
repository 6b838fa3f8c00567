"""Does a reader get from a file to a heatmap and back to a map on disk, in a real browser?"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from scans import phantom
from tests.browser.conftest import running_app
from tests.browser.widgets import wait_until
from tests.good_files import dicom12, nifti_gz, png

pytestmark = pytest.mark.browser

HEAD = phantom("meningioma", 900_002).scan.pixels
FILES = {  # name -> bytes, and rows and columns of the slice shown first
    "picture.png": (png(HEAD[20:, 30:220]), (236, 190)),
    "IM000001": (dicom12(HEAD[:200], WindowCenter=2000, WindowWidth=4000), (200, 256)),
    "volume.nii.gz": (
        nifti_gz((np.stack([HEAD[:160, ::-1].T] * 6, -1) * 900).astype(np.int16), np.diag([1, 1, 4, 1])),
        (160, 256),
    ),
}
GARBAGE = {
    "empty.png": b"",
    "page.png": b"<!doctype html><html><script>alert(1)</script></html>",
    "half.dcm": dicom12(HEAD)[:5000],
}
HEATMAP = ".viewer[data-group=explain] .pane[data-kind=map][data-drawn*=' map-']:has(.title)"  # not one of all methods


def upload(page, files: dict[str, bytes]) -> None:
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files.items()]
    )


def choose(page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def choose_method(page, title: str) -> None:
    """Pick a method and wait until its own map is drawn."""
    box = page.get_by_role("combobox", name="Method")
    box.click()
    page.keyboard.type(title)  # the list is longer than what is shown of it
    page.get_by_role("option", name=title, exact=True).click()
    page.locator("strong", has_text=f"{title}.").wait_for()
    page.locator(HEATMAP).wait_for()


def downloaded(page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def assert_no_traceback(page) -> None:
    text = page.locator("body").inner_text()
    assert not any(words in text for words in ("Traceback", 'File "', "Error:", "Exception"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_a_heatmap_and_a_map_in_its_own_pixels(page, name):
    data, shape = FILES[name]
    upload(page, {name: data})
    page.locator(HEATMAP).wait_for()
    page.get_by_text(f"{shape[1]} × {shape[0]} pixels").wait_for()

    choose(page, "Explain the evidence for", "Glioma")
    page.get_by_text("no evidence for Glioma").or_(page.get_by_text("logit of “Glioma”")).first.wait_for()

    page.locator("input[aria-label='Opacity (%)']").press("ArrowRight")
    page.locator(f"{HEATMAP}[data-look^='0.51 ']").wait_for()

    with zipfile.ZipFile(io.BytesIO(downloaded(page, "Map and manifest (ZIP)"))) as bundle:
        heat = np.load(io.BytesIO(bundle.read("map.npy")))
        manifest = json.loads(bundle.read("manifest.json"))
        assert bundle.read("overlay.png").startswith(b"\x89PNG")
    assert heat.shape == shape and heat.dtype == np.float32 and np.isfinite(heat).all() and heat.min() >= 0
    assert manifest["target"] == "glioma" and manifest["shape"] == list(shape)
    assert downloaded(page, "Picture (PNG)").startswith(b"\x89PNG")
    assert_no_traceback(page)


def test_a_signed_map_shows_evidence_against_and_keeps_it_in_the_download(page):
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    choose_method(page, "SHAP over regions")
    page.get_by_text("evidence for or against").wait_for()
    page.get_by_text("with the map of at most half the samples").first.wait_for()
    page.get_by_label("Show evidence against").click()
    page.locator(f"{HEATMAP}[data-look*=' false amber']").wait_for()
    page.get_by_text("Peak: the strongest evidence, for or against").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()  # the downloads come last
    with zipfile.ZipFile(io.BytesIO(downloaded(page, "Map and manifest (ZIP)"))) as bundle:
        heat = np.load(io.BytesIO(bundle.read("map.npy")))
        manifest = json.loads(bundle.read("manifest.json"))
    assert heat.min() < 0 < heat.max() and manifest["signed"] and manifest["stopped"] in ("stable", "complete", "time")
    assert manifest["picture"]["against"] is False
    assert_no_traceback(page)


def test_a_click_on_a_download_that_meets_a_redraw_arrives(page):
    """The page is drawn anew for the next method while the button is pressed."""
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.get_by_role("button", name="Map and manifest (ZIP)").wait_for()
    for _ in range(3):
        page.keyboard.press("m")
        assert zipfile.is_zipfile(io.BytesIO(downloaded(page, "Map and manifest (ZIP)")))
    assert_no_traceback(page)


def test_a_long_explanation_shows_how_far_it_is_and_can_be_cancelled_and_asked_again(page):
    page.goto(f"{page.url.split('?')[0]}?model=candor-kaggle4")  # takes long enough for a click
    page.get_by_role("button", name="Phantom 3: no lesion", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.get_by_role("combobox", name="Method").click()
    page.keyboard.type("Expected")
    page.get_by_role("option", name="Expected gradients", exact=True).click()
    cancel = page.get_by_role("button", name="Cancel")
    cancel.wait_for()
    page.get_by_text("Evaluating the model").wait_for()
    page.locator(".pane[data-kind=scan][data-drawn$='no map']").first.wait_for()
    cancel.click()
    page.get_by_text("Cancelled.").wait_for()
    page.get_by_role("button", name="Explain again").click()
    page.locator("strong", has_text="Expected gradients.").wait_for()
    page.locator(HEATMAP).wait_for()
    assert_no_traceback(page)


def test_garbage_gets_a_sentence_each_and_a_good_file_still_answers(page):
    upload(page, GARBAGE)
    alerts = page.locator("[data-testid=stAlert]")
    wait_until(page, "document.querySelectorAll('[data-testid=stAlert]').length == 3")
    assert all(text.endswith(".") for text in alerts.all_inner_texts())
    assert_no_traceback(page)
    upload(page, {"good.png": FILES["picture.png"][0]})
    page.locator(HEATMAP).wait_for()
    assert alerts.count() == 3
    assert_no_traceback(page)


def test_a_sample_is_one_click_away_and_about_one_more(page):
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    page.get_by_role("link", name="About").click()
    page.get_by_role("heading", name="About Candor").wait_for()
    page.get_by_text("not for diagnosis. A heatmap is evidence about the model").wait_for()
    assert_no_traceback(page)


def test_whoever_opens_about_first_of_all_sees_it_in_its_frame(browser, tmp_path):
    with running_app(tmp_path / "log") as address:  # Streamlit runs the bare file until st.navigation has run once
        page = browser.new_page()
        page.goto(f"{address}about")
        page.get_by_role("heading", name="About Candor").wait_for()
        page.get_by_text("not for diagnosis. A heatmap is evidence about the model").wait_for()
        page.get_by_role("link", name="Explain a scan").wait_for()
        page.close()
