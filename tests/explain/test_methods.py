"""The contract of every method and engine: one explanation in the pixels of the scan, with its facts."""

import numpy as np
import pytest

from explain import METHODS, explain
from explain.run import _shown
from model_zoo import ModelError, load_model
from scans import Scan, ScanError, phantom
from tests.conftest import CLASSES

EVERY = [(method, engine) for method in METHODS.values() for engine in method.engines]


@pytest.fixture
def model(in_tiny_zoo):
    return load_model("tiny-phantom4", precision="f32")


@pytest.fixture(scope="module")
def scan():
    return phantom("glioma", 5, 100).scan


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=[f"{m.id} {e}" for m, e in EVERY])
def test_every_engine_gives_one_finite_map_in_the_scan_s_pixels(model, scan, method, engine):
    found = explain(model, scan, method.id, engine=engine, target="pituitary")
    assert found.heat.shape == scan.shape and found.heat.dtype == np.float32
    assert np.isfinite(found.heat).all() and (found.signed or found.heat.min() >= 0)
    assert (found.method, found.engine, found.target, found.unit) == (method.id, engine, "pituitary", method.unit)
    assert found.scan == scan.digest and found.weights == model.card.weights_sha256
    assert found.evaluations >= 1 and found.seconds > 0


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=[f"{m.id} {e}" for m, e in EVERY])
def test_every_engine_repeats_itself_bit_for_bit(model, scan, method, engine):
    maps = [explain(model, scan, method.id, engine=engine, seed=3).heat for _ in range(2)]
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_says_what_it_is(method):
    assert METHODS[method.id] is method
    assert method.paper.startswith("https://") and method.unit and len(method.measures) > 40 < len(method.misleads)


def test_the_class_the_model_gives_is_explained_by_default(model, scan):
    p = model.classify([scan])[0]
    found = explain(model, scan, "gradcam")
    assert found.target == found.predicted == CLASSES[p.argmax()]
    assert found.probability == pytest.approx(p.max(), abs=1e-6)


def test_an_explanation_cannot_be_changed(model, scan):
    found = explain(model, scan, "gradcam")
    with pytest.raises(ValueError, match="read-only"):
        found.heat[0, 0] = 1
    with pytest.raises(AttributeError):
        found.target = "notumor"


def test_a_map_without_positive_evidence_says_so_instead_of_showing_a_blank():
    heat, warnings = _shown(np.array([[-2.0, -1.0], [-0.5, 1e-9]], np.float32), False, "Glioma")
    assert not heat.any()
    assert len(warnings) == 1 and warnings[0].startswith("No positive evidence") and "Glioma" in warnings[0]


def test_a_signed_map_keeps_what_speaks_against_the_class():
    raw = np.array([[-2.0, 1.0]], np.float32)
    np.testing.assert_array_equal(_shown(raw, True, "Glioma")[0], raw)
    np.testing.assert_array_equal(_shown(raw, False, "Glioma")[0], [[0, 1]])
    heat, warnings = _shown(-np.abs(raw), True, "Glioma")
    np.testing.assert_array_equal(heat, -np.abs(raw))
    assert "only evidence against it" in warnings[0]


def test_faint_evidence_is_evidence():
    heat, warnings = _shown(np.array([[-1e-8, 3e-8]], np.float32), False, "Glioma")
    np.testing.assert_array_equal(heat, np.array([[0, 3e-8]], np.float32))
    assert warnings == ()


@pytest.mark.parametrize("signed", [False, True])
def test_a_map_of_zeros_is_no_evidence(signed):
    heat, warnings = _shown(np.zeros((2, 2), np.float32), signed, "Glioma")
    assert not heat.any() and "nothing to draw" in warnings[0]


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"method_id": "gradcan"}, ModelError, "gradcam"),
        ({"method_id": "gradcam", "engine": "magic"}, ModelError, "compiled, tf-keras-vis"),
        ({"method_id": "gradcam", "target": "tumour"}, ModelError, "glioma, meningioma"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(model, scan, wrong, error, told):
    with pytest.raises(error, match=told):
        explain(model, scan, **wrong)


def test_a_blank_slice_is_refused(model):
    with pytest.raises(ScanError, match="blank"):
        explain(model, Scan(np.zeros((64, 64), np.float32), digest=""), "gradcam")
