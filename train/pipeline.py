"""From a recipe to a bundle: read, group, split, prepare, train, evaluate once."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datasets.cards import dataset_card, nearest_version
from datasets.cohorts import of_cohorts, read_task, split_cohorts
from datasets.label_map import common_label
from datasets.near_duplicates import Prints, find_near_duplicates
from datasets.not_read import tell_not_read
from datasets.records import Record, fingerprint
from model_zoo import ModelCard
from model_zoo.gate import GATE_TASK
from train.batches import Batches, prepare
from train.evaluate import Run, evaluate
from train.fit import fit, labels_of, seed_everything
from train.frozen_backbone import after_head, join_history, warm_head
from train.gate.training import train_gate
from train.initial_weights import initialised_network
from train.lesion_grid import places_passed_on
from train.precision import dtype_policy, precision_policy
from train.recipe import Recipe
from train.synthetic_lesions import KINDS
from train.teacher import teacher_of


def train(recipe_id: str, recipe: Recipe, data: Path, out: Path, *, resume: bool) -> ModelCard:
    """Train a recipe and return the card of its bundle at `out / recipe_id`.

    The working files (checkpoint, history) are in `out / .runs / recipe_id` until the next run.
    """
    if recipe.task == GATE_TASK:
        return train_gate(recipe_id, recipe, data, out, resume=resume)
    dataset = of_cohorts(dataset_card(recipe.task), recipe.cohorts)
    if recipe.paint and not set(KINDS) <= set(dataset.classes):
        raise ValueError(
            f"paint={recipe.paint:g} draws {' and '.join(KINDS)}, and {recipe.task} has no such classes; "
            "leave paint out"
        )
    seed_everything(recipe.seed)
    with dtype_policy(precision_policy(recipe)):
        network = initialised_network(recipe, len(dataset.classes))
    teacher = teacher_of(recipe, tuple(dataset.classes))
    scans = gather(recipe, data)
    print(f"{dataset.title}: {scans.version}")
    labels = labels_of(scans.records, dataset.classes)
    splits = np.array([record.split for record in scans.records])
    weights = class_weights(labels[splits == "train"]) if recipe.class_weights else None
    batches = {
        name: Batches(
            scans.pixels[splits == name],
            labels[splits == name],
            recipe,
            training=name == "train",
            places=scans.places[splits == name],
            class_weights=weights if name == "train" else None,
            classes=tuple(dataset.classes),
            teacher=teacher,
        )
        for name in ("train", "val")  # the test set is not in scope here
    }
    if recipe.where:
        annotated = ~np.isnan(scans.places).any(axis=1) & (scans.places.max(axis=1, initial=0) > 0)
        print(f"{annotated[splits == 'train'].sum():,} training scans have a lesion of known place")
    print(", ".join(f"{name} {number:,}" for name, number in sorted(Counter(splits.tolist()).items())) + " scans")

    run = out / ".runs" / recipe_id
    data_used = fingerprint(scans.records)
    pair = batches["train"], batches["val"]
    head_rows = warm_head(network, *pair, recipe, run, data=data_used, resume=resume)
    network = fit(network, *pair, after_head(recipe), run, data=data_used, resume=resume)
    join_history(run, head_rows)
    return evaluate(network, Run(recipe_id, recipe, dataset, scans.version, scans.records, run), out)


@dataclass(frozen=True)
class Gathered:
    """The scans of a run: N records, split and with near-duplicates marked, and the results of `prepare`."""

    records: list[Record]
    version: str
    pixels: np.ndarray  # uint8 (N, size, size)
    prints: Prints
    places: np.ndarray  # float32 (N, 4)


def gather(recipe: Recipe, data: Path) -> Gathered:
    """Read, split and prepare the scans of a recipe, those of the task's classes."""
    dataset = dataset_card(recipe.task)
    records = read_task(dataset, data, recipe.cohorts)
    tell_not_read(records, data)
    version = nearest_version(records, dataset)  # of the whole set, even where this run takes few of its scans
    records = limited(records, recipe.limit)
    pixels, prints, places = prepare(records, recipe.spec)
    duplicates = find_near_duplicates(prints)
    records = split_cohorts(records, duplicates, **recipe.division)
    if dataset.pooled:
        records = [replace(r, label=common_label(r.label, tuple(dataset.classes))) for r in records]
        if recipe.crop:  # a whole picture shows the head elsewhere than its near-duplicate does
            places = places_passed_on(places, records, duplicates, recipe.size)
        kept = np.array([bool(record.label) for record in records])
        records = [record for record in records if record.label]
        pixels, prints, places = pixels[kept], prints[kept], places[kept]
    return Gathered(records, version, pixels, prints, places)


def class_weights(labels: np.ndarray) -> np.ndarray:
    """Return float32 (K,): the weight of a scan of each class that gives all classes the same total.

    The mean over the scans is 1. A class without a scan has weight 0.
    """
    numbers = np.bincount(labels)
    present = numbers > 0
    return np.divide(len(labels) / present.sum(), numbers, out=np.zeros(len(numbers)), where=present).astype(np.float32)


def limited(records: Sequence[Record], limit: int) -> list[Record]:
    """Return at most `limit` records per published split and class, evenly spread; all of them for 0."""
    if not limit:
        return list(records)
    piles = defaultdict(list)
    for record in records:
        piles[record.cohort, record.split, record.label].append(record)
    return [pile[i] for pile in piles.values() for i in sorted(set(np.linspace(0, len(pile) - 1, limit, dtype=int)))]
