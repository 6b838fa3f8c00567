"""How good is a model, and how sure is that? Figures and 95 % intervals from `predictions.csv` alone.

Every figure on a card is computed here, so it can be computed again. Intervals come from a bootstrap over
groups (twins, slices of one patient), not over scans: near-duplicates are not independent evidence.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.card import Figure

FILE = "predictions.csv"
_RESAMPLES = 2000


@dataclass(frozen=True)
class Prediction:
    """One row of `predictions.csv`: a scan of an evaluated split and what the model gave it."""

    id: str
    group: str
    split: str
    twin: bool
    truth: str
    probabilities: tuple[float, ...]  # in the order of the card's classes


def write_predictions(path: Path, classes: Sequence[str], rows: Sequence[Prediction]) -> None:
    """Write the rows as CSV, one column `p_<class>` a class."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "group", "split", "twin", "truth", *(f"p_{label}" for label in classes)])
        for row in rows:
            values = [f"{p:.6f}" for p in row.probabilities]
            writer.writerow([row.id, row.group, row.split, int(row.twin), row.truth, *values])


def read_predictions(path: Path, classes: Sequence[str]) -> list[Prediction]:
    """Read the rows of a bundle's `predictions.csv`."""
    with path.open(newline="") as file:
        return [
            Prediction(
                row["id"],
                row["group"],
                row["split"],
                row["twin"] == "1",
                row["truth"],
                tuple(float(row[f"p_{label}"]) for label in classes),
            )
            for row in csv.DictReader(file)
        ]


def figures(rows: Sequence[Prediction], classes: Sequence[str]) -> tuple[Figure, ...]:
    """Return accuracy, balanced accuracy and macro F1 of every split, twins kept and twins removed."""
    found = []
    for split in ("val", "test"):
        part = [row for row in rows if row.split == split]
        apart = [row for row in part if not row.twin]
        subsets = {"all scans": part} | ({"no twin in training": apart} if split == "test" else {})
        for subset, chosen in subsets.items():
            if chosen:
                found += _figures_of(chosen, classes, split, subset)
    return tuple(found)


def _figures_of(rows: Sequence[Prediction], classes: Sequence[str], split: str, subset: str) -> list[Figure]:
    by_group = confusions_by_group(rows, classes)  # (G, K, K)
    whole = by_group.sum(axis=0)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(by_group), np.full(len(by_group), 1 / len(by_group)), _RESAMPLES)
    resampled = np.tensordot(draws.astype(np.float64), by_group, axes=1)  # (B, K, K)
    found = []
    for name, measure in MEASURES.items():
        low, high = np.percentile(measure(resampled), [2.5, 97.5])
        value = float(measure(whole[None])[0])
        numbers = (round(float(x), 4) for x in (value, low, high))
        found.append(Figure(name, split, subset, *numbers, len(rows), FILE))
    return found


def confusions_by_group(rows: Sequence[Prediction], classes: Sequence[str]) -> np.ndarray:
    """Return float (G, K, K): for each group how many scans of true class i were called class j."""
    groups = {group: index for index, group in enumerate(sorted({row.group for row in rows}))}
    table = np.zeros((len(groups), len(classes), len(classes)))
    for row in rows:
        table[groups[row.group], classes.index(row.truth), int(np.argmax(row.probabilities))] += 1
    return table


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return (B,): the share of scans called right, for confusion matrices (B, K, K)."""
    return np.trace(confusion, axis1=1, axis2=2) / confusion.sum(axis=(1, 2))


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return (B,): the mean over the classes present of the share called right."""
    right, total = np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2)
    recall = np.divide(right, total, out=np.full_like(right, np.nan, dtype=float), where=total > 0)
    return np.nanmean(recall, axis=1)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Return (B,): the mean over the classes present of the harmonic mean of precision and recall."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    called, total = confusion.sum(axis=1), confusion.sum(axis=2)
    f1 = np.divide(2 * right, called + total, out=np.zeros_like(right, dtype=float), where=called + total > 0)
    return np.nanmean(np.where(total > 0, f1, np.nan), axis=1)


# name on the card -> measure of confusion matrices (B, K, K)
MEASURES = {"accuracy": accuracy, "balanced accuracy": balanced_accuracy, "macro F1": macro_f1}
