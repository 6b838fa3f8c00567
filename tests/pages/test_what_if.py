"""Does the model answer again for the box that a reader draws, types, or takes from the map?"""

import json
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.charts.what_if import board, changes
from pages.components.explain import what_if as region
from scans import Box, phantom
from tests.conftest import tiny_network
from tests.explain.counterfactual.test_regions import of_map
from tests.explain.networks import model_of

SCAN = phantom("glioma", 900_003, 96).scan
ALTS = ["The region erased", "The region alone, on a head of one grey"]


def drawn(scan, model, explanation):
    import streamlit as st

    from pages.components.explain.what_if import counterfactual

    scan = st.session_state.get("turned to", scan)
    seen = st.session_state.setdefault("seen", {})
    counterfactual(scan, model, model.card, seen, explanation)
    st.session_state["sentences"] = seen["said"][1]


@pytest.fixture(scope="module")
def model():
    names = ("Glioma", "Meningioma", "No tumour")
    return model_of(tiny_network(classes=3), classes=("glioma", "meningioma", "notumor"), names=names)


def start(model, scan=SCAN, explanation=None) -> AppTest:
    app = AppTest.from_function(drawn, args=(scan, model, explanation), default_timeout=60).run()
    assert not app.exception
    return app


def numbers(app) -> dict:
    return {box.label: box.value for box in app.number_input}


def number(app, label: str):
    return next(box for box in app.number_input if box.label == label)


def press(app, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def typed(app, *values: int | None) -> AppTest:
    for box, value in zip(app.number_input, values, strict=False):
        box.set_value(value)
    return app.run()


def text(app) -> str:
    return " ".join(element.value for kind in (app.markdown, app.caption) for element in kind)


def shapes(app) -> list[dict]:
    return json.loads(app.get("plotly_chart")[0].proto.spec)["layout"].get("shapes", [])


def alts(app) -> list[str]:
    return [image.proto.imgs[0].alt for image in app.get("image")]


def test_without_a_box_one_sentence_says_what_to_do(model):
    app = start(model)
    assert "Draw a box on the scan" in text(app) and not app.error and not app.table
    assert not shapes(app) and len(app.get("plotly_chart")) == 1 and app.session_state["sentences"] == []
    assert [button.label for button in app.button] == ["Clear"] and app.button[0].disabled


def test_a_typed_box_is_asked_about_with_its_control_pictures_and_chart(model):
    app = typed(start(model), 30, 24, 16, 14)
    assert not app.exception and not app.error
    sentences = app.session_state["sentences"]
    assert [said.split(",")[0] for said in sentences] == ["With the region removed", "With the region alone"]
    assert all(said in text(app).replace("\u00a0", " ") for said in sentences)
    table = app.table[0].value
    assert list(table["Region"]) == ["Erased", "Erased, other side", "Alone", "Alone, other side"]
    assert all("→" in cell for cell in table.iloc[:, 2])
    assert alts(app) == ALTS and len(app.get("plotly_chart")) == 2
    frame = shapes(app)[-1]
    assert [frame[edge] for edge in ("x0", "x1", "y0", "y1")] == [24, 38, 30, 46]


def test_nothing_is_asked_until_all_four_numbers_are_given(model):
    app = typed(start(model), 30, 24, 16, None)
    assert not app.table and "Draw a box" in text(app)


def test_a_box_drawn_on_the_scan_sets_the_numbers(model, monkeypatch):
    session = {f"{region._key(SCAN)}-board": of_selection([{"x": [38.4, 23.6], "y": [30.2, 45.9]}])}
    monkeypatch.setattr(region.st, "session_state", session)
    region._take_drawn(SCAN)
    assert region._box(SCAN) == Box(30, 24, 46, 38)
    session[f"{region._key(SCAN)}-board"] = of_selection([])  # a click beside it clears Plotly's frame, not the box
    region._take_drawn(SCAN)
    assert region._box(SCAN) == Box(30, 24, 46, 38)


def of_selection(boxes: list):
    from streamlit.elements.plotly_chart import PlotlyState

    return PlotlyState({"selection": {"points": [], "point_indices": [], "box": boxes, "lasso": []}})


def test_the_map_s_strongest_region_can_be_the_start_and_be_cleared(model):
    heat = np.zeros(SCAN.shape, np.float32)
    heat[40:50, 30:44] = 1
    app = press(start(model, explanation=of_map(heat)), "Start from the map")
    assert list(numbers(app).values())[:4] == [40, 30, 10, 14] and app.table
    app = press(app, "Clear")
    assert list(numbers(app).values())[:4] == [None] * 4 and not app.table


def test_a_map_without_evidence_is_no_start(model):
    app = start(model, explanation=of_map(np.zeros(SCAN.shape, np.float32)))
    assert next(button for button in app.button if button.label == "Start from the map").disabled


def test_a_region_can_be_moved_too(model):
    app = typed(start(model), 30, 24, 16, 14, 20, 0)
    assert list(app.table[0].value["Region"])[::2] == ["Erased", "Alone", "Moved"]
    assert len(alts(app)) == 3
    assert "moved 20 pixels down" in app.session_state["sentences"][2]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((90, 24, 16, 14), "draw it within the scan"),
        ((30, 24, 1, 14), "2 × 2 or more"),
        ((0, 0, 96, 96), "leaves nothing to ask about"),
        ((30, 24, 16, 14, 80, 0), "choose an offset"),
    ],
)
def test_a_region_of_no_use_is_one_sentence_and_stays_to_be_mended(model, values, words):
    app = typed(start(model), *values)
    assert not app.exception and len(app.error) == 1 and words in app.error[0].value
    assert not app.table and app.session_state["sentences"] == [] and len(app.get("plotly_chart")) == 1
    app = typed(app, 30, 24, 16, 14, 0, 0)
    assert not app.error and app.table


