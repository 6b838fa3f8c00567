"""Models of different tasks are compared through the classes that correspond, and no others."""

import numpy as np
import pytest

from explain.comparison.shared_classes import correspondences, shared_classes
from tests.conftest import CLASSES, card_of, tiny_network

FIGSHARE = ("glioma", "meningioma", "pituitary")
FIFTEEN = ("astrocytoma", "glioblastoma", "meningioma", "normal", "schwannoma")
NETWORK = tiny_network()


def card(classes, model_id="some-task"):
    return card_of(NETWORK, id=model_id, classes=classes, names=tuple(c.title() for c in classes))


def test_models_of_one_task_share_all_its_classes_whatever_their_order():
    shared = shared_classes([card(CLASSES), card(CLASSES[::-1])])
    assert shared.classes == CLASSES and shared.held.all()
    assert shared.gathered(1, np.array([0.1, 0.2, 0.3, 0.4])).tolist() == [0.4, 0.3, 0.2, 0.1, 0.0]


def test_two_models_of_fifteen_classes_are_not_made_coarser():
    assert shared_classes([card(FIFTEEN), card(FIFTEEN)]).classes == FIFTEEN


def test_four_classes_and_three_keep_the_fourth_as_other():
    shared = shared_classes([card(CLASSES), card(FIGSHARE)])
    assert shared.classes == FIGSHARE
    np.testing.assert_allclose(shared.gathered(0, np.array([0.1, 0.2, 0.3, 0.4])), [0.1, 0.2, 0.4, 0.3])


def test_the_gliomas_of_44c_are_glioma_and_normal_is_no_tumour():
    shared = shared_classes([card(FIFTEEN, "a-44c15"), card(CLASSES, "b-kaggle4")])
    assert shared.classes == ("glioma", "meningioma", "notumor")
    assert shared.names == ("Glioma", "Meningioma", "Notumor")
    p = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    np.testing.assert_allclose(shared.gathered(0, p), [0.3, 0.3, 0.25, 0.15])
    assert shared.predicted(0, p) == 1  # its own prediction is meningioma, though the gliomas together have as much
    assert shared.own_class(0, 0, p) == 1 and shared.own_class(0, 3, p) == 4
    assert shared.own_class(1, 1, np.full(4, 0.25)) == 1


def test_a_class_that_two_of_three_models_have_is_shared_and_the_third_does_not_have_it():
    cards = [card(FIFTEEN, "a-44c15"), card(CLASSES, "b-kaggle4"), card(FIGSHARE, "c-figshare3")]
    shared = shared_classes(cards)
    assert shared.classes == ("glioma", "meningioma", "notumor", "pituitary")
    assert shared.held.tolist() == [[True, True, True, False], [True] * 4, [True, True, False, True]]
    assert shared.own_class(0, 3, np.full(5, 0.2)) is None
    assert correspondences(cards, shared) == [
        "a-44c15: Glioma = Astrocytoma, Glioblastoma; Notumor = Normal; Other classes = Schwannoma; "
        "class not in this model: Pituitary.",
        "c-figshare3: class not in this model: Notumor.",
    ]


def test_models_without_a_class_in_common_share_nothing():
    shared = shared_classes([card(("cat", "dog")), card(("knee", "hip"))])
    assert shared.classes == () and shared.held.shape == (2, 0)
    assert shared.gathered(0, np.array([0.5, 0.5])).tolist() == [1.0]


def test_one_model_shares_its_classes_with_itself_and_none_is_refused():
    assert shared_classes([card(CLASSES)]).classes == CLASSES
    with pytest.raises(ValueError, match="choose two or more"):
        shared_classes([])


def test_a_batch_of_scans_is_gathered_at_once():
    shared = shared_classes([card(CLASSES), card(FIGSHARE)])
    assert shared.gathered(1, np.full((7, 3), 1 / 3)).shape == (7, 4)
