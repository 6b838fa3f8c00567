"""Do the reader's scan, slice, model and method stay with them, and nobody's name get into the address?"""

import numpy as np
from streamlit.testing.v1 import AppTest

from pages.components import uploads as worklist
from pages.components.pickers import SAMPLES
from scans import phantom
from tests.good_files import dicom12, nifti, png
from tests.pages.conftest import answer, errors, upload

GOOD = png(phantom("meningioma", 900_002).scan.pixels)


def scan_of(app: AppTest):
    return next(box for box in app.selectbox if box.label == "Scan")


def test_an_upload_is_still_there_after_a_look_at_another_page(app):
    upload(app.run(), ("Muster^Erika.png", GOOD))
    first = answer(app)
    app.switch_page("pages/about.py").run()
    assert not app.exception
    app.switch_page("pages/explain_scan.py").run()
    assert scan_of(app).value == "Muster^Erika.png" and answer(app) == first


def test_the_scan_is_the_same_on_the_page_that_compares(app):
    upload(app.run(), ("a.png", GOOD))
    app.switch_page("pages/compare_models.py").run()
    assert scan_of(app).value == "a.png" and not app.exception


def test_the_address_names_a_sample_and_never_a_file(app):
    name = list(SAMPLES)[2]
    app.query_params["sample"] = "phantom-3"
    app.run()
    assert scan_of(app).value == name and answer(app)
    upload(app, ("Muster^Erika.png", GOOD))
    assert scan_of(app).value == "Muster^Erika.png"
    assert "sample" not in app.query_params and "Muster" not in str(app.query_params)


def test_an_unknown_sample_in_the_address_is_nothing_chosen(app):
    app.query_params["sample"] = "../../etc/passwd"
    app.run()
    assert scan_of(app).value is None and not errors(app)


def test_the_method_stands_in_the_address_and_an_unknown_one_is_ignored(app):
    app.query_params["method"] = "LayerCAM"
    app.query_params["sample"] = "phantom-1"
    app.run()
    assert app.selectbox(key="method").value == "layercam"
    app.query_params["method"] = "tea leaves"
    app.run()
    assert not app.exception and not errors(app)


def test_uploads_can_be_removed_from_memory(app):
    upload(app.run(), ("a.png", GOOD), ("b.png", png(phantom("glioma", 1).scan.pixels)))
    next(button for button in app.button if button.label == "Remove all 2 files").click().run()
    assert app.session_state["worklist"] == {} if "worklist" in app.session_state else True
    assert scan_of(app).options == list(SAMPLES) and not answer(app)


def test_more_than_can_be_kept_is_said_and_the_rest_is_kept(app, monkeypatch):
    monkeypatch.setattr(worklist, "MAX_TOGETHER", int(1.5 * len(GOOD)))
    upload(app.run(), ("a.png", GOOD), ("b.png", GOOD))
    assert len(errors(app)) == 1 and "Not all files were taken" in errors(app)[0]
    assert scan_of(app).options[0] == "a.png" and answer(app)


def test_the_slice_follows_and_another_volume_starts_in_its_middle(app):
    head = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    eight = (np.stack([head] * 8, -1) * 1000).astype(np.int16)
    upload(app.run(), ("one.nii", nifti(eight)))
    slide = next(slider for slider in app.slider if slider.label == "Slice")
    assert slide.value == 5
    slide.set_value(3).run()
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/explain_scan.py").run()
    assert next(slider for slider in app.slider if slider.label == "Slice").value == 3
    upload(app, ("two.nii", nifti(eight[..., :6])))
    assert next(slider for slider in app.slider if slider.label == "Slice").value == 4


def test_keys_step_through_slices_and_methods(app):
    head = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    upload(app.run(), ("one.nii", nifti((np.stack([head] * 3, -1) * 1000).astype(np.int16))))
    press = {button.label: button for button in app.button}
    press["Next slice"].click().run()
    assert next(slider for slider in app.slider if slider.label == "Slice").value == 3
    assert {button.label: button for button in app.button}["Next slice"].disabled
    {button.label: button for button in app.button}["Next method"].click().run()
    assert app.selectbox(key="method").value == "gradcam++" and answer(app)


def test_slices_of_one_series_are_one_entry_and_read_in_their_order(app):
    heads = [phantom("glioma", seed).scan.pixels for seed in (1, 2, 3)]
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    files = [(f"{k}.dcm", dicom12(head, ImagePositionPatient=[0, 0, 10 * k], **place)) for k, head in enumerate(heads)]
    upload(app.run(), *reversed(files))
    assert scan_of(app).value == "Series of 3 slices (0.dcm)"
    slide = next(slider for slider in app.slider if slider.label == "Slice")
    assert (slide.value, slide.max) == (2, 3) and answer(app)
    tabs = [tab.label for tab in app.tabs]
    assert "Whole series" in tabs


def test_several_files_become_a_worklist_with_the_model_s_answers(app):
    upload(app.run(), ("a.png", GOOD), ("b.png", png(phantom("glioma", 1).scan.pixels)))
    app.session_state["explain-part"] = "Worklist"
    app.run()
    table = app.dataframe[0].value
    assert list(table["Name"]) == ["b.png", "a.png"] and not app.exception
    said = answer(app).removeprefix("The model's answer: ")
    assert table["Answer"][0].startswith(said) and table["Scan"].str.startswith("data:image/png").all()
