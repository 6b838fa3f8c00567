"""Every method works on every bundle of the zoo, without being told a layer, however little time it has."""

import numpy as np
import pytest

from explain import METHODS, Request, explain
from model_zoo import load_model, models
from scans import PHANTOM_SAMPLES, phantom


@pytest.mark.parametrize("name", models())
def test_every_method_explains_every_shipped_model(name):
    model, scan = load_model(name), phantom(*PHANTOM_SAMPLES[0]).scan
    for method in METHODS:
        found = explain(Request(model, scan, method, seconds=0.01))
        assert found.heat.shape == scan.shape and np.isfinite(found.heat).all(), method
        assert found.heat.any() or found.warnings, method  # no blank without a reason
