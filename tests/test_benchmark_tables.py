"""Do the tables of the results compute what their heads say, where the answer is known?"""

import numpy as np
import pytest

from benchmarks.ablation_tables import balanced_accuracy, best_shifted


def test_a_class_that_is_there_counts_the_same_however_many_scans_it_has():
    truth = np.array([0] * 98 + [2] * 2)
    assert balanced_accuracy(truth, np.zeros(100, int)) == 0.5


def test_the_best_shift_undoes_one_number_that_was_added_to_the_logits_of_a_class():
    truth = np.repeat([0, 1, 2], [50, 20, 5])
    logits = 2.0 * np.eye(3)[truth] + [0, 0, 4.5]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert balanced_accuracy(truth, p.argmax(axis=1)) == pytest.approx(1 / 3)
    assert balanced_accuracy(truth, best_shifted(truth, p)) == 1


def test_no_shift_tells_classes_apart_that_a_model_takes_for_each_other():
    truth = np.array([0, 1] * 20)
    p = np.tile([0.9, 0.1], (40, 1))
    assert balanced_accuracy(truth, best_shifted(truth, p)) == 0.5
