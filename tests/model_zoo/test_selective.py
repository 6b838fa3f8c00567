"""Selective prediction: the operating point, the curve, and the scores, on answers known beforehand."""

import numpy as np
import pytest

from model_zoo.selective import ANSWERED, RIGHT, accuracy_at, curve, operating_point, selective


def answers(confidence: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (N, 2) that predict the first class, and the truth that makes them right or wrong."""
    c = np.array(confidence)
    return np.stack([c, 1 - c], axis=1), np.where(right, 0, 1)


def test_all_are_answered_where_all_are_right():
    assert operating_point(*answers([0.9, 0.8, 0.7], [True] * 3)) == 0.0


def test_the_point_is_the_least_confidence_at_which_enough_are_right():
    p, truth = answers([0.95] * 60 + [0.7] * 40, [True] * 60 + [False] * 20 + [True] * 20)
    assert operating_point(p, truth) == 0.95


def test_scans_of_one_confidence_are_answered_together():
    """49 of the 50 are right: an order within them must not decide."""
    p, truth = answers([0.9] * 50 + [0.6] * 50, [False] + [True] * 49 + [False] * 50)
    assert operating_point(p, truth) == 0.9


def test_where_no_confidence_is_enough_the_best_is_taken():
    p, truth = answers([0.9, 0.9, 0.8], [True, False, False])
    assert operating_point(p, truth) == 0.9


def test_the_curve_falls_where_a_wrong_answer_comes():
    share, accuracy = curve(*answers([0.9, 0.8, 0.7, 0.6], [True, True, False, True]))
    assert share.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 3 / 4])


def test_the_scores_count_the_answered_scans():
    p, truth = answers([0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.58, 0.55], [True] * 5 + [False] * 5)
    found = dict(selective(p, truth, range(10), 0.8))
    assert (found[accuracy_at(50)].value, found[accuracy_at(50)].scans) == (1, 5)
    assert (found[accuracy_at(90)].value, found[accuracy_at(90)].scans) == (round(5 / 9, 4), 9)
    assert found[ANSWERED].value == 0.4 and (found[RIGHT].value, found[RIGHT].scans) == (1, 4)


def test_where_nothing_is_answered_there_is_no_accuracy():
    assert RIGHT not in dict(selective(*answers([0.6, 0.55], [True, False]), range(2), 0.9))