def test_a_blank_slice_is_told_as_such(model):
    app = typed(start(model, replace(SCAN, pixels=np.zeros((96, 96)), digest="c" * 64)), 30, 24, 16, 14)
    assert not app.exception and "blank" in app.error[0].value


def test_another_slice_starts_without_a_box(model):
    app = typed(start(model), 30, 24, 16, 14)
    app.session_state["turned to"] = replace(SCAN, index=1, count=2)
    app.run()
    assert not app.exception and not shapes(app) and list(numbers(app).values())[:4] == [None] * 4


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 0.5)])
def test_the_board_counts_the_pixels_of_the_scan_and_stretches_none(spacing):
    figure = board(replace(SCAN, pixels=SCAN.pixels[:60], spacing=spacing), Box(1, 2, 3, 4))
    image = figure.layout.images[0]
    assert (image.x, image.y, image.sizex, image.sizey, image.sizing) == (0, 0, 96, 60, "stretch")
    assert figure.layout.xaxis.range == (0, 96) and figure.layout.yaxis.range == (60, 0)
    assert figure.layout.yaxis.scaleanchor == "x" and figure.layout.yaxis.scaleratio == spacing[0] / spacing[1]


def test_the_chart_joins_each_class_before_and_after():
    figure = changes(["A", "B"], [0.9, 0.1], {"erase": [0.2, 0.8], "keep": [0.85, 0.15]})
    line, before, dots, *others = figure.data
    assert line.x == (0.9, 0.2, None, 0.1, 0.8, None) and line.y[:2] == before.y[:1] + dots.y[:1]
    assert dots.name == "Erased" and dots.x == (0.2, 0.8) and dots.text == ("A: 90 % → 20 %", "B: 10 % → 80 %")
    assert before.name == "Before" and before.x == (0.9, 0.1) and figure.layout.yaxis.ticktext == ("A", "B")
    assert [each.name for each in others if each.showlegend is not False] == ["Kept alone"]
