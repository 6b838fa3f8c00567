"""The formulas of the scores and their 95 % intervals.

Everything is computed for many resamples at once. A resample is a bootstrap over groups (near-duplicates, slices of
one patient), not over scans, since near-duplicates are not independent evidence: it draws as many groups as there
are, with replacement. `draws` counts how often each group was drawn, (B, G); what a formula needs of a group is
counted once and summed by these weights. All sums are of whole numbers, so a score is the same on every machine.
A class that is absent from a resample does not count in a mean over the classes.
"""

from functools import lru_cache

import numpy as np

RESAMPLES = 2000
AUC_RESAMPLES = 500  # of the same draws: a rank statistic needs every scan of every resample
BINS = 15
MILLION = 1_000_000  # stored probabilities have six decimals, so millionths are whole numbers


def draws(groups: int) -> np.ndarray:
    """Return float (RESAMPLES, groups): how often each group is in each resample; the same on every call."""
    return _counts(groups).astype(np.float64)


@lru_cache(maxsize=32)  # a whole zoo has some thirty numbers of groups, and a megabyte each in 16 bits
def _counts(groups: int) -> np.ndarray:
    drawn = np.random.default_rng(0).multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
    return drawn.astype(np.uint16)


def interval(value: float, resampled: np.ndarray) -> tuple[float, float, float]:
    """Return the value and its 95 % percentile interval, to 4 decimals; `resampled` may hold NaN.

    Widened to the value where the resamples miss it: the calibration error of a resample is biased upwards.
    """
    low, high = np.percentile(resampled[~np.isnan(resampled)], [2.5, 97.5])
    return round(float(value), 4), round(float(min(low, value)), 4), round(float(max(high, value)), 4)


def confusion_matrices(group: np.ndarray, truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return float (G, K, K): for each group how many scans of true class i are predicted as class j.

    `group`, `truth` and `predicted` are int (N,): groups numbered from 0, classes by their index.
    """
    table = np.zeros((group.max() + 1, classes, classes))
    np.add.at(table, (group, truth, predicted), 1)
    return table


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return (B,): the share of scans that are predicted correctly, for confusion matrices (B, K, K)."""
    return np.trace(confusion, axis1=1, axis2=2) / confusion.sum(axis=(1, 2))


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return (B,): the mean sensitivity over the classes present."""
    return _mean_of_defined(recall(confusion))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Return (B,): the mean over the classes present of the harmonic mean of precision and recall."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    predicted, total = confusion.sum(axis=1), confusion.sum(axis=2)
    f1 = _ratio(2 * right, predicted + total)
    return _mean_of_defined(np.where(total > 0, f1, np.nan))


def recall(confusion: np.ndarray) -> np.ndarray:
    """Return (B, K): sensitivity, the share of a class's scans that are predicted as it; NaN without scans."""
    return _ratio(np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2))


def precision(confusion: np.ndarray) -> np.ndarray:
    """Return (B, K): PPV, the share of the scans predicted as a class that are of it; NaN if never predicted."""
    return _ratio(np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=1))


def specificity(confusion: np.ndarray) -> np.ndarray:
    """Return (B, K): the share of the scans of other classes that are not predicted as the class; NaN without any."""
    predicted, total = confusion.sum(axis=1), confusion.sum(axis=2)
    others = total.sum(axis=1, keepdims=True) - total
    return _ratio(others - (predicted - np.diagonal(confusion, axis1=1, axis2=2)), others)


def auc(p: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (B,): the area under the ROC curve, one class against the rest, mean over the classes present.

    `p` is (N, K), `truth` int (N,), `weights` (B, N): how often each scan is in each resample. It is the chance
    that a scan of the class gets a higher probability for it than a scan of another class, ties counting half.
    NaN where a resample holds one class only.
    """
    areas = [_area(p[:, k], truth == k, weights) for k in np.unique(truth)]
    return _mean_of_defined(np.stack(areas, axis=1))


def _area(score: np.ndarray, mine: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    ties = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))  # where a new score begins
    positive = np.add.reduceat(weights[:, order] * mine[order], ties, axis=1)  # (B, scores)
    negative = np.add.reduceat(weights[:, order] * ~mine[order], ties, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    return _ratio((positive * below).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def confidence_bins(p: np.ndarray) -> np.ndarray:
    """Return int (N,): the bin, 0 to BINS - 1, of each row's top probability; bin b is (b / BINS, (b + 1) / BINS]."""
    return np.digitize(p.max(axis=1), np.linspace(0, 1, BINS + 1)[1:-1], right=True)


def calibration_gaps(group: np.ndarray, truth: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return float (G, BINS): the top probability less 1 where it is right, summed within a bin, in millionths."""
    right = p.argmax(axis=1) == truth
    table = np.zeros((group.max() + 1, BINS))
    np.add.at(table, (group, confidence_bins(p)), np.rint(p.max(axis=1) * MILLION) - MILLION * right)
    return table


def calibration_error(gaps: np.ndarray, scans: np.ndarray) -> np.ndarray:
    """Return (B,): the expected calibration error, for gaps (B, BINS) in millionths over `scans` (B,).

    The mean distance between confidence and accuracy over 15 equal-width bins of the top probability, each weighted
    by its scans: Guo et al. 2017, https://arxiv.org/abs/1706.04599.
    """
    return np.abs(gaps).sum(axis=1) / (scans * MILLION)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0).sum(axis=1), defined.sum(axis=1))


# name on the card -> measure of confusion matrices (B, K, K)
MEASURES = {"accuracy": accuracy, "balanced accuracy": balanced_accuracy, "macro F1": macro_f1}
PER_CLASS = {"precision": precision, "recall": recall}
