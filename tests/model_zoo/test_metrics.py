"""Formulas against cases counted by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from model_zoo.metrics import (
    accuracy,
    auc,
    balanced_accuracy,
    calibration_error,
    calibration_gaps,
    confidence_bins,
    confusion_matrices,
    draws,
    interval,
    macro_f1,
    precision,
    recall,
)

# true a: 3 called a, 1 called b; true b: 4 called b, 2 called a
CONFUSION = np.array([[[3.0, 1.0], [2.0, 4.0]]])


def random_answers(scans: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities to two decimals, so that there are ties, and labels that they say something about."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, scans)
    logits = rng.normal(0, 1, (scans, classes)) + np.eye(classes)[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = np.round(p, 2)
    p[:, -1] = 1 - p[:, :-1].sum(axis=1)
    return p, truth


def test_measures_of_a_matrix_counted_by_hand():
    assert accuracy(CONFUSION)[0] == pytest.approx(7 / 10)
    assert balanced_accuracy(CONFUSION)[0] == pytest.approx((3 / 4 + 4 / 6) / 2)
    assert macro_f1(CONFUSION)[0] == pytest.approx((2 * 3 / (4 + 5) + 2 * 4 / (6 + 5)) / 2)
    np.testing.assert_allclose(recall(CONFUSION), [[3 / 4, 4 / 6]])
    np.testing.assert_allclose(precision(CONFUSION), [[3 / 5, 4 / 5]])


def test_a_class_that_is_absent_does_not_count():
    absent = np.array([[[3.0, 1.0], [0.0, 0.0]]])
    assert balanced_accuracy(absent)[0] == pytest.approx(3 / 4)
    assert macro_f1(absent)[0] == pytest.approx(2 * 3 / (4 + 3))
    np.testing.assert_array_equal(recall(absent), [[3 / 4, np.nan]])


def test_a_class_never_called_has_no_precision():
    np.testing.assert_array_equal(precision(np.array([[[3.0, 0.0], [1.0, 0.0]]])), [[3 / 4, np.nan]])


def test_confusions_are_counted_by_group():
    counted = confusion_matrices(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    np.testing.assert_array_equal(counted, [[[1, 0], [1, 0]], [[0, 0], [0, 1]]])


def test_the_area_under_a_curve_drawn_by_hand():
    """Positives at 0.9 and 0.4, negatives at 0.6 and 0.4: of 4 pairs 2 are in order, 1 is tied, so 2.5 / 4."""
    score = np.array([0.9, 0.4, 0.6, 0.4])
    p = np.stack([score, 1 - score], axis=1)
    assert auc(p, np.array([0, 0, 1, 1]), np.ones((1, 4)))[0] == pytest.approx(2.5 / 4)


@pytest.mark.parametrize("classes", [3, 4, 15])
def test_the_area_is_scikit_learn_s(classes):
    p, truth = random_answers(400, classes)
    wanted = roc_auc_score(truth, p, multi_class="ovr", average="macro")
    assert auc(p, truth, np.ones((1, 400)))[0] == pytest.approx(wanted, abs=1e-12)


def test_a_scan_drawn_twice_weighs_as_two_scans():
    p, truth = random_answers(60, 3)
    weights = np.random.default_rng(1).integers(0, 3, (5, 60)).astype(float)
    for found, weight in zip(auc(p, truth, weights), weights.astype(int), strict=True):
        wanted = roc_auc_score(np.repeat(truth, weight), np.repeat(p, weight, axis=0), multi_class="ovr")
        assert found == pytest.approx(wanted, abs=1e-12)


def test_a_class_absent_from_a_resample_does_not_count_in_its_area():
    p, truth = random_answers(60, 3)
    there = truth != 2
    single = [roc_auc_score(truth[there] == k, p[there, k]) for k in (0, 1)]
    assert auc(p, truth, there[None].astype(float))[0] == pytest.approx(np.mean(single))
    assert np.isnan(auc(p, truth, (truth == 0)[None].astype(float))[0])


def test_bins_of_the_top_probability_are_closed_above():
    """15 bins: 0.2 ends the third, 0.6 the ninth, 1 the last; anything above 0.2 is in the fourth."""
    top = np.array([0.2, 0.200001, 0.6, 1.0])
    np.testing.assert_array_equal(confidence_bins(top[:, None]), [2, 3, 8, 14])


def test_the_calibration_error_of_two_bins_counted_by_hand():
    """At 0.9, 3 of 4 right: 0.15 apart. At 0.6, 1 of 2 right: 0.1 apart. (4 * 0.15 + 2 * 0.1) / 6."""
    p = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 2)
    truth = np.array([0, 0, 0, 1, 0, 1])
    gaps = calibration_gaps(np.zeros(6, int), truth, p)
    assert calibration_error(gaps, np.array([6]))[0] == pytest.approx((4 * 0.15 + 2 * 0.1) / 6)


def test_errors_of_opposite_sign_cancel_within_a_bin_only_and_across_groups():
    """Two groups in one bin, one too sure and one not sure enough: together they are calibrated."""
    p = np.full((4, 2), 0.5) + [0.01, -0.01]
    gaps = calibration_gaps(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), p)
    assert calibration_error(gaps, np.array([2, 2])) == pytest.approx([0.49, 0.51])
    assert calibration_error(gaps.sum(axis=0)[None], np.array([4]))[0] == pytest.approx(0.01)


def test_every_resample_holds_as_many_groups_and_is_the_same_on_every_call():
    drawn = draws(7)
    assert (drawn.sum(axis=1) == 7).all() and drawn.shape == (2000, 7)
    np.testing.assert_array_equal(drawn, draws(7))


def test_an_interval_leaves_out_what_is_unknown_and_holds_its_value():
    values = np.append(np.arange(101) / 100, np.nan)
    assert interval(0.5, values) == (0.5, 0.025, 0.975)
    assert interval(0.00123456, values) == (0.0012, 0.0012, 0.975)


def test_the_interval_of_a_share_is_that_of_the_binomial():
    """100 scans on their own, 80 right: 0.80 with 1.96 standard errors of 0.04 on each side."""
    table = np.zeros((100, 2, 2))
    table[:80, 0, 0] = table[80:, 0, 1] = 1
    value, low, high = interval(0.8, accuracy(np.tensordot(draws(100), table, axes=1)))
    assert (low, high) == pytest.approx((value - 1.96 * 0.04, value + 1.96 * 0.04), abs=0.012)
