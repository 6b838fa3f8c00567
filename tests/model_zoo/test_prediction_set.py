"""The prediction set: when it is widened, which figure is named, and what is said of it."""

import numpy as np
import pytest

from explain.set_text import error_rates, gate_sentence, heading, set_sentence
from model_zoo import Estimate, Score
from model_zoo.gate import UNKNOWN, GateResult
from model_zoo.prediction_set import PredictionSet, WithheldError, doubts, prediction_set, require_gate
from tests.conftest import CLASSES, made_up_card

P = np.array([0.62, 0.3, 0.05, 0.03])


def result(plane="axial", sequence="T1C+", withheld="") -> GateResult:
    return GateResult("head", plane, sequence, "enough", {}, 0.5, withheld)


def accuracy(value: float, subset: str, split: str = "test", scans: int = 100) -> Score:
    return Score("accuracy", split, subset, Estimate(value, value, value, scans), "predictions.csv")


def card(*scores: Score):
    thresholds = {"90": dict.fromkeys(CLASSES, 600_000), "95": dict.fromkeys(CLASSES, 800_000)}
    return made_up_card(scores=scores, conformal=thresholds)


GOOD = (accuracy(0.95, "sequence T1C+"), accuracy(0.96, "plane axial"))


def test_where_the_model_does_well_the_set_is_that_of_90_per_cent():
    found = prediction_set(card(*GOOD), P, result())
    assert found == PredictionSet(("glioma",), 90, ())


def test_a_sequence_on_which_the_model_does_badly_widens_the_set_and_names_the_figure():
    bad = accuracy(0.41, "sequence T2", "cohort 44c", 148)
    found = prediction_set(card(*GOOD, bad), P, result(sequence="T2"))
    assert found.classes == ("glioma", "meningioma") and found.level == 95
    (reason,) = found.reasons
    assert "41 % of the 44c scans that are T2 (148 scans)" in reason and "widened" in reason


def test_its_own_test_counts_before_other_collections_and_of_those_the_worst():
    own, other, worse = (
        accuracy(v, "sequence T2", s) for v, s in ((0.9, "test"), (0.3, "cohort a"), (0.2, "cohort b"))
    )
    assert doubts(card(*GOOD, own, other), result(sequence="T2")) == ()
    (sentence,) = doubts(card(*GOOD, other, worse), result(sequence="T2"))
    assert "20 % of the b scans" in sentence


def test_few_scans_do_not_count_as_measured():
    (sentence,) = doubts(card(*GOOD, accuracy(0.9, "sequence T2", scans=29)), result(sequence="T2"))
    assert "fewer than 30 scans known to be T2" in sentence and "never" not in sentence


@pytest.mark.parametrize(
    ("seen", "word"), [({"plane": "sagittal"}, "sagittal"), ({"sequence": UNKNOWN}, "not one that")]
)
def test_a_plane_never_measured_and_an_unknown_sequence_widen_the_set(seen, word):
    (sentence,) = doubts(card(*GOOD), result(**seen))
    assert word in sentence


def test_a_withheld_prediction_raises_with_its_sentence_and_is_marked_where_it_is_asked_for():
    withheld = result(withheld="This picture seems to be a CT.")
    with pytest.raises(WithheldError, match="seems to be a CT"):
        require_gate(withheld)
    require_gate(withheld, anyway=True)
    assert prediction_set(card(*GOOD), P, withheld).reasons == (
        "Predicted although the gate withholds it: This picture seems to be a CT.",
    )


def test_a_card_without_thresholds_gives_no_set():
    assert prediction_set(made_up_card(), P, result()).classes == ()


def test_the_heading_is_the_set_where_it_has_more_classes_than_one():
    assert heading(card(), PredictionSet(("glioma", "meningioma"), 90, ()), 0) == "Glioma or meningioma"
    assert (
        heading(card(), PredictionSet(("glioma",), 90, ()), 0)
        == heading(card(), PredictionSet((), 90, ()), 0)
        == "Glioma"
    )


def test_where_the_set_lacks_the_predicted_class_the_heading_is_that_class_and_the_sentence_says_so():
    """Each class has a threshold of its own, so that a less probable class may be in the set alone."""
    for others in (("meningioma",), ("meningioma", "pituitary")):
        possible = PredictionSet(others, 90, ())
        assert heading(card(), possible, 0) == "Glioma"
        sentence = set_sentence(card(), possible, 0)
        assert sentence.startswith("Meningioma") and "Glioma, the predicted class, is not in the set" in sentence


def test_a_class_that_is_in_every_set_is_no_finding_and_the_sentence_says_so():
    """Two classes have the threshold 1,000,000 at 90 %, one at 95 %."""
    usual = dict.fromkeys(CLASSES, 400_000)
    wide = usual | {"meningioma": 1_000_000}
    few = made_up_card(conformal={"90": wide | {"pituitary": 1_000_000}, "95": wide})
    every = ("glioma", "meningioma", "pituitary")
    for classes, predicted, expected in (
        (every, 0, "Glioma"),
        (("notumor", *every), 2, "No tumour or glioma"),
        (("meningioma", "glioma", "pituitary"), 1, "Meningioma or glioma"),  # the predicted class is named
    ):
        assert heading(few, PredictionSet(classes, 90, ()), predicted) == expected
    two, one = (set_sentence(few, PredictionSet(every, level, ()), 0) for level in (90, 95))
    assert two.startswith("Glioma, meningioma or pituitary tumour is all that cannot be ruled out")
    assert two.endswith(
        "Meningioma and pituitary tumour are in every set: the labelled scans of them were not enough to rule them out."
    )
    assert one.endswith("Meningioma is in every set: the labelled scans of it were not enough to rule it out.")


def test_where_the_promise_is_not_met_elsewhere_the_sentence_says_so():
    missed = Score(
        "coverage of 90 % sets",
        "cohort 44c",
        "no near-duplicate in training",
        Estimate(0.7, 0.6, 0.8, 90),
        "cohorts.csv",
    )
    kept = set_sentence(card(), PredictionSet(("glioma",), 90, ()), 0)
    assert kept == "Glioma is all that cannot be ruled out at 90\u00a0%."
    assert "on the collection 44c the true class is in the set for 70\u00a0% of the scans" in set_sentence(
        card(missed), PredictionSet(("glioma",), 90, ()), 0
    )


def test_what_the_gate_saw_is_a_sentence():
    assert gate_sentence(result("coronal", UNKNOWN)) == "Seems to be one head in MRI, coronal, sequence not known."


def test_the_error_rates_of_the_gate_are_those_of_its_card():
    scores = tuple(
        Score("share withheld", "test", subset, Estimate(v, v, v, n), "gate.csv")
        for subset, v, n in (("heads", 0.004, 2400), ("other pictures", 0.99, 800))
    )
    sentence = error_rates(made_up_card(scores=scores))
    assert "2,400 test scans of heads" in sentence and "0.4 %" in sentence and "99.0 %" in sentence
