"""How well a method localises tumours for a model and class, and whether it passes the sanity check: in sentences."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from explain.evaluation.estimates import estimate
from explain.evaluation.sanity import SURVIVES
from explain.evaluation.store import StoredEvaluation, read_evaluation
from model_zoo import Estimate, ModelError

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
    overall: Estimate  # `pointing` on all annotated scans
    sanity: Estimate | None  # agreement with the map of the model with all weights randomised; low is good
    fails_sanity: bool | None
    seeds: Estimate | None  # agreement between seeds, of a method that draws random samples
    shifts: Estimate | None  # agreement with the map of the scan after a small shift or with a little noise


def method_summary(folder: Path, weights_sha256: str, method: str, class_id: str = "") -> MethodSummary | None:
    """Return the quality of `method` for the bundle in `folder`: of maps of `class_id` on scans of that class.

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
    return _summary(evaluation, method, class_id)


@lru_cache(maxsize=1024)
def _summary(evaluation: StoredEvaluation, method: str, class_id: str) -> MethodSummary | None:
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
        overall=estimate(np.array([row.measures["pointing"] for row in rows]), [row.group for row in rows]),
        sanity=evaluation.estimate(method, "sanity all"),
        fails_sanity=evaluation.results.methods[method].fails_sanity,
        seeds=evaluation.estimate(method, "seeds"),
        shifts=evaluation.estimate(method, "shifts and noise"),
    )


def summary_text(summary: MethodSummary | None, name: str) -> str:
    """Return the localisation and the sanity check in two or three sentences; `name` is the class's, "" for all."""
    if summary is None:
        return NOT_EVALUATED
    return f"{_localisation(summary, name)} {_sanity(summary)}"


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
    if summary.gain.low > 0:
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
    interval = f" ({_interval(summary.pointing)})" if _interval(summary.pointing) else ""
    sanity = "sanity check not run"
    if summary.sanity is not None:
        verdict = "fails" if summary.fails_sanity else "passes"
        sanity = f"{verdict} sanity check (n\u00a0=\u00a0{summary.sanity.scans:,})"
    return f"{where} {_per_cent(summary.pointing.value)}{interval}, {sanity}"


def _interval(estimate: Estimate) -> str:
    if estimate.low == estimate.high:  # all scans alike: a resample cannot differ, and "100 to 100" would be too sure
        return ""
    return f"{100 * estimate.low:.0f} to {100 * estimate.high:.0f}"


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%"  # the sign must not begin a line
