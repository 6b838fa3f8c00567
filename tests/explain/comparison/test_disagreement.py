"""The disagreement of models, worked out by hand."""

import numpy as np
import pytest

from explain.comparison.disagreement import (
    Disagreement,
    by_disagreement,
    disagreement,
    disagreement_sentence,
    divergence,
    headline,
)
from explain.comparison.shared_classes import shared_classes
from tests.conftest import CLASSES, card_of, tiny_network

NETWORK = tiny_network()
FOUR = card_of(NETWORK)
FIFTEEN = card_of(NETWORK, classes=("astrocytoma", "normal", "schwannoma"), names=("A", "N", "S"))


def test_models_certain_of_different_classes_disagree_by_one_however_many_they_are():
    for models in (2, 3, 4):
        assert divergence(np.eye(4)[:models]) == pytest.approx(1)


def test_models_with_the_same_probabilities_disagree_by_nothing():
    assert divergence(np.array([[0.7, 0.2, 0.1]] * 3)) == pytest.approx(0, abs=1e-12)


def test_a_certain_model_and_an_undecided_one_disagree_as_worked_out_by_hand():
    # H(3/4, 1/4) - (H(1, 0) + H(1/2, 1/2)) / 2 = 0.8113 - 0.5
    assert divergence(np.array([[1, 0], [0.5, 0.5]])) == pytest.approx(0.3113, abs=1e-4)


def test_two_of_three_against_one_is_the_entropy_of_two_thirds():
    # H(2/3, 1/3) / log2(3) = 0.9183 / 1.5850
    assert divergence(np.array([[1, 0], [1, 0], [0, 1]])) == pytest.approx(0.5794, abs=1e-4)


def test_the_order_of_models_and_of_classes_changes_nothing():
    p = np.random.default_rng(0).dirichlet(np.ones(5), 3)
    assert divergence(p) == pytest.approx(divergence(p[::-1])) == pytest.approx(divergence(p[:, ::-1]))


@pytest.mark.parametrize("p", [[[1.0, 0.0]], [[0.5, 0.4], [1, 0]], [[1.5, -0.5], [1, 0]]])
def test_what_are_no_probabilities_of_several_models_is_refused(p):
    with pytest.raises(ValueError, match=r"two rows|add up"):
        divergence(np.array(p))


def test_models_that_each_choose_a_class_of_their_own_do_not_agree():
    shared = shared_classes([FOUR, FIFTEEN])  # pituitary and schwannoma are both other classes
    found = disagreement(shared, [np.array([0, 0, 0, 1.0]), np.array([0, 0, 1.0])])
    assert found == Disagreement(pytest.approx(1.0), True, 2)


def test_glioma_and_astrocytoma_are_one_prediction():
    found = disagreement(shared_classes([FOUR, FIFTEEN]), [np.array([1.0, 0, 0, 0]), np.array([1.0, 0, 0])])
    assert found == Disagreement(0.0, False, 2)


def test_a_model_without_a_prediction_is_left_out_and_one_prediction_alone_disagrees_with_none():
    shared = shared_classes([FOUR, FOUR, FOUR])
    glioma, healthy = np.eye(4)[0], np.eye(4)[2]
    assert disagreement(shared, [glioma, None, healthy]) == Disagreement(pytest.approx(1.0), True, 2)
    assert disagreement(shared, [None, glioma, None]) == Disagreement(None, False, 1)


def test_the_most_disputed_scan_comes_first_and_what_has_no_value_last():
    found = [Disagreement(bits, False, 2) for bits in (0.1, None, 0.9, 0.1)]
    assert by_disagreement(found) == [2, 0, 3, 1]


def test_the_sentence_has_the_models_and_their_disagreement():
    apart = disagreement_sentence(Disagreement(0.31, True, 2), 2)
    assert "2 models" in apart and "different" in apart and "0.31" in apart
    same = disagreement_sentence(Disagreement(0.0, False, 3), 3)
    assert "All 3 models" in same and "the same class" in same and "0.00" in same
    partial = disagreement_sentence(Disagreement(0.5, True, 2), 3)
    assert "2 models with a prediction" in partial and "different" in partial
    assert "Fewer than two" in disagreement_sentence(Disagreement(None, False, 1), 2)


def test_classes_of_the_tiny_network_are_those_of_the_four_class_task():
    assert FOUR.classes == CLASSES


def test_the_headline_counts_the_predictions():
    cards = [FOUR, FOUR, FIFTEEN]
    shared = shared_classes(cards)
    glioma, pituitary = np.eye(4)[0], np.eye(4)[3]
    astrocytoma, schwannoma = np.eye(3)[0], np.eye(3)[2]
    assert headline(cards, shared, [glioma, glioma, astrocytoma]) == "All 3 models predict Glioma"
    assert headline(cards, shared, [glioma, glioma, schwannoma]) == "2 predict Glioma, 1 predicts S"
    assert headline(cards, shared, [glioma, pituitary, schwannoma]) == (
        "3 models, 3 predictions: Glioma, Pituitary tumour, S"
    )
    assert headline(cards, shared, [glioma, None, astrocytoma]) == "Both models predict Glioma"
    assert headline(cards, shared, [None, None, astrocytoma]) == "One model predicts Glioma"
    assert headline(cards, shared, [None, None, None]) == "No prediction"
