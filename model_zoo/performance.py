"""The numbers behind the charts of a model's performance, from the tables of its bundle alone.

The formulas and the intervals are those of `metrics.py`. The curves are computed here and tested against
scikit-learn: its import alone takes seconds, and a page must not wait for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from model_zoo.estimate import Estimate
from model_zoo.metrics import (
    BINS,
    confidence_bins,
    confusion_matrices,
    draws,
    interval,
    precision,
    recall,
    specificity,
)
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.tables import CohortRow, PredictionRow, ShortcutRow, SourceRow

_GRID = np.linspace(0, 1, 201)


@dataclass(frozen=True)
class Predictions:
    """A model's predictions for N scans with reference labels; classes by their index on its card."""

    ids: tuple[str, ...]
    groups: np.ndarray  # int (N,), numbered from 0: related scans have the same
    near_duplicates: np.ndarray  # bool (N,): a near-duplicate trained or chose the model
    truth: np.ndarray  # int (N,)
    p: np.ndarray  # float (N, K)

    @property
    def predicted(self) -> np.ndarray:
        """Int (N,): the predicted class."""
        return self.p.argmax(axis=1)

    def matrices(self) -> np.ndarray:
        """Return the confusion matrix of each group, float (G, K, K)."""
        return confusion_matrices(self.groups, self.truth, self.predicted, self.p.shape[1])


@dataclass(frozen=True)
class Curve:
    """A line through points (M,), x rising, and what it comes to: the area under a ROC curve, average precision."""

    x: np.ndarray
    y: np.ndarray
    area: float
    base: float  # of a prediction by chance: y at every x for precision, the area for ROC


@dataclass(frozen=True)
class Bin:
    """The scans that were predicted with about the same confidence."""

    confidence: float  # mean top probability
    accuracy: Estimate


def predictions_of(rows: Sequence[PredictionRow | CohortRow], classes: Sequence[str], prefix: str = "") -> Predictions:
    """Return rows of one split or cohort as arrays, `prefix` put before their ids."""
    _, groups = np.unique([row.group for row in rows], return_inverse=True)
    return Predictions(
        tuple(prefix + row.id for row in rows),
        groups,
        np.array([row.near_duplicate for row in rows], bool),
        np.array([classes.index(row.truth) for row in rows], int),
        np.array([row.probabilities for row in rows]).reshape(len(rows), len(classes)),
    )


def scan_sets(
    rows: Sequence[PredictionRow | CohortRow], classes: Sequence[str], prefix: str = ""
) -> dict[tuple[str, str], Predictions]:
    """Return the predictions of each split and subset that has scans, by the names of the card's scores.

    Of test and of cohorts the scans without a near-duplicate in training come first; "all scans" comes after, where
    it is more.
    """
    sets = {}
    parts: dict[str, list] = {"test": [], "val": []}
    for row in rows:
        parts.setdefault(row.split if isinstance(row, PredictionRow) else f"cohort {row.cohort}", []).append(row)
    for split, part in parts.items():
        apart = [] if split == "val" else [row for row in part if not row.near_duplicate]
        subsets = {NO_NEAR_DUPLICATE: apart} | ({ALL_SCANS: part} if len(apart) < len(part) else {})
        sets |= {
            (split, subset): predictions_of(chosen, classes, prefix) for subset, chosen in subsets.items() if chosen
        }
    return sets


def confusion_matrix(predictions: Predictions) -> np.ndarray:
    """Return int (K, K): how many scans of true class i are predicted as class j."""
    return predictions.matrices().sum(axis=0).astype(int)


def most_frequent_mistake(counts: np.ndarray) -> tuple[int, int]:
    """Return the cell (truth, predicted) of the most frequent mistake, of the most frequent prediction without one."""
    mistakes = counts - np.diag(np.diag(counts))
    i, j = np.unravel_index((mistakes if mistakes.any() else counts).argmax(), counts.shape)
    return int(i), int(j)


def in_cell(predictions: Predictions, truth: int, predicted: int) -> np.ndarray:
    """Return int (M,): the rows of one cell of the matrix, the most confident first."""
    rows = np.flatnonzero((predictions.truth == truth) & (predictions.predicted == predicted))
    return rows[np.argsort(-predictions.p[rows, predicted], kind="stable")]


def by_class(predictions: Predictions) -> dict[str, list[Estimate | None]]:
    """Return recall, precision, specificity and F1 of each class, None where it has none: no scan, or never predicted.

    The scans of an estimate are those of the class, for precision those predicted as it, for specificity the others.
    """
    by_group = predictions.matrices()
    whole, many = by_group.sum(axis=0)[None], np.tensordot(draws(len(by_group)), by_group, axes=1)
    counts = whole[0].astype(int)
    of_class = counts.sum(axis=1)
    scans = {"precision": counts.sum(axis=0), "specificity": counts.sum() - of_class}
    return {
        name: _each(measure(whole)[0], measure(many), scans.get(name, of_class)) for name, measure in _BY_CLASS.items()
    }


