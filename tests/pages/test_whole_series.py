"""Is a series read when asked for, in sight, to be stopped, and does it lead to its slices?"""

import threading

import numpy as np
import pytest
from streamlit.elements.plotly_chart import PlotlyState
from streamlit.testing.v1 import AppTest

from explain import Cancelled
from explain.queue import Busy, Queue
from model_zoo import ModelError
from pages.charts.whole_series import lines
from pages.components.explain import whole_series as series
from scans import Scan, phantom
from tests.conftest import tiny_network
from tests.explain.networks import model_of

HEAD = phantom("glioma", 900_003, 64).scan.pixels
HEIGHTS = (0, 0.4, 0.7, 1, 0.7, 0)
SCANS = [Scan(HEAD * height, "b" * 64, index=i, count=6, plane="axial") for i, height in enumerate(HEIGHTS)]


def page(scans, model):
    import streamlit as st

    from pages.components.explain.whole_series import read_series

    current = st.session_state.get("place", 2)
    choose = lambda place: st.session_state.update(place=place)  # noqa: E731
    st.session_state["p"] = read_series(scans, model, model.card, choose, current=current)


@pytest.fixture(scope="module")
def model():
    names = ("Glioma", "Meningioma", "No tumour")
    return model_of(tiny_network(classes=3), classes=("glioma", "meningioma", "notumor"), names=names)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A queue of its own for every test, waited for as long as it takes."""
    monkeypatch.setattr(series, "QUEUE", Queue())
    monkeypatch.setattr(series, "AT_ONCE", 55.0)


class Slow:
    """Stands in for `by_slice`: half way at once, and at its end when let go or cancelled."""

    def __init__(self, monkeypatch):
        self.go, self.cancelled = threading.Event(), threading.Event()
        monkeypatch.setattr(series, "by_slice", self)
        monkeypatch.setattr(series, "AT_ONCE", 0.05)

    def __call__(self, model, scans, progress, cancelled):
        progress(0.5)
        while not self.go.wait(0.01):
            if cancelled():
                self.cancelled.set()
                raise Cancelled
        return np.full((len(scans), 3), 1 / 3, np.float32)


@pytest.fixture
def slow(monkeypatch):
    slow = Slow(monkeypatch)
    yield slow
    slow.go.set()


def start(model, scans=SCANS) -> AppTest:
    app = AppTest.from_function(page, args=(scans, model), default_timeout=60).run()
    assert not app.exception
    return app


def press(app, label: str) -> AppTest:
    app = next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def read(model, scans=SCANS) -> AppTest:
    return press(start(model, scans), f"Read all {len(scans)} slices")


def labels(app) -> list[str]:
    return [button.label for button in app.button]


def text(app) -> str:
    return " ".join(element.value for kind in (app.markdown, app.caption) for element in kind)


def test_a_series_is_read_only_when_the_reader_asks_for_it(model):
    app = start(model)
    assert labels(app) == ["Read all 6 slices"] and app.session_state["p"] is None and not app.get("plotly_chart")


def test_what_was_read_is_drawn_counted_warned_about_and_told_as_a_table(model):
    app = read(model)
    p = app.session_state["p"]
    np.testing.assert_allclose(p[1:5], model.classify(SCANS[1:5]), atol=1e-5)
    assert np.isnan(p[[0, 5]]).all()
    assert "Of 4 slices asked about" in text(app) and "2 blank slices were left out" in text(app)
    assert "never on a whole series" in app.warning[0].value
    assert "peaks at slice" in app.get("plotly_chart")[0].proto.alt
    assert list(app.dataframe[0].value["Slice"]) == ["1", "2", "3", "4", "5", "6"]


def test_the_buttons_lead_to_where_each_tumour_is_most_probable(model):
    app = read(model)
    p = app.session_state["p"]
    highest = {name: int(np.nanargmax(p[:, k])) for k, name in enumerate(("Glioma", "Meningioma"))}
    told = [label.split(",")[0] for label in labels(app)]
    assert sorted(told) == sorted(f"Go to slice {place + 1}: {name}" for name, place in highest.items())
    app = press(app, next(label for label in labels(app) if "Meningioma" in label))
    assert app.session_state["place"] == highest["Meningioma"]


def test_a_series_read_before_is_there_at_once(model, monkeypatch):
    app = read(model)
    monkeypatch.setattr(series, "by_slice", lambda *_: pytest.fail("the model was asked again"))
    assert app.run().get("plotly_chart")


def test_a_series_on_its_way_shows_how_far_it_is_and_can_be_stopped(model, slow):
    app = read(model)
    assert "3 of 6 slices" in app.get("progress")[0].proto.text
    app = press(app, "Cancel").run()
    assert slow.cancelled.wait(10) and labels(app) == ["Read all 6 slices"]
    slow.go.set()
    series.AT_ONCE = 55.0
    assert press(app, "Read all 6 slices").get("plotly_chart")


def test_another_series_gives_up_the_one_before(model, slow):
    app = read(model)
    app.session_state["series"].key = "another"
    app.run()
    assert slow.cancelled.wait(10) and labels(app) == ["Read all 6 slices"]


def test_a_full_queue_is_one_sentence(model, monkeypatch):
    def full(*_):
        raise Busy("33 explanations are waiting already; try again in a minute.")

    monkeypatch.setattr(series.QUEUE, "submit", full)
    app = read(model)
    assert [error.value for error in app.error] == ["33 explanations are waiting already; try again in a minute."]
    assert labels(app) == ["Read all 6 slices"]


@pytest.mark.parametrize(
    ("error", "told"),
    [(ModelError("its weights may be broken"), "its weights may be broken"), (RuntimeError("Erika"), series.FAILED)],
)
def test_a_failure_is_one_sentence_and_tells_nothing_of_the_data(model, monkeypatch, error, told):
    def fail(*_):
        raise error

    monkeypatch.setattr(series, "by_slice", fail)
    app = read(model)
    assert [error.value for error in app.error] == [told] and labels(app) == ["Read all 6 slices"]


def clicked(*points: dict) -> PlotlyState:
    return PlotlyState({"selection": {"points": list(points), "point_indices": [], "box": [], "lasso": []}})


def test_a_click_on_a_slice_chooses_it_and_a_second_one_no_other():
    chosen = []
    series.take_clicked(clicked({"x": 4, "point_index": 3}), chosen.append)
    series.take_clicked(clicked(), chosen.append)
    assert chosen == [3]


def test_the_lines_break_where_nothing_was_asked_and_every_slice_can_be_clicked():
    p = np.array([[np.nan, np.nan], [0.9, 0.1], [0.6, 0.4]], np.float32)
    figure = lines(p, ("A", "B"), [0, 1], 2)
    bars, first, second = figure.data
    assert bars.x == (1, 2, 3) and bars.y == (1, 1, 1) and "blank" in bars.text[0] and "A: 90 %" in bars.text[1]
    assert first.y[0] is None and first.y[1:] == pytest.approx((0.9, 0.6)) and first.connectgaps is False
    assert second.name == "B" and first.line.dash != second.line.dash
    assert figure.layout.shapes[0].x0 == 3
