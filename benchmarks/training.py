"""Images per second in training: the plain way of the published systems against ours.

Plain: float32, Keras' image loader from a folder of pictures, Keras' augmentation layers mapped over it.
Ours: scans prepared once as bytes, augmented with OpenCV, bfloat16 where the processor multiplies it.
Same network, same pictures, same batch size, same kinds of augmentation; steps of each in turn.
"""

import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import keras
import numpy as np
from PIL import Image

from benchmarks.record import write
from datasets.cards import DATASETS
from datasets.readers import read_kaggle4
from scans import phantom
from train import networks
from train.batches import Batches, prepare
from train.fit import labels_of
from train.objective import compile_model
from train.precision import dtype_policy, precision_policy
from train.recipe import Recipe, find_recipe

_ROUNDS, _STEPS, _WARM = 3, 40, 8  # rounds of each in turn; steps measured, and not counted, in a round


def main() -> None:
    """Measure `cnn3-kaggle4` both ways."""
    recipe, _ = find_recipe("cnn3-kaggle4")
    with tempfile.TemporaryDirectory() as folder:
        pictures = _pictures(Path(folder))
        ways = {"plain": plain(pictures, recipe), "ours": ours(pictures, recipe)}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(_ROUNDS):
            for name, (network, batches) in ways.items():
                rates[name].append(recipe.batch / _seconds_per_step(network, batches))
    results = {f"{name}, images per second": round(median(values), 1) for name, values in rates.items()}
    ratio = median(values_ours / plain for values_ours, plain in zip(rates["ours"], rates["plain"], strict=True))
    write(
        "training",
        results
        | {"ours over plain": round(ratio, 2), "precision of ours": precision_policy(recipe)}
        | {"scans": "the Kaggle training set" if os.environ.get("CANDOR_DATA") else "phantoms"},
    )


def plain(pictures: Path, recipe: Recipe) -> tuple[keras.Model, object]:
    """Return the network in float32 and a Keras image loader with augmentation layers, as in published systems."""
    import tensorflow as tf

    augmentation = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(recipe.rotate / 360),
            keras.layers.RandomZoom(recipe.zoom),
            keras.layers.RandomTranslation(recipe.shift, recipe.shift),
            keras.layers.RandomContrast(recipe.contrast),
            keras.layers.RandomBrightness(recipe.brightness),
            keras.layers.Rescaling(1 / 255),
        ]
    )
    loader = keras.utils.image_dataset_from_directory(
        pictures / "Training", image_size=(recipe.size, recipe.size), batch_size=recipe.batch, verbose=False
    )
    batches = loader.map(lambda x, y: (augmentation(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
    return _network(recipe, "float32"), batches.repeat().prefetch(tf.data.AUTOTUNE)


def ours(pictures: Path, recipe: Recipe) -> tuple[keras.Model, Batches]:
    """Return the network and batches exactly as `train.pipeline` makes them."""
    records = [record for record in read_kaggle4(pictures) if record.split == "train"]
    pixels, _, _ = prepare(records, recipe.spec)
    labels = labels_of(records, DATASETS["kaggle4"].classes)
    return _network(recipe, precision_policy(recipe)), Batches(pixels, labels, recipe, training=True)


def _network(recipe: Recipe, policy: str) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)  # no more than that: op determinism would slow Keras' loader
    with dtype_policy(policy):
        network = networks.build(recipe, 4, training=True)
    compile_model(network, recipe, 100)
    return network


def _seconds_per_step(network: keras.Model, batches) -> float:
    clock = Clock()
    steps = _WARM + _STEPS
    network.fit(batches, steps_per_epoch=steps, epochs=1, callbacks=[clock], verbose=0)
    return (clock.ends[steps - 1] - clock.ends[_WARM - 1]) / _STEPS


class Clock(keras.callbacks.Callback):
    """Keeps in `ends`, in seconds, when each training step was done."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.ends.append(perf_counter())


def _pictures(folder: Path) -> Path:
    """Return the real Kaggle set where it is, else phantoms saved in its layout."""
    data = os.environ.get("CANDOR_DATA")
    if data:
        return Path(data) / DATASETS["kaggle4"].folder
    for split in ("Training", "Testing"):
        for label in DATASETS["kaggle4"].classes:
            (folder / split / label).mkdir(parents=True)
            for seed in range(400 if split == "Training" else 1):
                pixels = np.round(255 * phantom(label, seed, 224).scan.pixels).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{seed}.jpg")
    return folder


if __name__ == "__main__":
    main()
