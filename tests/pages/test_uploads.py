"""Uploads: kept from page to page, listed once, hashed once, removed for good, and never named in the address."""

import numpy as np
import pytest

from pages.components import predictions, uploads
from pages.components.samples import SAMPLES
from pages.viewer import packets
from pages.viewer.pictures import window_key
from scans import phantom
from tests import good_files
from tests.good_files import dicom12, nifti, png
from tests.pages.conftest import (
    SAMPLE,
    alts,
    change_view,
    errors,
    method_of,
    open_app,
    open_in_rail,
    pending,
    predicted_class,
    press,
    rail,
    remove_in_rail,
    state_of,
    upload,
    viewers,
)

GOOD = png(phantom("meningioma", 900_002).scan.pixels)
OTHER = png(phantom("glioma", 1).scan.pixels)
EXPLAIN, COMPARE, ABOUT = (f"pages/{name}.py" for name in ("explain_scan", "compare_models", "about"))


@pytest.fixture(autouse=True)
def tiny(in_tiny_zoo):
    """The tiny zoo: these tests are about files."""


@pytest.fixture
def calls(monkeypatch) -> dict[str, int]:
    """How often a file was hashed and the list of uploads was made."""
    calls = {"sha256": 0, "_listed": 0}

    def counted(name):
        function = getattr(uploads, name)

        def call(*given):
            calls[name] += 1
            return function(*given)

        return call

    for name in calls:
        monkeypatch.setattr(uploads, name, counted(name))
    return calls


def names(app) -> dict[str, list[str]]:
    """The names in each list of the worklist rail."""
    return {each["title"]: [scan["name"] for scan in each["scans"]] for each in rail(app)["lists"]}


def slice_of(app):
    return next(slider for slider in app.slider if slider.label == "Slice")


def head(slices: int) -> np.ndarray:
    """Int16 (x, y, slices) of a head."""
    pixels = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    return (np.stack([pixels] * slices, -1) * 1000).astype(np.int16)


def test_an_upload_is_still_there_after_a_visit_to_another_page(app):
    upload(app.run(), ("Muster^Erika.png", GOOD))
    first = predicted_class(app)
    app.switch_page(ABOUT).run()
    assert not app.exception
    app.switch_page(EXPLAIN).run()
    assert state_of(app).scan == "Muster^Erika.png" and predicted_class(app) == first


def test_the_scan_is_the_same_on_the_compare_page(app):
    upload(app.run(), ("a.png", GOOD))
    app.switch_page(COMPARE).run()
    assert state_of(app).scan == "a.png" and not app.exception


@pytest.mark.parametrize("page", [EXPLAIN, COMPARE])
def test_a_scan_that_is_added_after_a_look_at_another_page_takes_the_place_of_none(app, page):
    """The upload field of a page is new each time, and empty."""
    upload(app.run(), ("a.png", GOOD))
    app.switch_page(ABOUT).run()
    app.switch_page(page).run()
    upload(app, ("b.png", OTHER))
    session = state_of(app)
    assert list(session.uploads) == ["a.png", "b.png"] and session.scan == "b.png"
    app.file_uploader[0].set_value([]).run()
    assert list(session.uploads) == ["a.png"]
    press(app, "Remove the file")
    assert session.uploads == {}


def test_the_address_names_a_sample_and_never_a_file(app):
    name = list(SAMPLES)[2]
    app.query_params["sample"] = "phantom-3"
    app.run()
    assert state_of(app).scan == name and predicted_class(app)
    upload(app, ("Muster^Erika.png", GOOD))
    assert state_of(app).scan == "Muster^Erika.png"
    assert "sample" not in app.query_params and "Muster" not in str(app.query_params)


def test_an_unknown_sample_in_the_address_opens_nothing(app):
    app.query_params["sample"] = "../../etc/passwd"
    app.run()
    assert state_of(app).scan is None and not errors(app)


def test_the_method_stands_in_the_address_and_an_unknown_one_is_ignored(app):
    app.query_params["method"] = "layercam"
    app.query_params["sample"] = "phantom-1"
    app.run()
    assert method_of(app).value == "layercam"
    app.query_params["method"] = "tea leaves"
    app.run()
    assert not app.exception and not errors(app)


