"""Tables of ablations: the scores of models that differ in the ways named, and of other ways to predict."""

from itertools import product

import numpy as np
from sklearn.metrics import recall_score

from benchmarks.model_tables import BALANCED, EXTERNAL, measured_cards, measured_folder
from benchmarks.record import read_results
from datasets.cards import DATASETS
from datasets.label_map import HEALTHY
from explain.evaluation.measures import MEASURES
from model_zoo.comparison import Difference, compare
from model_zoo.estimate import Estimate
from model_zoo.markdown import markdown_table
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.tables import COHORTS, read_cohorts
from train.recipe import recipe_of, trained_on

# the main differences, the model without them, the model with them: no line has one difference alone
CHANGES = (
    (
        "EfficientNet-Lite0 from ImageNet's weights, 192 px for 160, another augmentation and schedule",
        "candor-scratch-kaggle4",
        "candor-kaggle4",
    ),
    (
        "the same for models of the whole pool, and a loss on where the evidence lies",
        "candor-scratch-pooled4",
        "candor-pooled4",
    ),
    (
        "ResNet50 from random weights, taught by candor-kaggle4, without imitation of other scanners",
        "candor-kaggle4",
        "resnet50-distilled-kaggle4",
    ),
    (
        "ResNet152V2 from random weights, taught by candor-kaggle4, without imitation of other scanners",
        "candor-kaggle4",
        "resnet152v2-distilled-kaggle4",
    ),
    ("figshare and Br35H added; last leg of 4 epochs, not 16", "candor-scratch-kaggle4", "candor-without-44c-pooled4"),
    ("44c added; last leg of 18 epochs, not 4", "candor-without-44c-pooled4", "candor-scratch-pooled4"),
)
_SETS = (
    ("Kaggle's official test", "cohort kaggle", ALL_SCANS, "accuracy"),
    ("44c", f"cohort {EXTERNAL}", NO_NEAR_DUPLICATE, BALANCED),
)


def ablations() -> str:
    """Return both scores of each pair of CHANGES on the official test and on 44c, paired on the same scans."""
    rows = []
    for differences, first, second in CHANGES:
        found = {
            (each.split, each.subset, each.measure): each
            for each in compare(measured_folder(first), measured_folder(second))
        }
        cells = [_change(found[split, subset, measure]) for _, split, subset, measure in _SETS]
        rows.append([differences, f"`{first}`", f"`{second}`", *cells])
    heads = ["main differences", "from", "to", *(f"{title}, {measure}" for title, *_, measure in _SETS)]
    return markdown_table(heads, rows)


def _change(found: Difference) -> str:
    return f"{found.first:.3f} to {found.second:.3f}: {found.difference.decimal(3)}"


def single_changes() -> str:
    """Return the validation scores of trainings that differ in one thing from the first of their length, paired."""
    found = read_results("single_changes")
    scans = {title: each["difference"]["scans"] for title, each in found["trainings"][0]["scores"].items()}
    rows = []
    for run in found["trainings"]:
        changed = ", ".join(f"`{field}={value}`" for field, value in run["set"].items())
        words = f"{run['length']}, {run['training']}"
        rows.append([words, changed, run["best epoch"], *map(_against_first, run["scores"].values())])
    heads = ["training", "set", "best epoch", *(f"{title}, {number:,} scans" for title, number in scans.items())]
    return f"`{found['command']} --out runs`, seed {found['seed']}.\n\n" + markdown_table(heads, rows)


def _against_first(score: dict) -> str:
    difference = Estimate(**score["difference"])
    return f"{score['score']:.3f}" + (f": {difference.decimal(3)}" if difference.low < difference.high else "")


_LARGEST, _STEP = 6, 0.5
_SHIFTS = np.arange(-_LARGEST, _LARGEST + _STEP, _STEP)  # of a class's logit, beside that of the first class


