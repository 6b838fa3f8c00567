"""Validation of trained models: external validation, shortcut and robustness tests, and the source probe.

`validate` writes `cohorts.csv`, `shortcut_tests.csv` and `sources.csv` into a bundle, marks again which rows of
`predictions.csv` have a near-duplicate (in other collections and behind the initial weights, too), and puts the
scores computed from them onto the card. The weights and the predictions stay as they are.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from datasets.label_map import common_label
from datasets.records import Record
from model_zoo import Model, ModelCard, ModelError, Score, write_card
from model_zoo.card_markdown import write_model_card
from model_zoo.scores import cohort_scores, measured_of
from model_zoo.tables import (
    COHORTS,
    PREDICTIONS,
    SHORTCUTS,
    SOURCES,
    CohortRow,
    PredictionRow,
    ShortcutRow,
    SourceRow,
    read_predictions,
    read_shortcut_tests,
    write_cohorts,
    write_predictions,
    write_shortcut_tests,
    write_sources,
)
from scans import as_input
from train.batches import read_batches
from train.external import (
    POOLED,
    Collections,
    cohort_rows,
    is_of,
    read_collections,
    repeated_split,
    scans_trained_on,
)
from train.lesion_grid import lesion_place
from train.recipe import Recipe, published, recipe_of, trained_on
from train.shortcut_tests import SHORTCUT_TESTS

_PROBED = ("glioma", "meningioma", "notumor")  # classes that both sources of the probe share


def validate(
    models: Sequence[tuple[Path, Model]], data: Path, *, tests: Sequence[str] = tuple(SHORTCUT_TESTS)
) -> list[ModelCard]:
    """Validate bundles, each a folder and its loaded model, on the collections below `data`; return the new cards.

    `tests` are the shortcut tests to make, by name; the source probe is made with all of them. Without any only the
    external validation is made: the rest takes a large network tens of thousands of predictions. Raises DatasetError
    where a collection is missing.
    """
    collections = read_collections(data)
    return [_validate(folder, model, collections, tests) for folder, model in models]


def validation_scores(models: Sequence[tuple[Path, Model]], data: Path) -> list[tuple[ModelCard, tuple[Score, ...]]]:
    """Return each model's scores on the validation scans of the collections: choices may rest on them. Write nothing.

    The scans of a collection that a model was trained or chosen on, and their near-duplicates, count only under
    "all scans".
    """
    collections = read_collections(data)
    found = []
    for folder, model in models:
        trained = _trained_on(folder, model.card, collections)
        rows = cohort_rows(model, collections, trained, "val")
        found.append((model.card, cohort_scores(rows, model.card.classes)))
    return found


def _recipe_of(card: ModelCard) -> Recipe:
    """Return a model's recipe; an imported model has none, and counts as trained on the split of Candor's recipes."""
    recipe = recipe_of(card.recipe)
    return replace(recipe, block=POOLED.block) if card.imported else recipe


def _trained_on(folder: Path, card: ModelCard, collections: Collections) -> np.ndarray:
    """Return bool (N,): the scans that a model was trained or chosen on, and their near-duplicates.

    Where the scans that are here are divided otherwise than when it was trained (others are missing, or an older
    version divided them), every scan of its collections that is not in its own test set counts, and that is printed.
    """
    recipe = _recipe_of(card)
    trained = scans_trained_on(recipe, collections)
    if card.imported:
        return trained
    own = replace(recipe, started_on="")
    stored, repeated = defaultdict(set), defaultdict(set)
    for row in read_predictions(folder / PREDICTIONS, card.classes):
        stored[row.split].add(row.id)
    for record in repeated_split(own, collections):
        if common_label(record.label, card.classes):
            repeated[record.split].add(_own_id(record.id, recipe))
    if all(names == repeated[split] for split, names in stored.items()):
        return trained
    print(
        f"{card.id}: these scans are divided otherwise than when it was trained; all of its collections but its own "
        "test set count as trained on",
        file=sys.stderr,
    )
    mine = is_of(trained_on(own), collections)
    unseen = np.array([_own_id(record.id, recipe) in stored["test"] for record in collections.records])
    return trained | collections.duplicates.of(mine & ~unseen)


def _validate(folder: Path, model: Model, collections: Collections, tests: Sequence[str]) -> ModelCard:
    recipe = _recipe_of(model.card)
    trained = _trained_on(folder, model.card, collections)
    classes = model.card.classes
    cohorts = cohort_rows(model, collections, trained)
    if model.card.imported:
        rows = _own_rows(cohorts, recipe)
    else:
        rows = near_duplicates_marked(read_predictions(folder / PREDICTIONS, classes), recipe, collections, trained)
    changed, sources = [], []
    if tests:
        records = shortcut_test_records(model.card, recipe, collections, trained)
        kept = _other_tests(folder, classes, tests, records)
        changed = _in_order([*kept, *shortcut_test_rows(model, records, tests)])
        if model.card.differentiable and len(tests) == len(SHORTCUT_TESTS):
            sources = source_rows(model, collections)
    # Everything is written at the end: a run that was stopped in between leaves the bundle as it was.
    write_cohorts(folder / COHORTS, classes, cohorts)
    if rows:
        write_predictions(folder / PREDICTIONS, classes, rows)
    if changed:
        write_shortcut_tests(folder / SHORTCUTS, classes, changed)
    if sources:
        write_sources(folder / SOURCES, sources)
    scans = {"test": len(rows)} if model.card.imported and rows else model.card.scans
    card = replace(model.card, **published(model.card.id, recipe), scans=scans, **measured_of(folder, classes))
    write_card(card, folder / "card.json")
    write_model_card(card, folder)
    return card


def _other_tests(
    folder: Path, classes: Sequence[str], tests: Sequence[str], records: Sequence[Record]
) -> list[ShortcutRow]:
    """Return the stored rows of the shortcut tests that are not made now.

    Raises ModelError where a test's scans are not those of which it would be made now.
    """
    path = folder / SHORTCUTS
    kept = [row for row in read_shortcut_tests(path, classes) if row.test not in tests] if path.exists() else []
    stored = defaultdict(set)
    for row in kept:
        stored[row.test].add(row.id)
    for test, names in stored.items():
        if names != {record.id for record in records if record.boxes or not SHORTCUT_TESTS[test].boxed}:
            raise ModelError(
                f"{folder.name}/{SHORTCUTS} has other scans in the tests that are kept ({test}); make all tests again, "
                "without --shortcut-test"
            )
    return kept


def _own_rows(rows: Sequence[CohortRow], recipe: Recipe) -> list[PredictionRow]:
    """Return the test scans of the task that an imported model was trained for: none where that is not known."""
    names = trained_on(recipe)
    own = [(_own_id(row.id, recipe), row) for row in rows if row.cohort in names]
    return [
        PredictionRow(name, r.group, "test", r.near_duplicate, r.truth, r.probabilities, r.sequence, r.plane)
        for name, r in own
    ]


def _own_id(scan_id: str, recipe: Recipe) -> str:
    """Return the id of a scan in a model's own table: a pool's begin with the collection's folder, others do not."""
    return scan_id if recipe.task.startswith("pooled") else scan_id.split("/", 1)[1]


