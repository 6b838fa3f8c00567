"""Does a reader wait for an explanation as one would wish: at once, in sight, to be stopped, and alone with it?"""

import threading
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explain import METHODS, Cancelled, explain
from explain.cache import CACHE
from explain.queue import Busy, Queue
from pages.components import requests as asking
from pages.components.explain import progress as waiting
from scans import phantom
from tests.conftest import tiny_network, write_bundle
from tests.good_files import nifti
from tests.pages.conftest import ROOT, answer, errors, upload

ALTS = ["The scan", "The scan under the heatmap", "Colour bar"]


@pytest.fixture(autouse=True)
def fresh(in_tiny_zoo, monkeypatch):
    """The tiny zoo, an empty cache and a queue of its own for every test."""
    CACHE.clear()
    queue = Queue()
    monkeypatch.setattr(asking, "queue_for", lambda method: queue)
    yield
    while queue._threads:  # a late one would put its map into the next test's cache
        time.sleep(0.01)
    CACHE.clear()


class Slow:
    """Stands in for `explain`: counts its calls, and ends when let go or cancelled."""

    def __init__(self, monkeypatch):
        self.calls, self.go, self.cancelled = [], threading.Event(), threading.Event()
        monkeypatch.setattr(asking, "explain", self)
        monkeypatch.setattr(waiting, "AT_ONCE", 0.05)

    def __call__(self, model, scan, method, *, budget, **asked):
        self.calls.append((method, asked["target"]))
        budget.progress(0.45)
        while not self.go.wait(0.01):
            if budget.cancelled():
                self.cancelled.set()
                raise Cancelled
        return explain(model, scan, method, budget=budget, **asked)


@pytest.fixture
def slow(monkeypatch):
    slow = Slow(monkeypatch)
    yield slow
    slow.go.set()


def start() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().button[0].click().run()


def drawn(app) -> list[str]:
    return [image.proto.imgs[0].alt for image in app.get("image")]


def labels(app) -> list[str]:
    return [button.label for button in app.button]


def press(app, label: str):
    return next(button for button in app.button if button.label == label).click().run()


def said(app) -> str:
    return " ".join(element.value for kind in (app.markdown, app.caption, app.warning) for element in kind)


def after(slow: Slow, app):
    """Let the explanation come to its end, and look again."""
    slow.go.set()
    for job, _ in list(app.session_state["asked"]["map"].jobs.values()):
        job.wait(60)
    return app.run()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_draws_its_map_and_says_how_settled_it_is(app, name):
    app.run().button[0].click().run()
    app.selectbox(key="method").select(name).run()
    assert answer(app) and not errors(app)
    assert drawn(app) == (ALTS if "nothing to draw" not in said(app) else ALTS[:2])
    assert any(word in said(app) for word in ("Exact:", "Stable:", "Complete", "Cut off"))
    assert METHODS[name].measures in said(app) and METHODS[name].pitfalls in said(app)
    assert METHODS[name].paper in said(app)
    assert bool([box for box in app.number_input if box.key == "seed"]) is METHODS[name].random
    assert bool([toggle for toggle in app.toggle if toggle.key == "against"]) is METHODS[name].signed
    assert ("Smoothed, in the picture only" in said(app)) is METHODS[name].per_pixel


def test_while_it_is_on_its_way_the_answer_the_scan_and_how_far_it_is_are_shown(slow):
    app = start()
    assert answer(app) and not errors(app) and drawn(app) == ALTS[:1]
    assert "Cancel" in labels(app) and "45\u00a0%" in app.get("progress")[0].proto.text
    app = after(slow, app)
    assert drawn(app) == ALTS and "Cancel" not in labels(app)


def test_a_cancelled_explanation_is_stopped_and_can_be_asked_for_again(slow):
    app = press(start(), "Cancel").run()  # a second run: a fragment's wish to draw the whole page anew
    assert slow.cancelled.wait(10)
    assert "Cancelled." in said(app) and drawn(app) == ALTS[:1] and "Explain again" in labels(app)
    slow.go.set()
    app = press(app, "Explain again")
    app = after(slow, app)
    assert drawn(app) == ALTS and len(slow.calls) == 2


def test_another_question_gives_up_the_old_one(slow):
    app = start()
    app.selectbox(key="method").select("layercam").run()
    assert slow.cancelled.wait(10)
    app = after(slow, app)
    assert drawn(app) == ALTS and "LayerCAM" in said(app)


def test_no_scan_any_more_gives_up_the_question(slow):
    app = start()
    app.selectbox[0].set_value(None).run()
    assert slow.cancelled.wait(10) and app.title


def test_what_was_asked_before_is_there_without_asking_the_model(app, monkeypatch):
    app.run().button[0].click().run()
    first = app.get("image")[1].proto.imgs[0].url
    monkeypatch.setattr(asking, "explain", lambda *a, **k: pytest.fail("the model was asked again"))
    app.run()
    another = start()
    for page in (app, another):
        assert drawn(page) == ALTS and page.get("image")[1].proto.imgs[0].url == first


