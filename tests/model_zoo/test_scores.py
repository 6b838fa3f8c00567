"""Scores are counted by hand here; every shipped card is recomputed in test_verify.py."""

import time
from dataclasses import replace

import numpy as np
import pytest

from model_zoo.scores import (
    MEASURES,
    PROBE,
    SHORTCUT_TEST,
    SOURCE_PROBE,
    bundle_scores,
    cohort_scores,
    prediction_scores,
    set_scores,
    shortcut_scores,
    source_scores,
)
from model_zoo.tables import PredictionRow, SimilarRow, write_similar
from tests.conftest import CLASSES
from tests.model_zoo.written_tables import cohorts, predictions, shortcut_rows, sources, write_tables

TWO = ("a", "b")


def rows(number: int = 40) -> list[PredictionRow]:
    """Every fourth scan is predicted wrongly, every other is a near-duplicate, two scans per group."""
    return [
        PredictionRow(f"{i}", f"g{i // 2}", "test", i % 2 == 1, "a", (0.1, 0.9) if i % 4 == 0 else (0.9, 0.1))
        for i in range(number)
    ]


def find(found, name, subset="all scans", split="test"):
    return next(s.estimate for s in found if (s.name, s.subset, s.split) == (name, subset, split))


def names(found, subset, split="test") -> list[str]:
    return [f.name for f in found if (f.subset, f.split) == (subset, split)]


def test_near_duplicates_are_counted_apart():
    found = prediction_scores(rows(), TWO)
    whole, apart = find(found, "accuracy"), find(found, "accuracy", "no near-duplicate in training")
    assert (whole.value, whole.scans) == (0.75, 40)
    assert (apart.value, apart.scans) == (0.5, 20)


def test_an_interval_holds_its_value_and_narrows_with_more_groups():
    few, many = (find(prediction_scores(rows(n), TWO), "accuracy") for n in (40, 400))
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.5 * (few.high - few.low)


