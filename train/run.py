"""How does a recipe become a bundle? Read, group, split, prepare, train, score once."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from model_zoo import ModelCard
from train import networks
from train.batches import Batches, prepare
from train.datasets import dataset_card, version_found
from train.evaluate import evaluate
from train.fit import fit, labels_of, precision_policy, seed_everything
from train.readers import read_records
from train.recipe import Recipe
from train.records import Record, fingerprint
from train.splits import split
from train.twins import with_groups, with_twins


def train(recipe_id: str, recipe: Recipe, data: Path, out: Path, *, resume: bool) -> ModelCard:
    """Train a recipe and return the card of its bundle at `out / recipe_id`.

    The working files (checkpoint, history) are in `out / .runs / recipe_id` until the next run.
    """
    dataset = dataset_card(recipe.task)
    seed_everything(recipe.seed)
    keras.mixed_precision.set_dtype_policy(precision_policy(recipe))
    network = networks.build(recipe.network, recipe.spec.shape, len(dataset.classes), recipe.dropout)
    records = limited(read_records(dataset, data), recipe.limit)
    version = version_found(records, dataset)
    print(f"{dataset.title}: {version}")
    pixels, hashes = prepare(records, recipe.spec)
    records = with_groups(records, hashes, recipe.block)
    records = with_twins(split(records, val=recipe.val, test=recipe.test, seed=recipe.seed), hashes)

    labels = labels_of(records, dataset.classes)
    splits = np.array([record.split for record in records])
    batches = {
        name: Batches(pixels[splits == name], labels[splits == name], recipe, training=name == "train")
        for name in ("train", "val")  # the test set is not in scope here
    }
    print(", ".join(f"{name} {np.sum(splits == name):,}" for name in ("train", "val", "test")) + " scans")

    run = out / ".runs" / recipe_id
    data_used = fingerprint(records)
    network = fit(network, batches["train"], batches["val"], recipe, run, data=data_used, resume=resume)
    return evaluate(network, recipe_id, recipe, dataset, version, records, run, out)


def limited(records: Sequence[Record], limit: int) -> list[Record]:
    """Return at most `limit` records a published split and class, evenly spread; all of them for 0."""
    if not limit:
        return list(records)
    piles = defaultdict(list)
    for record in records:
        piles[record.split, record.label].append(record)
    return [pile[i] for pile in piles.values() for i in sorted(set(np.linspace(0, len(pile) - 1, limit, dtype=int)))]
