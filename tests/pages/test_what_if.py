"""Counterfactuals: the prediction for the region that a user draws, types, or takes from the map."""

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explain.counterfactual import counterfactuals
from explain.counterfactual.regions import as_table
from pages.charts.what_if import changes
from pages.components.explain import what_if
from pages.components.state import Region
from scans import BLANK_SLICE, Box, ScanError, phantom
from tests.conftest import tiny_network
from tests.explain.conftest import explanation
from tests.explain.networks import model_of
from tests.pages.conftest import alts, change_view, press, state_of, viewers

SCAN = phantom("glioma", 900_003, 96).scan
ACTIONS = what_if._PICTURES


def page(scan, model, explanation):
    import streamlit as st

    from pages.components.explain.what_if import show_what_if

    show_what_if(st.session_state.get("another scan", scan), model, explanation)


@pytest.fixture(scope="module")
def model():
    names = ("Glioma", "Meningioma", "No tumour")
    return model_of(tiny_network(classes=3), classes=("glioma", "meningioma", "notumor"), names=names)


def start(model, scan=SCAN, explanation=None) -> AppTest:
    app = AppTest.from_function(page, args=(scan, model, explanation), default_timeout=60).run()
    assert not app.exception
    return app


def numbers(app) -> dict:
    return {box.label: box.value for box in app.number_input}


def number(app, label: str):
    return next(box for box in app.number_input if box.label == label)


def typed(app, *values: int | None) -> AppTest:
    for box, value in zip(app.number_input, values, strict=False):
        box.set_value(value)
    return app.run()


def sentences(app) -> list[str]:
    """The sentences on the result that a report would quote."""
    (kept,) = state_of(app).counterfactuals.values()
    return list(kept)


def board(app) -> dict:
    """Return what the viewer is sent that the region is drawn on."""
    return next(viewer for viewer in viewers(app).values() if "box" in viewer)


def test_without_a_box_one_sentence_tells_the_user_what_to_do(model):
    app = start(model)
    assert len(app.markdown) == 1 and not app.error and not app.table
    assert board(app)["box"] is None and not app.get("plotly_chart") and sentences(app) == []
    assert [button.key for button in app.button] == ["clear-region"] and app.button[0].disabled


def test_a_typed_box_gets_a_prediction_a_control_pictures_and_a_chart(model):
    app = typed(start(model), 30, 24, 16, 14)
    assert not app.exception and not app.error
    results = counterfactuals(model, SCAN, Box(30, 24, 46, 38))
    assert sentences(app) == [each.sentence for each in results] and len(results) == 2
    assert [element.value.replace("\u00a0", " ") for element in app.markdown] == sentences(app)
    assert app.table[0].value.to_dict("records") == as_table(results, model.card.names)
    assert alts(app)[1:] == [ACTIONS["erase"], ACTIONS["keep"]] and len(app.get("plotly_chart")) == 1
    assert board(app)["box"] == [30, 24, 16, 14]
    (mark,) = board(app)["pictures"][0]["marks"]
    control = results[0].control.box
    assert mark["style"] == "control" and mark["lines"][0][0] == [control.top, control.left]


def test_nothing_is_predicted_until_all_four_numbers_are_given(model):
    app = typed(start(model), 30, 24, 16, None)
    assert not app.table and sentences(app) == [] and state_of(app).regions[SCAN.key] == Region(30, 24, 16)


def test_a_box_drawn_on_the_scan_sets_the_numbers(model):
    app = change_view(start(model), f"region-{SCAN.key}", box=[30, 24, 16, 14])
    assert list(numbers(app).values())[:4] == [30, 24, 16, 14] and app.table
    assert state_of(app).regions[SCAN.key].box == Box(30, 24, 46, 38)


