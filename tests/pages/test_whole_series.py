"""A whole series: classified when the user asks for it, with its progress, and a way to each slice."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from streamlit.elements.plotly_chart import PlotlyState
from streamlit.testing.v1 import AppTest

from explain import Cancelled
from explain.prediction_text import percent
from explain.queue import Busy
from explain.slice_probabilities import WARNING, as_table, count_sentence
from model_zoo import ModelError
from pages.charts.whole_series import lines
from pages.components import audited
from pages.components.explain import whole_series
from pages.components.requests import FAILED
from pages.components.state import PageState
from scans import Scan, phantom
from tests.conftest import tiny_network
from tests.explain.networks import model_of
from tests.pages.conftest import PATIENT, labels, state_of
from tests.pages.conftest import press as press_button

HEAD = phantom("glioma", 900_003, 64).scan.pixels
OFFER = "Classify all 6 slices"
HEIGHTS = (0, 0.4, 0.7, 1, 0.7, 0)
SCANS = [Scan(HEAD * height, "b" * 64, index=i, count=6, plane="axial") for i, height in enumerate(HEIGHTS)]


def page(volume, model):
    import streamlit as st

    from pages.components.explain.whole_series import show_whole_series
    from pages.components.pickers import Open
    from pages.components.state import state

    volume = st.session_state.get("another volume", volume)
    place = next(iter(state().slices.values()), ("", 2))[1]
    st.session_state["p"] = show_whole_series(Open(volume[place], volume, place), model)


@pytest.fixture(scope="module")
def model():
    names = ("Glioma", "Meningioma", "No tumour")
    return model_of(tiny_network(classes=3), classes=("glioma", "meningioma", "notumor"), names=names)


class Slow:
    """Stands in for `by_slice`: halfway at once, and at its end when let go or cancelled."""

    def __init__(self, monkeypatch):
        self.go, self.cancelled = threading.Event(), threading.Event()
        monkeypatch.setattr(whole_series, "by_slice", self)

    def __call__(self, model, scans, progress, cancelled, *, anyway):
        progress(0.5)
        while not self.go.wait(0.01):
            if cancelled():
                self.cancelled.set()
                raise Cancelled
        return np.full((len(scans), 3), 1 / 3, np.float32)


@pytest.fixture
def slow(queue, monkeypatch):
    slow = Slow(monkeypatch)
    yield slow
    slow.go.set()


@pytest.fixture
def start(queue, model):
    """Draw the part of the page before anything is classified; `at_once` as in PageState."""

    def start(at_once: float = PATIENT) -> AppTest:
        app = AppTest.from_function(page, args=(SCANS, model), default_timeout=60)
        app.session_state["state"] = PageState(queue=queue, at_once=at_once)
        return app.run()

    return start


def press(app, label: str) -> AppTest:
    app = press_button(app, label)
    assert not app.exception
    return app


def test_a_series_is_classified_only_when_the_user_asks_for_it(start):
    app = start()
    assert not app.exception and labels(app) == [OFFER]
    assert app.session_state["p"] is None and not app.get("plotly_chart")


def test_each_session_that_sees_the_predictions_is_in_the_audit_log_once(start, monkeypatch):
    """Also one that joined the work of another, or found it done."""
    noted = []
    monkeypatch.setattr(audited, "record", lambda event, user, **facts: noted.append((event, facts["slices"])))
    for session in (1, 2):
        app = press(start(), OFFER)
        app.run()
        assert noted == [("prediction", len(SCANS))] * session


def test_the_predictions_are_drawn_counted_and_listed_with_a_warning(start, model):
    app = press(start(), OFFER)
    p = app.session_state["p"]
    np.testing.assert_allclose(p[1:5], model.classify(SCANS[1:5]), atol=1e-5)
    assert np.isnan(p[[0, 5]]).all()
    assert app.markdown[0].value == count_sentence(p, model.card.names) and app.warning[0].value == WARNING
    assert all(name in app.get("plotly_chart")[0].proto.alt for name in model.card.names)
    table = app.dataframe[0].value
    assert list(table["Slice"]) == ["1", "2", "3", "4", "5", "6"]
    assert table.to_dict("records") == as_table(p, model.card.names, [0, 1, 2])


@pytest.mark.parametrize("anyway", [True, False])
def test_what_the_gate_would_withhold_is_said_to_be_classified_while_the_gate_is_passed(start, anyway):
    app = start()
    state_of(app).anyway = anyway
    press(app.run(), OFFER)
    assert any("that the gate withholds are classified, too" in each.value for each in app.caption) == anyway


def test_the_buttons_lead_to_where_each_tumour_is_most_probable(start):
    app = press(start(), OFFER)
    p = app.session_state["p"]
    highest = {name: int(np.nanargmax(p[:, k])) for k, name in enumerate(("Glioma", "Meningioma"))}
    shares = {name: percent(np.nanmax(p[:, k])) for k, name in enumerate(highest)}
    expected = [f"Go to slice {place + 1}: {name}, {shares[name]}" for name, place in highest.items()]
    assert sorted(labels(app)) == sorted(expected)
    press(app, expected[1])
    assert next(iter(state_of(app).slices.values()))[1] == highest["Meningioma"]


def test_a_classified_series_is_remembered(start, monkeypatch):
    app = press(start(), OFFER)
    monkeypatch.setattr(whole_series, "by_slice", lambda *_, **__: pytest.fail("the model was called again"))
    assert app.run().get("plotly_chart")


def test_a_running_classification_shows_its_progress_and_can_be_cancelled(start, slow):
    app = press(start(at_once=0.3), OFFER)
    progress = app.get("progress")[0].proto
    assert progress.value == 50 and "3 of 6" in progress.text
    app = press(app, "Cancel").run()
    assert slow.cancelled.wait(10) and labels(app) == [OFFER]
    slow.go.set()
    state_of(app).at_once = PATIENT
    assert press(app, OFFER).get("plotly_chart")


def test_another_series_cancels_the_one_before(start, slow):
    app = press(start(at_once=0.05), OFFER)
    app.session_state["another volume"] = [replace(scan, digest="c" * 64) for scan in SCANS]
    app.run()
    assert slow.cancelled.wait(10) and labels(app) == [OFFER]


def test_a_full_queue_is_one_sentence(start, queue, monkeypatch):
    def full(*_):
        raise Busy("The queue is full.")

    monkeypatch.setattr(queue, "submit", full)
    app = press(start(), OFFER)
    assert [error.value for error in app.error] == ["The queue is full."] and labels(app) == [OFFER]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(ModelError("its weights may be broken"), "its weights may be broken"), (RuntimeError("Erika"), FAILED)],
)
def test_a_failure_is_one_sentence_and_reveals_nothing_of_the_data(start, monkeypatch, error, sentence):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(whole_series, "by_slice", fail)
    app = press(start(), OFFER)
    assert [error.value for error in app.error] == [sentence] and labels(app) == [OFFER]


def clicked(*points: dict) -> PlotlyState:
    return PlotlyState({"selection": {"points": list(points), "point_indices": [], "box": [], "lasso": []}})


def test_a_click_on_a_slice_opens_it_and_a_second_one_no_other():
    opened = []
    whole_series.go_to_selected(clicked({"x": 4, "point_index": 3}), opened.append)
    whole_series.go_to_selected(clicked(), opened.append)
    assert opened == [3]


def test_the_lines_break_at_blank_slices_and_every_slice_can_be_clicked():
    p = np.array([[np.nan, np.nan], [0.9, 0.1], [0.6, 0.4]], np.float32)
    figure = lines(p, ("A", "B"), [0, 1], 2)
    bars, first, second = figure.data
    assert bars.x == (1, 2, 3) and bars.y == (1, 1, 1) and "not predicted" in bars.text[0] and "A: 90 %" in bars.text[1]
    assert first.y[0] is None and first.y[1:] == pytest.approx((0.9, 0.6)) and first.connectgaps is False
    assert second.name == "B" and first.line.dash != second.line.dash
    assert figure.layout.shapes[0].x0 == 3
