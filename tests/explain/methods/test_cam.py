"""The CAMs are those worked out by hand, and equal those of tf-keras-vis."""

import keras
import numpy as np
import pytest

from explain.methods import METHODS, cam, keras_vis
from explain.refinement import MethodInput
from tests.explain.networks import NETWORKS, ask, make, model_of
from train.precision import dtype_policy

pytestmark = pytest.mark.slow


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
    square = np.random.default_rng(0).random((4, 4, 3), dtype=np.float32)
    red, green = square[..., 0], square[..., 1]
    np.testing.assert_allclose(ask(cam.gradcam, by_hand(), square, 0), (3 * red - 2 * green) / 16, atol=1e-6)
    assert (ask(cam.gradcam, by_hand(), square, 1) <= 0).all()


def test_all_four_maps_worked_out_by_hand():
    """g is 3 / 16 for red and -2 / 16 for green, everywhere: positive in the first channel alone."""
    square = np.random.default_rng(0).random((4, 4, 3), dtype=np.float32)
    red, green = square[..., 0], square[..., 1]
    maps = cam.four_cams(MethodInput(model_of(by_hand()), square, 0))
    np.testing.assert_allclose(maps["hirescam"], (3 * red - 2 * green) / 16, atol=1e-6)
    np.testing.assert_allclose(maps["layercam"], 3 * red / 16, atol=1e-6)
    # alpha is the same in all cells and adds up to 1, so the weight is the positive g itself
    np.testing.assert_allclose(maps["gradcam++"], 3 * red / 16, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "gradient"),
    [((1, 2, 0, 0), (3, 1, 0, 0)), ((1, 2, 1, 0), (3, -5, 1, 0))],
    ids=["positive", "of both signs"],
)
def test_grad_cam_plus_plus_favours_by_its_second_and_third_derivative_where_the_gradient_is_positive(values, gradient):
    """One channel A, a logit that is linear in it: alpha = g^2 / (2 g^2 + g^3 sum(A)) where g > 0, of sum 1."""
    network = keras.Sequential(
        [
            keras.layers.Input((2, 2, 1)),
            keras.layers.Conv2D(1, 1, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    kernel = np.stack([gradient, np.zeros(4)], axis=1).astype(np.float32)
    network.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), kernel, np.zeros(2)])
    g = np.array([each for each in gradient if each > 0], float)
    alpha = g**2 / (2 * g**2 + g**3 * sum(values))
    weight = (alpha / alpha.sum() * g).sum()
    square = np.array(values, np.float32).reshape(2, 2, 1)
    np.testing.assert_allclose(ask(cam.gradcam_plus_plus, network, square, 0), weight * square[..., 0], rtol=1e-5)


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_grad_cam_plus_plus_is_nowhere_negative(name, target, noise):
    """Its weights are sums of positive gradients, and all these maps come after a ReLU."""
    assert ask(cam.gradcam_plus_plus, make(name), noise[0], target).min() >= 0


FLAT = {"sequential", "softmax activation"}  # these flatten their map, so that gradients differ within a channel


@pytest.mark.parametrize("method", ["gradcam", "gradcam++", "layercam"])
@pytest.mark.parametrize("target", [0, 2])
@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"pooled inside"}))
def test_the_compiled_map_equals_that_of_tf_keras_vis(name, target, method, noise):
    if method == "gradcam++" and name in FLAT:
        pytest.skip("tf-keras-vis 0.8.7 counts cells of negative gradient in the sum that it divides by")
    network = make(name)
    ours, theirs = (
        np.maximum(ask(METHODS[method].engines[engine], network, noise[0], target), 0)
        for engine in ("compiled", "tf-keras-vis")
    )
    if not theirs.any():
        assert not ours.any()
        return
    np.testing.assert_allclose(ours / ours.max(), theirs / theirs.max(), atol=1e-3)


def test_tf_keras_vis_raises_an_error_for_a_tap_that_it_cannot_reach(noise):
    with pytest.raises(ValueError, match="use the compiled engine"):
        ask(keras_vis.gradcam, make("pooled inside"), noise[0], 0)


def test_a_frozen_network_is_explained_too(noise):
    network, frozen = make("nested"), make("nested")
    frozen.trainable = False
    before, after = (ask(cam.gradcam, each, noise[0], 1) for each in (network, frozen))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_mixed_precision_network_gives_a_float32_map(noise):
    with dtype_policy("mixed_bfloat16"):
        network = make("functional")
    values = ask(cam.gradcam, network, noise[0], 0)
    assert values.dtype == np.float32 and np.isfinite(values).all() and np.abs(values).max() > 0


def test_the_same_scan_gives_the_same_map_bit_for_bit(noise):
    network = make("functional")
    first, second = (ask(cam.gradcam, network, noise[0], 0) for _ in range(2))
    np.testing.assert_array_equal(first, second)
