"""The contract of every method and engine: one explanation in the pixels of the scan, with its facts."""

import numpy as np
import pytest

from explain import METHODS, Explanation, Method, Request, explain
from explain.refinement import RawMap
from model_zoo import ModelError, load_model
from scans import Scan, ScanError, phantom
from tests.conftest import CLASSES, compiling
from tests.explain.analytic import counted, full_size, scaled
from tests.explain.networks import model_of

EVERY = [
    pytest.param(method, engine, id=f"{method.id} {engine}", marks=compiling(engine))
    for method in METHODS.values()
    for engine in method.engines
]
RANDOM = [method.id for method in METHODS.values() if method.random]
FIXED = [pytest.param(m.id, marks=compiling(m.id)) for m in METHODS.values() if not m.random]
SAMPLING = [
    pytest.param(name, marks=compiling(name))
    for name in ("smoothgrad", "integrated-gradients", "expected-gradients", "shap", "lime", "occlusion", "rise")
]
TARGET, SEED = "pituitary", 3  # of the explanations that several tests share


@pytest.fixture(scope="module")
def model(tiny_zoo):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(tiny_zoo))
        return load_model("tiny-phantom4", precision="f32")


@pytest.fixture(scope="module")
def wide():
    """A model of so many channels that Score-CAM has to group them."""
    return model_of(full_size(40))


@pytest.fixture(scope="module")
def scan():
    return phantom("glioma", 5, 100).scan


@pytest.fixture(scope="module")
def shared(model, scan):
    """A function from a method's id and an engine to the explanation of TARGET from SEED, made once."""
    made: dict[tuple[str, str], Explanation] = {}

    def explanation(method: str, engine: str = "") -> Explanation:
        key = method, engine or next(iter(METHODS[method].engines))
        if key not in made:
            made[key] = explain(Request(model, scan, method, TARGET, key[1], SEED))
        return made[key]

    return explanation


@pytest.fixture
def explanation_of(monkeypatch):
    """A function that explains a scan by a method whose raw map is given."""

    def explained(raw: list[list[float]], *, signed: bool) -> Explanation:
        values = np.array(raw, np.float32)
        engines = {"given": lambda _: iter([RawMap(values, 1)])}
        given = Method("given", "Given", "", "logit", "", "", engines, signed=signed)
        monkeypatch.setitem(METHODS, "given", given)
        model = model_of(full_size(4), names=("Glioma", "Meningioma", "No tumour"))
        return explain(Request(model, phantom("glioma", 5, 64).scan, "given", "class0"))

    return explained


@pytest.mark.parametrize(("method", "engine"), EVERY)
def test_every_engine_gives_one_finite_map_in_the_scan_s_pixels(model, scan, shared, method, engine):
    made = shared(method.id, engine)
    assert made.heat.shape == scan.shape and made.heat.dtype == np.float32
    assert np.isfinite(made.heat).all() and (made.signed or made.heat.min() >= 0)
    assert (made.method, made.engine, made.target, made.unit) == (method.id, engine, TARGET, method.unit)
    assert made.scan == scan.digest and made.weights == model.card.weights_sha256
    assert made.evaluations >= 1 and made.seconds > 0


@pytest.mark.parametrize(("method", "engine"), EVERY)
def test_every_engine_repeats_itself_bit_for_bit(model, scan, shared, method, engine):
    again = explain(Request(model, scan, method.id, TARGET, engine, SEED))
    np.testing.assert_array_equal(again.heat, shared(method.id, engine).heat)


@pytest.mark.parametrize("method", RANDOM)
def test_another_seed_draws_another_map(wide, scan, method):
    """Score-CAM draws the groups of its channels: 40 of them, and no time to come to each alone."""
    one, other = (explain(Request(wide, scan, method, seed=seed, seconds=1e-9)).raw for seed in (1, 2))
    assert (one != other).any()


@pytest.mark.parametrize("method", FIXED)
def test_a_map_without_random_samples_does_not_depend_on_the_seed(model, scan, shared, method):
    other = explain(Request(model, scan, method, TARGET, seed=SEED + 1))
    np.testing.assert_array_equal(other.raw, shared(method).raw)


@pytest.mark.parametrize("method", [pytest.param(m, id=m.id, marks=compiling(m.id)) for m in METHODS.values()])
def test_a_signed_map_keeps_its_sign_up_to_the_scan_s_pixels(model, scan, shared, method):
    """Of two classes that pull apart, one has evidence against it somewhere."""
    others = [explain(Request(model, scan, method.id, target)) for target in CLASSES if target != TARGET]
    lowest = min(made.heat.min() for made in (shared(method.id), *others))
    assert (lowest < 0) == method.signed


@pytest.mark.parametrize("method", SAMPLING)
def test_every_sampling_method_measures_the_stability_of_its_map(shared, method):
    made = shared(method)
    assert made.stopped in ("stable", "complete") and -1 <= made.stability <= 1
    assert made.manifest()["stability"] == round(made.stability, 4)


