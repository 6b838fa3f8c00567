"""The scores of a model and their 95 % intervals: every score of a card, from the tables of its bundle alone.

Scores are computed here and nowhere else, so they can be computed again: `python -m model_zoo verify`.
The formulas and the intervals (bootstrap over groups) are in `metrics.py`, the tables in `tables.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from model_zoo.card import ModelCard, Score
from model_zoo.conformal import LEVELS, class_thresholds, conformal_sets, measured
from model_zoo.estimate import Estimate
from model_zoo.metrics import (
    AUC_RESAMPLES,
    MEASURES,
    PER_CLASS,
    auc,
    calibration_error,
    calibration_gaps,
    confusion_matrices,
    draws,
    interval,
)
from model_zoo.selective import operating_point, selective
from model_zoo.tables import (
    ALL_ROWS,
    COHORTS,
    PREDICTIONS,
    SHORTCUTS,
    SIMILAR,
    SOURCES,
    CohortRow,
    PredictionRow,
    ShortcutRow,
    SimilarRow,
    SourceRow,
    read_cohorts,
    read_predictions,
    read_shortcut_tests,
    read_similar,
    read_sources,
)

ALL_SCANS, NO_NEAR_DUPLICATE = "all scans", "no near-duplicate in training"
SHORTCUT_TEST = "shortcut test"  # the split of these scores; the subset is the name of the test
SOURCE_PROBE = "source probe"  # the subset of the probe's score
AUC, CALIBRATION = "AUC", "expected calibration error"
PROBE = "balanced accuracy of the source probe"
PRECISION_AT_5 = "precision at 5"


def bundle_scores(folder: Path, classes: Sequence[str]) -> tuple[Score, ...]:
    """Return every score that follows from the tables in `folder`, whichever of them exist.

    Raises ModelError on a table that cannot be read, or has other columns than the classes need.
    """
    made: dict[str, Callable[[Path], tuple[Score, ...]]] = {
        PREDICTIONS: lambda path: prediction_scores(read_predictions(path, classes), classes),
        COHORTS: lambda path: cohort_scores(read_cohorts(path, classes), classes),
        SHORTCUTS: lambda path: shortcut_scores(read_shortcut_tests(path, classes), classes),
        SOURCES: lambda path: source_scores(read_sources(path)),
        SIMILAR: lambda path: similar_scores(_similar_rows(folder, classes), classes),
    }
    scores = [score for name, make in made.items() if (folder / name).exists() for score in make(folder / name)]
    return (*scores, *set_scores(folder, classes))


def rows_of(card: ModelCard, table: str) -> dict[str, int]:
    """Return how many rows each part of a table has by its card: of a split, a cohort, a test, or ALL_ROWS.

    The largest number of scans of a score is that of all of them. Parts without a score are left out. A table that
    was cut short has fewer.
    """
    part_of: dict[str, Callable[[Score], str]] = {
        PREDICTIONS: lambda score: score.split,
        COHORTS: lambda score: score.split.removeprefix("cohort "),
        SHORTCUTS: lambda score: score.subset,
    }
    rows: dict[str, int] = {}
    for score in card.scores:
        if score.source == table:
            part = part_of.get(table, lambda score: ALL_ROWS)(score)
            rows[part] = max(rows.get(part, 0), score.estimate.scans)
    return rows


def measured_of(folder: Path, classes: Sequence[str]) -> dict:
    """Return the fields of a card that follow from the tables in `folder`: scores, thresholds, operating point."""
    p, truth = _validation(folder, classes)
    return {
        "scores": bundle_scores(folder, classes),
        "conformal": _thresholds(p, truth, classes),
        "operating_point": operating_point(p, truth) if len(p) else 0.0,
    }


def _validation(folder: Path, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (N, K) and truth int (N,) of the validation scans; of none where the table is missing."""
    path = folder / PREDICTIONS
    rows = [row for row in read_predictions(path, classes) if row.split == "val"] if path.exists() else []
    if not rows:
        return np.zeros((0, len(classes))), np.zeros(0, int)
    return np.array([row.probabilities for row in rows]), _numbered(rows, classes)[1]


