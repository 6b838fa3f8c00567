"""Weights are randomised from the logits down, in a copy."""

import numpy as np
import pytest

from explain.evaluation.sanity import randomised
from tests.explain.networks import make, model_of


def changed_layers(before, after) -> list[str]:
    pairs = zip(before.weights, after.weights, strict=True)
    return [w.path for w, v in pairs if not np.array_equal(w.numpy(), v.numpy())]


@pytest.mark.parametrize("name", ["functional", "nested", "sequential"])
def test_the_last_layer_is_randomised_first(name):
    model = model_of(make(name))
    found = changed_layers(model.network, randomised(model, 0).network)
    assert found and all("dense" in path for path in found)


@pytest.mark.parametrize("name", ["functional", "nested"])
def test_all_layers_are_randomised_last_and_keep_the_spread_of_their_values(name):
    model = model_of(make(name))
    before = [w.numpy() for w in model.network.weights]
    other = randomised(model, 1).network
    for weights, values in zip(other.weights, before, strict=True):
        np.testing.assert_allclose(np.sort(weights.numpy().ravel()), np.sort(values.ravel()), rtol=1e-6)
    kernels = [path for path in changed_layers(model.network, other) if path.endswith("kernel")]
    assert len(kernels) == sum(w.path.endswith("kernel") for w in other.weights)


def test_the_model_itself_is_not_changed(noise):
    model = model_of(make("nested"))
    before = model.runtime.logits(noise)
    other = randomised(model, 1)
    np.testing.assert_array_equal(model.runtime.logits(noise), before)
    assert np.abs(other.runtime.logits(noise) - before).max() > 0