def test_score_cam_measures_it_if_it_has_groups(wide, scan):
    assert explain(Request(wide, scan, "scorecam")).stability > 0.9
    assert explain(Request(model_of(full_size(8)), scan, "scorecam")).stability is None


@pytest.mark.parametrize(("method", "engine"), EVERY)
def test_evaluations_count_the_scans_that_the_runtime_was_given(wide, scan, method, engine):
    """One for the probabilities, and the rest. Gradients and maps are passes of the network, not of the runtime."""
    model, calls = counted(wide)
    made = explain(Request(model, scan, method.id, engine=engine), stable=2)
    beside = 1 if method.id == "scorecam" else 0  # the pass that reads the map
    if method.id in ("scorecam", "shap", "lime", "occlusion", "rise") and engine != "tf-keras-vis":
        assert made.evaluations == sum(calls) + beside
    elif method.id == "integrated-gradients":
        assert (made.evaluations, sum(calls)) == (1 + 2 + 81, 1 + 2)
    else:
        assert sum(calls) == 1 and made.evaluations >= 2


def test_grad_cam_plus_plus_of_tf_keras_vis_is_in_our_unit(scan):
    """It would multiply by the exponential of the logit, which is inf from 89 up."""
    model, engines = model_of(scaled(1000.0)), ("compiled", "tf-keras-vis")
    ours, theirs = (explain(Request(model, scan, "gradcam++", engine=engine)).raw for engine in engines)
    np.testing.assert_allclose(np.maximum(ours, 0), theirs, rtol=1e-3, atol=1e-4 * theirs.max())


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_is_described(method):
    assert METHODS[method.id] is method
    assert method.paper.startswith("https://") and method.unit and len(method.measures) > 40 < len(method.pitfalls)


def test_the_properties_of_the_methods_are_as_documented():
    """Those that a page relies on: what is quick, drawn at random, a value per pixel, or a sensitivity."""
    named = {name: {m.id for m in METHODS.values() if getattr(m, name)} for name in ("quick", "random", "per_pixel")}
    assert named["quick"] == {"gradcam", "gradcam++", "layercam", "hirescam", "saliency"}
    assert named["random"] == {"scorecam", "smoothgrad", "expected-gradients", "lime", "rise"}
    assert named["per_pixel"] == {"saliency", "smoothgrad", "integrated-gradients", "expected-gradients"}
    assert {m.id for m in METHODS.values() if m.sensitivity} == {"saliency", "smoothgrad"}


def test_the_predicted_class_is_explained_by_default(model, scan):
    p = model.classify([scan])[0]
    made = explain(Request(model, scan, "gradcam"))
    assert made.target == made.predicted == CLASSES[p.argmax()]
    assert made.probability == pytest.approx(p.max(), abs=1e-6)


def test_an_explanation_cannot_be_changed(shared):
    made = shared("gradcam")
    with pytest.raises(ValueError, match="read-only"):
        made.heat[0, 0] = 1
    with pytest.raises(AttributeError):
        made.target = "notumor"


def test_a_map_without_positive_evidence_has_a_warning_instead_of_a_blank(explanation_of):
    made = explanation_of([[-2.0, -1.0], [-0.5, 1e-9]], signed=False)
    assert not made.heat.any()
    assert len(made.warnings) == 1 and made.warnings[0].startswith("No positive evidence")
    assert "Glioma" in made.warnings[0]


def test_a_signed_map_keeps_the_evidence_against_the_class(explanation_of):
    raw = [[-2.0, 1.0]]
    signed, positive = (explanation_of(raw, signed=signed).heat for signed in (True, False))
    assert signed.min() < 0 < signed.max()
    np.testing.assert_array_equal(signed.max(), positive.max())
    assert positive.min() == 0
    against = explanation_of([[-2.0, -1.0]], signed=True)
    assert against.heat.min() < 0 and against.heat.max() <= 0 and "against" in against.warnings[0]


def test_faint_evidence_is_evidence(explanation_of):
    made = explanation_of([[-1e-8, 3e-8]], signed=False)
    assert made.heat.max() > 0 == made.heat.min() and made.warnings == ()


@pytest.mark.parametrize("signed", [False, True])
def test_a_map_of_zeros_is_no_evidence(explanation_of, signed):
    made = explanation_of([[0.0, 0.0], [0.0, 0.0]], signed=signed)
    assert not made.heat.any() and len(made.warnings) == 1 and "nothing" in made.warnings[0]


@pytest.mark.parametrize(
    ("wrong", "known"),
    [
        ({"method": "gradcan"}, "gradcam"),
        ({"method": "gradcam", "engine": "magic"}, "compiled, tf-keras-vis"),
        ({"method": "gradcam", "target": "tumour"}, "glioma, meningioma"),
    ],
)
def test_an_unknown_method_engine_or_class_is_refused_with_the_known_ones(model, scan, wrong, known):
    with pytest.raises(ModelError, match=known):
        Request(model, scan, **wrong)


def test_a_blank_slice_is_refused(model):
    with pytest.raises(ScanError, match="blank"):
        Request(model, Scan(np.zeros((64, 64), np.float32), digest=""), "gradcam")
