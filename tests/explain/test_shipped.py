"""Methods work on the models of the zoo without a layer being named: all on some, the quickest of each kind on all."""

from collections.abc import Iterator

import numpy as np
import pytest

from explain import METHODS, Request, explain, predict
from explain.methods.registry import FEATURE_MAP, GRADIENTS
from model_zoo import load_model, models
from scans import PHANTOM_SAMPLES, phantom

pytestmark = pytest.mark.slow

SCAN = phantom(*PHANTOM_SAMPLES[0]).scan
QUICKEST = {"": "occlusion", GRADIENTS: "saliency", FEATURE_MAP: "gradcam"}  # by what a method needs of a model


def pairs() -> Iterator[tuple[str, str]]:
    """Yield all methods with the smallest model of each number of channels, and with every other model the quickest.

    One method of each kind shows that a network has what the kind needs; all methods on the deep networks take minutes.
    """
    channels = set()
    for name, card in sorted(models().items(), key=lambda item: item[1].weights_bytes):
        smallest = card.input.channels not in channels
        channels.add(card.input.channels)
        yield from ((name, method) for method in METHODS if smallest or method in QUICKEST.values())


@pytest.fixture(scope="module")
def predicted(request):
    """A shipped model and its prediction for the phantom, which all methods share."""
    model = load_model(request.param)
    return model, predict(model, SCAN)


@pytest.mark.parametrize(("predicted", "method"), list(pairs()), indirect=["predicted"])
def test_a_method_explains_a_shipped_model_however_little_time_it_has(predicted, method):
    model, prediction = predicted
    explanation = explain(Request(model, SCAN, method, seconds=0.01, prediction=prediction))
    assert explanation.heat.shape == SCAN.shape
    assert np.isfinite(explanation.heat).all()
    assert explanation.heat.any() or explanation.warnings  # no blank map without a reason


def test_every_model_and_method_is_among_the_pairs_and_each_kind_of_method_has_its_quickest():
    assert {model for model, _ in pairs()} == set(models()) and {method for _, method in pairs()} == set(METHODS)
    assert all(METHODS[method].needs == needs for needs, method in QUICKEST.items())
    assert {method.needs for method in METHODS.values()} == set(QUICKEST)
