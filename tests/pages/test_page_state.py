"""What a session remembers: every widget is drawn from the page state, hands its value back, and survives page changes.

Values that code sets (Next, Reset, the hottest region, an opened scan) must reach the widget, too.
"""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

import explain.prediction
from explain import METHODS, Rendering
from explain.cache import CACHE
from explain.queue import Queue
from explain.refinement import SECONDS
from explain.render.rendering import CONTROLS
from model_zoo import Model
from pages.components.explain import worklist
from pages.components.explain.progress import SECTION
from pages.components.samples import SAMPLES
from pages.components.state import PageState, Region
from pages.viewer.pictures import window_key
from scans import phantom
from tests.conftest import CLASSES
from tests.good_files import dicom12, nifti, png
from tests.pages.conftest import (
    SAMPLE,
    alts,
    change_view,
    maps,
    method_of,
    open_app,
    open_in_rail,
    predicted_class,
    press,
    rail,
    state_of,
    upload,
    viewers,
)

EXPLAIN, COMPARE, ABOUT = (f"pages/{name}.py" for name in ("explain_scan", "compare_models", "about"))
MODEL = "tiny-phantom4"
SIGNED = "integrated-gradients"  # signed, and one value per pixel: every control is drawn
KINDS = ("slider", "selectbox", "toggle", "segmented_control", "number_input", "multiselect")
HEAD = phantom("meningioma", 900_020, 96).scan.pixels
VOLUME = (np.stack([HEAD[::-1, ::-1].T] * 7, -1) * 1000).astype(np.int16)
FILES = {
    "picture": ("a.png", png(HEAD)),
    "DICOM": ("a.dcm", dicom12(HEAD, WindowCenter=1000, WindowWidth=1500)),
    "volume": ("a.nii", nifti(VOLUME)),
}


@pytest.fixture(autouse=True)
def tiny(in_tiny_zoo):
    """The tiny zoo: these tests are about what is remembered."""


def widgets(app) -> dict:
    """The values of all widgets on the page by their keys, without the number of a renewal."""
    drawn = [widget for kind in KINDS for widget in getattr(app, kind)]
    return {widget.key.partition("~")[0]: widget.value for widget in drawn if widget.key}


def set_values(app, values: dict):
    """Set widgets by key, and run."""
    for kind in KINDS:
        for widget in getattr(app, kind):
            if (key := (widget.key or "").partition("~")[0]) in values:
                widget.set_value(values[key])
    return app.run()


def there_and_back(app, other: str = ABOUT, page: str = EXPLAIN):
    app.switch_page(other).run()
    assert not app.exception
    app.switch_page(page).run()
    assert not app.exception
    return app


def test_every_field_of_the_rendering_has_a_control_or_a_reason():
    """An added field of Rendering gets its control by itself; the window has its own, and letters always show."""
    assert {each.name for each in fields(Rendering)} - set(CONTROLS) == {"window", "side_letters"}


def viewer(app, key: str = "viewer") -> dict:
    return viewers(app)[key]


def shown(app, key: str = "viewer") -> dict:
    """What a viewer is told to show: how maps are drawn, through which windows, which slice."""
    facts = viewer(app, key)
    names = ("opacity", "threshold", "contours", "against")
    rendering = {name: facts["rendering"][name] for name in names}
    return rendering | {"windows": facts["windows"], "place": (facts["volume"] or {}).get("place")}


def test_the_rendering_is_drawn_from_the_state(queue):
    chosen = Rendering(against=False, contours=True, opacity=0.25, threshold=0.6)
    key = window_key(phantom(*SAMPLES[SAMPLE]).scan)
    app = open_app(queue, scan=SAMPLE, rendering=chosen, windows={key: (100.0, 150.0)})  # of 0 to 255
    app.query_params["method"] = SIGNED
    facts = viewer(app.run())
    assert shown(app) == {
        "against": False,
        "contours": True,
        "opacity": 0.25,
        "threshold": 0.6,
        "windows": {key: [100, 150]},
        "place": None,
    }
    assert set(facts["controls"]) == set(CONTROLS)
    assert state_of(app).rendering.window == pytest.approx((25 / 255, 175 / 255))


