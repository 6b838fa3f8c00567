"""Seconds per epoch of transfer learning with a frozen backbone: run every time, or on features computed once.

The same network, scans, batches and head, in the recipe's precision; epochs of each in turn. The backbone is
run on the scans as they are, so that both see the same numbers; the cost of computing the features is reported, too.
"""

import os
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import keras
import numpy as np

from benchmarks.record import write
from datasets.cards import DATASETS
from datasets.readers import read_kaggle4
from scans import fit, phantom
from train import networks
from train.batches import Batches, prepare
from train.fit import labels_of
from train.frozen_backbone import FeatureBatches, compute_features, head_of
from train.objective import compile_model
from train.precision import dtype_policy, precision_policy
from train.recipe import Recipe, find_recipe

_SCANS = 320
_ROUNDS, _EPOCHS = 3, 3  # rounds of each in turn; epochs per round, of which the first is not counted


def main() -> None:
    """Measure ResNet50 with the recipe of `resnet50-kaggle4`, random weights."""
    recipe = replace(find_recipe("resnet50-kaggle4")[0], weights="none", trainable=0, augment=0)
    data = os.environ.get("CANDOR_DATA")
    pixels, labels = _kaggle(Path(data), recipe) if data else _phantoms(recipe)
    keras.utils.set_random_seed(recipe.seed)
    with dtype_policy(precision_policy(recipe)):
        network = networks.build(recipe, len(DATASETS[recipe.task].classes), training=True)
    scans = Batches(pixels, labels, recipe, training=True)
    started = perf_counter()
    features = compute_features(network, scans)[0]
    once = perf_counter() - started
    ways = {
        "the backbone every time": (network, scans),
        "features computed once": (head_of(network), FeatureBatches(lambda: features, scans, shuffled=True)),
    }
    for model, batches in ways.values():
        compile_model(model, recipe, len(batches))
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, (model, batches) in ways.items():
            rounds[name] += _seconds(model, batches)
    seconds = {name: median(times) for name, times in rounds.items()}
    write(
        "frozen",
        {f"{name}, seconds per epoch": round(value, 3) for name, value in seconds.items()}
        | {
            "backbone over features": round(seconds["the backbone every time"] / seconds["features computed once"], 1),
            "computing the features, seconds once": round(once, 2),
            "features, megabytes": round(features.nbytes / 1e6, 1),
            "network": f"{recipe.network} {recipe.size} px, precision {precision_policy(recipe)}",
            "scans": f"{len(labels)} {'of the Kaggle training set' if data else 'phantoms'}",
        },
    )


def _seconds(model: keras.Model, batches: keras.utils.PyDataset) -> list[float]:
    """Return the seconds of each epoch but the first, which traces and fills the queue of batches."""
    clock = _Clock()
    model.fit(batches, epochs=_EPOCHS, callbacks=[clock], shuffle=False, verbose=0)
    return np.diff(clock.ends).tolist()


class _Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.ends.append(perf_counter())


def _kaggle(data: Path, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    records = [r for r in read_kaggle4(data / DATASETS["kaggle4"].folder) if r.split == "train"]
    chosen = records[:: max(1, len(records) // _SCANS)][:_SCANS]
    return prepare(chosen, recipe.spec)[0], labels_of(chosen, DATASETS["kaggle4"].classes)


def _phantoms(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(_SCANS) % len(DATASETS["kaggle4"].classes)
    kinds = list(DATASETS["kaggle4"].classes)
    scans = [phantom(kinds[label], seed, recipe.size).scan for seed, label in enumerate(labels)]
    return np.stack([np.round(255 * fit(s, recipe.spec)[0][..., 0]).astype(np.uint8) for s in scans]), labels


if __name__ == "__main__":
    main()
