"""The address: what a link says is opened once, what is open is in it by ids, and Back is followed."""

import numpy as np
import pytest

from pages.components.address import BACK
from pages.components.samples import SAMPLES
from scans import phantom
from tests.good_files import nifti, png
from tests.pages.conftest import SAMPLE, method_of, open_app, open_in_rail, press, rail, state_of, upload

COMPARE = "pages/compare_models.py"
SECOND = list(SAMPLES)[1]


@pytest.fixture(autouse=True)
def tiny(in_tiny_zoo):
    """The tiny zoo."""


def address(app) -> dict[str, list[str]]:
    """The address without the model, which Streamlit binds to its widget."""
    items = {name: app.query_params[name] for name in app.query_params if name != "model"}
    return {name: value if isinstance(value, list) else [value] for name, value in items.items()}


def volume() -> bytes:
    pixels = phantom("glioma", 900_010, 96).scan.pixels[::-1, ::-1].T
    return nifti((np.stack([pixels] * 8, -1) * 1000).astype(np.int16))


def test_a_link_opens_sample_method_and_class_by_their_ids(queue):
    app = open_app(queue)
    app.query_params.update({"sample": "phantom-2", "method": "layercam", "class": "glioma"})
    app.run()
    assert state_of(app).scan == SECOND and method_of(app).value == "layercam"
    assert next(iter(state_of(app).targets.values())) == "glioma"
    assert address(app) == {"sample": ["phantom-2"], "method": ["layercam"], "class": ["glioma"]}


@pytest.mark.parametrize("name", ["sample", "method", "class", "slice"])
@pytest.mark.parametrize("value", ["../../etc", "-1", "²", "9" * 40, ""])
def test_nonsense_in_a_link_opens_nothing_and_leaves_the_address(queue, name, value):
    app = open_app(queue)
    app.query_params[name] = value
    app.run()
    press(app, SAMPLE)
    assert not app.exception and address(app) == {"sample": ["phantom-1"]}


def test_what_is_chosen_is_written_by_ids_and_what_is_usual_is_left_out(queue):
    app = press(open_app(queue).run(), SECOND)
    assert address(app) == {"sample": ["phantom-2"]}
    method_of(app).select("gradcam++").run()
    next(box for box in app.selectbox if box.label == "Explain the evidence for").select("glioma").run()
    assert address(app) == {"sample": ["phantom-2"], "method": ["gradcam++"], "class": ["glioma"]}
    app.switch_page(COMPARE).run()
    app.multiselect(key="methods").set_value(["saliency", "gradcam"]).run()
    assert address(app)["methods"] == ["saliency", "gradcam"]


def test_the_slice_of_a_link_is_that_of_the_first_volume_and_no_other(queue):
    app = open_app(queue)
    app.query_params["slice"] = "2"
    upload(app.run(), ("one.nii", volume()))
    assert app.slider[0].value == 2 and address(app)["slice"] == ["2"]
    upload(app, ("one.nii", volume()), ("head.png", png(phantom("glioma", 1).scan.pixels)))
    assert "slice" not in address(app)


def test_an_address_that_lags_behind_the_session_is_not_followed_and_a_step_back_is(queue):
    app = press(open_app(queue).run(), SECOND)
    open_in_rail(app, SAMPLE)
    app.query_params["sample"] = "phantom-2"  # the browser has not heard yet
    app.run()
    assert state_of(app).scan == SAMPLE and address(app) == {"sample": ["phantom-1"]}
    app.query_params.update({"sample": "phantom-2", "method": "layercam", BACK: "1"})
    app.run()
    assert state_of(app).scan == SECOND == rail(app)["open"] and method_of(app).value == "layercam"
    assert address(app) == {"sample": ["phantom-2"], "method": ["layercam"]}
    open_in_rail(app, SAMPLE)
    app.query_params.update({"sample": "phantom-2", BACK: "1"})  # the browser has not heard that it was followed
    app.run()
    assert state_of(app).scan == SAMPLE and address(app) == {"sample": ["phantom-1"], "method": ["layercam"]}
    app.query_params.update({"sample": "phantom-2", BACK: "2"})
    app.run()
    assert state_of(app).scan == SECOND


def test_a_step_back_to_the_page_without_a_scan_closes_a_sample_and_no_upload(queue):
    app = press(open_app(queue).run(), SECOND)
    app.query_params.clear()
    app.query_params[BACK] = "1"
    app.run()
    assert state_of(app).scan is None and app.title and address(app) == {}
    upload(app, ("head.png", png(phantom("glioma", 1).scan.pixels)))
    app.query_params[BACK] = "2"
    app.run()
    assert state_of(app).scan == "head.png" and address(app) == {}
