"""Which numbers do the charts of a model's performance draw? From a bundle's tables alone, as its card's figures are.

The formulas and the intervals are those of `measures.py`. The curves are counted here and tested against
scikit-learn: its import alone takes seconds, and a page must not wait for it.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np

from model_zoo.card import ModelError
from model_zoo.metrics import BINS, confidence_bins, confusions, draws, interval, precision, recall
from model_zoo.scores import ALL, APART
from model_zoo.tables import CheckRow, CohortRow, Prediction, SourceRow

HISTORY = "history.csv"
LOSSES = ("logits_loss", "loss")  # a model that is also taught where to look sums its losses under the second name
_GRID = np.linspace(0, 1, 201)

Measured = tuple[float, float, float]  # a value and its 95 % interval


@dataclass(frozen=True)
class History:
    """A training run, epoch by epoch. `columns` are those of the file, NaN where a cell is empty."""

    epochs: tuple[int, ...]
    columns: dict[str, tuple[float, ...]]
    phases: tuple[str, ...]  # "head" while the backbone was frozen, then "whole"; "" where there was one phase

    def loss(self) -> str:
        """Return the column of the loss that says how right the answers were, "" where none was kept."""
        return next((name for name in LOSSES if name in self.columns), "")

    def kept(self, best: float | None) -> int | None:
        """Return the epoch whose weights were kept: the card counts it within the last phase, from 1."""
        last = [epoch for epoch, phase in zip(self.epochs, self.phases, strict=True) if phase == self.phases[-1]]
        return last[int(best) - 1] if best and 1 <= best <= len(last) else None


@dataclass(frozen=True)
class Answers:
    """What a model said of N scans of known truth; classes by their place on its card."""

    ids: tuple[str, ...]
    groups: np.ndarray  # int (N,), numbered from 0: related scans have the same
    twins: np.ndarray  # bool (N,): a near-duplicate trained or chose the model
    truth: np.ndarray  # int (N,)
    p: np.ndarray  # float (N, K)

    @property
    def called(self) -> np.ndarray:
        """Int (N,): the class that the model named."""
        return self.p.argmax(axis=1)


@dataclass(frozen=True)
class Curve:
    """A line through points (M,), x rising, and what it comes to: the area under a ROC curve, average precision."""

    x: np.ndarray
    y: np.ndarray
    area: float
    base: float  # what an answer that knows nothing gets: y at every x for precision, the area for ROC


@dataclass(frozen=True)
class Bin:
    """The scans about whose answer the model was about equally sure."""

    sure: float  # mean top probability
    right: Measured  # share called right
    scans: int


def read_history(path: Path) -> History:
    """Read a bundle's history.csv, whatever columns its recipe left. Raises ModelError on any other table."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = list(csv.reader(file)) or [[]]
        rows = [dict(zip(header, line, strict=True)) for line in lines]
        if not rows or "epoch" not in header:
            raise ValueError("it holds no epoch")
        epochs = tuple(int(row.pop("epoch")) for row in rows)
        phases = tuple(row.pop("phase", "") for row in rows)
        columns = {key: tuple(float(row[key] or nan) for row in rows) for key in rows[0]}
    except (OSError, ValueError, csv.Error) as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} cannot be read as the history of a training ({error}); "
            "restore the file or train the model again"
        ) from error
    return History(epochs, columns, phases)


def answers(rows: Sequence[Prediction | CohortRow], classes: Sequence[str], prefix: str = "") -> Answers:
    """Return rows of one split or cohort as arrays, `prefix` put before their ids."""
    _, groups = np.unique([row.group for row in rows], return_inverse=True)
    return Answers(
        tuple(prefix + row.id for row in rows),
        groups,
        np.array([row.twin for row in rows], bool),
        np.array([classes.index(row.truth) for row in rows], int),
        np.array([row.probabilities for row in rows]).reshape(len(rows), len(classes)),
    )


def scan_sets(
    rows: Sequence[Prediction | CohortRow], classes: Sequence[str], prefix: str = ""
) -> dict[tuple[str, str], Answers]:
    """Return the answers of each split and subset that has scans, by the names of the card's figures.

    Scans with a twin in training are left out of test and of other cohorts first; "all scans" comes after, where it
    is more.
    """
    found = {}
    parts: dict[str, list] = {"test": [], "val": []}
    for row in rows:
        parts.setdefault(row.split if isinstance(row, Prediction) else f"cohort {row.cohort}", []).append(row)
    for split, part in parts.items():
        apart = [] if split == "val" else [row for row in part if not row.twin]
        subsets = {APART: apart} | ({ALL: part} if len(apart) < len(part) else {})
        found |= {(split, subset): answers(chosen, classes, prefix) for subset, chosen in subsets.items() if chosen}
    return found


def matrix(said: Answers) -> np.ndarray:
    """Return int (K, K): how many scans of true class i were called class j."""
    return confusions(np.zeros_like(said.truth), said.truth, said.called, said.p.shape[1])[0].astype(int)


