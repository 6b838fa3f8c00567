"""Score-CAM's weights are those worked out by hand, and its map equals that of tf-keras-vis."""

import keras
import numpy as np
import pytest

from explain.methods import keras_vis, scorecam
from explain.refinement import MethodInput
from model_zoo import probabilities
from tests.conftest import tiny_network
from tests.explain.analytic import full_size, linear
from tests.explain.networks import ask, make, model_of


def two_channels() -> keras.Model:
    """Channels: red, and green. Logit of class 0: 2 mean(red) - mean(green) of what is visible; of class 1: 0."""
    weights = np.zeros((4, 4, 2, 2), np.float32)
    weights[:, :, 0, 0], weights[:, :, 1, 0] = 2 / 16, -1 / 16
    return linear(weights)


@pytest.fixture
def square() -> np.ndarray:
    """Red grows to the right from 0 to 0.6, green downwards from 0.2 to 0.8."""
    red, green = np.meshgrid(np.linspace(0, 0.6, 4), np.linspace(0.2, 0.8, 4))
    return np.stack([red, green], axis=-1).astype(np.float32)


@pytest.mark.parametrize("target", [0, 1])
def test_the_map_of_two_channels_worked_out_by_hand(square, target):
    """Each channel, stretched to [0, 1], masks the scan; its weight is the probability of what is left."""
    expected = np.zeros((4, 4))
    for channel in range(2):
        values = square[..., channel]
        mask = (values - values.min()) / np.ptp(values)
        red, green = (square * mask[..., None]).mean(axis=(0, 1))
        logit = 2 * red - green
        weight = 1 / (1 + np.exp(-logit if target == 0 else logit))
        expected += weight * values
    np.testing.assert_allclose(ask(scorecam.scorecam, two_channels(), square, target), expected, rtol=1e-5)


@pytest.mark.parametrize(("channels", "target"), [(3, 0), (16, 2), (24, 1)])
def test_it_equals_that_of_tf_keras_vis_once_every_channel_is_evaluated(channels, target, noise):
    """tf-keras-vis takes a softmax of the outputs: right for logits, which is what our graph gives it."""
    ours, theirs = (
        ask(method, full_size(channels), noise[0], target) for method in (scorecam.scorecam, keras_vis.scorecam)
    )
    theirs = np.maximum(theirs, 0)
    np.testing.assert_allclose(ours / ours.max(), theirs / theirs.max(), atol=1e-3)


@pytest.mark.parametrize("name", ["rescaling", "doubly nested", "softmax layer"])
def test_it_agrees_with_tf_keras_vis_on_every_shape_of_network(name, noise):
    """tf-keras-vis puts the corners of a coarse map at the scan's corners, so their masks differ a little."""
    ours, theirs = (ask(method, make(name), noise[0], 0).ravel() for method in (scorecam.scorecam, keras_vis.scorecam))
    assert np.corrcoef(ours, np.maximum(theirs, 0))[0, 1] > 0.99


def test_groups_of_channels_come_close_to_all_of_them(noise):
    given = MethodInput(model_of(full_size(100)), noise[0], 1)
    drafts = list(scorecam.scorecam(given))
    assert len(drafts) == 3 and drafts[-1].done == 1
    assert np.corrcoef(drafts[0].values.ravel(), drafts[-1].values.ravel())[0, 1] > 0.99
    assert drafts[-1].evaluations <= 1 + 16 + 48 + 100  # a dead channel is not evaluated


def test_fewer_channels_than_groups_are_each_evaluated_once(noise):
    (only,) = scorecam.scorecam(MethodInput(model_of(full_size(8)), noise[0], 1))
    assert only.done == 1 and only.evaluations == 1 + 8


def test_a_dead_map_gives_zeros(noise):
    network = tiny_network()
    weights = network.get_weights()
    weights[3] = np.full_like(weights[3], -100.0)  # the bias of the last convolution: nothing passes its ReLU
    network.set_weights(weights)
    made = ask(scorecam.scorecam, network, noise[0], 1)
    assert made.shape == (16, 16) and not made.any()


def test_a_flat_channel_is_left_out_and_not_divided_by(noise):
    network = full_size(4)
    kernel, bias, *others = network.get_weights()
    kernel[..., 2], bias[2] = 0, 0.7
    network.set_weights([kernel, bias, *others])
    (made,) = scorecam.scorecam(MethodInput(model_of(network), noise[0], 1))
    assert np.isfinite(made.values).all() and made.evaluations == 1 + 3


def test_masks_are_laid_over_black_of_the_model_s_own_range(square):
    """In [-1, 1], black is -1: a mask of 0 must show the model black, not grey."""
    from scans import InputSpec

    shown = []
    model = model_of(two_channels(), input=InputSpec(4, 4, 2, value_range=(-1.0, 1.0)))
    runtime = type(model.runtime)(lambda batch: shown.append(batch) or model.runtime.logits(batch), "tensorflow", "f32")
    given = MethodInput(type(model)(model.card, model.network, runtime), 2 * square - 1, 0)
    list(scorecam.scorecam(given))
    assert shown[0][0, :, 0].max() == -1  # where red is least
    np.testing.assert_allclose(shown[0][0, :, -1], (2 * square - 1)[:, -1], atol=1e-6)


def test_the_weight_is_a_probability_of_the_logits_without_the_card_s_temperature(square):
    hot, plain = (
        list(scorecam.scorecam(MethodInput(model_of(two_channels(), temperature=t), square, 0)))[-1].values
        for t in (5.0, 1.0)
    )
    np.testing.assert_array_equal(hot, plain)
    assert probabilities(np.zeros((1, 2))).tolist() == [[0.5, 0.5]]
