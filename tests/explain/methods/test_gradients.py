"""Gradients of networks whose gradient can be written down."""

import numpy as np
import pytest

from explain.methods import gradients, keras_vis
from explain.methods.gradients import BASELINES, doubling, healthy_heads
from explain.refinement import MethodInput
from scans import InputSpec
from tests.explain.analytic import constant, counted, drawn, linear
from tests.explain.networks import ask, make, model_of

pytestmark = pytest.mark.slow

SIDE = 16
WEIGHTS = drawn(SIDE)


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    return np.random.default_rng(1).random((SIDE, SIDE, 3), dtype=np.float32)


@pytest.mark.parametrize("target", [0, 2])
def test_the_saliency_of_a_linear_network_is_its_largest_absolute_weight(square, target):
    made = ask(gradients.saliency, linear(WEIGHTS), square, target)
    np.testing.assert_allclose(made, np.abs(WEIGHTS[..., target]).max(axis=-1), rtol=1e-5)


def test_the_smoothgrad_of_a_linear_network_is_its_saliency(square):
    smooth, plain = (ask(method, linear(WEIGHTS), square, 1) for method in (gradients.smoothgrad, gradients.saliency))
    np.testing.assert_allclose(smooth, plain, rtol=1e-5)


@pytest.mark.parametrize("name", ["sequential", "nested", "softmax layer"])
def test_smoothgrad_equals_that_of_tf_keras_vis_sample_by_sample(name, noise):
    """The same seed draws the same noise there: 20 samples of each, not 20 of their own."""
    given = MethodInput(model_of(make(name)), noise[0], 1, seed=7)
    ours, theirs = (list(made)[-1].values for made in (gradients.smoothgrad(given, 20), keras_vis.smoothgrad(given)))
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max())


@pytest.mark.parametrize("name", ["rescaling", "doubly nested", "pooled inside", "softmax activation"])
def test_saliency_equals_that_of_tf_keras_vis(name, noise):
    ours, theirs = (ask(method, make(name), noise[0], 2) for method in (gradients.saliency, keras_vis.saliency))
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max())


def test_the_integrated_gradients_of_a_linear_network_are_weight_times_pixel(square):
    made = ask(gradients.integrated_gradients, linear(WEIGHTS), square, 0)
    np.testing.assert_allclose(made, (WEIGHTS[..., 0] * square).sum(axis=-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0)])
@pytest.mark.parametrize("name", ["sequential", "functional", "nested in sequential", "squeeze"])
def test_integrated_gradients_add_up_to_the_change_of_the_logit_from_black(name, value_range, noise):
    square = value_range[0] + noise[0] * (value_range[1] - value_range[0])
    spec = InputSpec(32, 32, value_range=value_range)
    given = MethodInput(model_of(make(name), input=spec), square.astype(np.float32), 1)
    change = np.diff(given.scores(np.stack([np.full_like(square, value_range[0]), square])))[0]
    last = list(gradients.integrated_gradients(given))[-1]
    assert float(last.values.sum()) == pytest.approx(float(change), rel=0.03, abs=0.01)
    assert last.notes == ()


def test_the_midpoints_of_integrated_gradients_nest(square):
    """9, 27 and 81 steps cost 9, 27 and 81 passes in all, besides two for the change."""
    model, calls = counted(model_of(linear(WEIGHTS)))
    drafts = list(gradients.integrated_gradients(MethodInput(model, square, 0)))
    assert [draft.evaluations for draft in drafts] == [9 + 2, 27 + 2, 81 + 2]
    assert [round(draft.done, 3) for draft in drafts] == [0.111, 0.333, 1]
    assert sum(calls) == 2


@pytest.mark.parametrize("steps", [9, 27, 81])
def test_integrated_gradients_are_the_mean_gradient_at_the_midpoints(steps):
    """Behind ReLU(x - 0.5) summed up, a pixel's gradient is 0 until it is 0.5 on the way, and 1 from there."""
    network = linear(np.ones((4, 4, 1, 2), np.float32), activation="relu")
    kernel, _, *others = network.get_weights()
    network.set_weights([kernel, np.array([-0.5]), *others])
    square = np.linspace(0.4, 0.99, 16, dtype=np.float32).reshape(4, 4, 1)
    made = list(gradients.integrated_gradients(MethodInput(model_of(network), square, 0), steps))[-1]
    middles = (np.arange(steps) + 0.5) / steps
    expected = square[..., 0] * (middles * square > 0.5).mean(axis=-1)
    np.testing.assert_allclose(made.values, expected, atol=1e-6)


