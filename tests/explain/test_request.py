"""A request is complete and valid from its construction on, and its key is all that the explanation depends on."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

import explain.request as request
from explain import Prediction, Request, explain, predict
from model_zoo import Model, ModelCard, ModelError, load_model
from model_zoo.prediction_set import PredictionSet
from scans import InputSpec, Scan, ScanError, phantom
from tests.conftest import made_up_card, tiny_network, write_bundle

CARD = made_up_card(classes=("glioma", "notumor"), names=("Glioma", "No tumour"))
PIXELS = np.random.default_rng(0).random((512, 640), dtype=np.float32)
SCAN = Scan(PIXELS, digest="a" * 64, plane="axial")
PREDICTION = Prediction(
    np.zeros((32, 32, 3), np.float32), None, np.array([0.9, 0.1], np.float32), None, PredictionSet((), 90, ())
)
SETTINGS = {"method": "gradcam", "target": "glioma", "seed": 0, "seconds": 30.0}


def key_of(card: ModelCard = CARD, scan: Scan = SCAN, **changes) -> str:
    return Request(Model(card, None, None), scan, **SETTINGS | changes, prediction=PREDICTION).key


@pytest.fixture(scope="module")
def scan() -> Scan:
    return phantom("glioma", 5, 96).scan


@pytest.fixture
def model(in_tiny_zoo) -> Model:
    return load_model("tiny-phantom4")


def test_defaults_are_resolved_at_construction(model, scan):
    made = Request(model, scan, "gradcam")
    p = predict(model, scan).probabilities
    assert (made.engine, made.target) == ("compiled", model.card.classes[int(p.argmax())])
    named = Request(model, scan, "gradcam", target=made.target, engine="compiled")
    assert named.key == made.key
    np.testing.assert_array_equal(made.prediction.probabilities, p)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "gradcan"}, "gradcam"),
        ({"engine": "magic"}, "tf-keras-vis"),
        ({"target": "tumour"}, "meningioma"),
        ({"seconds": 0}, "more than 0"),
        ({"seconds": float("nan")}, "more than 0"),
        ({"seed": -1}, "from 0 to"),
        ({"seed": 2**32}, "from 0 to"),
        ({"seed": 1.5}, "whole number"),
    ],
    ids=str,
)
def test_what_does_not_exist_is_refused_at_construction_and_the_choices_are_listed(model, scan, changes, words):
    with pytest.raises(ModelError, match=words):
        Request(model, scan, **{"method": "gradcam"} | changes)


def test_a_blank_slice_is_refused_at_construction(model):
    with pytest.raises(ScanError, match="blank"):
        Request(model, Scan(np.ones((64, 64), np.float32), digest="b" * 64), "gradcam")


def test_the_explanation_carries_the_request_s_prediction_and_runs_no_other(model, scan):
    calls = []

    def counted(batch):
        calls.append(len(batch))
        return model.runtime.logits(batch)

    watched = replace(model, runtime=replace(model.runtime, logits=counted))
    prediction = predict(watched, scan)
    explanation = explain(Request(watched, scan, "gradcam", prediction=prediction))
    assert calls == [1] and explanation.probabilities == tuple(map(float, prediction.probabilities))


def test_a_request_can_be_sent_to_another_process(model, scan):
    made = Request(model, scan, "gradcam", seed=3)
    received = pickle.loads(pickle.dumps(made))
    assert received.key == made.key
    np.testing.assert_array_equal(explain(received).heat, explain(made).heat)


def test_a_process_with_other_weights_refuses_a_request(model, scan, tmp_path, monkeypatch):
    sent = pickle.dumps(Request(model, scan, "gradcam"))
    write_bundle(tmp_path / "tiny-phantom4", tiny_network(seed=9))
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    with pytest.raises(ModelError, match="other weights"):
        pickle.loads(sent)


def test_a_model_that_is_calibrated_to_a_site_has_keys_of_its_own_here_and_in_another_process(model, scan):
    hot = replace(model, card=replace(model.card, temperature=3.0), calibration="Calibrated to here on 60 scans.")
    made = Request(hot, scan, "gradcam")
    assert made.key != Request(replace(hot, calibration="Calibrated to there on 60 scans."), scan, "gradcam").key
    received = pickle.loads(pickle.dumps(made))
    assert received.key == made.key and received.model.card.temperature == 3.0
    assert explain(received).calibration == hot.calibration


def test_the_same_request_has_the_same_key_whichever_objects_make_it():
    again = key_of(replace(CARD), replace(SCAN, pixels=PIXELS.copy()), seconds=30, seed=np.int64(0))
    assert again == key_of() and len(again) == 64


@pytest.mark.parametrize("place", [(0, 0), (255, 320), (511, 639)])
def test_two_scans_that_differ_in_one_pixel_have_different_keys(place):
    pixels = PIXELS.copy()
    pixels[place] = np.nextafter(pixels[place], np.float32(2))
    assert key_of(scan=replace(SCAN, pixels=pixels)) != key_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": PIXELS.reshape(640, 512)},
        {"window": (0.0, 0.5)},
        {"spacing": (1.0, 0.5)},
        {"digest": "b" * 64},
        {"index": 1},
        {"plane": "sagittal"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_scan_is_changes_the_key(changes):
    assert key_of(scan=replace(SCAN, **changes)) != key_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "other-phantom4"},
        {"weights_sha256": "1" * 64},
        {"classes": ("notumor", "glioma")},
        {"names": ("Glioma", "Healthy")},
        {"input": InputSpec(32, 32, crop=False)},
        {"input": InputSpec(32, 32, value_range=(-1.0, 1.0))},
        {"tap": "first"},
        {"temperature": 1.5},
        {"imported": {"format": "Keras", "mean": "0.5"}},
    ],
    ids=str,
)
def test_what_a_model_is_changes_the_key(changes):
    assert key_of(card=replace(CARD, **changes)) != key_of()


def test_the_reasons_for_a_set_of_classes_change_the_key():
    """An explanation carries them, and they follow from what the card's scores were when it was predicted."""
    unsure = replace(PREDICTION, set=PredictionSet((), 90, ("It was never measured how often this is right.",)))
    ask = Request(Model(CARD, None, None), SCAN, **SETTINGS, prediction=unsure)
    assert ask.key != key_of()


