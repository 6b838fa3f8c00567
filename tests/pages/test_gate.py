"""The gate on the pages: nothing is predicted from what is withheld, unless it is asked for, and then it is marked."""

import numpy as np
import pytest

from model_zoo import gate
from scans import phantom
from tests.good_files import png
from tests.pages.conftest import SAMPLE, errors, kinds, open_app, open_in_rail, press, rail, state_of, upload

NOISE = png(np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8))
LOADED_ANEW = gate.load_gate.__wrapped__  # not the gate that is kept, and before a fixture replaces it
HEAD = png(phantom("glioma", 900_010).scan.pixels)


def written(app) -> str:
    """Return all text on the page."""
    return " ".join(each.value for kind in ("markdown", "caption", "subheader") for each in app.get(kind))


@pytest.mark.real_gate
def test_a_sample_passes_and_the_page_says_what_it_seems_to_be(in_tiny_zoo, app):
    app.run()
    press(app, SAMPLE)
    assert not errors(app) and "Seems to be one head in MRI, axial" in written(app)


@pytest.mark.real_gate
def test_from_noise_nothing_is_predicted_until_it_is_asked_for(in_tiny_zoo, app):
    app.run()
    upload(app, ("noise.png", NOISE))
    (sentence,) = errors(app)
    assert "nothing is predicted" in sentence and "one head in MRI" in sentence
    assert "Prediction" not in written(app) and not app.get("plotly_chart")
    assert kinds(app) == ["scan", "scan"] and rail(app)["open"] == "noise.png"  # it is shown, and the list stays
    app.toggle(key="anyway").set_value(True).run()
    assert not errors(app) and "Prediction" in written(app) and state_of(app).anyway
    assert any("although the gate withholds it" in warning.value for warning in app.warning)


@pytest.mark.real_gate
def test_while_the_gate_is_passed_the_switch_stays_and_the_table_marks_what_it_lets_through(in_tiny_zoo, queue):
    app = open_app(queue)
    app.session_state["explain-part"] = "Worklist"
    upload(app.run(), ("head.png", HEAD), ("noise.png", NOISE))
    app.toggle(key="anyway").set_value(True).run()
    open_in_rail(app, "head.png")
    cells = app.dataframe[0].value.set_index("Name")["Prediction"]
    assert cells["noise.png"].endswith(" (withheld by the gate)") and "withheld" not in cells["head.png"]
    app.toggle(key="anyway").set_value(False).run()
    assert app.dataframe[0].value.set_index("Name")["Prediction"]["noise.png"] == "withheld"
    assert not state_of(app).anyway and not app.run().toggle


@pytest.mark.real_gate
def test_models_are_not_compared_on_what_is_withheld(in_tiny_zoo, queue):
    app = open_app(queue, page="pages/compare_models.py").run()
    upload(app, ("noise.png", NOISE))
    assert any("nothing is predicted" in sentence for sentence in errors(app))


def test_without_its_gate_the_page_says_why_nothing_is_predicted(in_tiny_zoo, app, monkeypatch, tmp_path):
    monkeypatch.setattr(gate, "gate_folder", lambda: tmp_path)
    monkeypatch.setattr(gate, "load_gate", LOADED_ANEW)
    app.run()
    upload(app, ("head.png", HEAD))
    (sentence,) = errors(app)
    assert "nothing is predicted without the gate" in sentence
