"""SHAP's shares add up, are those of the stock package, and lie where a model looks."""

import cv2
import numpy as np
import pytest
from scipy.stats import spearmanr

from explain.methods import shapley
from explain.refinement import MethodInput
from scans import InputSpec, fit, phantom
from tests.conftest import tiny_network
from tests.explain.analytic import constant, counted, linear
from tests.explain.networks import make, model_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    return fit(phantom("meningioma", 5).scan, InputSpec(64, 64))[0]


def last_of(given: MethodInput, **options):
    return list(shapley.shap_regions(given, **options))[-1]


@pytest.mark.parametrize("name", ["sequential", "functional", "nested", "squeeze"])
def test_the_shares_add_up_to_the_change_from_a_blurred_scan(name, noise):
    given = MethodInput(model_of(make(name)), noise[0], 1)
    blurred, whole = given.scores(np.stack([cv2.blur(noise[0], (16, 16)), noise[0]]))
    for draft in shapley.shap_regions(given):
        assert draft.values.shape == (32, 32) and draft.values.sum() == pytest.approx(whole - blurred, abs=1e-4)


def test_the_shares_are_those_of_the_shap_package(square):
    """Stock: its tree over pixels and channels, cut off at as many evaluations; a cell is 2 x 2 pixels, 3 channels."""
    import shap

    given = MethodInput(model_of(tiny_network(side=64)), square, 1)
    explainer = shap.Explainer(given.scores, shap.maskers.Image("blur(16,16)", square.shape))
    stock = explainer(square[None], max_evals=500, batch_size=50, silent=True).values[0]
    cells = stock.reshape(32, 2, 32, 2, 3).sum(axis=(1, 3, 4))
    ours = last_of(given, evaluations=500).values
    assert ours.sum() == pytest.approx(cells.sum(), abs=1e-4)
    assert spearmanr(ours.ravel(), cells.ravel()).statistic >= 0.95


def test_a_model_that_looks_at_one_quadrant_gets_its_share_there(square):
    weights = np.zeros((64, 64, 3, 2), np.float32)
    weights[:32, 32:, :, 0] = np.random.default_rng(0).normal(size=(32, 32, 3))
    given = MethodInput(model_of(linear(weights)), square, 0)
    blurred, whole = given.scores(np.stack([cv2.blur(square, (16, 16)), square]))
    shares = last_of(given).values
    assert shares[:16, 16:].sum() == pytest.approx(whole - blurred, rel=1e-4)
    shares[:16, 16:] = 0
    np.testing.assert_allclose(shares, 0, atol=1e-4)


def test_the_share_of_a_linear_model_is_each_cell_s_own_change():
    """With 4 x 4 blocks that matter, 500 evaluations reach each of them."""
    square = np.random.default_rng(1).random((32, 32, 1), dtype=np.float32)
    weights = np.zeros((32, 32, 1, 2), np.float32)
    weights[8:12, 16:20, 0, 0] = 1
    shares = last_of(MethodInput(model_of(linear(weights)), square, 0)).values
    blurred = cv2.blur(square, (16, 16))
    expected = (square[8:12, 16:20, 0] - blurred[8:12, 16:20]).sum()
    assert shares[8:12, 16:20].sum() == pytest.approx(expected, abs=1e-4)


def test_nothing_changes_a_constant_model(square):
    shares = last_of(MethodInput(model_of(constant(64)), square, 0))
    assert not shares.values.any()


def test_a_finer_draft_evaluates_only_masks_that_a_coarser_one_did_not(noise):
    model, calls = counted(model_of(make("functional")))
    drafts = list(shapley.shap_regions(MethodInput(model, noise[0], 0)))
    assert [draft.done for draft in drafts] == [0.2, 0.5, 1]
    assert sum(calls) == drafts[-1].evaluations <= 520
    assert drafts[0].evaluations < drafts[1].evaluations < drafts[2].evaluations


@pytest.mark.parametrize("shape", [(40, 56), (33, 47)])
def test_a_square_that_cells_do_not_divide_is_shared_out_too(shape):
    square = np.random.default_rng(2).random((*shape, 1), dtype=np.float32)
    weights = np.random.default_rng(3).normal(size=(*shape, 1, 2)).astype(np.float32)
    given = MethodInput(model_of(linear(weights)), square, 1)
    blurred = cv2.blur(square, (16, 16))[..., None]
    change = float(np.diff(given.scores(np.stack([blurred, square])))[0])
    assert last_of(given, evaluations=100).values.sum() == pytest.approx(change, rel=1e-3)


def test_the_shares_do_not_depend_on_what_else_draws_from_numpy():
    """shap tosses a coin if two halves matter equally, as they all do here, from NumPy's global generator."""
    given = MethodInput(
        model_of(linear(np.ones((32, 32, 3, 2), np.float32) / 3072)), np.ones((32, 32, 3), np.float32), 0
    )
    maps = []
    for seed in range(4):
        np.random.seed(seed)
        before = np.random.get_state()[1].copy()
        maps.append(last_of(given).values.tobytes())
        np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert len(set(maps)) == 1
