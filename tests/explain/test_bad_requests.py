"""Every method gives a finite map or a one-sentence error, whatever the scan and the model."""

from collections.abc import Callable

import numpy as np
import pytest

from explain import METHODS, Cancelled, Request, explain
from model_zoo import Model, ModelError
from scans import InputSpec, Scan, phantom
from tests.conftest import tiny_network
from tests.explain.analytic import broken, constant, dense_only, full_size, scaled
from tests.explain.networks import model_of

pytestmark = pytest.mark.slow

EVERY = [(method, engine) for method in METHODS.values() for engine in method.engines]
NAMES = [f"{method.id} {engine}" for method, engine in EVERY]
NEED_A_MAP = ("gradcam", "gradcam++", "layercam", "hirescam", "scorecam")
SAMPLING = ("scorecam", "smoothgrad", "integrated-gradients", "expected-gradients", "shap", "lime", "occlusion", "rise")


def one_spot() -> Scan:
    """Return a black scan with one bright spot of 6 x 6 pixels: hardly enough to be seen."""
    pixels = np.zeros((64, 64), np.float32)
    pixels[40:46, 13:19] = 1
    return Scan(pixels, digest="1" * 64)


@pytest.fixture(scope="module")
def scan() -> Scan:
    return phantom("glioma", 5, 64).scan


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(tiny_network())


@pytest.fixture(scope="module")
def wide() -> Model:
    """Of so many channels that Score-CAM calls the model more than once."""
    return model_of(full_size(40))


@pytest.fixture(scope="module")
def untouched(wide, scan):
    """A function from a method to the map of class2 from seed 4, made once."""
    maps: dict[str, np.ndarray] = {}

    def heat(method: str) -> np.ndarray:
        if method not in maps:
            maps[method] = explain(Request(wide, scan, method, target="class2", seed=4)).heat
        return maps[method]

    return heat


@pytest.fixture(scope="module")
def saturated() -> Model:
    return model_of(scaled(1000.0))


@pytest.fixture(scope="module")
def indifferent() -> Model:
    return model_of(constant())


@pytest.fixture(scope="module")
def without_numbers() -> Model:
    return model_of(broken())


@pytest.fixture(scope="module")
def without_map() -> Model:
    return dense_only()


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=NAMES)
def test_a_scan_of_one_bright_spot_is_explained_without_a_crash(model, method, engine):
    made = explain(Request(model, one_spot(), method.id, engine=engine, target="class1"))
    assert made.heat.shape == (64, 64) and np.isfinite(made.heat).all()
    assert made.heat.any() or made.warnings


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_scan_far_from_square_is_explained_too(model, method):
    pixels = np.pad(phantom("glioma", 5, 64).scan.pixels, ((0, 0), (0, 700)))
    made = explain(Request(model, Scan(pixels, digest="2" * 64), method.id))
    assert made.heat.shape == (64, 764) and np.isfinite(made.heat).all()


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=NAMES)
def test_a_saturated_model_still_gets_a_map(saturated, scan, method, engine):
    """Logits in the hundreds: the softmax is exactly 1, its gradient 0, and the logit's gradient is not."""
    made = explain(Request(saturated, scan, method.id, engine=engine))
    assert made.probability == 1
    assert np.isfinite(made.heat).all() and (made.heat.any() or made.warnings)
    assert made.raw.any()


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=NAMES)
def test_a_model_that_no_pixel_changes_has_no_evidence_and_a_warning(indifferent, scan, method, engine):
    made = explain(Request(indifferent, scan, method.id, engine=engine))
    if method.id == "scorecam":  # it weighs activations by probabilities, which are there whatever changes
        assert np.isfinite(made.heat).all()
        return
    assert not made.heat.any()
    lacks = "No sensitivity" if method.sensitivity else "No positive evidence"
    assert len(made.warnings) == 1 and made.warnings[0].startswith(lacks)


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=NAMES)
def test_weights_that_are_not_numbers_are_one_sentence(without_numbers, scan, method, engine):
    with pytest.raises(ModelError, match=r"^tiny-phantom4 .* not finite"):
        explain(Request(without_numbers, scan, method.id, engine=engine))


@pytest.mark.parametrize(("method", "engine"), EVERY, ids=NAMES)
def test_a_network_without_a_map_is_refused_by_those_that_need_one(without_map, scan, method, engine):
    """And explained by the others."""
    if method.id in NEED_A_MAP:
        with pytest.raises(ModelError, match=r"needs a feature map.* explained by saliency, smoothgrad"):
            explain(Request(without_map, scan, method.id, engine=engine))
        return
    made = explain(Request(without_map, scan, method.id, engine=engine, target="class2"))
    assert made.heat.any() and np.isfinite(made.heat).all()


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_class_is_refused_for_every_method(model, scan, method):
    with pytest.raises(ModelError, match=r"'tumour'.*class0, class1, class2, class3"):
        explain(Request(model, scan, method, target="tumour"))


@pytest.mark.parametrize("method", METHODS)
def test_a_model_of_one_channel_in_another_range_is_explained(scan, method):
    import keras

    keras.utils.set_random_seed(2)
    network = keras.Sequential(
        [
            keras.layers.Input((40, 24, 1)),
            keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    model = model_of(network, input=InputSpec(40, 24, 1, value_range=(-1.0, 1.0)))
    made = explain(Request(model, scan, method, target="class1"))
    assert np.isfinite(made.heat).all() and (made.heat.any() or made.warnings)


class Impatient:
    """Cancels at the call after `calls` others."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("calls", [0, 2])
@pytest.mark.parametrize("method", SAMPLING)
def test_a_cancel_in_the_middle_leaves_nothing_behind(wide, scan, untouched, method, calls):
    """The next request gets the map that it would have got."""
    before = untouched(method)
    with pytest.raises(Cancelled):
        explain(Request(wide, scan, method, target="class2", seed=4), cancelled=Impatient(calls), stable=2)
    again = explain(Request(wide, scan, method, target="class2", seed=4)).heat
    np.testing.assert_array_equal(again, before)


def test_an_error_of_the_progress_callback_is_not_swallowed(model, scan):
    def full(share: float) -> None:
        raise RuntimeError("nobody listens")

    with pytest.raises(RuntimeError, match="nobody listens"):
        explain(Request(model, scan, "lime"), progress=full)


def failing_after(calls: int, model: Model) -> Callable[[np.ndarray], np.ndarray]:
    taken = []

    def logits(batch: np.ndarray) -> np.ndarray:
        taken.append(len(batch))
        if len(taken) > calls:
            raise MemoryError("no room")
        return model.runtime.logits(batch)

    return logits


@pytest.mark.parametrize("method", [m for m in SAMPLING if m not in ("smoothgrad", "expected-gradients")])
def test_an_error_of_the_runtime_is_raised_and_leaves_nothing_behind(model, scan, method):
    from dataclasses import replace

    before = explain(Request(model, scan, method, seed=1)).heat
    failing = replace(model, runtime=replace(model.runtime, logits=failing_after(1, model)))
    with pytest.raises(MemoryError, match="no room"):
        explain(Request(failing, scan, method, seed=1))
    np.testing.assert_array_equal(explain(Request(model, scan, method, seed=1)).heat, before)