def near_duplicates_marked(
    rows: Sequence[PredictionRow], recipe: Recipe, collections: Collections, trained: np.ndarray
) -> list[PredictionRow]:
    """Return the predictions with `near_duplicate` set on the test scans for which `trained`, bool (N,), is true.

    The groups of a pooled model are those of the collections, too: one where the same picture is in two of them.
    """
    names = trained_on(replace(recipe, started_on=""))
    marks, groups = {}, {}
    for record, mark in zip(collections.records, trained, strict=True):
        if record.cohort in names:
            marks[_own_id(record.id, recipe)] = bool(mark)
            if recipe.task.startswith("pooled"):
                groups[record.id] = record.group
    return [
        replace(
            row,
            group=groups.get(row.id, row.group),
            near_duplicate=row.split == "test" and marks.get(row.id, row.near_duplicate),
        )
        for row in rows
    ]


def shortcut_test_records(
    card: ModelCard, recipe: Recipe, collections: Collections, trained: np.ndarray
) -> list[Record]:
    """Return the test scans without a near-duplicate in training, of the model's own collections and of figshare.

    Only figshare's tumours have boxes, so only they can be hidden.
    """
    names = {*trained_on(replace(recipe, started_on="")), "figshare"}
    records = []
    for record, mark in zip(collections.records, trained, strict=True):
        label = common_label(record.label, card.classes)
        if record.cohort in names and record.split == "test" and label and not mark:
            records.append(replace(record, label=label))
    return records


