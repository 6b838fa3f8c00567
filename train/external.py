"""How does a model do on the test sets of the other collections, and on which of those scans may it be judged?

The test sets are fixed: the Kaggle set's own, and a fifth of each other collection, divided as the recipes
divide it. A scan of them that has a twin among the scans that a model was trained or chosen on is marked,
and does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from datasets.cohorts import COHORTS, divided, read_cohort
from datasets.label_map import common_label
from datasets.near_duplicates import Twins, twins_among
from datasets.records import Record, load
from model_zoo import Model
from model_zoo.tables import CohortRow
from scans import fit
from train.batches import prepare
from train.recipe import Recipe, trained_on

DIVISION = {"val": 0.1, "test": 0.2, "seed": 0, "block": 20}  # of every collection, as in the recipes
_BATCH = 32


@dataclass(frozen=True)
class Collections:
    """All scans of the collections that are there: N records with group and split, each with its own labels.

    `as_read` are the same records before they were divided: another choice of cohorts leaves out others.
    """

    records: list[Record]
    as_read: list[Record]
    twins: Twins


def collections(data: Path) -> Collections:
    """Read and divide every collection below `data`. Raises DatasetError where one is missing."""
    records = [record for name in COHORTS for record in read_cohort(name, data)]
    _, prints, _ = prepare(records, Recipe(task="pooled4", network="candor", size=16, channels=1).spec)
    twins = twins_among(prints)
    return Collections(divided(records, twins, **DIVISION), records, twins)


def seen_by(recipe: Recipe, everything: Collections) -> np.ndarray:
    """Return bool (N,): the scans that a model of this recipe was trained or chosen on, twins of them included.

    Where a recipe divides otherwise than `DIVISION`, its own division is made again. Weights that it starts
    from count too: those of `train/starts` left close twins alone out of training.
    """
    own = {"val": recipe.val, "test": recipe.test, "seed": recipe.split_seed, "block": recipe.block}
    names = trained_on(recipe)
    mine = np.array([record.cohort in names for record in everything.records])
    if not mine.any():
        return mine
    as_read = [record for record, chosen in zip(everything.as_read, mine, strict=True) if chosen]
    twins = everything.twins.part(mine)
    used = np.zeros(len(mine), bool)
    started = recipe.started_on or recipe.weights.endswith(".keras")
    for close_only in (False, True) if started else (False,):
        records = divided(as_read, twins, **own, close_only=close_only)
        used[mine] |= [record.split in ("train", "val") for record in records]
    return everything.twins.with_one_of(used)


def cohort_rows(model: Model, everything: Collections, seen: np.ndarray) -> list[CohortRow]:
    """Return the model's answers on every collection's test set whose classes it shares; it has `seen` bool (N,)."""
    rows = []
    for name in COHORTS:
        test = [
            (replace(record, label=common_label(record.label, model.card.classes)), bool(seen[i]))
            for i, record in enumerate(everything.records)
            if record.cohort == name and record.split == "test"
        ]
        test = [(record, twin) for record, twin in test if record.label]
        if not test:
            continue
        p = answers(model, [record for record, _ in test], f"{model.card.id} on {name}")
        rows += [
            CohortRow(name, r.id, r.group, r.sequence, twin, r.label, tuple(x))
            for (r, twin), x in zip(test, p, strict=True)
        ]
    return rows


def answers(model: Model, records: Sequence[Record], what: str) -> np.ndarray:
    """Return probabilities, float32 (N, K), of records as the app would read them."""
    parts = []
    for start in tqdm(range(0, len(records), _BATCH), desc=what, mininterval=2):
        batch = [fit(load(record), model.card.input)[0] for record in records[start : start + _BATCH]]
        parts.append(model.predict(np.stack(batch)))
    return np.concatenate(parts)
