"""LIME's weights are those of the stock package, and its regions keep to the head."""

import cv2
import numpy as np
import pytest

from explain.methods import lime as regions
from explain.methods.balanced_masks import balanced_masks
from explain.refinement import MethodInput
from scans import InputSpec, fit, phantom
from tests.conftest import tiny_network
from tests.explain.analytic import constant, counted, linear
from tests.explain.networks import make, model_of

pytestmark = pytest.mark.slow


def question_of(network, square: np.ndarray, target: int = 0, seed: int = 0) -> MethodInput:
    return MethodInput(model_of(network), square, target, seed)


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    """A head as a model of 64 pixels takes it."""
    return fit(phantom("glioma", 5).scan, InputSpec(64, 64))[0]


def weights_of(raw, labels: np.ndarray) -> np.ndarray:
    """The weight of each region, read off the map."""
    first = [np.flatnonzero(labels.ravel() == k)[0] for k in range(labels.max() + 1)]
    return raw.values.ravel()[first]


@pytest.mark.parametrize(("seed", "sets"), [(0, 2), (3, 3), (11, 5)])
def test_the_weights_are_those_of_the_lime_package_on_the_same_samples(square, seed, sets):
    from lime.lime_image import LimeImageExplainer

    given = question_of(tiny_network(side=64), square, 2, seed)
    labels = regions.superpixels(given)
    count = int(labels.max()) + 1
    *_, last = regions.lime(given, sets)
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([np.ones((1, count)), *(balanced_masks(count, rng) for _ in range(sets))]).astype(int)

    class Drawn(np.random.RandomState):
        """lime's generator, which gives our samples in the place of its own."""

        def randint(self, *_):
            return drawn.ravel()

    stock = LimeImageExplainer(random_state=Drawn(seed)).explain_instance(
        square,
        given.logits,
        labels=(2,),
        top_labels=None,
        num_samples=len(drawn),
        batch_size=64,
        segmentation_fn=lambda image: labels,
        random_seed=0,
    )
    expected = np.zeros(count)
    for region, weight in stock.local_exp[2]:
        expected[region] = weight
    np.testing.assert_allclose(weights_of(last, labels), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert last.evaluations == len(drawn) and f"{stock.score:.2f}" in last.notes[0]


def test_a_model_that_looks_into_one_region_gets_its_weight_there(square):
    """The logit is what the region's pixels differ from their mean, squared: hidden, it loses all of it."""
    labels = regions.superpixels(question_of(constant(64), square))
    chosen = int(np.argmax([square[labels == k].var() for k in range(labels.max())]))
    hidden = regions.with_means(square, labels)
    weights = np.zeros((64, 64, 3, 2), np.float32)
    weights[..., 0] = np.where((labels == chosen)[..., None], square - hidden, 0)
    weights *= 10 / (weights[..., 0] * square).sum()
    *_, last = regions.lime(question_of(linear(weights), square))
    made = weights_of(last, labels)
    assert made.argmax() == chosen and made[chosen] == pytest.approx(10, rel=0.03)
    assert np.abs(np.delete(made, chosen)).max() < 0.1
    assert float(last.notes[0].removeprefix("R2 of LIME's linear model: ").rstrip(".")) > 0.98


def test_regions_whose_effects_multiply_get_a_note_on_the_fit(square):
    labels = regions.superpixels(question_of(constant(64), square))
    hidden = regions.with_means(square, labels)
    *_, last = regions.lime(_parity(labels, square, hidden), sets=4)
    assert last.notes[0].endswith("approximate.")


def _parity(labels: np.ndarray, square: np.ndarray, hidden: np.ndarray) -> MethodInput:
    """A model that counts whether an even number of the two regions with most contrast is shown."""
    from dataclasses import replace

    model = model_of(constant(64))
    order = np.argsort([-square[labels == k].var() for k in range(labels.max())])[:2]

    def logits(batch: np.ndarray) -> np.ndarray:
        inside = [batch[:, labels == k] for k in order]
        shown = [
            np.abs(part - hidden[labels == k]).sum(axis=(1, 2)) > 1e-3 for part, k in zip(inside, order, strict=True)
        ]
        return np.stack([np.where(shown[0] == shown[1], 1.0, -1.0), np.zeros(len(batch))], axis=1).astype(np.float32)

    return MethodInput(replace(model, runtime=replace(model.runtime, logits=logits)), square, 0)


@pytest.mark.parametrize("seed", [5, 6, 900_010])
@pytest.mark.parametrize("kind", ["glioma", "notumor"])
def test_the_regions_cover_the_head_and_the_air_is_the_last(kind, seed):
    given = question_of(constant(64), fit(phantom(kind, seed).scan, InputSpec(64, 64))[0])
    labels = regions.superpixels(given)
    assert labels.shape == (64, 64) and sorted(np.unique(labels)) == list(range(labels.max() + 1))
    np.testing.assert_array_equal(labels == labels.max(), ~given.head)
    assert 20 <= labels.max() <= 60


def test_a_scan_without_air_has_regions_all_over():
    """A head that fills its square, as a crop can leave it: no region is left over for the air."""
    grain = np.random.default_rng(0).random((64, 64, 1), dtype=np.float32)
    square = np.repeat(0.3 + 0.5 * cv2.GaussianBlur(grain, (0, 0), 3)[..., None], 3, axis=-1).astype(np.float32)
    given = question_of(constant(64), square)
    labels = regions.superpixels(given)
    assert given.head.all() and sorted(np.unique(labels)) == list(range(labels.max() + 1))
    *_, last = regions.lime(given, sets=1)
    assert not last.values.any()


def test_a_hidden_region_has_its_mean_colour(square):
    labels = regions.superpixels(question_of(constant(64), square))
    hidden = regions.with_means(square, labels)
    assert hidden.shape == square.shape and hidden.dtype == np.float32
    for region in range(labels.max() + 1):
        inside = labels == region
        expected = np.broadcast_to(square[inside].mean(axis=0), (inside.sum(), 3))
        np.testing.assert_allclose(hidden[inside], expected, atol=1e-6)


def test_lime_is_blind_to_the_mean_of_a_region(square):
    """Regions are hidden by their mean: a model that uses nothing else has no evidence, by design."""
    labels = regions.superpixels(question_of(constant(64), square))
    weights = np.zeros((64, 64, 3, 2), np.float32)
    weights[labels == 3, 0, 0] = 10 / (labels == 3).sum()
    *_, last = regions.lime(question_of(linear(weights), square), sets=4)
    np.testing.assert_allclose(last.values, 0, atol=1e-4)


def test_drafts_double_and_evaluate_only_new_samples(noise):
    model, calls = counted(model_of(make("functional")))
    given = MethodInput(model, noise[0], 0)
    of_one_set = len(balanced_masks(int(regions.superpixels(given).max()) + 1, 0))
    drafts = list(regions.lime(given))
    assert [draft.evaluations for draft in drafts] == [1 + sets * of_one_set for sets in (1, 2, 4, 5)]
    assert sum(calls) == drafts[-1].evaluations


def test_the_seed_decides_the_map_and_a_used_explainer_does_not(noise):
    network = make("functional")
    first, again, other = (
        list(regions.lime(question_of(network, noise[0], 1, seed), sets=1))[-1].values for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
