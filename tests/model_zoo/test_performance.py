"""Curves against cases counted by hand, against scikit-learn, and against the cards of the bundles shipped."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score, roc_curve

from model_zoo import Estimate, ModelError, models, read_card, zoo_folder
from model_zoo.history import read_history
from model_zoo.performance import (
    Predictions,
    by_class,
    chance_by_test,
    chance_of_probe,
    confusion_matrix,
    in_cell,
    mean_curve,
    most_frequent_mistake,
    precision_recall,
    predictions_of,
    reliability,
    roc,
    scan_sets,
)
from model_zoo.scores import ALL_SCANS, AUC, NO_NEAR_DUPLICATE
from model_zoo.tables import ShortcutRow, read_predictions, read_sources
from model_zoo.verify import bundle_folders
from tests.conftest import CLASSES
from tests.model_zoo.test_metrics import random_answers
from tests.model_zoo.written_tables import cohorts, predictions, shortcut_rows, sources


def made(truth: list[int], p: list[list[float]]) -> Predictions:
    """Predictions of scans that are each a group of their own."""
    many = len(truth)
    names = tuple(f"s{i}" for i in range(many))
    return Predictions(names, np.arange(many), np.zeros(many, bool), np.array(truth), np.array(p))


# of class 0, the strictest threshold first: right, wrong, right, then a tie of one right and one wrong, then wrong
SCORES = [0.9, 0.8, 0.7, 0.5, 0.5, 0.1]
RANKED = made([0, 1, 0, 0, 1, 1], [[score, 1 - score] for score in SCORES])


def random(scans: int = 300, classes: int = 4) -> Predictions:
    p, truth = random_answers(scans, classes)
    return Predictions(tuple(map(str, range(scans))), np.arange(scans) // 2, np.zeros(scans, bool), truth, p)


TRAINED_HERE = [folder for folder in bundle_folders() if not read_card(folder / "card.json").imported]


@pytest.mark.parametrize("folder", TRAINED_HERE, ids=lambda folder: folder.name)
def test_every_history_in_the_zoo_has_an_accuracy_a_loss_and_the_epoch_kept(folder):
    history, training = read_history(folder / "history.csv"), read_card(folder / "card.json").training
    assert {"accuracy", "val_accuracy", history.loss(), f"val_{history.loss()}"} <= set(history.columns)
    assert (history.kept(training.get("best_epoch")) in history.epochs) == ("best_epoch" in training)


def test_the_epoch_kept_is_counted_within_the_last_phase(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("phase,epoch,loss,val_accuracy\nhead,1,0.9,\nhead,2,0.8,0.5\nwhole,3,0.7,0.6\nwhole,4,0.6,0.7\n")
    history = read_history(path)
    assert history.kept(1) == 3 and history.kept(2) == 4
    assert history.kept(3) is None and history.kept(None) is None
    assert history.loss() == "loss" and np.isnan(history.columns["val_accuracy"][0])


@pytest.mark.parametrize(
    "text",
    ["", "epoch,loss\n", "step,loss\n1,0.5\n", "epoch,loss\n1,much\n", "epoch,loss\n1,0.5,7\n", "epoch,loss\n1\n"],
)
def test_a_broken_history_gets_one_sentence_that_names_the_file(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(ModelError, match="cannot be read as the history of a training"):
        read_history(tmp_path / "history.csv")


def test_a_set_of_scans_is_named_as_the_card_s_scores_and_comes_first_without_near_duplicates():
    own = scan_sets(predictions(), CLASSES)
    assert {key: len(said.ids) for key, said in own.items()} == {
        ("test", NO_NEAR_DUPLICATE): 32,
        ("test", ALL_SCANS): 48,
        ("val", ALL_SCANS): 8,
    }
    assert list(own)[:2] == [("test", NO_NEAR_DUPLICATE), ("test", ALL_SCANS)]
    elsewhere = scan_sets(cohorts(), CLASSES)
    assert {key: len(said.ids) for key, said in elsewhere.items()} == {
        ("cohort 44c", NO_NEAR_DUPLICATE): 10,
        ("cohort 44c", ALL_SCANS): 12,
        ("cohort br35h", NO_NEAR_DUPLICATE): 4,
    }
    assert not own["test", NO_NEAR_DUPLICATE].near_duplicates.any() and own["test", ALL_SCANS].groups.max() == 23


def test_the_matrix_its_most_frequent_mistake_and_the_scans_behind_it():
    said = made([0, 0, 0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7], [0.55, 0.45]])
    np.testing.assert_array_equal(confusion_matrix(said), [[1, 2], [1, 1]])
    assert most_frequent_mistake(confusion_matrix(said)) == (0, 1)
    assert [said.ids[row] for row in in_cell(said, 0, 1)] == ["s2", "s1"]
    assert most_frequent_mistake(np.diag([3, 5])) == (1, 1) and len(in_cell(said, 1, 1)) == 1


def test_precision_recall_and_f1_of_a_class_counted_by_hand():
    sure = np.eye(3)
    said = made([0, 0, 0, 0, 1], sure[[0, 0, 0, 1, 1]])
    found = by_class(said)
    assert [each and each.value for each in found["recall"]] == [0.75, 1.0, None]
    assert [each and each.value for each in found["precision"]] == [1.0, 0.5, None]
    assert found["F1"][0].value == pytest.approx(6 / 7, abs=1e-4) and found["F1"][2] is None
    assert all(each.low <= each.value <= each.high for each in found["recall"][:2])
    assert [each and each.scans for each in found["recall"]] == [4, 1, None]
    assert [each and each.scans for each in found["precision"]] == [3, 2, None]


def test_specificity_is_the_share_of_other_scans_that_are_not_predicted_as_the_class():
    found = by_class(made([0, 0, 0, 0, 1], np.eye(3)[[0, 0, 0, 1, 1]]))["specificity"]
    assert [each.value for each in found] == [1.0, 0.75, 1.0] and [each.scans for each in found] == [1, 4, 5]


def test_f1_is_scikit_learn_s():
    said = random()
    ours = [each.value for each in by_class(said)["F1"]]
    np.testing.assert_allclose(ours, f1_score(said.truth, said.predicted, average=None), atol=1e-4)


def test_roc_and_precision_of_a_ranking_with_a_tie_counted_by_hand():
    curve = roc(RANKED, 0)
    assert list(zip(curve.x * 3, curve.y * 3, strict=True)) == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 3), (3, 3)]
    assert curve.area == pytest.approx((0 + 1 + 2.5 + 3) / 9) and curve.base == 0.5
    curve = precision_recall(RANKED, 0)
    assert list(curve.x * 3) == [0, 1, 1, 2, 3, 3]
    np.testing.assert_allclose(curve.y, [1, 1, 1 / 2, 2 / 3, 3 / 5, 3 / 6])
    assert curve.area == pytest.approx((1 + 2 / 3 + 3 / 5) / 3) and curve.base == 0.5


def test_curves_are_scikit_learn_s():
    said = random()
    for k in range(4):
        mine, score = said.truth == k, said.p[:, k]
        ours, (x, y, _) = roc(said, k), roc_curve(mine, score)
        assert ours.area == pytest.approx(roc_auc_score(mine, score))
        assert precision_recall(said, k).area == pytest.approx(average_precision_score(mine, score))
        grid = np.linspace(0, 1, 50)
        np.testing.assert_allclose(np.interp(grid, ours.x, ours.y), np.interp(grid, x, y))


def test_a_class_that_is_absent_or_alone_has_no_curve():
    said = made([0, 0, 1], [[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.1, 0.8, 0.1]])
    alone = made([0, 0], [[0.8, 0.2], [0.6, 0.4]])
    assert roc(said, 2) is None and precision_recall(said, 2) is None
    assert roc(alone, 0) is None and precision_recall(alone, 0) is None


def test_the_mean_curve_has_the_mean_of_y_and_of_the_areas():
    perfect = roc(made([0, 1], [[0.9, 0.1], [0.2, 0.8]]), 0)
    useless = roc(made([0, 1], [[0.5, 0.5], [0.5, 0.5]]), 0)
    mean = mean_curve([perfect, useless], stepped=False)
    assert mean.area == 0.75
    np.testing.assert_allclose(mean.y, (1 + mean.x) / 2)
    steps = mean_curve([precision_recall(RANKED, 0)], stepped=True)
    assert steps.y[np.searchsorted(steps.x, 0.5)] == pytest.approx(2 / 3)  # between a recall of 1/3 and of 2/3


def test_reliability_counts_a_bin_s_scans_and_the_accuracy():
    said = made([0, 0, 1, 1], [[0.95, 0.05], [0.97, 0.03], [0.96, 0.04], [0.41, 0.59]])
    unsure, sure = reliability(said)
    assert (unsure.confidence, unsure.accuracy) == (0.59, Estimate(1.0, 1.0, 1.0, 1))
    assert sure.confidence == pytest.approx(0.96)
    assert sure.accuracy.scans == 3 and sure.accuracy.value == pytest.approx(2 / 3, abs=1e-4)
    assert sure.accuracy.low < sure.accuracy.value < sure.accuracy.high


def test_chance_is_one_over_the_classes_and_none_where_there_is_one_class():
    alone = [ShortcutRow("tumour only", "s", "s", "glioma", (1, 0, 0, 0))]
    assert chance_by_test(shortcut_rows() + alone) == {"as is": 0.25, "border only": 0.25}
    assert chance_of_probe(sources()) == pytest.approx(1 / 3)


@pytest.mark.slow
@pytest.mark.parametrize("card", models().values(), ids=lambda card: card.id)
def test_the_charts_of_a_shipped_bundle_say_what_its_card_says(card):
    folder = zoo_folder() / card.id
    said = scan_sets(read_predictions(folder / "predictions.csv", card.classes), card.classes)[
        "test", NO_NEAR_DUPLICATE
    ]
    found = by_class(said)
    for k, label in enumerate(card.classes):
        for name in ("recall", "precision"):
            score, drawn = card.score(f"{name} of {label}", "test", NO_NEAR_DUPLICATE), found[name][k]
            assert (drawn and (drawn.value, drawn.low, drawn.high)) == (score and (score.value, score.low, score.high))
    curves = [curve for k in range(len(card.classes)) if (curve := roc(said, k))]
    assert mean_curve(curves, stepped=False).area == pytest.approx(
        card.score(AUC, "test", NO_NEAR_DUPLICATE).value, abs=1e-4
    )
    if (folder / "sources.csv").exists():  # not of a large network, whose probe takes tens of thousands of predictions
        assert 0 < chance_of_probe(read_sources(folder / "sources.csv")) <= 0.5
    assert predictions_of([], card.classes).p.shape == (0, len(card.classes))