@pytest.mark.parametrize(
    ("temperature", "p", "warned"),
    [(1.0, 0.99995, True), (1.0, 0.999, False), (2.5, 0.99, True), (0.6, 0.9999995, False), (1.0, 0.00001, True)],
)
def test_score_cam_warns_where_the_probability_that_it_weighs_by_is_saturated(temperature, p, warned):
    """That at temperature 1, not the calibrated one of the card: 0.99 at 2.5 is 1 - 1e-5 at 1."""
    prediction = replace(PREDICTION, probabilities=np.array([p, 1 - p], np.float32))
    ask = Request(
        Model(replace(CARD, temperature=temperature), None, None),
        SCAN,
        **SETTINGS | {"method": "scorecam"},
        prediction=prediction,
    )
    sentences = request._saturation_warning(ask, np.ones((4, 4)))
    assert any("saturated" in each for each in sentences) is warned
    assert request._saturation_warning(ask, np.zeros((4, 4))) == ()
    assert request._saturation_warning(replace(ask, method="gradcam", engine=""), np.ones((4, 4))) == ()


@pytest.mark.parametrize(
    ("stopped", "stability", "warned"),
    [("complete", 0.6, True), ("complete", 0.95, False), ("complete", None, False), ("stable", 0.98, False)],
)
def test_a_map_that_has_not_converged_carries_a_warning(stopped, stability, warned):
    drawn = request.RawMap(np.ones((4, 4), np.float32), 10, stopped=stopped, stability=stability)
    assert any("Not converged" in each for each in request._unfinished_warning(drawn)) is warned


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "layercam"},
        {"engine": "tf-keras-vis"},
        {"target": "notumor"},
        {"seed": 1},
        {"seconds": 10.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_setting_of_a_request_changes_the_key(changes):
    assert key_of(**changes) != key_of()


def test_words_that_only_run_together_alike_have_different_keys():
    first, second = replace(CARD, id="a", tap="bc"), replace(CARD, id="ab", tap="c")
    assert key_of(first) != key_of(second)


def test_what_neither_map_nor_manifest_tells_leaves_the_key_alone():
    card = replace(CARD, title="Renamed", limits=("None known.",), licence="MIT")
    assert key_of(card, replace(SCAN, notes=("Not an MR scan.",), sequence="T1")) == key_of()


def test_a_new_version_of_the_formulas_has_new_keys(monkeypatch):
    before = key_of()
    monkeypatch.setattr(request, "VERSION", request.VERSION + 1)
    assert key_of() != before
