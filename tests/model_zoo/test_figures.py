"""Figures are counted by hand here, and recomputed from every shipped bundle's predictions."""

import numpy as np
import pytest

from model_zoo import models, zoo_folder
from model_zoo.figures import (
    MEASURES,
    Prediction,
    accuracy,
    balanced_accuracy,
    figures,
    macro_f1,
    read_predictions,
    write_predictions,
)

CLASSES = ("a", "b")
# true a: 3 called a, 1 called b; true b: 4 called b, 2 called a
CONFUSION = np.array([[[3.0, 1.0], [2.0, 4.0]]])


def test_measures_of_a_matrix_counted_by_hand():
    assert accuracy(CONFUSION)[0] == pytest.approx(7 / 10)
    assert balanced_accuracy(CONFUSION)[0] == pytest.approx((3 / 4 + 4 / 6) / 2)
    assert macro_f1(CONFUSION)[0] == pytest.approx((2 * 3 / (4 + 5) + 2 * 4 / (6 + 5)) / 2)


def test_a_class_that_is_absent_does_not_count():
    absent = np.array([[[3.0, 1.0], [0.0, 0.0]]])
    assert balanced_accuracy(absent)[0] == pytest.approx(3 / 4)
    assert macro_f1(absent)[0] == pytest.approx(2 * 3 / (4 + 3))


def rows(number: int = 40) -> list[Prediction]:
    """Every fourth scan is called wrong, every other has a twin, two scans a group."""
    return [
        Prediction(f"{i}", f"g{i // 2}", "test", i % 2 == 1, "a", (0.1, 0.9) if i % 4 == 0 else (0.9, 0.1))
        for i in range(number)
    ]


def find(found, name, subset):
    return next(f for f in found if f.name == name and f.subset == subset)


def test_twins_are_counted_apart():
    found = figures(rows(), CLASSES)
    whole, apart = find(found, "accuracy", "all scans"), find(found, "accuracy", "no twin in training")
    assert (whole.value, whole.scans) == (0.75, 40)
    assert (apart.value, apart.scans) == (0.5, 20)


def test_an_interval_holds_its_value_and_narrows_with_more_groups():
    few, many = (find(figures(rows(n), CLASSES), "accuracy", "all scans") for n in (40, 400))
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_an_interval_over_groups_is_wider_than_over_scans():
    """All scans of a group are right or wrong together: 10 groups of 10 are worth 10 scans, not 100."""
    grouped = [Prediction(f"{i}", f"g{i // 10}", "val", False, "a", (i // 10 % 2, 0.5)) for i in range(100)]
    alone = [Prediction(r.id, r.id, r.split, r.twin, r.truth, r.probabilities) for r in grouped]
    width = [f.high - f.low for f in (figures(grouped, CLASSES)[0], figures(alone, CLASSES)[0])]
    assert width[0] > 2.5 * width[1]


def test_predictions_come_back_as_they_were_written(tmp_path):
    write_predictions(tmp_path / "predictions.csv", CLASSES, rows())
    assert read_predictions(tmp_path / "predictions.csv", CLASSES) == rows()


@pytest.mark.parametrize("card", models().values(), ids=lambda card: card.id)
def test_every_figure_of_every_card_is_what_its_predictions_say(card):
    stored = read_predictions(zoo_folder() / card.id / "predictions.csv", card.classes)
    assert figures(stored, card.classes) == card.figures
    assert {f.name for f in card.figures} == set(MEASURES)
    assert {f.subset for f in card.figures if f.split == "test"} == {"all scans", "no twin in training"}
