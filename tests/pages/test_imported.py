"""A model that others made on the pages: predicted, explained by what it allows, and compared with Candor's own."""

import pytest
from streamlit.testing.v1 import AppTest

from explain import methods_for
from model_zoo import model_card
from model_zoo.imported import Choices, import_model
from tests.conftest import CLASSES
from tests.onnx_files import classifier
from tests.pages.conftest import SAMPLE, errors, method_of, open_app, press


@pytest.fixture
def theirs(in_tiny_zoo, tmp_path, monkeypatch) -> str:
    """The id of an imported ONNX model beside the tiny one."""
    monkeypatch.setenv("CANDOR_IMPORTED", str(tmp_path / "imported"))
    (tmp_path / "theirs.onnx").write_bytes(classifier())
    return import_model(tmp_path / "theirs.onnx", "theirs", Choices(CLASSES)).id


def told(app) -> str:
    return " ".join(each.value for kind in ("markdown", "caption") for each in app.get(kind))


@pytest.mark.slow
def test_a_method_that_an_onnx_model_does_not_allow_gives_way_to_one_that_it_does(theirs, app):
    app.run()
    press(app, SAMPLE)
    app.selectbox(key="model").set_value(theirs).run()
    assert method_of(app).value == "gradcam" and not errors(app) and not app.exception
    assert "Grad-CAM needs a feature map, which theirs does not give: SHAP over regions takes its place" in told(app)
    assert "theirs was never measured: how often it is right is not known." in told(app)
    method_of(app).set_value("occlusion").run()
    assert not errors(app) and not app.exception and "takes its place" not in told(app)


@pytest.mark.slow
def test_every_step_to_the_next_method_is_one_that_the_model_allows(theirs, app):
    app.run()
    press(app, SAMPLE)
    app.selectbox(key="model").set_value(theirs).run()
    seen = []
    for _ in methods_for(model_card(theirs)):
        press(app, "Next method")
        seen.append(method_of(app).value)
    assert sorted(seen) == sorted(methods_for(model_card(theirs)))


@pytest.mark.slow
def test_an_onnx_model_is_compared_with_others_and_says_what_it_lacks(theirs, queue):
    page = open_app(queue, page="pages/compare_models.py").run()
    press(page, SAMPLE)
    assert not errors(page) and not page.exception
    assert "This model gives predictions alone" in told(page)


def test_an_imported_model_that_was_not_measured_says_how_to_measure_it(theirs, queue):
    page = open_app(queue, page="pages/performance.py").run()
    page.selectbox(key="model").set_value(theirs).run()
    assert not page.exception
    assert any("python -m train judge theirs" in each.value for each in page.info)


def test_nothing_is_said_of_the_training_of_an_imported_model_that_is_not_known(in_tiny_zoo):
    """The file says how it is called, and nobody how many scans it was trained on."""

    def drawn():
        from pages.components.datasets.classes import show_model_splits
        from tests.conftest import made_up_card

        show_model_splits([made_up_card(id="theirs"), made_up_card(id="ours", scans={"train": 1234, "test": 5})])

    page = AppTest.from_function(drawn, default_timeout=60).run()
    assert not page.exception
    table = page.table[0].value
    assert list(table["Training"]) == ["not known", "1,234"] and list(table["Left out"]) == ["not known", "0"]