def test_a_sum_that_is_off_by_more_than_a_tenth_is_noted():
    """ReLU(x - 0.97): the scan's logit is 0.03, and 9 midpoints see nothing of it."""
    network = linear(np.ones((4, 4, 1, 2), np.float32), activation="relu")
    kernel, _, *others = network.get_weights()
    network.set_weights([kernel, np.array([-0.97]), *others])
    given = MethodInput(model_of(network), np.ones((4, 4, 1), np.float32), 0)
    first, *_, last = gradients.integrated_gradients(given)
    assert "add up to 0.00, the logit changes by 0.48" in first.notes[0]
    assert last.values.sum() == pytest.approx(0.48, rel=0.35)


def test_the_expected_gradients_of_a_linear_network_are_weight_times_the_distance_from_the_mean_baseline():
    """All 24 baselines are used equally often, so what remains of them is their mean."""
    weights = drawn(32)
    square = np.random.default_rng(2).random((32, 32, 3), dtype=np.float32)
    given = MethodInput(model_of(linear(weights)), square, 2, seed=5)
    baseline = healthy_heads(given.model.card.input).mean(axis=0)
    expected = (weights[..., 2] * (square - baseline)).sum(axis=-1)
    for draft in gradients.expected_gradients(given):
        assert draft.evaluations % BASELINES == 0
        np.testing.assert_allclose(draft.values, expected, atol=1e-4)


def test_expected_gradients_come_close_to_the_change_of_the_logit_from_the_baselines(noise):
    given = MethodInput(model_of(make("functional")), noise[0], 0)
    change = given.scores(noise[:1])[0] - given.scores(healthy_heads(given.model.card.input)).mean()
    *_, last = gradients.expected_gradients(given)
    assert float(last.values.sum()) == pytest.approx(float(change), rel=0.1)


def test_shap_s_expected_gradients_show_the_same_as_ours(noise):
    """Both draw at random, shap from 200 samples; the network is linear where all units are on."""
    from explain.methods.shapley import gradient_explainer

    weights = np.abs(drawn(32)) * np.linspace(0, 1, 32)[:, None, None, None]
    network = linear(weights.astype(np.float32))
    ours, theirs = (ask(method, network, noise[0], 1) for method in (gradients.expected_gradients, gradient_explainer))
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.97


def test_healthy_heads_are_made_once_and_cannot_be_changed():
    spec = InputSpec(32, 32)
    heads = healthy_heads(spec)
    assert heads is healthy_heads(InputSpec(32, 32)) and heads.shape == (BASELINES, 32, 32, 3)
    assert len({each.tobytes() for each in heads}) == BASELINES
    with pytest.raises(ValueError, match="read-only"):
        heads[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("first", "most", "steps"),
    [(5, 40, [(5, 5), (10, 5), (20, 10), (40, 20)]), (24, 60, [(24, 24), (48, 24), (60, 12)]), (9, 4, [(4, 4)])],
)
def test_samples_double_up_to_the_most(first, most, steps):
    assert list(doubling(first, most)) == steps


@pytest.mark.parametrize("size", [1, 3, 10, 23])
def test_a_batch_of_any_size_gives_each_scan_its_own_gradient(size):
    network = make("sequential")
    batch = np.random.default_rng(4).random((size, 32, 32, 3), dtype=np.float32)
    given = MethodInput(model_of(network), batch[0], 1)
    together = gradients.input_gradients(given, batch)
    alone = np.concatenate([gradients.input_gradients(given, each[None]) for each in batch])
    assert together.shape == batch.shape and together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_no_pixel_changes_a_constant_logit(square):
    for method in (gradients.saliency, gradients.smoothgrad, gradients.integrated_gradients):
        assert not ask(method, constant(SIDE), square, 0).any()