def _f1(confusion: np.ndarray) -> np.ndarray:
    """Return (B, K): the harmonic mean of precision and recall; NaN for a class without scans."""
    right, total = np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2)
    return np.divide(2 * right, total + confusion.sum(axis=1), out=np.full(right.shape, nan), where=total > 0)


_BY_CLASS = {"recall": recall, "precision": precision, "specificity": specificity, "F1": _f1}


def _each(values: np.ndarray, many: np.ndarray, scans: np.ndarray) -> list[Estimate | None]:
    return [
        None if np.isnan(value) else Estimate(*interval(value, many[:, k]), int(scans[k]))
        for k, value in enumerate(values)
    ]


def reliability(predictions: Predictions) -> list[Bin]:
    """Return the bins of the calibration error that hold any scan, from low to high confidence."""
    correct = predictions.predicted == predictions.truth
    top, bins = predictions.p.max(axis=1), confidence_bins(predictions.p)
    counts = np.zeros((predictions.groups.max() + 1, BINS, 2))  # a group's scans in a bin: how many, how many correct
    np.add.at(counts, (predictions.groups, bins), np.stack([np.ones(len(top)), correct], axis=1))
    scans, right = np.moveaxis(np.tensordot(draws(len(counts)), counts, axes=1), 2, 0)
    shares = np.divide(right, scans, out=np.full(scans.shape, nan), where=scans > 0)
    filled = []
    for b in np.unique(bins):
        inside = bins == b
        accuracy = Estimate(*interval(correct[inside].mean(), shares[:, b]), int(inside.sum()))
        filled.append(Bin(float(top[inside].mean()), accuracy))
    return filled


def roc(predictions: Predictions, k: int) -> Curve | None:
    """Return sensitivity (y) over 1 - specificity (x) of class `k` against the rest, None where one side is empty."""
    right, wrong = _thresholds(predictions, k)
    if not right[-1] or not wrong[-1]:
        return None
    x, y = wrong / wrong[-1], right / right[-1]
    return Curve(x, y, float(np.trapezoid(y, x)), 0.5)


def precision_recall(predictions: Predictions, k: int) -> Curve | None:
    """Return precision (y) over recall (x) of class `k` against the rest, None where one side is empty.

    Precision at a recall is that of the strictest threshold that reaches it; its mean over the scans of the class
    is the average precision.
    """
    right, wrong = _thresholds(predictions, k)
    if not right[-1] or not wrong[-1]:
        return None
    x, y = right / right[-1], np.divide(right, right + wrong, out=np.ones_like(right), where=right + wrong > 0)
    return Curve(x, y, float(np.diff(x) @ y[1:]), float(y[-1]))


def _thresholds(predictions: Predictions, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float (M,) twice: scans of class `k`, and others, at or above each threshold, strictest first, from 0.

    Thresholds within a run that reach no further scan of the class are left out: no curve turns there.
    """
    score = predictions.p[:, k]
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(
        np.append(np.diff(score[order]) != 0, True)
    )  # of each run of ties: they pass the threshold together
    right = np.append(0.0, np.cumsum(predictions.truth[order] == k)[last])
    wrong = np.append(0, last + 1) - right
    rises = np.diff(right) > 0
    turns = np.append(True, rises) | np.append(rises, True)
    return right[turns], wrong[turns]


def mean_curve(curves: Sequence[Curve], *, stepped: bool) -> Curve:
    """Return the mean of y at each x over one or more classes, and of their areas; `stepped` for precision."""
    at = [c.y[np.searchsorted(c.x, _GRID)] if stepped else np.interp(_GRID, c.x, c.y) for c in curves]
    area, base = (float(np.mean([getattr(curve, name) for curve in curves])) for name in ("area", "base"))
    return Curve(_GRID, np.mean(at, axis=0), area, base)


def chance_by_test(rows: Sequence[ShortcutRow]) -> dict[str, float]:
    """Return the balanced accuracy by chance in each test whose scans have two or more classes.

    A model that always predicts one of the C classes gets that class right and nothing else: 1 / C.
    """
    present: dict[str, set[str]] = {}
    for row in rows:
        present.setdefault(row.test, set()).add(row.truth)
    return {test: 1 / len(classes) for test, classes in present.items() if len(classes) > 1}


def chance_of_probe(rows: Sequence[SourceRow]) -> float:
    """Return the balanced accuracy of the source probe by chance: 1 / the number of sources."""
    return 1 / len({row.truth for row in rows})
