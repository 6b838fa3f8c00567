"""Selective prediction: how often a model is right where it answers only the scans of which it is most confident.

The confidence is the highest probability (softmax response: Geifman and El-Yaniv 2017,
https://arxiv.org/abs/1705.08500). The operating point is the least confidence at which 98 % of the answered validation
scans are right; it is chosen there and stated, and what it gives elsewhere is measured.
"""

from collections.abc import Sequence

import numpy as np

from model_zoo.estimate import Estimate
from model_zoo.metrics import MILLION, draws, interval

TARGET = 0.98  # accuracy of the answered validation scans
SHARES = (90, 80, 50)  # per cent of the scans, the most confident ones
ANSWERED, RIGHT = "share answered at the operating point", "accuracy at the operating point"


def accuracy_at(share: int) -> str:
    """Return the name of the score for the most confident `share` per cent."""
    return f"accuracy of the most confident {share} %"


def operating_point(p: np.ndarray, truth: np.ndarray) -> float:
    """Return the least confidence, 0 to 1, at which `TARGET` of the answered scans are right; p (N, K), truth (N,).

    0 where all may be answered; where no confidence is enough, that of the best accuracy.

    >>> operating_point(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
    0.9
    """
    confidence = np.rint(MILLION * p.max(axis=1)).astype(int)
    right = p.argmax(axis=1) == truth
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last = np.append(confidence[order][1:] != confidence[order][:-1], True)  # scans of one confidence go together
    good = np.flatnonzero(last & (accuracy >= TARGET))
    if not len(good):
        good = np.array([int(np.argmax(np.where(last, accuracy, -1)))])
    return 0.0 if good[-1] == len(order) - 1 else float(confidence[order][good[-1]] / MILLION)


def curve(p: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share answered, rising to 1, and the accuracy of the answered scans, both float (N,)."""
    order = np.argsort(-p.max(axis=1), kind="stable")
    right = (p.argmax(axis=1) == truth)[order]
    number = np.arange(1, len(order) + 1)
    return number / len(order), np.cumsum(right) / number


def selective(p: np.ndarray, truth: np.ndarray, groups: Sequence[int], point: float) -> list[tuple[str, Estimate]]:
    """Return the scores with their 95 % intervals, bootstrapped over groups int (N,)."""
    _, groups = np.unique(groups, return_inverse=True)
    confidence, right = p.max(axis=1), (p.argmax(axis=1) == truth).astype(float)
    drawn = draws(int(groups.max()) + 1)
    found = []
    for share in SHARES:
        least = np.sort(confidence)[::-1][max(0, int(np.ceil(len(p) * share / 100)) - 1)]
        found.append((accuracy_at(share), _mean(right, confidence >= least, groups, drawn)))
    answered = np.rint(MILLION * confidence) >= round(MILLION * point)
    found.append((ANSWERED, _mean(answered.astype(float), np.ones(len(p), bool), groups, drawn)))
    if answered.any():
        found.append((RIGHT, _mean(right, answered, groups, drawn)))
    return found


def _mean(values: np.ndarray, chosen: np.ndarray, groups: np.ndarray, drawn: np.ndarray) -> Estimate:
    """Return the mean of the chosen values; the number of scans is theirs."""
    size = drawn.shape[1]
    sums = drawn @ np.bincount(groups[chosen], weights=values[chosen], minlength=size)
    counts = drawn @ np.bincount(groups[chosen], minlength=size)
    resampled = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return Estimate(*interval(float(values[chosen].mean()), resampled), int(chosen.sum()))
