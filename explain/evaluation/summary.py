"""How well a method localises tumours for a model and class, and whether it passes the sanity check: in sentences."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from explain.evaluation.estimates import estimate
from explain.evaluation.sanity import SURVIVES
from explain.evaluation.store import StoredEvaluation, read_evaluation
from explain.methods import METHODS
from model_zoo import Estimate, ModelError
from model_zoo.card_explanations import FEWEST, scans_text
from model_zoo.estimate import rounded_percent

CENTRE = "centre"  # the control to beat: a spot at the centre of the head
NOT_EVALUATED = "This method was not evaluated for this model: its localisation is unknown."


@dataclass(frozen=True)
class MethodSummary:
    """The quality of one method's maps of the predicted class, on annotated scans outside the training data.

    Shares are 0 to 1, agreements rank correlations of -1 to 1. None is what was not measured.
    """

    method: str
    asked: str  # the class that was asked for; "" for all
    class_id: str  # the class of the scans behind `pointing`, and of their maps; "" for all annotated scans
    pointing: Estimate  # share of the scans in which the map's highest point lies inside the annotation
    centre: Estimate | None  # the same share for CENTRE, on the same scans
    gain: Estimate | None  # `pointing` less `centre`, scan by scan
    sanity: Estimate | None  # agreement with the map of the model with all weights randomised; low is good
    fails_sanity: bool | None
    engine: str  # that was measured, where another one was asked for; else ""


def method_summary(
    folder: Path, weights_sha256: str, method: str, class_id: str = "", engine: str = ""
) -> MethodSummary | None:
    """Return the quality of `method` for the bundle in `folder`: of maps of `class_id` on scans of that class.

    A method's first engine is evaluated alone; the summary says so where the map at hand is of another `engine`.

    The evaluation explains the predicted class, so those are the scans whose reference label and prediction are
    `class_id`: a misread scan carries a map of another class. On all annotated scans for "" and for a class without one
    that was predicted as such. None where the evaluation was not run for this method as it is today, or not for these
    weights, or cannot be read. Cached, so that it can be called for every method.
    """
    try:
        evaluation = read_evaluation(folder)
    except ModelError:
        return None  # the page on explanation quality shows the error
    if evaluation is None or evaluation.results.weights != weights_sha256 or method not in evaluation.methods:
        return None
    first = next(iter(METHODS[method].engines)) if engine else ""
    return _summary(evaluation, method, class_id, "" if engine == first else first)


@lru_cache(maxsize=1024)
def _summary(evaluation: StoredEvaluation, method: str, class_id: str, engine: str) -> MethodSummary | None:
    rows = evaluation.annotated(method)
    if not rows:
        return None
    of_class = [row for row in rows if row.truth == row.predicted == class_id]
    chosen = of_class or rows
    groups = [row.group for row in chosen]
    baseline = {row.id: row.measures["pointing"] for row in evaluation.annotated(CENTRE)}
    points = np.array([row.measures["pointing"] for row in chosen])
    centre = np.array([baseline.get(row.id, np.nan) for row in chosen])
    return MethodSummary(
        method=method,
        asked=class_id,
        class_id=class_id if of_class else "",
        pointing=estimate(points, groups),
        centre=estimate(centre, groups),
        gain=estimate(points - centre, groups),
        sanity=evaluation.estimate(method, "sanity all"),
        fails_sanity=evaluation.results.methods[method].fails_sanity,
        engine=engine,
    )


def summary_text(summary: MethodSummary | None, name: str) -> str:
    """Return the localisation and the sanity check in a few sentences; `name` is the class's, "" for all."""
    if summary is None:
        return NOT_EVALUATED
    engine = f" Measured with another engine, “{summary.engine}”." if summary.engine else ""
    return f"{_localisation(summary, name)} {_sanity(summary)}{engine}"


def _localisation(summary: MethodSummary, name: str) -> str:
    scans, where = f"n = {summary.pointing.scans:,}", "Localisation"
    if summary.class_id:
        scans += f" annotated {name} scans predicted as such"
    elif name:
        where = f"No annotated scan of {name} is predicted as such. Localisation on all annotated scans"
    detail = f"95\u00a0% CI {_interval(summary.pointing)}, {scans}" if _interval(summary.pointing) else scans
    return f"{where}: {_per_cent(summary.pointing.value)} ({detail}){_beside_centre(summary)}."


def _beside_centre(summary: MethodSummary) -> str:
    if summary.centre is None or summary.gain is None:
        return ""
    verdict = " (no significant difference)"
    if summary.gain.scans < FEWEST:
        verdict = " (too few scans to compare)"
    elif summary.gain.low > 0:
        verdict = ""
    elif summary.gain.high < 0:
        verdict = " (significantly better)"
    return f"; centre baseline {_per_cent(summary.centre.value)}{verdict}"


def _sanity(summary: MethodSummary) -> str:
    if summary.sanity is None:
        return "Sanity check not run."
    verdict = "Fails" if summary.fails_sanity else "Passes"
    return (
        f"{verdict} the model-randomisation test (rank correlation {summary.sanity.value:z.2f}; "
        f"fails above {SURVIVES:g}; n = {summary.sanity.scans:,})."
    )


def summary_line(summary: MethodSummary | None) -> str:
    """Return the same for a small picture: "localisation 81 % (69 to 91), passes sanity check (n = 8)"."""
    if summary is None:
        return "not evaluated"
    where = "localisation on all annotated scans" if summary.asked and not summary.class_id else "localisation"
    beside = scans_text(summary.pointing) if summary.pointing.scans < FEWEST else _interval(summary.pointing)
    interval = f" ({beside})" if beside else ""
    sanity = "sanity check not run"
    if summary.sanity is not None:
        verdict = "fails" if summary.fails_sanity else "passes"
        sanity = f"{verdict} sanity check (n\u00a0=\u00a0{summary.sanity.scans:,})"
    engine = f", measured with another engine, “{summary.engine}”" if summary.engine else ""
    return f"{where} {_per_cent(summary.pointing.value)}{interval}, {sanity}{engine}"


def _interval(estimate: Estimate) -> str:
    # all scans alike: a resample cannot differ, and "100 to 100" would be too sure
    if estimate.low == estimate.high or estimate.scans < FEWEST:
        return ""
    return f"{rounded_percent(estimate.low)} to {rounded_percent(estimate.high)}"


def _per_cent(share: float) -> str:
    return f"{rounded_percent(share)}\u00a0%"  # the sign must not begin a line
