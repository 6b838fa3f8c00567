"""Convergence, the meaning of colours, and cautions stand beside every map."""

from dataclasses import replace

import numpy as np
import pytest

from explain import METHODS, Explanation
from explain.captions import cautions, colour_meaning, convergence, fit_notes, progress_text
from tests.explain.conftest import explanation


@pytest.fixture(scope="module")
def lime() -> Explanation:
    return explanation(
        heat=np.array([[1.0, 0.0], [-2.0, 0.5]], np.float32),
        method="lime",
        engine="lime",
        unit="logit per region",
        seconds=1.26,
        evaluations=501,
        signed=True,
        stopped="stable",
        stability=0.984,
    )


def test_a_stable_map_gives_its_agreement_with_an_earlier_one_and_its_cost(lime):
    words = convergence(lime)
    assert words.startswith("Converged") and all(value in words for value in ("0.98", "501", "1.3 s"))


def test_a_single_pass_is_deterministic(lime):
    once = replace(lime, method="gradcam", stopped="complete", stability=None, evaluations=2, seconds=0.04)
    assert convergence(once).startswith("Deterministic, single pass") and "under 0.1 s" in convergence(once).lower()


def test_score_cam_of_every_channel_by_itself_is_deterministic(lime):
    every = replace(lime, method="scorecam", stopped="complete", stability=None, evaluations=66)
    assert convergence(every).startswith("Deterministic.") and "66" in convergence(every)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"stopped": "time", "stability": 0.8},
            "Stopped at the time limit: rank correlation 0.80 with the map of at most half the samples",
        ),
        ({"stopped": "time", "stability": None}, "after the first map, so convergence was not measured"),
        ({"stopped": "complete", "stability": None}, "compare another seed"),
        ({"stopped": "complete", "stability": 0.95}, "Complete: rank correlation 0.95 with"),
        ({"stopped": "complete", "stability": 0.6}, "another seed may give another map"),
        ({"stopped": "complete", "stability": 0.6, "method": "shap"}, "read it as a sketch"),
    ],
)
def test_a_map_that_has_not_converged_says_so(lime, changes, words):
    assert words in convergence(replace(lime, **changes))


def test_lime_s_note_comes_with_what_r2_means(lime):
    assert fit_notes(lime) == []
    note = "R2 of LIME's linear model: 0.81."
    first, second = fit_notes(replace(lime, notes=(note,)))
    assert first == note and "1 would be all" in second


def test_an_unlikely_class_gets_a_caution(lime):
    assert cautions(lime, "Glioma") == []
    unlikely = cautions(replace(lime, probability=0.001), "Glioma")
    assert len(unlikely) == 1 and "Glioma is under 1\u00a0%" in unlikely[0]
    (of_saliency,) = cautions(replace(lime, probability=0.001, method="saliency"), "Glioma")
    assert "evidence" not in of_saliency and "could change its score" in of_saliency
    empty = replace(lime, probability=0.0, heat=0 * lime.heat, warnings=("No positive evidence.",))
    assert cautions(empty, "Glioma") == ["No positive evidence."]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_s_colours_are_explained(lime, name):
    of = replace(lime, method=name, signed=METHODS[name].signed)
    for against in {False, METHODS[name].signed}:
        words = colour_meaning(of, "Glioma", against)
        assert "Glioma" in words and words.startswith("0: ") and "every map has its own scale" in words
        assert ("against it" in words) is against


def test_how_far_it_is_follows_the_effort_and_never_ends_early():
    share, words = progress_text(0.45, 41.0, 30.0)  # longer than the limit: others were there, too
    assert share == 0.45 and all(part in words.replace("\u00a0", " ") for part in ("45 %", "41 s", "at most 30 s"))
    assert progress_text(1.0, 1.0, 30.0)[0] < 1