def _thresholds(p: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return level in per cent -> class -> threshold in millionths; {} without validation scans."""
    if not len(p):
        return {}
    return {str(level): dict(zip(classes, class_thresholds(p, truth, level).tolist(), strict=True)) for level in LEVELS}


def set_scores(folder: Path, classes: Sequence[str]) -> tuple[Score, ...]:
    """Return how conformal sets and selective prediction do on test scans and other collections, also by sequence."""
    p, truth = _validation(folder, classes)
    thresholds, parts = _thresholds(p, truth, classes), []
    if not thresholds:
        return ()
    point = operating_point(p, truth)
    parts += list(_test_parts(read_predictions(folder / PREDICTIONS, classes)))
    if (folder / COHORTS).exists():
        parts += list(_cohort_parts(read_cohorts(folder / COHORTS, classes)))
    scores = []
    for (split, subset, source), rows in parts:
        group, truth, _ = _numbered(rows, classes)
        p = np.array([row.probabilities for row in rows])
        for level, by_class in thresholds.items():
            sets = conformal_sets(p, np.array([by_class[label] for label in classes]))
            for measure, estimate in measured(sets, truth, group):
                scores.append(Score(measure.at(level), split, subset, estimate, source))
        if subset in (ALL_SCANS, NO_NEAR_DUPLICATE):
            chosen = selective(p, truth, group, point)
            scores += [Score(name, split, subset, estimate, source) for name, estimate in chosen]
    return tuple(scores)


def _test_parts(rows: Sequence[PredictionRow]) -> Iterator[tuple[tuple[str, str, str], list[PredictionRow]]]:
    """Yield (split, subset, file) and the rows of each part of the test scans that has any."""
    test = [row for row in rows if row.split == "test"]
    apart = [row for row in test if not row.near_duplicate]
    for subset, chosen in ({ALL_SCANS: test, NO_NEAR_DUPLICATE: apart} | _by_view(apart)).items():
        if chosen:
            yield ("test", subset, PREDICTIONS), chosen


def _cohort_parts(rows: Sequence[CohortRow]) -> Iterator[tuple[tuple[str, str, str], list[CohortRow]]]:
    """Yield (split, subset, file) and the rows of each part of every collection."""
    for cohort in dict.fromkeys(row.cohort for row in rows):
        part = [row for row in rows if row.cohort == cohort]
        apart = [row for row in part if not row.near_duplicate]
        subsets = {NO_NEAR_DUPLICATE: apart} | ({ALL_SCANS: part} if len(apart) < len(part) else {})
        for subset, chosen in (subsets | _by_view(apart)).items():
            if chosen:
                yield (f"cohort {cohort}", subset, COHORTS), chosen


def prediction_scores(rows: Sequence[PredictionRow], classes: Sequence[str]) -> tuple[Score, ...]:
    """Return the scores of `predictions.csv`.

    Of val and test: accuracy, balanced accuracy, macro F1, AUC, expected calibration error. Of test also without
    near-duplicates, each class's precision and recall, and the first three, without near-duplicates, by sequence and
    plane.
    """
    val = [row for row in rows if row.split == "val"]
    scores = _scores(val, classes, ("val", ALL_SCANS, PREDICTIONS), ranked=True)
    for where, chosen in _test_parts(rows):
        whole = where[1] in (ALL_SCANS, NO_NEAR_DUPLICATE)
        scores += _scores(chosen, classes, where, PER_CLASS if whole else {}, ranked=whole)
    return tuple(scores)


def cohort_scores(rows: Sequence[CohortRow], classes: Sequence[str]) -> tuple[Score, ...]:
    """Return the scores of `cohorts.csv`: three accuracies and each class's recall, over the classes in the cohort.

    The split is "cohort <name>". Scans with a near-duplicate in training count under "all scans" only, not by view.
    """
    recall = {"recall": PER_CLASS["recall"]}
    return tuple(score for where, chosen in _cohort_parts(rows) for score in _scores(chosen, classes, where, recall))


def shortcut_scores(rows: Sequence[ShortcutRow], classes: Sequence[str]) -> tuple[Score, ...]:
    """Return the accuracy and balanced accuracy of each test of `shortcut_tests.csv`, in the file's order."""
    scores = []
    for test in dict.fromkeys(row.test for row in rows):
        part = _scores([row for row in rows if row.test == test], classes, (SHORTCUT_TEST, test, SHORTCUTS))
        scores += [score for score in part if score.name != "macro F1"]
    return tuple(scores)


def source_scores(rows: Sequence[SourceRow]) -> tuple[Score, ...]:
    """Return the balanced accuracy of the source probe; chance is 1 / the number of sources."""
    if not rows:
        return ()
    sources = sorted({row.truth for row in rows} | {row.prediction for row in rows})
    group, truth, predicted = _numbered(rows, sources)
    by_group = confusion_matrices(group, truth, predicted, len(sources))
    measure = MEASURES["balanced accuracy"]
    numbers = interval(measure(by_group.sum(axis=0)[None])[0], measure(_resampled(draws(len(by_group)), by_group)))
    return (Score(PROBE, SHORTCUT_TEST, SOURCE_PROBE, Estimate(*numbers, len(rows)), SOURCES),)


def _similar_rows(folder: Path, classes: Sequence[str]) -> list[SimilarRow]:
    """Return the rows of `similar_cases.csv` but for the near-duplicates of `cohorts.csv`.

    The scans of that table have none in training or validation of the pooled division; the model's own may be another.
    """
    cohorts = read_cohorts(folder / COHORTS, classes) if (folder / COHORTS).exists() else []
    near_duplicates = {(row.cohort, row.id) for row in cohorts if row.near_duplicate}
    return [row for row in read_similar(folder / SIMILAR) if (row.cohort, row.id) not in near_duplicates]


def similar_scores(rows: Sequence[SimilarRow], classes: Sequence[str]) -> tuple[Score, ...]:
    """Return the share of the five most similar known scans that have the diagnosis of the test scan, also by class.

    The split is "cohort <name>", in the model's own collections too: its training part is what is searched.
    """
    scores = []
    for cohort in dict.fromkeys(row.cohort for row in rows):
        mine = [row for row in rows if row.cohort == cohort]
        parts = {PRECISION_AT_5: mine}
        parts |= {f"{PRECISION_AT_5} of {label}": [row for row in mine if row.truth == label] for label in classes}
        for name, part in parts.items():
            if found := sum(row.neighbours for row in part):
                groups = np.unique([row.group for row in part], return_inverse=True)[1]
                pairs = np.array([(row.agreeing, row.neighbours) for row in part], float)
                sums = np.stack([np.bincount(groups, weights=column) for column in pairs.T], axis=1)
                drawn = draws(len(sums)) @ sums
                share = interval(pairs[:, 0].sum() / found, drawn[:, 0] / np.maximum(drawn[:, 1], 1))
                estimate = Estimate(*share, len(part))
                scores.append(Score(name, f"cohort {cohort}", NO_NEAR_DUPLICATE, estimate, SIMILAR))
    return tuple(scores)


def _scores(
    rows: Sequence[PredictionRow | CohortRow | ShortcutRow],
    classes: Sequence[str],
    where: tuple[str, str, str],
    per_class: dict[str, Callable] | None = None,
    *,
    ranked: bool = False,
) -> list[Score]:
    """Return the scores of some rows; `where` is split, subset and file, `ranked` adds AUC and calibration error."""
    if not rows:
        return []
    group, truth, predicted = _numbered(rows, classes)
    by_group = confusion_matrices(group, truth, predicted, len(classes))
    drawn = draws(len(by_group))
    whole, resampled = by_group.sum(axis=0)[None], _resampled(drawn, by_group)
    numbers = {name: interval(measure(whole)[0], measure(resampled)) for name, measure in MEASURES.items()}
    if ranked:
        numbers |= _ranked(np.array([row.probabilities for row in rows]), group, truth, drawn)
    for name, measure in (per_class or {}).items():
        values, many = measure(whole)[0], measure(resampled)
        present = np.flatnonzero(~np.isnan(values))  # the recall of an absent class is not 0: there is none
        numbers |= {f"{name} of {classes[k]}": interval(values[k], many[:, k]) for k in present}
    split, subset, source = where
    return [Score(name, split, subset, Estimate(*three, len(rows)), source) for name, three in numbers.items()]


def _ranked(p: np.ndarray, group: np.ndarray, truth: np.ndarray, drawn: np.ndarray) -> dict[str, tuple]:
    """Return the scores that need the probabilities (N, K) themselves; no AUC where there is one class only."""
    numbers = {}
    area = auc(p, truth, np.ones((1, len(p))))[0]
    if not np.isnan(area):
        numbers[AUC] = interval(area, auc(p, truth, drawn[:AUC_RESAMPLES, group]))
    gaps = calibration_gaps(group, truth, p)
    error = calibration_error(gaps.sum(axis=0)[None], np.array([len(p)]))[0]
    numbers[CALIBRATION] = interval(error, calibration_error(_resampled(drawn, gaps), drawn @ np.bincount(group)))
    return numbers


def _numbered(rows: Sequence, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return group, truth and prediction of every row as int (N,)."""
    places = {group: place for place, group in enumerate(sorted({row.group for row in rows}))}
    labels = {label: place for place, label in enumerate(classes)}
    predicted = [labels[r.prediction] if isinstance(r, SourceRow) else int(np.argmax(r.probabilities)) for r in rows]
    return np.array([places[r.group] for r in rows]), np.array([labels[r.truth] for r in rows]), np.array(predicted)


def _resampled(drawn: np.ndarray, by_group: np.ndarray) -> np.ndarray:
    return np.tensordot(drawn, by_group, axes=1)


def _by_view(rows: Sequence[PredictionRow | CohortRow]) -> dict[str, list]:
    """Return the rows of each known sequence and plane."""
    return {
        f"{fact} {name}": [row for row in rows if getattr(row, fact) == name]
        for fact in ("sequence", "plane")
        for name in sorted({getattr(row, fact) for row in rows} - {""})
    }