def test_every_control_of_the_rendering_hands_its_value_to_the_state_and_keeps_it(queue):
    app = open_app(queue, scan=SAMPLE)
    app.query_params["method"] = SIGNED
    app.run()
    colours = viewer(app)["controls"]["colour_map"]["options"]
    chosen = {"against": False, "contours": True, "opacity": 0.8, "threshold": 0.4, "smoothing": 3.0}
    chosen["colour_map"] = colours[-1]
    change_view(app, rendering=chosen)
    for other in (ABOUT, COMPARE):
        assert viewer(app)["rendering"] == chosen
        assert {name: getattr(state_of(app).rendering, name) for name in CONTROLS} == chosen
        there_and_back(app, other)
    assert viewer(app)["rendering"] == chosen


def test_the_compare_page_draws_with_the_same_rendering(queue):
    app = open_app(queue, scan=SAMPLE).run()
    chosen = {"contours": True, "opacity": 0.8, "threshold": 0.4}
    change_view(app, rendering=chosen)
    app.switch_page(COMPARE).run()
    compared = viewer(app, "compare-controls")["rendering"]
    assert {name: compared[name] for name in chosen} == chosen and compared["smoothing"] is None
    change_view(app, "compare-controls", rendering={"opacity": 0.3})
    app.switch_page(EXPLAIN).run()
    explained = viewer(app)["rendering"]
    assert {name: explained[name] for name in chosen} == chosen | {"opacity": 0.3}
    assert state_of(app).rendering.opacity == 0.3


def test_a_hidden_map_stays_hidden_on_the_other_page(queue):
    app = open_app(queue, scan=SAMPLE).run()
    change_view(app, shown=False)
    there_and_back(app, COMPARE)
    assert not state_of(app).map_shown and not viewer(app)["shown"]


@pytest.mark.parametrize("kind", [*FILES, "sample"])
def test_slice_window_and_region_survive_page_changes(queue, kind):
    app = open_app(queue).run()
    if kind == "sample":
        press(app, SAMPLE)
    else:
        upload(app, FILES[kind])
    first = widgets(there_and_back(app, COMPARE))  # nothing was touched: all stays as it is
    assert first == widgets(there_and_back(app)) and predicted_class(app)
    (key,) = viewer(app)["windows"]
    change_view(app, place=1, window=[key, 700.0, 900.0])
    app.run()
    numbers = dict(zip(("-row", "-column", "-height", "-width"), (20, 24, 16, 14), strict=True))
    regions = [key for key in widgets(app) if key.startswith("region-")]
    chosen = {key: numbers[end] for key in regions for end in numbers if key.endswith(end)}
    chosen |= {key: 2 for key in first if key.startswith("slice-")}
    assert len(chosen) == 4 + (kind == "volume")
    set_values(app, chosen)
    session, before = state_of(app), (shown(app), maps(app))
    assert before[0]["windows"] == {key: [700, 900]} and before[0]["place"] == (1 if kind == "volume" else None)
    for other in (ABOUT, COMPARE, ABOUT):
        there_and_back(app, other)
        values = widgets(app)
        assert {key: values[key] for key in chosen} == pytest.approx(chosen) and (shown(app), maps(app)) == before
    (region,) = (each for each in session.regions.values() if each.box)
    assert region == Region(20, 24, 16, 14)


def test_the_compare_page_has_the_slice_and_the_window_of_the_explain_page(queue):
    app = upload(open_app(queue).run(), FILES["volume"])
    (key,) = viewer(app)["windows"]
    change_view(app, place=5, window=[key, 300.0, 400.0])
    explained = shown(app.run())
    assert explained["place"] == 5
    app.switch_page(COMPARE).run()
    assert shown(app, "compare-controls") == explained


