"""The contract of every method and engine: one explanation in the pixels of the scan, with its facts."""

import numpy as np
import pytest

from explain import METHODS, Budget, Request, explain
from explain.request import _shown
from model_zoo import ModelError, load_model
from scans import Scan, ScanError, phantom
from tests.conftest import CLASSES
from tests.explain.known import counted, full_size, scaled
from tests.explain.networks import model_of

EVERY = [(method, engine) for method in METHODS.values() for engine in method.engines]
IDS = [f"{method.id} {engine}" for method, engine in EVERY]
SAMPLING = ("smoothgrad", "integrated-gradients", "expected-gradients", "shap", "lime", "occlusion", "rise")


@pytest.fixture
def model(in_tiny_zoo):
    return load_model("tiny-phantom4", precision="f32")


@pytest.fixture(scope="module")
def wide():
    """A model of so many channels that Score-CAM has to group them."""
    return model_of(full_size(40))


@pytest.fixture(scope="module")
def scan():
    return phantom("glioma", 5, 100).scan


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=IDS)
def test_every_engine_gives_one_finite_map_in_the_scan_s_pixels(model, scan, method, engine):
    found = explain(Request(model, scan, method.id, engine=engine, target="pituitary"))
    assert found.heat.shape == scan.shape and found.heat.dtype == np.float32
    assert np.isfinite(found.heat).all() and (found.signed or found.heat.min() >= 0)
    assert (found.method, found.engine, found.target, found.unit) == (method.id, engine, "pituitary", method.unit)
    assert found.scan == scan.digest and found.weights == model.card.weights_sha256
    assert found.evaluations >= 1 and found.seconds > 0


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=IDS)
def test_every_engine_repeats_itself_bit_for_bit(model, scan, method, engine):
    maps = [explain(Request(model, scan, method.id, engine=engine, seed=3)).heat for _ in range(2)]
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize(
    "method", [m for m in METHODS.values() if m.random], ids=[m.id for m in METHODS.values() if m.random]
)
def test_another_seed_draws_another_map(wide, scan, method):
    """Score-CAM draws the groups of its channels: 40 of them, and no time to come to each alone."""
    budget = Budget(seconds=1e-9)
    one, other = (explain(Request(wide, scan, method.id, seed=seed), budget=budget).raw for seed in (1, 2))
    assert (one != other).any()


@pytest.mark.parametrize(
    "method", [m for m in METHODS.values() if not m.random], ids=[m.id for m in METHODS.values() if not m.random]
)
def test_what_is_not_drawn_does_not_depend_on_the_seed(model, scan, method):
    one, other = (explain(Request(model, scan, method.id, seed=seed)).raw for seed in (1, 2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_signed_map_keeps_its_sign_up_to_the_scan_s_pixels(model, scan, method):
    """Of two classes that pull apart, one has evidence against it somewhere."""
    lowest = [explain(Request(model, scan, method.id, target=target)).heat.min() for target in CLASSES]
    assert (min(lowest) < 0) == method.signed


@pytest.mark.parametrize("method", SAMPLING)
def test_every_sampling_method_says_how_stable_its_map_is(model, scan, method):
    found = explain(Request(model, scan, method))
    assert found.stopped in ("stable", "complete") and -1 <= found.stability <= 1
    assert found.manifest()["stability"] == round(found.stability, 4)


def test_score_cam_says_so_where_it_has_groups(wide, scan):
    assert explain(Request(wide, scan, "scorecam")).stability > 0.9
    assert explain(Request(model_of(full_size(8)), scan, "scorecam")).stability is None


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=IDS)
def test_evaluations_are_what_the_runtime_was_asked(wide, scan, method, engine):
    """One for the probabilities, and the rest. Gradients and maps are passes of the network, not of the runtime."""
    model, asked = counted(wide)
    found = explain(Request(model, scan, method.id, engine=engine), stable=2)
    beside = 1 if method.id == "scorecam" else 0  # the pass that reads the map
    if method.id in ("scorecam", "shap", "lime", "occlusion", "rise") and engine != "tf-keras-vis":
        assert found.evaluations == sum(asked) + beside
    elif method.id == "integrated-gradients":
        assert (found.evaluations, sum(asked)) == (1 + 2 + 81, 1 + 2)
    else:
        assert sum(asked) == 1 and found.evaluations >= 2


def test_grad_cam_plus_plus_of_tf_keras_vis_is_in_our_unit(scan):
    """It would multiply by the exponential of the logit, which is inf from 89 up."""
    model = model_of(scaled(1000.0))
    ours, theirs = (explain(Request(model, scan, "gradcam++", engine=engine)).raw for engine in ("compiled", "tf-keras-vis"))
    np.testing.assert_allclose(np.maximum(ours, 0), theirs, rtol=1e-3, atol=1e-4 * theirs.max())


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_says_what_it_is(method):
    assert METHODS[method.id] is method
    assert method.paper.startswith("https://") and method.unit and len(method.measures) > 40 < len(method.pitfalls)


def test_the_class_the_model_gives_is_explained_by_default(model, scan):
    p = model.classify([scan])[0]
    found = explain(Request(model, scan, "gradcam"))
    assert found.target == found.predicted == CLASSES[p.argmax()]
    assert found.probability == pytest.approx(p.max(), abs=1e-6)


def test_an_explanation_cannot_be_changed(model, scan):
    found = explain(Request(model, scan, "gradcam"))
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
        explain(Request(model, scan, **wrong))


def test_a_blank_slice_is_refused(model):
    with pytest.raises(ScanError, match="blank"):
        explain(Request(model, Scan(np.zeros((64, 64), np.float32), digest=""), "gradcam"))
