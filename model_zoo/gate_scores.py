"""What the gate says of every validation and test picture (`gate.csv`), and every score of its card from that."""

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.card import ModelError, Score
from model_zoo.estimate import Estimate
from model_zoo.gate import ASPECTS, BRAIN, HEAD, KIND, PARTS, PLANE, SEQUENCE, UNKNOWN, GateResult, result_of
from model_zoo.metrics import AUC_RESAMPLES, auc, draws, interval
from model_zoo.whole_files import read_table, write_whole

GATE_TABLE = "gate.csv"
WITHHELD = "share withheld"
# kinds, by how much they resemble heads
NEAR, FAR = ("ct", "other-mri", "heads"), ("radiograph", "photo", "unreadable")
LEAST_LITTLE = 0.5  # probability from which a slice has little brain
_WRONGLY = 0.003  # of the validation heads: how many the kind may withhold, and how many the distance
_WRONGLY_OF_ONE = 0.01  # of those of one collection
_SURE = 0.98  # of the planes and sequences that are named on validation, how many must be right
_LEAST_NAMED = np.arange(0.6, 0.96, 0.01)  # probabilities from which a plane or sequence may be named
_TEXTS = ("id", "group", "split", "cohort", KIND, PLANE, SEQUENCE, BRAIN)
_COLUMNS = tuple(f"{aspect}:{label}" for aspect, names in ASPECTS.items() for label in names)


@dataclass(frozen=True)
class GateRow:
    """A picture, what is known of it ("" where that is nothing), and what the gate says.

    `p` has the probabilities of all aspects side by side; `distance` is that from known heads.
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
    def by_aspect(self) -> dict[str, dict[str, float]]:
        """The probabilities by aspect and class id."""
        return {aspect: dict(zip(ASPECTS[aspect], self.p[part], strict=True)) for aspect, part in PARTS.items()}

    def result(self, limits: dict[str, float]) -> GateResult:
        """Return the gate's result with the limits of its card."""
        return result_of(self.by_aspect, self.distance, limits)


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
        reader = csv.reader(io.StringIO(read_table(path), newline=""))
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


def gate_limits(rows: Sequence[GateRow]) -> dict[str, float]:
    """Return the limits of a gate, chosen on the validation pictures.

    The kind and the distance each withhold at most 0.3 % of the heads, and of no collection more than 1 %; a plane or
    sequence is named from the least probability, 0.6 or more, at which 98 % of the named ones are right.
    """
    val = [row for row in rows if row.split == "val"]
    accepted = np.array([row.accepted for row in val])
    cohorts = np.array([row.cohort for row in val])
    sure = np.array([row.by_aspect[KIND][HEAD] for row in val])
    far = np.array([row.distance for row in val])
    parts = [(accepted, _WRONGLY)]
    parts += [(accepted & (cohorts == name), _WRONGLY_OF_ONE) for name in sorted(set(cohorts[accepted]))]
    least = min(float(np.quantile(sure[mine], share, method="lower")) for mine, share in parts)
    farthest = max(float(np.quantile(far[mine], 1 - share, method="higher")) for mine, share in parts)
    least = round(math.floor(round(1e4 * min(0.5, least), 6)) / 1e4, 4)  # rounded up, it would withhold that head, too
    limits = {"least_head": least, "farthest": round(farthest, 4), "least_little": LEAST_LITTLE}
    for fact in (PLANE, SEQUENCE):
        known = [row for row in val if getattr(row, fact)]
        best = [max(row.by_aspect[fact].items(), key=lambda pair: pair[1]) for row in known]
        right = np.array([getattr(row, fact) == label for row, (label, _) in zip(known, best, strict=True)])
        limits[f"least_{fact}"] = _least_sure(np.array([p for _, p in best]), right)
    return limits


def _least_sure(top: np.ndarray, right: np.ndarray) -> float:
    """Return the least probability from which the names above it are right often enough, else the highest."""
    good = [p for p in _LEAST_NAMED if (top >= p).any() and right[top >= p].mean() >= _SURE]
    return round(float(good[0] if good else _LEAST_NAMED[-1]), 2)


def gate_scores(rows: Sequence[GateRow], limits: dict[str, float]) -> tuple[Score, ...]:
    """Return the scores of the test pictures.

    The share withheld of every collection and kind, of heads (wrongly) and of all others; how often plane and sequence
    are named and right, by collection; the area under the ROC curve of the kind and of the distance for pictures
    near to heads and far from them.
    """
    test = [row for row in rows if row.split == "test"]
    results = [row.result(limits) for row in test]
    groups = _numbers([row.group for row in test])
    is_head = np.array([row.accepted for row in test])
    withheld = np.array([bool(result.withheld) for result in results], float)
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
        scores += _named(test, results, groups, fact)
    measures: dict[str, Callable[[GateRow], float]] = {
        "AUC of the kind": lambda row: 1 - row.by_aspect[KIND]["head"],
        "AUC of the distance": lambda row: row.distance,
    }
    for name, of in measures.items():
        values = np.array([of(row) for row in test])
        for subset, kinds in (("near", NEAR), ("far", FAR)):
            other = np.array([row.kind in kinds for row in test])
            if other.any() and is_head.any():
                scores.append(_auc(name, subset, values, is_head, other, groups))
    return tuple(scores)


def _named(test: Sequence[GateRow], results: Sequence[GateResult], groups: np.ndarray, fact: str) -> list[Score]:
    """Return how often `fact`, plane or sequence, is named, and how often the one named is right, by collection."""
    known = np.array([bool(getattr(row, fact)) for row in test])
    named = np.array([getattr(result, fact) != UNKNOWN for result in results])
    right = np.array(
        [getattr(row, fact) == getattr(result, fact) for row, result in zip(test, results, strict=True)], float
    )
    best = [max(row.by_aspect[fact], key=row.by_aspect[fact].get) for row in test]
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


def _auc(
    name: str, subset: str, values: np.ndarray, is_head: np.ndarray, other: np.ndarray, groups: np.ndarray
) -> Score:
    """Return how well `values` (N,) tell `other` pictures from heads, with an interval bootstrapped over groups."""
    chosen = is_head | other
    ranked = values[chosen]
    p = np.stack([-ranked, ranked], axis=1)
    truth = other[chosen].astype(int)
    _, mine = np.unique(groups[chosen], return_inverse=True)
    weights = draws(int(mine.max()) + 1)[:AUC_RESAMPLES, mine]
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
