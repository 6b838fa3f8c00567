"""Is one model better than another? Differences on the scans that both predicted, with paired 95 % intervals.

A pair of models is resampled together: each resample draws groups (near-duplicates, slices of one patient), and both
models are scored on what was drawn. What makes a scan hard for both cancels out, so the interval is narrower than
those of the two models would suggest. The table is that of a bundle (`predictions.csv`, `cohorts.csv`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.card import ModelCard, ModelError, read_card
from model_zoo.estimate import Estimate
from model_zoo.metrics import MEASURES, confusion_matrices, draws, interval
from model_zoo.performance import Predictions, scan_sets
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE, rows_of
from model_zoo.tables import COHORTS, PREDICTIONS, read_cohorts, read_predictions


@dataclass(frozen=True)
class Difference:
    """A measure of two models on the same scans. `gained`: scans that only the second predicts correctly."""

    split: str
    subset: str
    measure: str
    first: float
    second: float
    difference: Estimate  # second less first
    gained: int
    lost: int  # scans that only the first predicts correctly


def compare(first: Path, second: Path) -> list[Difference]:
    """Return the differences between two bundles of the same classes, on every set of scans that both have.

    The subset without near-duplicates is that of both; all scans come beside it where one of the two has a scan with a
    near-duplicate. Validation scans are left out: they chose the models. Raises ModelError where the classes differ or
    a table cannot be read.
    """
    cards = read_card(first / "card.json"), read_card(second / "card.json")
    if cards[0].classes != cards[1].classes:
        raise ModelError(
            f"{cards[0].id} and {cards[1].id} do not have the same classes ({', '.join(cards[0].classes)}; "
            f"{', '.join(cards[1].classes)}): compare two models of one task"
        )
    sets = [_sets(folder, card) for folder, card in zip((first, second), cards, strict=True)]
    found = []
    whole = [_with_all_scans(each) for each in sets]
    for key in whole[1]:
        if key in whole[0] and key[0] != "val" and (key in sets[0] or key in sets[1]):
            found += _differences(key, whole[0][key], whole[1][key])
    return found


def _sets(folder: Path, card: ModelCard) -> dict[tuple[str, str], Predictions]:
    sets = {}
    for name, read in ((PREDICTIONS, read_predictions), (COHORTS, read_cohorts)):
        if (folder / name).exists():
            sets |= scan_sets(read(folder / name, card.classes, rows_of(card, name)), card.classes)
    return sets


def _with_all_scans(sets: dict[tuple[str, str], Predictions]) -> dict[tuple[str, str], Predictions]:
    """Return the sets, and all scans of each split: those without a near-duplicate, where no scan has one."""
    found = {}
    for (split, subset), predictions in sets.items():
        found[split, subset] = predictions
        if subset == NO_NEAR_DUPLICATE:
            found[split, ALL_SCANS] = sets.get((split, ALL_SCANS), predictions)
    return found


def _differences(key: tuple[str, str], first: Predictions, second: Predictions) -> list[Difference]:
    """Return the difference of every measure on the scans of one set, by their ids; none where they share none."""
    places = {name: row for row, name in enumerate(first.ids)}
    pairs = [(places[name], row) for row, name in enumerate(second.ids) if name in places]
    if not pairs:
        return []
    of_first, of_second = (np.array(column) for column in zip(*pairs, strict=True))
    _, groups = np.unique(second.groups[of_second], return_inverse=True)
    truth, classes = second.truth[of_second], second.p.shape[1]
    predicted = first.predicted[of_first], second.predicted[of_second]
    matrices = [confusion_matrices(groups, truth, labels, classes) for labels in predicted]
    drawn = draws(groups.max() + 1)
    right = [labels == truth for labels in predicted]
    gained, lost = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
    found = []
    for name, measure in MEASURES.items():
        old, new = (float(measure(table.sum(axis=0)[None])[0]) for table in matrices)
        resampled = [measure(np.tensordot(drawn, table, axes=1)) for table in matrices]
        estimate = Estimate(*interval(new - old, resampled[1] - resampled[0]), len(truth))
        found.append(Difference(*key, name, round(old, 4), round(new, 4), estimate, gained, lost))
    return found