def shortcut_test_rows(
    model: Model, records: Sequence[Record], tests: Sequence[str] = tuple(SHORTCUT_TESTS)
) -> list[ShortcutRow]:
    """Return the model's predictions in the shortcut and robustness tests named, as far as the records allow them."""
    rows = []
    unit = replace(model.card.input, channels=1, value_range=(0.0, 1.0))
    for part, inputs, placements in read_batches(records, unit, f"{model.card.id}, shortcut tests"):
        squares = inputs[..., 0]
        places = [lesion_place(record, placement) for record, placement in zip(part, placements, strict=True)]
        for test in (SHORTCUT_TESTS[name] for name in tests):
            chosen = [i for i, record in enumerate(part) if record.boxes or not test.boxed]
            if not chosen:
                continue
            changed = np.stack([test.apply(squares[i], places[i]) for i in chosen])
            for i, p in zip(chosen, model.predict(as_input(changed, model.card.input)), strict=True):
                rows.append(ShortcutRow(test.name, part[i].id, part[i].group, part[i].label, tuple(p)))
    return _in_order(rows)


def _in_order(rows: Sequence[ShortcutRow]) -> list[ShortcutRow]:
    return sorted(rows, key=lambda row: list(SHORTCUT_TESTS).index(row.test))


def source_rows(model: Model, collections: Collections) -> list[SourceRow]:
    """Return the out-of-fold predictions of the source probe: does a scan come from 44c, or from figshare and Br35H?

    Logistic regression on the input of the model's last layer, five folds by group. The scans are of the classes
    that both sources have, and each source and class weighs the same, so that the class does not give the source
    away. Only 44c's contrast-enhanced tumours count: figshare has no others. Chance is 0.5. None where the network's
    last layer reads no row of features, as in some networks that were imported.
    """
    if len(model.network.layers[-1].input.shape) != 2:
        return []
    chosen = [record for record in collections.records if record.split == "test" and _probed(record)]
    labels = np.array([common_label(record.label, _PROBED) for record in chosen])
    sources = np.array(["44c" if record.cohort == "44c" else "figshare and Br35H" for record in chosen])
    features = _features(model, chosen)
    kinds = np.char.add(np.char.add(sources, " "), labels)
    names, inverse, numbers = np.unique(kinds, return_inverse=True, return_counts=True)
    weights = len(kinds) / (len(names) * numbers[inverse])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    groups = np.array([record.group for record in chosen])
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(
        probe, features, sources, groups=groups, cv=folds, params={"logisticregression__sample_weight": weights}
    )
    return [SourceRow(r.id, r.group, s, str(a)) for r, s, a in zip(chosen, sources.tolist(), predicted, strict=True)]


def _probed(record: Record) -> bool:
    label = common_label(record.label, _PROBED)
    if record.cohort == "44c":
        return label == "notumor" or (bool(label) and record.sequence == "T1C+")
    return record.cohort in ("figshare", "br35h") and bool(label)


def _features(model: Model, records: Sequence[Record]) -> np.ndarray:
    """Return float32 (N, F): the input of the network's last layer."""
    import keras

    inner = keras.Model(model.network.inputs[0], model.network.layers[-1].input)
    parts = []
    for _, inputs, _ in read_batches(records, model.card.input, f"{model.card.id}, source probe"):
        parts.append(np.asarray(keras.ops.convert_to_numpy(inner(inputs, training=False))).reshape(len(inputs), -1))
    return np.concatenate(parts)
