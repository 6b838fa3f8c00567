"""Every method works on every bundle of the zoo without a layer being named, however little time it has."""

import numpy as np
import pytest

from explain import METHODS, Request, explain, predict
from model_zoo import load_model, models
from scans import PHANTOM_SAMPLES, phantom

pytestmark = pytest.mark.slow

SCAN = phantom(*PHANTOM_SAMPLES[0]).scan


@pytest.fixture(scope="module", params=models())
def predicted(request):
    """A shipped model and its prediction for the phantom, which all methods share."""
    model = load_model(request.param)
    return model, predict(model, SCAN)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_every_shipped_model(predicted, method):
    model, prediction = predicted
    explanation = explain(Request(model, SCAN, method, seconds=0.01, prediction=prediction))
    assert explanation.heat.shape == SCAN.shape
    assert np.isfinite(explanation.heat).all()
    assert explanation.heat.any() or explanation.warnings  # no blank map without a reason