def worst(counts: np.ndarray) -> tuple[int, int]:
    """Return the cell (truth, answer) of the most frequent mistake, of the most frequent answer where there is none."""
    mistakes = counts - np.diag(np.diag(counts))
    i, j = np.unravel_index((mistakes if mistakes.any() else counts).argmax(), counts.shape)
    return int(i), int(j)


def in_cell(said: Answers, truth: int, called: int) -> np.ndarray:
    """Return int (M,): the rows of one cell of the matrix, those that the model was surest about first."""
    rows = np.flatnonzero((said.truth == truth) & (said.called == called))
    return rows[np.argsort(-said.p[rows, called], kind="stable")]


def by_class(said: Answers) -> dict[str, list[Measured | None]]:
    """Return recall, precision and F1 of each class, None where it has no such thing: no scan, or never named."""
    by_group = confusions(said.groups, said.truth, said.called, said.p.shape[1])
    whole, many = by_group.sum(axis=0)[None], np.tensordot(draws(len(by_group)), by_group, axes=1)
    return {name: _each(measure(whole)[0], measure(many)) for name, measure in _BY_CLASS.items()}


def _f1(confusion: np.ndarray) -> np.ndarray:
    """Return (B, K): the harmonic mean of precision and recall; NaN for a class without scans."""
    right, total = np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2)
    return np.divide(2 * right, total + confusion.sum(axis=1), out=np.full(right.shape, nan), where=total > 0)


_BY_CLASS = {"recall": recall, "precision": precision, "F1": _f1}


def _each(values: np.ndarray, many: np.ndarray) -> list[Measured | None]:
    return [None if np.isnan(value) else interval(value, many[:, k]) for k, value in enumerate(values)]


def reliability(said: Answers) -> list[Bin]:
    """Return the bins of the calibration error that hold any scan, from unsure to sure."""
    top, bins = said.p.max(axis=1), confidence_bins(said.p)
    counts = np.zeros((said.groups.max() + 1, BINS, 2))  # a group's scans in a bin: how many, how many right
    np.add.at(counts, (said.groups, bins), np.stack([np.ones(len(top)), said.called == said.truth], axis=1))
    scans, right = np.moveaxis(np.tensordot(draws(len(counts)), counts, axes=1), 2, 0)
    shares = np.divide(right, scans, out=np.full(scans.shape, nan), where=scans > 0)
    found = []
    for b in np.unique(bins):
        inside = bins == b
        share = (said.called == said.truth)[inside].mean()
        found.append(Bin(float(top[inside].mean()), interval(share, shares[:, b]), int(inside.sum())))
    return found


def roc(said: Answers, k: int) -> Curve | None:
    """Return sensitivity (y) over 1 - specificity (x) of class `k` against the rest, None where one side is empty."""
    right, wrong = _thresholds(said, k)
    if not right[-1] or not wrong[-1]:
        return None
    x, y = wrong / wrong[-1], right / right[-1]
    return Curve(x, y, float(np.trapezoid(y, x)), 0.5)


def precision_recall(said: Answers, k: int) -> Curve | None:
    """Return precision (y) over recall (x) of class `k` against the rest, None where one side is empty.

    Precision at a recall is that of the strictest threshold that reaches it; its mean over the scans of the class
    is the average precision.
    """
    right, wrong = _thresholds(said, k)
    if not right[-1] or not wrong[-1]:
        return None
    x, y = right / right[-1], np.divide(right, right + wrong, out=np.ones_like(right), where=right + wrong > 0)
    return Curve(x, y, float(np.diff(x) @ y[1:]), float(y[-1]))


def _thresholds(said: Answers, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float (M,) twice: scans of class `k`, and others, at or above each threshold, strictest first, from 0.

    Without the thresholds within a run at which no further scan of the class is found: no curve turns there.
    """
    score = said.p[:, k]
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # of each run of ties: they fall together
    right = np.append(0.0, np.cumsum(said.truth[order] == k)[last])
    wrong = np.append(0, last + 1) - right
    rises = np.diff(right) > 0
    turns = np.append(True, rises) | np.append(rises, True)
    return right[turns], wrong[turns]


def mean_curve(curves: Sequence[Curve], *, stepped: bool) -> Curve:
    """Return the mean of y at each x over one or more classes, and of their areas; `stepped` for precision."""
    at = [c.y[np.searchsorted(c.x, _GRID)] if stepped else np.interp(_GRID, c.x, c.y) for c in curves]
    area, base = (float(np.mean([getattr(curve, name) for curve in curves])) for name in ("area", "base"))
    return Curve(_GRID, np.mean(at, axis=0), area, base)


def chances(rows: Sequence[CheckRow]) -> dict[str, float]:
    """Return the best balanced accuracy that can be had without looking, for each check whose scans have two classes.

    Whoever always names one of the C classes there are gets all of it right and nothing else: 1 / C.
    """
    present: dict[str, set[str]] = {}
    for row in rows:
        present.setdefault(row.check, set()).add(row.truth)
    return {check: 1 / len(classes) for check, classes in present.items() if len(classes) > 1}


def chance_of_probe(rows: Sequence[SourceRow]) -> float:
    """Return what the source probe would get by guessing: 1 / the number of sources."""
    return 1 / len({row.truth for row in rows})
