"""How good is a model, and how sure is that? Every figure of a card, from the tables of its bundle alone.

Figures are computed here and nowhere else, so they can be computed again: `python -m model_zoo verify`.
The formulas and the 95 % intervals (bootstrap over groups) are in `measures.py`, the tables in `tables.py`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from model_zoo.card import Score
from model_zoo.estimate import Estimate
from model_zoo.metrics import (
    AUC_RESAMPLES,
    MEASURES,
    PER_CLASS,
    auc,
    calibration_error,
    calibration_gaps,
    confusions,
    draws,
    interval,
)
from model_zoo.tables import (
    CHECKS,
    COHORTS,
    PREDICTIONS,
    SOURCES,
    CheckRow,
    CohortRow,
    Prediction,
    SourceRow,
    read_checks,
    read_cohorts,
    read_predictions,
    read_sources,
)

ALL, APART = "all scans", "no twin in training"
AUC, CALIBRATION = "AUC", "expected calibration error"
PROBE = "balanced accuracy of the source probe"


def bundle_scores(folder: Path, classes: Sequence[str]) -> tuple[Score, ...]:
    """Return every figure that follows from the tables in `folder`, whichever of them exist.

    Raises ModelError on a table that cannot be read, or has other columns than the classes ask for.
    """
    made: dict[str, Callable[[Path], tuple[Score, ...]]] = {
        PREDICTIONS: lambda path: prediction_scores(read_predictions(path, classes), classes),
        COHORTS: lambda path: cohort_scores(read_cohorts(path, classes), classes),
        CHECKS: lambda path: shortcut_scores(read_checks(path, classes), classes),
        SOURCES: lambda path: source_scores(read_sources(path)),
    }
    return tuple(score for name, make in made.items() if (folder / name).exists() for score in make(folder / name))


def prediction_scores(rows: Sequence[Prediction], classes: Sequence[str]) -> tuple[Score, ...]:
    """Return the figures of `predictions.csv`.

    Of val and test: accuracy, balanced accuracy, macro F1, AUC, expected calibration error. Of test also with the
    twins removed, each class's precision and recall, and the first three by sequence where there is more than one.
    """
    found = []
    for split in ("val", "test"):
        part = [row for row in rows if row.split == split]
        subsets = {ALL: part} | ({APART: [row for row in part if not row.twin]} if split == "test" else {})
        for subset, chosen in subsets.items():
            where = split, subset, PREDICTIONS
            found += _counted(chosen, classes, where, PER_CLASS if split == "test" else {}, ranked=True)
        if split == "test":
            for subset, chosen in _by_sequence(part).items():
                found += _counted(chosen, classes, (split, subset, PREDICTIONS))
    return tuple(found)


def cohort_scores(rows: Sequence[CohortRow], classes: Sequence[str]) -> tuple[Score, ...]:
    """Return the figures of `cohorts.csv`: three accuracies and each class's recall, over the classes in the cohort.

    The split is "cohort <name>". Scans with a twin in training count under "all scans" only, not by sequence.
    """
    found = []
    for cohort in dict.fromkeys(row.cohort for row in rows):
        part = [row for row in rows if row.cohort == cohort]
        apart = [row for row in part if not row.twin]
        subsets = {APART: apart} | ({ALL: part} if len(apart) < len(part) else {}) | _by_sequence(apart)
        for subset, chosen in subsets.items():
            found += _counted(chosen, classes, (f"cohort {cohort}", subset, COHORTS), {"recall": PER_CLASS["recall"]})
    return tuple(found)


def shortcut_scores(rows: Sequence[CheckRow], classes: Sequence[str]) -> tuple[Score, ...]:
    """Return the accuracy and balanced accuracy of each check of `checks.csv`, in the file's order."""
    found = []
    for check in dict.fromkeys(row.check for row in rows):
        part = _counted([row for row in rows if row.check == check], classes, ("check", check, CHECKS))
        found += [figure for figure in part if figure.name != "macro F1"]
    return tuple(found)


def source_scores(rows: Sequence[SourceRow]) -> tuple[Score, ...]:
    """Return how well a probe tells the source of an image; it would guess 1 / the number of sources by chance."""
    if not rows:
        return ()
    group, truth, answer = _numbered(rows, sources := sorted({row.truth for row in rows} | {r.answer for r in rows}))
    by_group = confusions(group, truth, answer, len(sources))
    measure = MEASURES["balanced accuracy"]
    numbers = interval(measure(by_group.sum(axis=0)[None])[0], measure(_resampled(draws(len(by_group)), by_group)))
    return (Score(PROBE, "check", "source probe", Estimate(*numbers, len(rows)), SOURCES),)


def _counted(
    rows: Sequence[Prediction | CohortRow | CheckRow],
    classes: Sequence[str],
    where: tuple[str, str, str],
    per_class: dict[str, Callable] | None = None,
    *,
    ranked: bool = False,
) -> list[Score]:
    """Return the figures of some rows; `where` is split, subset and file, `ranked` adds AUC and calibration error."""
    if not rows:
        return []
    group, truth, called = _numbered(rows, classes)
    by_group = confusions(group, truth, called, len(classes))
    drawn = draws(len(by_group))
    whole, resampled = by_group.sum(axis=0)[None], _resampled(drawn, by_group)
    found = {name: interval(measure(whole)[0], measure(resampled)) for name, measure in MEASURES.items()}
    if ranked:
        found |= _ranked(np.array([row.probabilities for row in rows]), group, truth, drawn)
    for name, measure in (per_class or {}).items():
        values, many = measure(whole)[0], measure(resampled)
        known = np.flatnonzero(~np.isnan(values))  # the recall of an absent class is not 0: there is none
        found |= {f"{name} of {classes[k]}": interval(values[k], many[:, k]) for k in known}
    split, subset, source = where
    return [Score(name, split, subset, Estimate(*numbers, len(rows)), source) for name, numbers in found.items()]


def _ranked(p: np.ndarray, group: np.ndarray, truth: np.ndarray, drawn: np.ndarray) -> dict[str, tuple]:
    """Return the figures that need the probabilities (N, K) themselves; no AUC where there is one class only."""
    found = {}
    area = auc(p, truth, np.ones((1, len(p))))[0]
    if not np.isnan(area):
        found[AUC] = interval(area, auc(p, truth, drawn[:AUC_RESAMPLES, group]))
    gaps = calibration_gaps(group, truth, p)
    error = calibration_error(gaps.sum(axis=0)[None], np.array([len(p)]))[0]
    found[CALIBRATION] = interval(error, calibration_error(_resampled(drawn, gaps), drawn @ np.bincount(group)))
    return found


def _numbered(rows: Sequence, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return group, truth and answer of every row as int (N,)."""
    places = {group: place for place, group in enumerate(sorted({row.group for row in rows}))}
    labels = {label: place for place, label in enumerate(classes)}
    answers = [labels[r.answer] if isinstance(r, SourceRow) else int(np.argmax(r.probabilities)) for r in rows]
    return np.array([places[r.group] for r in rows]), np.array([labels[r.truth] for r in rows]), np.array(answers)


def _resampled(drawn: np.ndarray, by_group: np.ndarray) -> np.ndarray:
    return np.tensordot(drawn, by_group, axes=1)


def _by_sequence(rows: Sequence[Prediction | CohortRow]) -> dict[str, list]:
    """Return the rows of each sequence that is named, where there is more than one."""
    names = sorted({row.sequence for row in rows} - {""})
    return {f"sequence {name}": [r for r in rows if r.sequence == name] for name in names} if len(names) > 1 else {}
