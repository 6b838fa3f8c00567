"""External validation: a model's predictions on the test sets of all collections.

The test sets are fixed: the Kaggle set's own, a fifth of each other pooled collection, split as the recipes split
it, and all of a collection that no model is trained on. A test scan with a near-duplicate among the scans that a model
was trained or chosen on is marked, and does not count.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from datasets.cards import DATASETS
from datasets.cohorts import COHORTS, read_whole_cohort, split_cohorts
from datasets.label_map import common_label
from datasets.near_duplicates import NearDuplicates, find_near_duplicates
from datasets.not_read import tell_not_read
from datasets.records import Record
from model_zoo import Model, ModelCard, model_card, read_card, zoo_folder
from model_zoo.tables import CohortRow
from model_zoo.zoo import MEASURED, SHIPPED
from train.batches import prepare, read_batches
from train.recipe import Recipe, recipe_of, trained_on

POOLED = Recipe(task="pooled4", network="candor", size=16, channels=1, block=20)  # splits each collection as all do


@dataclass(frozen=True)
class Collections:
    """All scans of all collections: N records with group and split, each with its collection's own labels.

    `as_read` are the same records before the split: another choice of cohorts leaves out other scans.
    """

    records: list[Record]
    as_read: list[Record]
    duplicates: NearDuplicates


def read_collections(data: Path) -> Collections:
    """Read and split every collection below `data`. Raises DatasetError where one is missing or unreadable.

    A collection for external validation alone may be missing; that is printed to the standard error.
    """
    records = [record for name in _collections_here(data) for record in read_whole_cohort(name, data)]
    tell_not_read(records, data)
    _, prints, _ = prepare(records, POOLED.spec)
    duplicates = find_near_duplicates(prints)
    return Collections(split_cohorts(records, duplicates, **POOLED.division), records, duplicates)


def _collections_here(data: Path) -> list[str]:
    names = []
    for name, cohort in COHORTS.items():
        if cohort.pooled or (data / DATASETS[cohort.task].folder).is_dir():
            names.append(name)
        else:
            print(f"{DATASETS[cohort.task].title} is not below {data}: not validated on it", file=sys.stderr)
    return names


def scans_trained_on(recipe: Recipe, collections: Collections) -> np.ndarray:
    """Return bool (N,): the scans that a model of this recipe was trained or chosen on, and their near-duplicates.

    The recipe's own split is repeated. The scans behind its initial weights and those of its teachers count too. A scan
    that one split leaves out, as it shows a held-out scan of another collection, may have trained an earlier leg that
    did not use that collection; and some legs were trained when only close near-duplicates were left out. Raises
    ModelError on a teacher without a card.
    """
    used = np.zeros(len(collections.records), bool)
    for each in _with_teachers(recipe):
        started = each.started_on or each.weights.endswith(".keras")
        for part, close_only in product(_legs(each), (False, True) if started else (False,)):
            records = repeated_split(part, collections, close_only)
            mine = is_of(trained_on(part), collections)
            used[mine] |= np.array([record.split in ("train", "val") for record in records], bool)
    return collections.duplicates.of(used)


def _with_teachers(recipe: Recipe) -> Iterator[Recipe]:
    yield recipe
    for name in filter(None, (name.strip() for name in recipe.teacher.split(","))):
        yield from _with_teachers(recipe_of(_teacher_card(name).recipe))


def _teacher_card(name: str) -> ModelCard:
    """Return the card of a teacher of this zoo or, where a new model lies in a zoo of its own, of the one shipped."""
    for zoo in (zoo_folder(), SHIPPED):
        for path in (zoo / MEASURED / name / "card.json", zoo / name / "card.json"):
            if path.exists():
                return read_card(path)
    return model_card(name)


def _legs(recipe: Recipe) -> list[Recipe]:
    """Return recipes of the collections that one leg of a training may have had: all, the own, those it started on."""
    if not recipe.started_on:
        return [recipe]
    started = replace(recipe, task=POOLED.task, cohorts=recipe.started_on, started_on="")
    return [recipe, replace(recipe, started_on=""), started]


def is_of(names: Collection[str], collections: Collections) -> np.ndarray:
    """Return bool (N,): the scans of these collections."""
    return np.array([record.cohort in names for record in collections.records])


def repeated_split(recipe: Recipe, collections: Collections, close_only: bool = False) -> list[Record]:
    """Return the scans that a recipe, or the one behind its initial weights, is trained on, split as it splits them."""
    mine = is_of(trained_on(recipe), collections)
    as_read = [record for record, chosen in zip(collections.as_read, mine, strict=True) if chosen]
    duplicates = collections.duplicates.among(mine)
    return split_cohorts(as_read, duplicates, **recipe.division, close_only=close_only) if as_read else []


def cohort_rows(model: Model, collections: Collections, trained: np.ndarray, split: str = "test") -> list[CohortRow]:
    """Return the model's predictions on the scans of one split of every collection whose classes it shares.

    `trained` is bool (N,), as `scans_trained_on` returns it.
    """
    rows = []
    for name in COHORTS:
        chosen = [
            (replace(record, label=common_label(record.label, model.card.classes)), bool(trained[i]))
            for i, record in enumerate(collections.records)
            if record.cohort == name and record.split == split
        ]
        chosen = [(record, mark) for record, mark in chosen if record.label]
        if not chosen:
            continue
        p = predict(model, [record for record, _ in chosen], f"{model.card.id} on {name}")
        rows += [
            CohortRow(name, r.id, r.group, r.sequence, mark, r.label, tuple(x), r.plane)
            for (r, mark), x in zip(chosen, p, strict=True)
        ]
    return rows


def predict(model: Model, records: Sequence[Record], title: str) -> np.ndarray:
    """Return probabilities, float32 (N, K), of records read as in the app."""
    return np.concatenate([model.predict(inputs) for _, inputs, _ in read_batches(records, model.card.input, title)])