@pytest.mark.parametrize("name", ["accuracy", "AUC"])
def test_an_interval_over_groups_is_wider_than_over_scans(name):
    """All scans of a group are correct or wrong together: 20 groups of 10 are worth 20 scans, not 200."""
    p = [(0.4 + 0.03 * (i // 10) * (-1) ** (i // 10), 0.5) for i in range(200)]
    grouped = [PredictionRow(f"{i}", f"g{i // 10}", "val", False, TWO[i // 10 % 4 // 2], p[i]) for i in range(200)]
    alone = [PredictionRow(r.id, r.id, r.split, r.near_duplicate, r.truth, r.probabilities) for r in grouped]
    width = [f.high - f.low for f in (find(prediction_scores(r, TWO), name, split="val") for r in (grouped, alone))]
    assert width[0] > 2.5 * width[1]


def test_the_test_split_has_every_measure_and_each_class_of_its_own():
    found = prediction_scores(predictions(), CLASSES)
    whole = [*MEASURES, "AUC", "expected calibration error"]
    by_class = [f"{measure} of {label}" for measure in ("precision", "recall") for label in CLASSES]
    assert names(found, "all scans", "val") == whole
    assert names(found, "all scans") == names(found, "no near-duplicate in training") == whole + by_class
    assert {f.source for f in found} == {"predictions.csv"}


def test_a_class_s_precision_and_recall_are_counted_by_hand():
    """6 of the 12 gliomas are predicted meningioma, beside its own 12."""
    found = prediction_scores(predictions(), CLASSES)
    assert find(found, "recall of glioma").value == 0.5 and find(found, "precision of glioma").value == 1
    assert find(found, "recall of meningioma").value == 1
    assert find(found, "precision of meningioma").value == round(12 / 18, 4)


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy():
    """Confidence 0.7 throughout, correct in 42 of 48: a gap of 0.175."""
    assert find(prediction_scores(predictions(), CLASSES), "expected calibration error").value == 0.175


def test_sequences_are_counted_apart():
    found = prediction_scores(predictions(), CLASSES)
    assert names(found, "sequence T1") == names(found, "sequence T2") == list(MEASURES)
    assert find(found, "accuracy", "sequence T1").value == 1 and find(found, "accuracy", "sequence T2").value == 0.75
    unknown = [replace(r, sequence="") for r in predictions()]
    assert not [f for f in prediction_scores(unknown, CLASSES) if f.subset.startswith("sequence")]


def test_near_duplicates_count_in_no_sequence_and_no_plane():
    """Every other scan is one; those that are none are all of the axial plane, and half of them are right."""
    seen = [replace(row, plane="axial", sequence="T1") for row in rows()]
    found = prediction_scores(seen, TWO)
    for subset in ("plane axial", "sequence T1"):
        estimate = find(found, "accuracy", subset)
        assert (estimate.value, estimate.scans) == (0.5, 20)
    assert find(found, "accuracy").value == 0.75


def test_one_class_alone_has_no_area_and_no_score_of_the_other():
    found = prediction_scores(rows(), TWO)
    assert "AUC" not in names(found, "all scans")
    assert "recall of b" not in names(found, "all scans") and find(found, "precision of b").value == 0


def test_another_cohort_counts_first_without_near_duplicates_over_the_classes_it_has():
    """Of 10 scans without near-duplicate 4 are gliomas, two of them predicted pituitary; there is no pituitary."""
    found = cohort_scores(cohorts(), CLASSES)
    apart = find(found, "accuracy", "no near-duplicate in training", "cohort 44c")
    assert (apart.value, apart.scans) == (0.8, 10) and {s.source for s in found} == {"cohorts.csv"}
    assert find(found, "balanced accuracy", "no near-duplicate in training", "cohort 44c").value == round(
        (0.5 + 1 + 1) / 3, 4
    )
    f1 = (2 * 2 / (4 + 2) + 1 + 1) / 3
    assert find(found, "macro F1", "no near-duplicate in training", "cohort 44c").value == round(f1, 4)
    assert find(found, "recall of glioma", "no near-duplicate in training", "cohort 44c").value == 0.5
    assert "recall of pituitary" not in names(found, "no near-duplicate in training", "cohort 44c")


def test_another_cohort_s_sequences_leave_near_duplicates_out():
    found = cohort_scores(cohorts(), CLASSES)
    subsets = list(dict.fromkeys(f.subset for f in found if f.split == "cohort 44c"))
    assert subsets == ["no near-duplicate in training", "all scans", "sequence T1", "sequence T1C+"]
    scans = [find(found, "accuracy", subset, "cohort 44c").scans for subset in subsets]
    assert scans == [10, 12, 5, 5]
    assert {f.subset for f in found if f.split == "cohort br35h"} == {"no near-duplicate in training"}


def test_every_shortcut_test_has_its_two_accuracies_in_the_file_s_order():
    found = shortcut_scores(shortcut_rows(), CLASSES)
    assert [(s.subset, s.name, s.estimate.value, s.estimate.scans) for s in found] == [
        ("as is", "accuracy", 1, 8),
        ("as is", "balanced accuracy", 1, 8),
        ("border only", "accuracy", 0.25, 8),
        ("border only", "balanced accuracy", 0.25, 8),
    ]


def test_the_probe_is_scored_source_by_source():
    (found,) = source_scores(sources())
    assert (found.name, found.split, found.subset) == (PROBE, SHORTCUT_TEST, SOURCE_PROBE)
    estimate = found.estimate
    assert estimate.value == round((6 / 8 + 1 + 1) / 3, 4) and estimate.scans == 16
    assert estimate.low < estimate.value < estimate.high


def test_a_bundle_s_scores_are_those_of_the_tables_it_has(tmp_path):
    assert bundle_scores(tmp_path, CLASSES) == ()
    write_tables(tmp_path)
    parts = (
        prediction_scores(predictions(), CLASSES),
        cohort_scores(cohorts(), CLASSES),
        shortcut_scores(shortcut_rows(), CLASSES),
    )
    assert bundle_scores(tmp_path, CLASSES) == sum(parts, ()) + source_scores(sources()) + set_scores(tmp_path, CLASSES)
    (tmp_path / "predictions.csv").unlink()
    assert bundle_scores(tmp_path, CLASSES) == parts[1] + parts[2] + source_scores(sources())


def test_similar_cases_of_a_scan_that_has_a_near_duplicate_in_the_model_s_own_training_do_not_count(tmp_path):
    """Of 44c's twelve scans c2 and c11 have one, and the best neighbours: 10 times 1 of 5 are left."""
    write_tables(tmp_path)
    rows = [SimilarRow(r.cohort, r.id, r.group, r.sequence, r.truth, 4 * r.near_duplicate + 1, 5) for r in cohorts()]
    write_similar(tmp_path / "similar_cases.csv", [row for row in rows if row.cohort == "44c"])
    found = find(bundle_scores(tmp_path, CLASSES), "precision at 5", "no near-duplicate in training", "cohort 44c")
    assert (found.value, found.scans) == (0.2, 10)


def test_two_thousand_scans_of_fifteen_classes_take_seconds_at_most():
    rng = np.random.default_rng(0)
    classes = [f"c{k}" for k in range(15)]
    p = rng.dirichlet(np.full(15, 0.3), 2025)
    made = [
        PredictionRow(f"{i}", f"{i}", "val" if i < 700 else "test", i % 3 == 0, classes[rng.integers(15)], tuple(p[i]))
        for i in range(2025)
    ]
    start = time.process_time()  # other processes do not count
    prediction_scores(made, classes)
    assert time.process_time() - start < 10  # takes about 2 s
