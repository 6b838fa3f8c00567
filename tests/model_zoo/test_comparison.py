"""Two models on the same scans: how many scans one gains and loses, and a paired interval of the difference."""

from dataclasses import replace

import pytest

from model_zoo import ModelError
from model_zoo.__main__ import main
from model_zoo.comparison import compare
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.tables import COHORTS, PREDICTIONS, write_predictions
from model_zoo.verify import recompute
from tests.conftest import CLASSES, tiny_network, write_bundle
from tests.model_zoo.written_tables import predictions, sure, write_whole_bundle

RIGHT = [replace(row, probabilities=sure(row.truth)) for row in predictions()]


@pytest.fixture
def first(tmp_path):
    """One in eight test scans wrong, all of them gliomas."""
    write_whole_bundle(tmp_path / "tiny-phantom4")
    return tmp_path / "tiny-phantom4"


def second(tmp_path, rows):
    write_whole_bundle(tmp_path / "b" / "tiny-phantom4")
    write_predictions(tmp_path / "b" / "tiny-phantom4" / PREDICTIONS, CLASSES, rows)
    recompute(tmp_path / "b" / "tiny-phantom4")
    return tmp_path / "b" / "tiny-phantom4"


def found(differences, measure, split="test", subset=ALL_SCANS):
    return next(d for d in differences if (d.measure, d.split, d.subset) == (measure, split, subset))


def test_a_model_that_is_right_where_the_first_is_wrong_gains_those_scans(first, tmp_path):
    all_scans = found(compare(first, second(tmp_path, RIGHT)), "accuracy")
    assert (all_scans.first, all_scans.second, all_scans.gained, all_scans.lost) == (0.875, 1.0, 6, 0)
    assert all_scans.difference.value == 0.125 and all_scans.difference.scans == 48
    assert 0 < all_scans.difference.low < 0.125 < all_scans.difference.high


def test_a_model_does_not_differ_from_itself(first):
    for difference in compare(first, first):
        estimate = difference.difference
        assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)
        assert difference.gained == difference.lost == 0


def test_as_many_gained_as_lost_is_no_difference_and_the_interval_says_so(first, tmp_path):
    rows = predictions()
    wrong = {i for i, row in enumerate(rows) if row.split == "test" and row.truth == "pituitary"}
    moved = set(sorted(wrong)[:6])
    swapped = [replace(r, probabilities=sure("glioma" if i in moved else r.truth)) for i, r in enumerate(rows)]
    difference = found(compare(first, second(tmp_path, swapped)), "accuracy")
    assert difference.difference.value == 0 and (difference.gained, difference.lost) == (6, 6)
    assert difference.difference.low < 0 < difference.difference.high


def test_only_scans_that_both_predicted_count(first, tmp_path):
    half = [row for row in RIGHT if row.split != "test" or int(row.id[1:]) < 24]
    difference = found(compare(first, second(tmp_path, half)), "accuracy")
    assert difference.difference.scans == 24 and difference.gained == 3


def test_validation_scans_are_left_out_and_scans_with_near_duplicates_in_one_subset(first, tmp_path):
    differences = compare(first, second(tmp_path, RIGHT))
    assert {difference.split for difference in differences} == {"test", "cohort 44c", "cohort br35h"}
    assert found(differences, "accuracy", subset=NO_NEAR_DUPLICATE).difference.scans == 32


@pytest.mark.parametrize("swapped", [False, True])
def test_all_scans_are_compared_where_only_one_of_the_two_has_near_duplicates(first, tmp_path, swapped):
    """Of the 48 test scans 16 are near-duplicates of what trained the first, and none of what trained the second."""
    pair = first, second(tmp_path, [replace(row, near_duplicate=False) for row in RIGHT])
    differences = compare(*(reversed(pair) if swapped else pair))
    assert found(differences, "accuracy").difference.scans == 48
    assert found(differences, "accuracy", subset=NO_NEAR_DUPLICATE).difference.scans == 32


def test_where_neither_has_near_duplicates_all_scans_do_not_come_twice(first, tmp_path):
    other = second(tmp_path, [replace(row, near_duplicate=False) for row in RIGHT])
    assert {each.subset for each in compare(other, other) if each.split == "test"} == {NO_NEAR_DUPLICATE}


def test_models_of_other_classes_are_not_compared(first, tmp_path):
    other = write_bundle(tmp_path / "c" / "other", tiny_network(3), classes=CLASSES[:3], names=CLASSES[:3])
    assert other.classes != CLASSES
    with pytest.raises(ModelError, match="do not have the same classes"):
        compare(first, tmp_path / "c" / "other")


def test_the_command_takes_a_model_of_the_zoo_and_a_folder(first, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    assert main(["compare", "tiny-phantom4", str(second(tmp_path, RIGHT))]) == 0
    assert "0.8750 to 1.0000: 0.1250 (" in capsys.readouterr().out
    renamed = [replace(row, id=f"another version/{row.id}") for row in RIGHT]
    write_predictions(tmp_path / "b" / "tiny-phantom4" / PREDICTIONS, CLASSES, renamed)
    (tmp_path / "b" / "tiny-phantom4" / COHORTS).unlink()
    assert main(["compare", "tiny-phantom4", str(tmp_path / "b" / "tiny-phantom4")]) == 2
    assert "no test scan of the same name" in capsys.readouterr().err
    assert main(["compare", "tiny-phantom4", "nothing"]) == 2
    assert "no model 'nothing'" in capsys.readouterr().err