def test_the_model_s_answer_and_its_class_by_name_are_one_question(app, monkeypatch):
    app.run().button[0].click().run()
    given = next(iter(CACHE._kept.values())).target
    monkeypatch.setattr(asking, "explain", lambda *a, **k: pytest.fail("the model was asked again"))
    app.selectbox(key="class-tiny-phantom4").select(given).run()
    assert drawn(app) == ALTS


def test_two_readers_get_each_their_own_and_share_what_is_the_same(slow):
    first, second, third = start(), start(), start()
    second.selectbox(key="class-tiny-phantom4").select("glioma").run()
    users = {page.session_state["user"] for page in (first, second, third)}
    assert len(users) == 3
    press(first, "Cancel")  # the third still wants it
    assert not slow.cancelled.is_set()
    second, third = after(slow, second), after(slow, third)
    assert drawn(third) == ALTS and "Glioma" in said(second)
    assert sorted(call[1] for call in slow.calls) == ["glioma", "pituitary"]


def test_a_full_queue_is_one_sentence_and_can_be_tried_again(app, monkeypatch):
    def full(*_):
        raise Busy("33 explanations are waiting or running already; try again in a minute.")

    with monkeypatch.context() as patch:
        patch.setattr(asking.queue_for(METHODS["gradcam"]), "submit", full)
        app.run().button[0].click().run()
        assert errors(app) == ["33 explanations are waiting or running already; try again in a minute."]
        assert not app.exception and drawn(app) == ALTS[:1]
    assert drawn(press(app, "Explain again")) == ALTS


def test_a_place_in_the_queue_is_told(slow):
    first, second = start(), start()
    second.selectbox(key="method").select("hirescam").run()
    assert "place 1 in the queue" in second.get("progress")[0].proto.text
    assert "45\u00a0%" in first.get("progress")[0].proto.text


@pytest.mark.parametrize("error", [RuntimeError("Muster^Erika"), MemoryError(), KeyError("x")])
def test_whatever_goes_wrong_is_one_sentence(app, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(asking, "explain", fail)
    app.run().button[0].click().run()
    assert not app.exception and errors(app) == [asking.FAILED] and drawn(app) == ALTS[:1]


def test_a_black_slice_is_one_sentence(app):
    upload(app.run(), ("black.nii", nifti(np.eye(64, dtype=np.int16)[..., None] * [0, 900, 0])))
    next(slider for slider in app.slider if slider.label == "Slice").set_value(1).run()
    assert len(errors(app)) == 1 and "blank" in errors(app)[0] and drawn(app) == ALTS[:1]
    assert not app.exception and not answer(app)


def test_a_saturated_model_and_a_class_it_rules_out_get_maps_or_sentences(app, tmp_path, monkeypatch):
    network = tiny_network()
    network.layers[-1].set_weights([1e4 * w for w in network.layers[-1].get_weights()])
    write_bundle(tmp_path / "tiny-phantom4", network)
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    app.run().button[0].click().run()
    assert "sure of this answer" in said(app) and "over 99" in said(app)
    for name in ("gradcam", "scorecam", "hirescam"):
        app.selectbox(key="method").select(name).run()
        for class_id in ("glioma", "meningioma", "notumor", "pituitary"):
            app.selectbox(key="class-tiny-phantom4").select(class_id).run()
            assert not app.exception and not errors(app)
            assert len(drawn(app)) == 3 or "No positive evidence" in said(app)


def test_how_the_map_is_drawn_survives_the_wait_for_another(slow):
    slow.go.set()
    app = start()
    for job, _ in list(app.session_state["asked"]["map"].jobs.values()):
        job.wait(60)
    app.run().slider(key="threshold").set_value(40).run()
    slow.go.clear()
    app.selectbox(key="method").select("layercam").run()
    assert drawn(app) == ALTS[:1]
    assert after(slow, app).slider(key="threshold").value == 40


def test_evidence_against_can_be_hidden_and_a_map_smoothed_without_touching_the_download(app):
    app.run().button[0].click().run()
    app.selectbox(key="method").select("integrated-gradients").run()
    urls = [app.get("image")[1].proto.imgs[0].url]
    app.toggle(key="against").set_value(False).run()
    urls.append(app.get("image")[1].proto.imgs[0].url)
    smooth = next(slider for slider in app.slider if slider.label.startswith("Smooth"))
    smooth.set_value(0.0).run()
    urls.append(app.get("image")[1].proto.imgs[0].url)
    assert len(set(urls)) == 3
    assert "Smoothed" not in said(app)
    heat = next(iter(CACHE._kept.values())).heat
    assert heat.shape == phantom("glioma", 1).scan.shape