def test_class_engine_seed_and_time_limit_survive_page_changes(queue, slow):
    app = open_app(queue, at_once=0.0, scan=SAMPLE).run()
    method_of(app).select("expected-gradients").run()
    chosen = {"class-" + MODEL: CLASSES[2], "engine-expected-gradients": "shap", "seconds": 15, "seed": 7}
    set_values(app, chosen)
    session = state_of(app)
    for other in (ABOUT, COMPARE):
        there_and_back(app, other)
        values = widgets(app)
        assert values["method"] == "expected-gradients" and {key: values[key] for key in chosen} == chosen
    assert session.targets == {MODEL: CLASSES[2]} and session.settings == {"seed": 7, "seconds": 15}
    method_of(app).select("gradcam").run()  # without a seed, and with engines of its own
    assert widgets(app)["engine-gradcam"] == next(iter(METHODS["gradcam"].engines))
    method_of(app).select("expected-gradients").run()
    assert {key: widgets(app)[key] for key in chosen} == chosen
    (job,) = session.sections[SECTION].jobs.values()
    slow.go.set()
    job.wait(60)
    wanted = (MODEL, "expected-gradients", "shap", CLASSES[2], 7)
    assert wanted in [(r.model.card.id, r.method, r.engine, r.target, r.seed) for r in slow.requests]
    assert SECONDS != 15 and slow.requests[-1].seconds == 15


def test_what_code_sets_reaches_the_widget_again_and_again(queue):
    app = upload(open_app(queue).run(), FILES["volume"])

    def place() -> int:
        return next(slider.value for slider in app.slider if slider.label == "Slice")

    first = place()
    change_view(app, place=first)  # counted from 0: the next
    change_view(app.run(), count=2, place=first + 1)
    assert place() == first + 2 == next(iter(state_of(app).slices.values()))[1] + 1
    change_view(there_and_back(app), count=3, place=first)
    assert place() == first + 1
    next(slider for slider in app.slider if slider.label == "Slice").set_value(2).run()
    assert viewer(app)["volume"]["place"] == 1
    change_view(app, count=4, place=2)
    assert place() == 3
    (key,) = viewer(app)["windows"]
    for count in (10, 20):
        change_view(app, count=count, window=[key, 300.0, 400.0])
        assert state_of(app).windows == {key: (300.0, 400.0)}
        change_view(app, count=count + 1, window=[key])
        assert not state_of(app).windows and viewer(app)["windows"] == {key: None}


def test_a_step_back_to_the_slice_that_is_still_drawn_is_taken(queue):
    """Two steps in a row, the second before the viewer is drawn for the first."""
    app = upload(open_app(queue).run(), FILES["volume"])
    session, slider = state_of(app), next(slider for slider in app.slider if slider.label == "Slice")
    ((volume, (digest, drawn)),) = session.slices.items()
    session.slices[volume] = digest, drawn + 2  # as a run leaves it that ended with its callback
    session.renewals[slider.key] = 1
    change_view(app, place=drawn)
    assert session.slices[volume] == (digest, drawn) and viewer(app)["volume"]["place"] == drawn


def test_a_scan_opened_by_code_reaches_the_widget_and_replaces_the_scan_before(queue):
    first, second = list(SAMPLES)[:2]
    app = press(open_app(queue).run(), second)
    assert rail(app)["open"] == second == state_of(app).scan and app.query_params["sample"] in (
        "phantom-2",
        ["phantom-2"],
    )
    method_of(app).select("layercam").run()  # stands in the address, too
    open_in_rail(app, first)
    assert state_of(app).scan == first and predicted_class(app)
    upload(app, FILES["picture"])
    assert rail(app)["open"] == "a.png" == state_of(app).scan
    assert "sample" not in app.query_params and predicted_class(app)


