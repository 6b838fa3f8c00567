"""Training of the head of a frozen backbone on features that are computed once.

The features are those of the scans without augmentation, which would change them each epoch. The head alone is
trained on them by `train.fit`, with its exact resume. Its weights then go back into the whole network, so that
fine-tuning does not begin with the large gradients of a random head.

In memory: 4 bytes per feature, so 2,048 pooled features of 5,000 scans take 41 MB.
"""

import csv
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import keras
import numpy as np

from train.backbones import FEATURES
from train.batches import Batches
from train.fit import fit, write_history
from train.recipe import Recipe


def warm_head(
    network: keras.Model, train: Batches, val: Batches, recipe: Recipe, run: Path, *, data: str, resume: bool
) -> list[dict[str, str]]:
    """Train the head for `recipe.frozen_epochs` epochs, put it into `network`; return its rows of history.

    For 0 epochs it does nothing and returns no row. The head's checkpoint, history and best weights are in
    `head_folder(run)`; a resume continues there, and computes features only where epochs are left. `data`,
    `resume` and the errors raised are those of `train.fit.fit`.
    """
    if not recipe.frozen_epochs:
        return []
    if not resume:  # or a run killed before its first whole epoch would resume that of the run before
        shutil.rmtree(run, ignore_errors=True)
    features = cache(lambda: compute_features(network, train, val))
    head = fit(
        head_of(network),
        FeatureBatches(lambda: features()[0], train, shuffled=True),
        FeatureBatches(lambda: features()[1], val, shuffled=False),
        replace(recipe, epochs=recipe.frozen_epochs),
        head_folder(run),
        data=data,
        resume=resume,
    )
    for layer in head.layers:
        if layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())
    return _rows(head_folder(run) / "history.csv")


def after_head(recipe: Recipe) -> Recipe:
    """Return the recipe of the epochs that are left for the whole network."""
    return replace(recipe, epochs=recipe.epochs - recipe.frozen_epochs)


def head_folder(run: Path) -> Path:
    """Return the folder of the head's own run."""
    return run.with_name(f"{run.name}.head")


def head_of(network: keras.Model) -> keras.Model:
    """Return a copy of the network's head: features (N, F) to logits (N, K), with the same weights.

    A copy, so that the network's own dropout has drawn no random number, whether the head was trained now or before.
    """
    shared = keras.Model(network.get_layer(FEATURES).output, network.output)
    head = keras.models.clone_model(shared)
    head.set_weights(shared.get_weights())
    return head


def compute_features(network: keras.Model, *scans: Batches) -> list[np.ndarray]:
    """Return float32 (N, F) for each set of scans: the head's input, in the order of the scans, not augmented."""
    started = time.monotonic()
    body = keras.Model(network.input, network.get_layer(FEATURES).output)
    features = [
        np.asarray(
            body.predict(Batches(s.pixels, s.labels, s.recipe, training=False, classes=s.classes), verbose=0),
            np.float32,
        )
        for s in scans
    ]
    number, megabytes = sum(len(f) for f in features), sum(f.nbytes for f in features) / 1e6
    print(f"features of {number:,} scans computed once, in {time.monotonic() - started:.0f} s: {megabytes:.1f} MB")
    return features


class FeatureBatches(keras.utils.PyDataset):
    """Batches of (features, classes, weights), drawn in the order in which `Batches` draws its scans.

    `features` returns float32 (N, F); it is called when the first batch is needed.
    """

    def __init__(self, features: Callable[[], np.ndarray], scans: Batches, *, shuffled: bool) -> None:
        super().__init__()
        self.features, self.labels, self.recipe, self.shuffled = features, scans.labels, scans.recipe, shuffled
        self.weights = np.ones(len(scans.labels), np.float32)
        if scans.class_weights is not None:
            self.weights = scans.class_weights[scans.labels]
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.labels) // self.recipe.batch)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        order = np.arange(len(self.labels))
        if self.shuffled:
            order = np.random.default_rng([self.recipe.seed, self.epoch]).permutation(order)
        chosen = order[index * self.recipe.batch : (index + 1) * self.recipe.batch]
        return self.features()[chosen], self.labels[chosen], self.weights[chosen]

    def on_epoch_end(self) -> None:
        self.epoch += 1


def join_history(run: Path, head_rows: list[dict[str, str]]) -> None:
    """Put the head's epochs before the others in `history.csv` of `run`, with a column `phase`: head or whole.

    Without rows the file stays as `train.fit` wrote it. A second call changes nothing.
    """
    if not head_rows:
        return
    whole = [row for row in _rows(run / "history.csv") if row.get("phase") != "head"]
    rows = [{"phase": "head"} | row for row in head_rows] + [{"phase": "whole"} | row for row in whole]
    write_history(run / "history.csv", [row | {"epoch": str(number)} for number, row in enumerate(rows, start=1)])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