@pytest.mark.parametrize("box", [[90, 24, 16, 14], [1, 2, 3], [-1, 0, 5, 5], ["a"] * 4, None])
def test_a_box_that_cannot_be_is_passed_over(model, box):
    app = change_view(start(model), f"region-{SCAN.key}", box=box)
    assert not app.exception and list(numbers(app).values())[:4] == [None] * 4


def test_the_box_around_the_hottest_region_reaches_the_fields_and_can_be_cleared(model):
    heat = np.zeros(SCAN.shape, np.float32)
    heat[40:50, 30:44] = 1
    app = start(model, explanation=explanation(heat=heat)).button(key="strongest-region").click().run()
    assert list(numbers(app).values())[:4] == [40, 30, 10, 14] and app.table
    number(app, "Row").set_value(41).run()
    app.button(key="strongest-region").click().run()  # once more: the fields that the user changed follow, too
    assert list(numbers(app).values())[:4] == [40, 30, 10, 14]
    app = press(app, "Clear")
    assert list(numbers(app).values())[:4] == [None] * 4 and not app.table


def test_a_map_without_evidence_has_no_hottest_region(model):
    app = start(model, explanation=explanation(heat=np.zeros(SCAN.shape, np.float32)))
    assert app.button(key="strongest-region").disabled


def test_a_region_can_be_moved_too(model):
    app = typed(start(model), 30, 24, 16, 14, 20, 0)
    assert len(app.table[0].value) == 6 and alts(app)[1:] == list(ACTIONS.values())
    assert len(sentences(app)) == 3 and "20 pixels down" in sentences(app)[2]


@pytest.mark.parametrize(
    "values",
    [(90, 24, 16, 14), (30, 24, 1, 14), (0, 0, 96, 96), (30, 24, 16, 14, 80, 0)],
    ids=["beyond the scan", "one pixel high", "the whole scan", "moved out of the scan"],
)
def test_a_region_of_no_use_is_one_sentence_and_stays_to_be_corrected(model, values):
    region = Region(*values)
    with pytest.raises(ScanError) as refused:
        moved = {"actions": ("move",), "offset": (region.down, region.right)} if region.down else {}
        counterfactuals(model, SCAN, region.box, **moved)
    app = typed(start(model), *values)
    assert not app.exception and [error.value for error in app.error] == [str(refused.value)]
    assert not app.table and sentences(app) == [] and not app.get("plotly_chart")
    assert state_of(app).regions[SCAN.key] == region
    app = typed(app, 30, 24, 16, 14, 0, 0)
    assert not app.error and app.table


def test_a_blank_slice_is_one_sentence(model):
    app = typed(start(model, replace(SCAN, pixels=np.zeros((96, 96)), digest="c" * 64)), 30, 24, 16, 14)
    assert not app.exception and [error.value for error in app.error] == [BLANK_SLICE]


def test_another_slice_starts_without_a_box(model):
    app = typed(start(model), 30, 24, 16, 14)
    app.session_state["another scan"] = replace(SCAN, index=1, count=2)
    app.run()
    assert not app.exception and board(app)["box"] is None and list(numbers(app).values())[:4] == [None] * 4
    app.session_state["another scan"] = SCAN  # and the first still has its own
    app.run()
    assert list(numbers(app).values())[:4] == [30, 24, 16, 14] and app.table


def test_the_chart_joins_each_class_before_and_after():
    figure = changes(["A", "B"], [0.9, 0.1], {"erase": [0.2, 0.8], "keep": [0.85, 0.15]})
    line, before, dots, *others = figure.data
    assert line.x == (0.9, 0.2, None, 0.1, 0.8, None) and line.y[:2] == before.y[:1] + dots.y[:1]
    assert dots.name == "Removed" and dots.x == (0.2, 0.8) and dots.text == ("A: 90 % → 20 %", "B: 10 % → 80 %")
    assert before.name == "Before" and before.x == (0.9, 0.1) and figure.layout.yaxis.ticktext == ("A", "B")
    assert [each.name for each in others if each.showlegend is not False] == ["Region only"]
