"""Grad-CAM is right where it can be worked out by hand, and equals tf-keras-vis everywhere else."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest

from explain import cam, keras_vis
from model_zoo.tap import find_tap
from tests.explain.networks import NETWORKS, make


@dataclass(frozen=True)
class BareModel:
    """Just enough of a `model_zoo.Model` for an engine: a network and the layer to tap."""

    network: object

    @property
    def card(self):
        return self

    @property
    def tap(self) -> str:
        return find_tap(self.network)


def by_hand() -> keras.Model:
    """Two channels, the input's red and green, pooled to their means; class 0 = 3 red - 2 green, class 1 = -red."""
    network = keras.Sequential(
        [
            keras.layers.Input((4, 4, 3)),
            keras.layers.Conv2D(2, 1, activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1
    network.set_weights([kernel, np.zeros(2), np.array([[3, -1], [-2, 0]], np.float32), np.zeros(2)])
    return network


def test_the_map_of_a_network_worked_out_by_hand():
    """The logit is a mean over 16 cells, so each channel's gradient is its weight / 16 in every cell."""
    batch = np.random.default_rng(0).random((1, 4, 4, 3), dtype=np.float32)
    red, green = batch[0, ..., 0], batch[0, ..., 1]
    values, evaluations = cam.gradcam(BareModel(by_hand()), batch, 0)
    np.testing.assert_allclose(values, (3 * red - 2 * green) / 16, atol=1e-6)
    assert evaluations == 1
    assert (cam.gradcam(BareModel(by_hand()), batch, 1).values <= 0).all()


@pytest.mark.parametrize("target", [0, 2])
@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"pooled inside", "softmax activation", "softmax layer"}))
def test_the_compiled_map_equals_that_of_tf_keras_vis(name, target, noise):
    model = BareModel(make(name))
    ours, theirs = (engine(model, noise[:1], target).values for engine in (cam.gradcam, keras_vis.gradcam))
    assert np.abs(ours).max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())


def test_tf_keras_vis_says_where_it_cannot_reach(noise):
    with pytest.raises(ValueError, match="use the compiled engine"):
        keras_vis.gradcam(BareModel(make("pooled inside")), noise[:1], 0)


def test_a_frozen_network_is_explained_too(noise):
    network = make("nested")
    before = cam.gradcam(BareModel(network), noise[:1], 1).values
    frozen = make("nested")
    frozen.trainable = False
    np.testing.assert_allclose(cam.gradcam(BareModel(frozen), noise[:1], 1).values, before, atol=1e-6)


def test_a_mixed_precision_network_gives_a_float32_map(noise):
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        network = make("functional")
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    values = cam.gradcam(BareModel(network), noise[:1], 0).values
    assert values.dtype == np.float32 and np.isfinite(values).all() and np.abs(values).max() > 0


def test_the_same_scan_gives_the_same_map_bit_for_bit(noise):
    model = BareModel(make("functional"))
    first, second = (cam.gradcam(model, noise[:1], 0).values for _ in range(2))
    np.testing.assert_array_equal(first, second)
