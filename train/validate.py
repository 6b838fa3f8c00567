"""How far can a trained model be believed? Other collections, the checks on cheating, and the source probe.

`judge` writes `cohorts.csv`, `checks.csv` and `sources.csv` into a bundle, marks again which rows of
`predictions.csv` have a twin, other collections and starting weights included, and puts the figures computed
from them onto its card. The weights and the answers stay as they are.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from datasets.label_map import common_label
from datasets.records import Record, load
from model_zoo import Model, ModelCard, write_card
from model_zoo.card_markdown import write_model_card
from model_zoo.scores import bundle_figures
from model_zoo.tables import CHECKS as CHECKED
from model_zoo.tables import (
    COHORTS,
    PREDICTIONS,
    SOURCES,
    CheckRow,
    Prediction,
    SourceRow,
    read_predictions,
    write_checks,
    write_cohorts,
    write_predictions,
    write_sources,
)
from scans import fit
from train.external import Collections, cohort_rows, collections, seen_by
from train.lesion_grid import place_of
from train.recipe import Recipe, published, recipe_of, trained_on
from train.shortcut_tests import CHECKS

_BATCH = 32
_PROBED = ("glioma", "meningioma", "notumor")  # classes that both sources of the probe have


def judge(models: Sequence[tuple[Path, Model]], data: Path, *, checks: bool = True) -> list[ModelCard]:
    """Judge bundles, each a folder and its loaded model, on the collections below `data`; return the new cards.

    Without `checks` only the other collections are asked about: a large network answers tens of thousands of
    pictures for the rest.
    """
    everything = collections(data)
    return [_judge(folder, model, everything, checks) for folder, model in models]


def _judge(folder: Path, model: Model, everything: Collections, checks: bool) -> ModelCard:
    recipe = recipe_of(model.card.recipe)
    seen = seen_by(recipe, everything)
    classes = model.card.classes
    rows = read_predictions(folder / PREDICTIONS, classes)
    write_predictions(folder / PREDICTIONS, classes, twins_marked(rows, recipe, everything, seen))
    write_cohorts(folder / COHORTS, classes, cohort_rows(model, everything, seen))
    if checks:
        own = own_test(model.card, recipe, everything, seen)
        write_checks(folder / CHECKED, classes, check_rows(model, own))
        write_sources(folder / SOURCES, source_rows(model, everything))
    theirs, differences = published(model.card.id, recipe)
    card = replace(model.card, published=theirs, differences=differences, figures=bundle_figures(folder, classes))
    write_card(card, folder / "card.json")
    write_model_card(card, folder)
    return card


def twins_marked(
    rows: Sequence[Prediction], recipe: Recipe, everything: Collections, seen: np.ndarray
) -> list[Prediction]:
    """Return the predictions with `twin` set on the test scans that are `seen`, bool (N,), in any way."""
    names = trained_on(replace(recipe, started_on=""))
    marked = {}
    for record, is_seen in zip(everything.records, seen, strict=True):
        if record.cohort in names:  # a pool's ids begin with the collection's folder, those of one set do not
            marked[record.id if recipe.task.startswith("pooled") else record.id.split("/", 1)[1]] = bool(is_seen)
    return [replace(row, twin=row.split == "test" and marked.get(row.id, row.twin)) for row in rows]


def own_test(card: ModelCard, recipe: Recipe, everything: Collections, seen: np.ndarray) -> list[Record]:
    """Return test scans that have no twin in training: of the model's own collections, and of figshare.

    Only figshare's tumours are marked, so only they can be hidden.
    """
    names = {*trained_on(replace(recipe, started_on="")), "figshare"}
    found = []
    for i, record in enumerate(everything.records):
        label = common_label(record.label, card.classes)
        if record.cohort in names and record.split == "test" and label and not seen[i]:
            found.append(replace(record, label=label))
    return found


def check_rows(model: Model, records: Sequence[Record]) -> list[CheckRow]:
    """Return the model's answers to every check that its test scans allow."""
    rows = []
    for start in tqdm(range(0, len(records), _BATCH), desc=f"{model.card.id}, checks", mininterval=2):
        part = records[start : start + _BATCH]
        squares, places = zip(*(_square(model, record) for record in part), strict=True)
        for check in CHECKS.values():
            chosen = [i for i, record in enumerate(part) if record.boxes or not check.boxed]
            if not chosen:
                continue
            changed = np.stack([check.apply(squares[i], places[i]) for i in chosen])
            for i, p in zip(chosen, model.predict(_as_input(model, changed)), strict=True):
                rows.append(CheckRow(check.name, part[i].id, part[i].group, part[i].label, tuple(p)))
    return sorted(rows, key=lambda row: list(CHECKS).index(row.check))


def _square(model: Model, record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Return what the model is shown of a record, in [0, 1], and the place of the lesion in it."""
    spec = replace(model.card.input, channels=1, value_range=(0.0, 1.0))
    square, placement = fit(load(record), spec)
    return square[..., 0], place_of(record, placement)


def _as_input(model: Model, squares: np.ndarray) -> np.ndarray:
    low, high = model.card.input.value_range
    return np.repeat((low + (high - low) * squares)[..., None], model.card.input.channels, axis=-1).astype(np.float32)


def source_rows(model: Model, everything: Collections) -> list[SourceRow]:
    """Return out-of-fold answers of a linear probe: does a scan come from 44c or from figshare and Br35H?

    Logistic regression on what the model's last layer reads, five folds by group. The classes are those
    that both have, and each source and class weighs the same, so that the class does not give it away. Only
    44c's contrast-enhanced tumours are taken: figshare has no others. Chance is a half.
    """
    chosen = [record for record in everything.records if record.split == "test" and _probed(record)]
    labels = np.array([common_label(record.label, _PROBED) for record in chosen])
    sources = np.array(["44c" if record.cohort == "44c" else "figshare and Br35H" for record in chosen])
    features = _features(model, chosen)
    kinds = np.char.add(np.char.add(sources, " "), labels)
    names, inverse, numbers = np.unique(kinds, return_inverse=True, return_counts=True)
    weights = len(kinds) / (len(names) * numbers[inverse])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    groups = np.array([record.group for record in chosen])
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    answers = cross_val_predict(
        probe, features, sources, groups=groups, cv=folds, params={"logisticregression__sample_weight": weights}
    )
    return [SourceRow(r.id, r.group, s, str(a)) for r, s, a in zip(chosen, sources.tolist(), answers, strict=True)]


def _probed(record: Record) -> bool:
    label = common_label(record.label, _PROBED)
    if record.cohort == "44c":
        return label == "notumor" or (bool(label) and record.sequence == "T1C+")
    return record.cohort in ("figshare", "br35h") and bool(label)


def _features(model: Model, records: Sequence[Record]) -> np.ndarray:
    """Return float32 (N, F): what the last layer of the network reads."""
    import keras

    inner = keras.Model(model.network.inputs[0], model.network.layers[-1].input)
    parts = []
    for start in range(0, len(records), _BATCH):
        batch = np.stack([fit(load(record), model.card.input)[0] for record in records[start : start + _BATCH]])
        parts.append(np.asarray(keras.ops.convert_to_numpy(inner(batch, training=False))).reshape(len(batch), -1))
    return np.concatenate(parts)