def test_a_sample_is_opened_beside_an_open_upload_and_the_upload_again(app):
    upload(app.run(), ("a.png", GOOD))
    for name in (SAMPLE, "a.png"):
        open_in_rail(app, name)
        assert state_of(app).scan == name and not app.exception
    app.query_params.update({"sample": "phantom-1", "back": "1"})
    app.run()
    assert state_of(app).scan == SAMPLE


def test_uploads_can_be_removed_from_memory(app):
    upload(app.run(), ("a.png", GOOD), ("b.png", OTHER))
    press(app, "Remove all 2 files")
    session = state_of(app)
    assert session.uploads == {} and session.entries == {} and session.in_field == set() and session.scan is None
    assert names(app) == {} and rail(app)["kept"] == 0 and not predicted_class(app)


@pytest.mark.parametrize("by", ["the list", "the button"])
def test_nothing_that_was_made_of_a_removed_upload_is_kept(app, by, monkeypatch):
    """Slices, predictions, pixels and voxels: all are made again where the same file comes again."""
    made, predicted, encode, infer = [], [], packets.encoded, predictions.predict
    monkeypatch.setattr(packets, "encoded", lambda key, *rest: made.append(key) or encode(key, *rest))
    monkeypatch.setattr(predictions, "predict", lambda *rest, **more: predicted.append(1) or infer(*rest, **more))
    pixels = np.round(phantom("glioma", len(by), 97).scan.pixels * 255).astype(np.uint8)
    upload(app.run(), ("a.png", png(pixels)))
    keys, number = set(made), len(predicted)
    assert any(key.startswith("scan") for key in keys) and number
    press(app, "Remove the file") if by == "the button" else remove_in_rail(app, "a.png")
    made.clear()
    upload(app, ("a.png", png(pixels)))
    assert keys <= set(made) and len(predicted) == 2 * number


def test_removing_the_open_upload_leaves_nothing_of_it_on_any_page(app):
    upload(app.run(), ("a.png", GOOD))
    upload(app, ("b.png", OTHER))  # in the place of the first
    session = state_of(app)
    assert list(session.uploads) == ["b.png"] and session.scan == "b.png" == rail(app)["open"]
    app.file_uploader[0].set_value([]).run()
    for page in (EXPLAIN, COMPARE):
        app.switch_page(page).run()
        assert not app.exception and session.scan is None
        assert not predicted_class(app) and set(alts(app)) == set(SAMPLES)
    assert session.uploads == {} and session.entries == {} and not pending(app)


def test_an_upload_is_hashed_and_listed_once_however_often_the_page_is_drawn(app, calls):
    upload(app.run(), ("a.png", GOOD), ("b.png", OTHER))
    assert calls == {"sha256": 2, "_listed": 2}  # listed once for the page without files, and once with them
    app.run()
    open_in_rail(app, "a.png")
    for page in (COMPARE, ABOUT, EXPLAIN):
        app.switch_page(page).run()
    assert calls == {"sha256": 2, "_listed": 2} and predicted_class(app)
    press(app, "Remove all")
    assert calls == {"sha256": 2, "_listed": 3}


