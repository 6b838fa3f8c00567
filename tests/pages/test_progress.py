"""An explanation is on the page at once, or its progress is, until it is done, failed or cancelled."""

import numpy as np
import pytest

from explain import METHODS, cache
from explain.cache import CACHE
from explain.captions import colour_meaning, convergence, fit_notes
from explain.queue import Busy
from explain.render.smoothing import smoothing
from model_zoo import models
from pages.components.explain.progress import SECTION
from pages.components.requests import FAILED
from pages.components.samples import SAMPLES
from scans import BLANK_SLICE, phantom
from tests.conftest import CLASSES, tiny_network, write_bundle
from tests.good_files import nifti
from tests.pages.conftest import (
    SAMPLE,
    change_view,
    errors,
    kinds,
    labels,
    maps,
    method_of,
    open_app,
    open_in_rail,
    pending,
    predicted_class,
    press,
    state_of,
    upload,
    viewers,
)

PICTURES = ["scan", "map"]  # while the map is not there: the scan twice
WAITING = ["scan", "scan"]
AT_ONCE = 0.05  # seconds: sooner than any `Slow` explanation


@pytest.fixture(autouse=True)
def fresh(in_tiny_zoo, empty_cache, queue):
    """The tiny zoo and an empty cache."""


@pytest.fixture
def start(queue):
    """Open the sample in a session of its own, as often as called, all on one queue."""
    return lambda at_once=AT_ONCE: open_app(queue, at_once, scan=SAMPLE).run()


def text(app) -> str:
    return " ".join(element.value for kind in (app.markdown, app.caption, app.warning) for element in kind)


def let_go(slow, app):
    """Let the explanation come to its end, and look again."""
    slow.go.set()
    for job in pending(app):
        job.wait(60)
    return app.run()


def kept():
    """The only explanation in the cache."""
    (explanation,) = CACHE._kept.values()
    return explanation


@pytest.mark.parametrize("name", [pytest.param(m, marks=[pytest.mark.slow] * (not METHODS[m].quick)) for m in METHODS])
def test_every_method_draws_its_map_and_describes_it(queue, name):
    app = open_app(queue, scan=SAMPLE)
    app.query_params["method"] = name
    app.run()
    method, scan, explanation = METHODS[name], phantom(*SAMPLES[SAMPLE]).scan, kept()
    assert explanation.method == name and predicted_class(app) and not errors(app)
    drawn = bool(explanation.heat.any())
    assert kinds(app) == PICTURES
    for sentence in (convergence(explanation), *fit_notes(explanation), method.measures, method.pitfalls, method.paper):
        assert sentence in text(app)
    class_name = dict(zip(CLASSES, models()["tiny-phantom4"].names, strict=True))[explanation.target]
    assert (colour_meaning(explanation, class_name, method.signed) in text(app)) is drawn
    assert bool([box for box in app.number_input if box.key == "seed"]) is method.random
    assert ("against" in viewers(app)["viewer"]["controls"]) is method.signed
    usual = smoothing(scan, name)
    assert bool(usual.usual) is method.per_pixel
    if usual.usual and drawn:
        assert usual.sentence(usual.usual) in text(app)


def test_a_running_explanation_leaves_the_prediction_the_scan_and_its_progress_in_sight(slow, start):
    app = start()
    assert predicted_class(app) and not errors(app) and kinds(app) == WAITING
    assert "Cancel" in labels(app) and app.get("progress")[0].proto.value == 45
    app = let_go(slow, app)
    assert kinds(app) == PICTURES and "Cancel" not in labels(app)


def test_a_cancelled_explanation_stops_and_can_be_requested_again(slow, start):
    app = press(start(), "Cancel").run()  # a second run: a fragment's wish to draw the whole page anew
    assert slow.cancelled.wait(10)
    assert kinds(app) == WAITING and "Explain again" in labels(app) and not app.get("progress")
    slow.go.set()
    app = press(app, "Explain again")
    app = let_go(slow, app)
    assert kinds(app) == PICTURES and len(slow.requests) == 2


def test_another_request_cancels_the_one_before(slow, start):
    app = start()
    method_of(app).select("layercam").run()
    assert slow.cancelled.wait(10)
    app = let_go(slow, app)
    assert kinds(app) == PICTURES and kept().method == "layercam"


def test_closing_the_scan_cancels_the_request(slow, start):
    app = start()
    open_in_rail(app, None)
    assert slow.cancelled.wait(10) and app.title and state_of(app).scan is None


def test_a_finished_request_is_served_from_the_cache_to_every_session(start, monkeypatch):
    app = start(at_once=55.0)
    first = maps(app)
    monkeypatch.setattr(cache, "explain", lambda *a, **k: pytest.fail("the model was called again"))
    for page in (app.run(), start(at_once=55.0)):
        assert kinds(page) == PICTURES and maps(page) == first


