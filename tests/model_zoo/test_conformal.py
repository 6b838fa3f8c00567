"""Conformal sets: thresholds counted by hand, the promised coverage for every class, and the same sets as crepes'."""

import numpy as np
import pytest
from crepes import ConformalClassifier

from model_zoo.conformal import LEVELS, class_thresholds, conformal_sets, in_words, measured
from model_zoo.scores import measured_of, set_scores
from model_zoo.tables import COHORTS, PREDICTIONS, write_cohorts, write_predictions
from model_zoo.zoo import probabilities
from tests.conftest import CLASSES
from tests.model_zoo.written_tables import cohorts, predictions


def scans(number: int, seed: int, sharp: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 3) of a mediocre model and the truth; the last class is rare and often missed."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, number, p=[0.5, 0.4, 0.1])
    logits = rng.normal(0, 1, (number, 3)) + sharp * np.eye(3)[truth] * [1, 1, 0.5]
    return probabilities(logits), truth


def test_the_threshold_is_the_score_of_the_tenth_of_ten_at_ninety_per_cent():
    """ceil(11 * 0.9) = 10: the least probable of ten calibration scans; of nine at 95 %, ceil(9.5) = 10 is too many."""
    p = np.stack([np.linspace(0.5, 0.95, 10), 1 - np.linspace(0.5, 0.95, 10)], axis=1)
    truth = np.zeros(10, int)
    assert class_thresholds(p, truth, 90)[0] == 500_000
    assert class_thresholds(p[:9], truth[:9], 95)[0] == 1_000_000
    assert conformal_sets(np.array([[0.5, 0.5], [0.49, 0.51]]), class_thresholds(p, truth, 90))[:, 0].tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_every_class_is_covered_as_promised_on_scans_like_those_of_the_calibration(level):
    covered = []
    for seed in range(40):
        thresholds = class_thresholds(*scans(800, seed), level)
        p, truth = scans(4000, 1000 + seed)
        sets = conformal_sets(p, thresholds)
        covered.append([sets[truth == k, k].mean() for k in range(3)])
    assert np.mean(covered, axis=0) == pytest.approx(np.full(3, level / 100), abs=0.01)


def test_one_threshold_for_all_classes_would_not_cover_the_rare_class():
    """Why each class has its own."""
    p, truth = scans(20_000, 0)
    everyone = np.sort(1 - p[np.arange(len(truth)), truth])[int(np.ceil(20_001 * 0.9)) - 1]
    rare = truth == 2
    assert ((1 - p[rare, 2]) <= everyone).mean() < 0.75


@pytest.mark.parametrize("level", LEVELS)
def test_the_sets_are_those_of_crepes(level):
    """With numbers of scans of which no tenth is whole: there crepes takes in a p-value of just 10 %, Vovk does not."""
    p, truth = scans(1000, 1)
    kept = np.concatenate([np.flatnonzero(truth == k)[:number] for k, number in enumerate((143, 121, 36))])
    p, truth = p[kept], truth[kept]
    test, _ = scans(500, 2)
    p, test = np.round(p, 6), np.round(test, 6)
    theirs = ConformalClassifier().fit(1 - p[np.arange(300), truth], bins=truth)
    columns = [
        theirs.predict_set((1 - test[:, [k]]), bins=np.full(500, k), confidence=level / 100, smoothing=False)[:, 0]
        for k in range(3)
    ]
    ours = conformal_sets(test, class_thresholds(p, truth, level))
    assert np.array_equal(ours, np.stack(columns, axis=1).astype(bool))


def test_the_measures_of_four_sets_are_counted_by_hand():
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]], bool)
    found = measured(sets, np.array([0, 1, 2, 0]), np.array([0, 1, 2, 3]))
    assert {measure.title: estimate.value for measure, estimate in found} == {
        "Coverage": 0.5,
        "Mean size": 1.25,
        "One class": 0.25,
        "Empty": 0.25,
    }


def test_a_bundle_s_sets_are_measured_on_every_part_of_its_test_scans_and_cohorts(tmp_path):
    write_predictions(tmp_path / PREDICTIONS, CLASSES, predictions())
    write_cohorts(tmp_path / COHORTS, CLASSES, cohorts())
    thresholds = measured_of(tmp_path, CLASSES)["conformal"]
    assert thresholds == {str(level): dict.fromkeys(CLASSES, 1_000_000) for level in LEVELS}  # two scans a class
    scores = set_scores(tmp_path, CLASSES)
    assert {(score.split, score.subset) for score in scores} >= {
        ("test", "all scans"),
        ("test", "sequence T1"),
        ("cohort 44c", "sequence T1C+"),
        ("cohort br35h", "no near-duplicate in training"),
    }
    assert {score.estimate.value for score in scores if score.name.startswith("coverage")} == {1.0}


def test_without_validation_scans_there_are_no_sets(tmp_path):
    write_predictions(tmp_path / PREDICTIONS, CLASSES, [row for row in predictions() if row.split == "test"])
    assert measured_of(tmp_path, CLASSES)["conformal"] == {} and set_scores(tmp_path, CLASSES) == ()


def test_a_set_is_read_as_a_phrase():
    assert in_words(["Pituitary tumour"]) == "Pituitary tumour"
    assert in_words(["Glioma", "Meningioma"]) == "Glioma or meningioma"