def kinds_of_errors() -> str:
    """Return what the models of four classes that were not trained on 44c call its scans wrongly.

    The best shift is chosen with the labels, but from a grid: between its steps there may be a better one.
    """
    rows = []
    for name, card in measured_cards().items():
        if card.classes != tuple(DATASETS["kaggle4"].classes) or EXTERNAL in trained_on(recipe_of(card.recipe)):
            continue
        table = read_cohorts(measured_folder(card.id) / COHORTS, card.classes)
        scans = [row for row in table if row.cohort == EXTERNAL and not row.near_duplicate]
        truth = np.array([card.classes.index(row.truth) for row in scans])
        p = np.array([row.probabilities for row in scans])
        called = p.argmax(axis=1)
        tumour = np.array([name not in HEALTHY for name in card.classes])
        found = tumour[truth] & tumour[called]
        cells = (
            balanced_accuracy(truth, called),
            balanced_accuracy(truth, best_shifted(truth, p)),
            balanced_accuracy(tumour[truth], tumour[called]),
            float((truth == called)[found].mean()),
        )
        rows.append([name, f"{len(scans):,}", *(f"{cell:.3f}" for cell in cells)])
    heads = [
        "model", "scans", "balanced accuracy",
        f"with the best of a grid of shifts (±{_LARGEST} in steps of {_STEP:g}), chosen with the labels",
        "tumour or none, balanced accuracy", "tumours found: of these, the right one",
    ]  # fmt: skip
    return markdown_table(heads, rows)


def balanced_accuracy(truth: np.ndarray, called: np.ndarray) -> float:
    """Return the mean sensitivity over the classes that are there."""
    return float(recall_score(truth, called, labels=np.unique(truth), average="macro"))


def best_shifted(truth: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the classes, int (N,), by that shift of the grid, one number a class, with the best balanced accuracy."""
    logits = np.log(np.maximum(p, 1e-6))  # the tables have six decimals
    shifted = ((logits + (0, *shift)).argmax(axis=1) for shift in product(_SHIFTS, repeat=p.shape[1] - 1))
    weight = 1 / np.bincount(truth)[truth]  # each class counts the same
    return max(shifted, key=lambda called: float(weight[called == truth].sum()))


def test_time_augmentation() -> str:
    """Return the validation scores of Candor's own models when several views, or two models, are averaged."""
    found = read_results("test_time_augmentation")
    ways = list(
        dict.fromkeys(way for sets in found["balanced accuracy"].values() for row in sets.values() for way in row)
    )
    ways.remove("scans")
    rows = [
        [f"`{name}`", collection, f"{row['scans']:,}", *(f"{row[way]:.3f}" if way in row else "" for way in ways)]
        for name, sets in found["balanced accuracy"].items()
        for collection, row in sets.items()
    ]
    others = ", ".join(f"`{name}` with `{other}`" for name, other in found["averaged with"].items())
    return f"`{found['command']}`; two models: {others}.\n\n" + markdown_table(
        ["model", "collection", "scans", *ways], rows
    )


def map_placement() -> str:
    """Return how far beside their drawn place the cells of a map see, and Grad-CAM's localisation if moved by that."""
    rows = [
        [
            f"`{name}`",
            f"{found['cells']}",
            ", ".join(
                f"{100 * each / found['side']:+.1f} ± {100 * error / found['side']:.1f}"
                for each, error in zip(found["offset"], found["standard error"], strict=True)
            ),
            f"{found['scans']}",
        ]
        + [
            f"{found[measure]['drawn']['value']:.2f}, {found[measure]['moved']['value']:.2f}"
            for measure in ("pointing", "energy", "head_lift")
        ]
        for name, found in read_results("map_placement")["models"].items()
    ]
    heads = [
        "model", "cells a side", "seen beside the drawn place, down and right, % of the side", "scans",
        *(f"{MEASURES[measure].short}: as drawn, moved" for measure in ("pointing", "energy", "head_lift")),
    ]  # fmt: skip
    return markdown_table(heads, rows)
