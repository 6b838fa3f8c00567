"""What the gate says of every validation and test picture (`gate.csv`), and every score of its card from that."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.card import ModelError, Score
from model_zoo.estimate import Estimate
from model_zoo.gate import BRAIN, HEAD, HEADS, KIND, PLANE, SEQUENCE, UNKNOWN, Look, look_of
from model_zoo.metrics import auc, draws, interval
from model_zoo.whole_files import write_whole

GATE_TABLE = "gate.csv"
WITHHELD = "share withheld"
NEAR, FAR = (
    ("ct", "other-mri", "heads"),
    ("radiograph", "photo", "unreadable"),
)  # kinds, by how much they resemble heads
_TEXTS = ("id", "group", "split", "cohort", KIND, PLANE, SEQUENCE, BRAIN)
_COLUMNS = tuple(f"{head}:{label}" for head, names in HEADS.items() for label in names)


@dataclass(frozen=True)
class GateRow:
    """A picture, what is known of it ("" where that is nothing), and what the gate says.

    `p` has the probabilities of all heads side by side; a distance of 1 is the largest that is accepted.
    """

    id: str
    group: str
    split: str  # "val" or "test"
    cohort: str  # the collection, or how the picture was made
    kind: str
    plane: str
    sequence: str
    brain: str
    distance: float
    p: tuple[float, ...]

    @property
    def accepted(self) -> bool:
        """Whether something is to be predicted: one head in MRI, with enough brain."""
        return self.kind == HEAD and self.brain != "little"

    @property
    def by_head(self) -> dict[str, dict[str, float]]:
        """The probabilities by head and class id."""
        found, start = {}, 0
        for head, names in HEADS.items():
            found[head] = dict(zip(names, self.p[start : start + len(names)], strict=True))
            start += len(names)
        return found

    def look(self, limits: dict[str, float]) -> Look:
        """Return the gate's finding with the limits of its card."""
        return look_of(self.by_head, self.distance, limits)


def write_gate_table(path: Path, rows: Sequence[GateRow]) -> None:
    """Write the rows as CSV, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_TEXTS, "distance", *_COLUMNS])
    for row in rows:
        facts = [getattr(row, name) for name in _TEXTS]
        writer.writerow([*facts, f"{row.distance:.4f}", *(f"{x:.5f}" for x in row.p)])
    write_whole(path, text.getvalue())


def read_gate_table(path: Path) -> list[GateRow]:
    """Read the rows. Raises ModelError on any other table."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header, lines = next(reader, []), list(reader)
        if header != [*_TEXTS, "distance", *_COLUMNS]:
            raise ValueError("it has other columns")
        if short := [number for number, line in enumerate(lines, start=2) if len(line) != len(header)]:
            raise ValueError(f"line {short[0]} has not {len(header)} values")
        n = len(_TEXTS)
        return [GateRow(*line[:n], float(line[n]), tuple(map(float, line[n + 1 :]))) for line in lines]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} cannot be read as the gate's table ({error}); restore the file or train "
            "the gate again"
        ) from error


def gate_scores(rows: Sequence[GateRow], limits: dict[str, float]) -> tuple[Score, ...]:
    """Return the scores of the test pictures.

    The share withheld of every collection and kind, of heads (wrongly) and of all others; how often plane and sequence
    are named and right, by collection; the area under the ROC curve of the kind, of the distance and of both for
    pictures near to heads and far from them.
    """
    test = [row for row in rows if row.split == "test"]
    looks = [row.look(limits) for row in test]
    groups = _numbers([row.group for row in test])
    is_head = np.array([row.accepted for row in test])
    withheld = np.array([bool(look.withheld) for look in looks], float)
    scores = []

    def add(name: str, subset: str, values: np.ndarray, chosen: np.ndarray) -> None:
        if chosen.any():
            scores.append(Score(name, "test", subset, _share(values[chosen], groups[chosen]), GATE_TABLE))

    add(WITHHELD, "heads", withheld, is_head)
    add(WITHHELD, "other pictures", withheld, ~is_head)
    for head in (True, False):
        for cohort in dict.fromkeys(row.cohort for row, mine in zip(test, is_head, strict=True) if mine == head):
            mine = np.array([row.cohort == cohort for row in test]) & (is_head == head)
            kinds = sorted({row.kind for row, chosen in zip(test, mine, strict=True) if chosen})
            add(WITHHELD, f"{cohort}: {', '.join(kinds)}", withheld, mine)
    for fact in (PLANE, SEQUENCE):
        scores += _named(test, looks, groups, fact)
    measures: dict[str, Callable[[GateRow], float]] = {
        "AUC of the kind": lambda row: 1 - row.by_head[KIND]["head"],
        "AUC of the distance": lambda row: row.distance,
    }
    for name, of in measures.items():
        values = np.array([of(row) for row in test])
        for subset, kinds in (("near", NEAR), ("far", FAR)):
            other = np.array([row.kind in kinds for row in test])
            if other.any() and is_head.any():
                scores.append(_auc(name, subset, values, is_head, other))
    return tuple(scores)


def _named(test: Sequence[GateRow], looks: Sequence[Look], groups: np.ndarray, fact: str) -> list[Score]:
    """Return how often `fact`, plane or sequence, is named, and how often the one named is right, by collection."""
    known = np.array([bool(getattr(row, fact)) for row in test])
    named = np.array([getattr(look, fact) != UNKNOWN for look in looks])
    right = np.array([getattr(row, fact) == getattr(look, fact) for row, look in zip(test, looks, strict=True)], float)
    best = [max(row.by_head[fact], key=row.by_head[fact].get) for row in test]
    always = np.array([getattr(row, fact) == label for row, label in zip(test, best, strict=True)], float)
    cohorts = np.array([row.cohort for row in test])
    scores = []
    for cohort in ("all", *sorted(set(cohorts[known]))):
        mine = known & ((cohorts == cohort) | (cohort == "all"))
        subset = "heads" if cohort == "all" else cohort
        for name, values, chosen in (
            (f"accuracy of the {fact}", always, mine),
            (f"share with a named {fact}", named.astype(float), mine),
            (f"accuracy of the named {fact}", right, mine & named),
        ):
            if chosen.any():
                scores.append(Score(name, "test", subset, _share(values[chosen], groups[chosen]), GATE_TABLE))
    return scores


def _auc(name: str, subset: str, values: np.ndarray, is_head: np.ndarray, other: np.ndarray) -> Score:
    chosen = is_head | other
    ranked = values[chosen]
    p = np.stack([-ranked, ranked], axis=1)
    truth = other[chosen].astype(int)
    weights = draws(len(truth))[:200]
    value = auc(p, truth, np.ones((1, len(truth))))[0]
    return Score(name, "test", subset, Estimate(*interval(value, auc(p, truth, weights)), len(truth)), GATE_TABLE)


def _share(values: np.ndarray, groups: np.ndarray) -> Estimate:
    """Return the mean with its 95 % interval, bootstrapped over groups."""
    _, groups = np.unique(groups, return_inverse=True)
    sums = np.stack([np.bincount(groups), np.bincount(groups, weights=values)], axis=1)
    drawn = draws(len(sums)) @ sums
    return Estimate(*interval(float(values.mean()), drawn[:, 1] / drawn[:, 0]), len(values))


def _numbers(names: Sequence[str]) -> np.ndarray:
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.array([places[name] for name in names])