def test_a_row_of_the_worklist_opens_its_scan(queue, monkeypatch):
    """The table stands for a button that selects its last row: AppTest selects none.

    It stays, with the reader's sorting, while its selected row is the open scan. The callback of a table that has been
    replaced meanwhile, as of a second click, still finds its own selection.
    """
    tables, select_in_first = [], []

    def selectable(table, *, on_select, key, **_):
        tables.append(key)

        def select():
            selection = SimpleNamespace(rows=[len(table) - 1])
            worklist.st.session_state[key] = SimpleNamespace(selection=selection)
            on_select()

        select_in_first.append(select)
        worklist.st.button("Select", key="select", on_click=select)
        worklist.st.button("Select in the first", key="select-first", on_click=select_in_first[0])

    monkeypatch.setattr(worklist.st, "dataframe", selectable)
    app = open_app(queue)
    app.session_state["explain-part"] = "Worklist"
    upload(app.run(), FILES["picture"], FILES["DICOM"])
    assert state_of(app).scan == "a.dcm"
    app.button(key="select").click().run()
    assert state_of(app).scan == "a.png" == rail(app)["open"]
    assert len(set(tables)) == 1
    open_in_rail(app, "a.dcm")
    assert state_of(app).scan == "a.dcm" and len(set(tables)) == 2
    app.button(key="select-first").click().run()
    assert state_of(app).scan == "a.png"


def test_the_view_and_the_choices_of_the_compare_page_survive_page_changes(queue):
    app = open_app(queue, scan=SAMPLE).run()
    app.switch_page(COMPARE).run()
    for job in list(state_of(app).sections["compare"].jobs.values()):
        job.wait(60)
    app.run()
    chosen = {"compare-class": "glioma", "compare-across": "Between methods", "compare-share": 20}
    set_values(app, {"compare-class": "glioma"})
    for job in list(state_of(app).sections["compare"].jobs.values()):
        job.wait(60)
    set_values(app.run(), chosen)
    there_and_back(app, EXPLAIN, COMPARE)
    assert {key: widgets(app)[key] for key in chosen} == chosen and not app.get("progress")
    session = state_of(app)
    assert (session.compare_target, session.compare_across_methods, session.compare_share) == ("glioma", True, 20)
    table = app.segmented_control(key="compare-view").options[1]
    set_values(app, {"compare-view": table})
    set_values(app, {"compare-samples": True})
    there_and_back(app, ABOUT, COMPARE)
    values = widgets(app)
    assert values["compare-view"] == table and values["compare-samples"]
    assert set(app.dataframe[0].value["Name"]) == set(SAMPLES)


def test_the_prediction_on_the_page_is_the_one_in_the_explanation_and_is_made_once(empty_cache, queue, monkeypatch):
    calls = {"fit": 0, "predict": 0}
    fit, predict = explain.prediction.fit, Model.predict

    def counted_fit(*given):
        calls["fit"] += 1
        return fit(*given)

    def counted_predict(self, batch):
        calls["predict"] += 1
        return predict(self, batch)

    monkeypatch.setattr(explain.prediction, "fit", counted_fit)
    monkeypatch.setattr(Model, "predict", counted_predict)
    app = upload(open_app(queue).run(), ("once.png", png(phantom("glioma", 900_077, 90).scan.pixels)))
    (explanation,) = CACHE._kept.values()
    session = state_of(app)
    (kept,) = session.probabilities.values()
    assert predicted_class(app) and calls == {"fit": 1, "predict": 1}
    assert explanation.probabilities == tuple(map(float, kept))
    method_of(app).select("layercam").run()
    there_and_back(app, COMPARE)
    assert calls == {"fit": 1, "predict": 1}
    assert {each.probabilities for each in CACHE._kept.values()} == {explanation.probabilities}


def test_two_sessions_remember_nothing_of_each_other(queue):
    first, second = open_app(queue, scan=SAMPLE).run(), open_app(queue).run()
    change_view(first, rendering={"threshold": 0.6})
    assert state_of(second).scan is None and state_of(second.run()).rendering.threshold == Rendering().threshold
    assert set(alts(second)) == set(SAMPLES)
    states = PageState(queue=Queue()), PageState(queue=Queue())
    assert states[0].user != states[1].user and states[0].slices is not states[1].slices


def test_a_slice_chosen_on_the_page_is_later_than_a_step_in_the_viewer_that_the_same_message_brings(app):
    """The step waited for the page, which ran; the slider does not wait."""
    upload(app.run(), FILES["volume"])
    app.slider[0].set_value(2)
    change_view(app, place=5)
    assert shown(app)["place"] == 1 and app.slider[0].value == 2
    change_view(app, place=6)  # alone
    assert shown(app)["place"] == 6 and app.slider[0].value == 7