def test_more_than_can_be_kept_is_one_sentence_and_the_rest_is_kept(app, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_TOGETHER", int(1.5 * len(GOOD)))
    upload(app.run(), ("a.png", GOOD), ("b.png", GOOD))
    assert len(errors(app)) == 1 and list(state_of(app).uploads) == ["a.png"]
    assert names(app)["Worklist"] == ["a.png"] and predicted_class(app)
    assert [button.label for button in app.button if button.label.startswith("Remove")] == ["Remove the file"]
    remove_in_rail(app, "a.png")
    assert not errors(app)


def test_the_slice_is_remembered_and_another_volume_starts_in_its_middle(app):
    upload(app.run(), ("one.nii", nifti(head(8))))
    assert slice_of(app).value == 5
    slice_of(app).set_value(3).run()
    app.switch_page(ABOUT).run()
    app.switch_page(EXPLAIN).run()
    assert slice_of(app).value == 3
    upload(app, ("two.nii", nifti(head(6))))
    assert slice_of(app).value == 4


def test_keys_step_through_slices_and_methods(app):
    upload(app.run(), ("one.nii", nifti(head(3))))
    change_view(app, place=2)
    assert slice_of(app).value == 3 and viewers(app)["viewer"]["volume"]["place"] == 2
    key = viewers(app)["viewer"]["volume"]["key"]
    for other in (f"{key[:-1]}2", "another", None):  # of fewer slices of this series, of another one
        change_view(app, count=2, place=[other, 0])
        assert slice_of(app).value == 3
    press(app, "Next method")
    assert method_of(app).value == "gradcam++" and predicted_class(app)


def test_slices_of_one_series_are_one_entry_in_their_order(app):
    heads = [phantom("glioma", seed).scan.pixels for seed in (1, 2, 3)]
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    files = [(f"{k}.dcm", dicom12(each, ImagePositionPatient=[0, 0, 10 * k], **place)) for k, each in enumerate(heads)]
    upload(app.run(), *reversed(files))
    assert state_of(app).scan == "Series of 3 slices (0.dcm)" and len(state_of(app).entries) == 1
    assert (slice_of(app).value, slice_of(app).max) == (2, 3) and predicted_class(app)
    assert "Whole series" in [tab.label for tab in app.tabs]


def test_a_slice_that_was_uploaded_twice_is_removed_with_its_series(app):
    """As from folders that overlap: one copy is in no entry, and would come up once its series is gone."""
    heads = [phantom("glioma", seed).scan.pixels for seed in (1, 2, 3)]
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    files = [(f"{k}.dcm", dicom12(each, ImagePositionPatient=[0, 0, 10 * k], **place)) for k, each in enumerate(heads)]
    upload(app.run(), *files, ("again.dcm", files[1][1]), ("other.png", OTHER))
    assert len(state_of(app).uploads) == 5 and len(state_of(app).entries) == 2
    (name,) = (each for each in state_of(app).entries if each.startswith("Series of 3"))
    remove_in_rail(app, name)
    assert list(state_of(app).uploads) == ["other.png"]


def test_a_blank_slice_of_a_series_is_one_sentence_after_a_window_was_chosen(app):
    """Its span of grey values has no width."""
    head = phantom("glioma", 1).scan.pixels
    place = {"SeriesInstanceUID": "1.2.3", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    slices = (np.zeros_like(head), head, head[::-1])
    upload(
        app.run(),
        *((f"{k}.dcm", dicom12(each, ImagePositionPatient=[0, 0, 10 * k], **place)) for k, each in enumerate(slices)),
    )
    session = state_of(app)
    (scans,) = (entry.scans for entry in session.entries.values())
    session.windows[window_key(scans[0])] = (0.4, 0.2)
    app.run()
    slice_of(app).set_value(1).run()
    assert not app.exception and any("blank" in sentence for sentence in errors(app))


def test_several_files_become_a_worklist_with_the_model_s_predictions(queue):
    app = open_app(queue)
    app.session_state["explain-part"] = "Worklist"
    upload(app.run(), ("a.png", GOOD), ("b.png", OTHER))
    table = app.dataframe[0].value
    assert list(table["Name"]) == ["b.png", "a.png"] and not app.exception
    assert table["Prediction"][0].startswith(predicted_class(app))
    assert table["Scan"].str.startswith("data:image/png").all()
    assert table["Probability"].max() <= 0.99  # "over 99 %" is not 1.00


def test_a_volume_too_thin_for_the_plane_is_a_sentence_under_the_worklist(queue):
    app = open_app(queue)
    app.session_state["explain-part"] = "Worklist"
    thin = nifti(head(6), np.diag([1.0, 1.0, 5.0, 1.0]))
    upload(app.run(), ("thin.nii", thin), ("cube.nii", nifti(good_files.head(96, 96))))
    next(each for each in app.segmented_control if each.key == "plane").set_value("coronal").run()
    table = app.dataframe[0].value
    cells = dict(zip(table["Name"], table["Prediction"], strict=True))
    assert cells["thin.nii"] == "see below" and cells["cube.nii"] != "see below"
    assert any("coronal" in sentence for sentence in errors(app)) and "thin.nii" in [each.value for each in app.text]
