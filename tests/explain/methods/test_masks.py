"""Occlusion and RISE find the only place that a model looks at, with the value worked out by hand."""

import cv2
import numpy as np
import pytest

from explain.methods import masks
from explain.methods.balanced_masks import balanced_masks
from explain.refinement import MethodInput
from scans import InputSpec
from tests.explain.analytic import constant, counted, mean_of
from tests.explain.networks import make, model_of

PATCH = (slice(12, 16), slice(20, 24))  # one of the 8 x 8 windows of a square of 32


@pytest.fixture
def square() -> np.ndarray:
    """Grey, with a bright patch where the model looks; it has no air, so the head is all of it."""
    grey = np.full((32, 32, 1), 0.5, np.float32)
    grey[PATCH] = 1
    return grey


def test_a_covered_patch_drops_the_logit_by_what_the_filling_lacks(square):
    """Edge to edge, one window is the patch: its mean, 1, becomes that of a blur over 9 x 9 pixels."""
    given = MethodInput(model_of(mean_of(PATCH, scale=3)), square, 0)
    coarse = next(masks.occlusion(given))
    expected = 3 * (1 - cv2.blur(square, (9, 9))[PATCH].mean())
    np.testing.assert_allclose(coarse.values[PATCH], expected, rtol=1e-4)
    coarse.values[PATCH] = 0
    assert not coarse.values.any()
    assert coarse.evaluations == 1 + 64 and coarse.done == 0.5


def test_half_windows_are_predicted_and_those_between_interpolated(square):
    """The same again, place by place: windows every 2 pixels are predicted, those every pixel lie between them."""
    given = MethodInput(model_of(mean_of(PATCH, scale=3)), square, 0)
    *_, finest = masks.occlusion(given)
    filled, total, times = cv2.blur(square, (9, 9)), np.zeros((32, 32)), np.zeros((32, 32))

    def drop(row: int, column: int) -> float:
        covered = square[..., 0].copy()
        window = np.s_[row : row + 4, column : column + 4]
        covered[window] = filled[window]
        return 3 * (square[(*PATCH, 0)].mean() - covered[PATCH].mean())

    for row in range(29):
        for column in range(29):
            around = [
                (r, c) for r in {row - row % 2, row + row % 2} for c in {column - column % 2, column + column % 2}
            ]
            total[row : row + 4, column : column + 4] += np.mean([drop(*place) for place in around])
            times[row : row + 4, column : column + 4] += 1
    np.testing.assert_allclose(finest.values, total / times, atol=1e-5)
    assert finest.evaluations == 1 + 15 * 15 and finest.done == 1
    inside = np.zeros((32, 32), bool)
    inside[8:20, 16:28] = True  # 4 pixels further, no window beside one that reaches the patch
    assert not finest.values[~inside].any()
    assert finest.values.argmax() in np.flatnonzero(inside)


def test_air_is_not_covered():
    """Windows that touch no head are not evaluated, and their place is 0."""
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    round_head = np.where(np.hypot(x, y) < 0.5, 0.6, 0)[..., None].astype(np.float32)
    model, calls = counted(model_of(mean_of((slice(0, 32), slice(0, 32)))))
    given = MethodInput(model, round_head, 0)
    coarse = next(masks.occlusion(given))
    assert sum(calls) == coarse.evaluations < 1 + 64 and not coarse.values[:4, :4].any()
    *_, finest = masks.occlusion(given)
    assert finest.values[16, 16] >= 0


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0)])
def test_rise_peaks_where_the_model_looks(square, value_range):
    low, high = value_range
    patch = (slice(8, 13), slice(18, 23))
    shown = (low + (high - low) * np.full_like(square, 0.8)).astype(np.float32)
    model = model_of(mean_of(patch), input=InputSpec(32, 32, 1, value_range=value_range))
    *_, last = masks.rise(MethodInput(model, shown, 0, seed=1))
    row, column = np.unravel_index(last.values.argmax(), last.values.shape)
    assert 7 <= row <= 13 and 17 <= column <= 23
    # shown, the patch is 0.8 of the range and hidden it is black: that is the height of the peak, blurred by the cells
    assert 0.7 * 0.8 * (high - low) < last.values.max() < 1.1 * 0.8 * (high - low)
    far = last.values[22:, :10]
    assert np.abs(far).max() < 0.2 * last.values.max()


def test_a_constant_model_has_no_evidence_for_rise():
    square = np.random.default_rng(0).random((32, 32, 3), dtype=np.float32)
    given = MethodInput(model_of(constant()), square, 0)
    for draft in masks.rise(given, sets=2):
        assert not draft.values.any()
    *_, covered = masks.occlusion(given)
    assert not covered.values.any()


def test_rise_does_not_depend_on_a_bias_of_the_logit(square):
    """The authors' sum adds the mean score to every pixel by how often it was shown: noise, in a short run."""
    networks = [mean_of(PATCH, above=above) for above in (0.0, 50.0)]
    low, high = (list(masks.rise(MethodInput(model_of(each), square, 0), sets=1))[-1].values for each in networks)
    np.testing.assert_allclose(low, high, atol=1e-4)


def test_masks_are_soft_in_the_unit_range_and_show_half():
    coarse = balanced_masks(64, 0).reshape(-1, 8, 8)
    offsets = np.random.default_rng(0).random((8, 2))
    drawn = np.concatenate([masks.soft_masks(coarse, (32, 48), offset) for offset in offsets])
    assert drawn.shape == (8 * 128, 32, 48) and drawn.dtype == np.float32
    assert drawn.min() == 0 and drawn.max() == 1
    np.testing.assert_allclose(drawn.mean(axis=0), 0.5, atol=1e-6)  # every mask has its complement
    assert ((drawn > 0.1) & (drawn < 0.9)).mean() > 0.2


def test_the_drafts_of_rise_double_and_each_rests_on_all_before(noise):
    model, calls = counted(model_of(make("functional")))
    drafts = list(masks.rise(MethodInput(model, noise[0], 0)))
    assert [draft.evaluations for draft in drafts] == [128, 256, 512, 640] and sum(calls) == 640
    again = list(masks.rise(MethodInput(model, noise[0], 0), sets=2))
    np.testing.assert_array_equal(again[-1].values, drafts[1].values)