def test_the_predicted_class_and_the_same_class_by_name_are_one_request(start, monkeypatch):
    app = start(at_once=55.0)
    monkeypatch.setattr(cache, "explain", lambda *a, **k: pytest.fail("the model was called again"))
    app.selectbox(key="class-tiny-phantom4").select(kept().target).run()
    assert kinds(app) == PICTURES


def test_each_user_gets_their_own_explanation_and_equal_requests_share_one(slow, start):
    first, second, third = start(), start(), start()
    second.selectbox(key="class-tiny-phantom4").select("glioma").run()
    assert len({state_of(page).user for page in (first, second, third)}) == 3
    press(first, "Cancel")  # the third still wants it
    assert not slow.cancelled.is_set()
    second, third = let_go(slow, second), let_go(slow, third)
    assert kinds(third) == PICTURES == kinds(second) and "Glioma" in text(second)
    assert sorted(request.target for request in slow.requests) == ["glioma", "pituitary"]


def test_a_full_queue_is_one_sentence_and_the_request_can_be_repeated(queue, start, monkeypatch):
    def full(*_):
        raise Busy("The queue is full.")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "submit", full)
        app = start(at_once=55.0)
        assert errors(app) == ["The queue is full."] and not app.exception and kinds(app) == WAITING
    assert kinds(press(app, "Explain again")) == PICTURES


def test_a_queued_request_shows_its_place(slow, start):
    first, second = start(), start()
    method_of(second).select("hirescam").run()
    (job,) = pending(second)
    progress = second.get("progress")[0].proto
    assert (job.state, job.place, progress.value) == ("waiting", 1, 0) and "place 1" in progress.text
    assert first.get("progress")[0].proto.value == 45


@pytest.mark.parametrize("error", [RuntimeError("Muster^Erika"), MemoryError(), KeyError("x")])
def test_an_unexpected_failure_is_one_sentence(start, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cache, "explain", fail)
    app = start(at_once=55.0)
    assert not app.exception and errors(app) == [FAILED] and kinds(app) == WAITING
    assert list(state_of(app).sections[SECTION].errors.values()) == [FAILED]


def test_a_blank_slice_is_one_sentence(app):
    upload(app.run(), ("blank.nii", nifti(np.eye(64, dtype=np.int16)[..., None] * [0, 900, 0])))
    next(slider for slider in app.slider if slider.label == "Slice").set_value(1).run()
    assert errors(app) == [BLANK_SLICE] and kinds(app) == WAITING and not predicted_class(app)


@pytest.mark.slow
def test_a_saturated_model_explains_each_class_or_gives_the_reason_why_not(queue, tmp_path, monkeypatch):
    network = tiny_network()
    network.layers[-1].set_weights([1e4 * w for w in network.layers[-1].get_weights()])
    write_bundle(tmp_path / "tiny-phantom4", network)
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app = open_app(queue, scan=SAMPLE).run()
    assert "over 99\u00a0%" in text(app)
    for name in ("gradcam", "scorecam", "hirescam"):
        for class_id in CLASSES:
            method_of(app).select(name)
            app.selectbox(key="class-tiny-phantom4").select(class_id).run()
            assert not app.exception and not errors(app)
            assert maps(app) or app.warning


def test_the_rendering_survives_the_wait_for_another_map(slow, start):
    slow.go.set()
    app = start(at_once=55.0)
    change_view(app, rendering={"threshold": 0.4})
    slow.go.clear()
    state_of(app).at_once = AT_ONCE
    method_of(app).select("layercam").run()
    assert kinds(app) == WAITING
    app = let_go(slow, app)
    assert viewers(app)["viewer"]["rendering"]["threshold"] == 0.4 == state_of(app).rendering.threshold


def test_evidence_against_and_smoothing_change_the_picture_and_not_the_map(start):
    app = start(at_once=55.0)
    method_of(app).select("integrated-gradients").run()
    heat = list(CACHE._kept.values())[-1].heat
    before, first = heat.copy(), maps(app)
    change_view(app, rendering={"against": False, "smoothing": 0})
    rendering = viewers(app)["viewer"]["rendering"]
    assert not rendering["against"] and rendering["smoothing"] == 0
    assert maps(app) == first and np.array_equal(heat, before)
    usual = smoothing(phantom(*SAMPLES[SAMPLE]).scan, "integrated-gradients")
    assert usual.usual and usual.sentence(usual.usual) not in text(app)
    assert heat.shape == phantom(*SAMPLES[SAMPLE]).scan.shape
