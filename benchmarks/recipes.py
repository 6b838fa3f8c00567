"""Training speed of shipped recipes: images per second, and the seconds per epoch that follow from it.

A recipe is the last leg of a training: first legs and the training of teachers are not counted. Augmentation and the
predictions of a teacher are included, scoring and saving left out. The pictures are phantoms: their content has no
effect on speed. An epoch is that of the bundle: as many training scans as its card counts.
"""

import json
import sys
from dataclasses import replace
from statistics import median

import keras
import numpy as np

from benchmarks.record import RESULTS, write
from benchmarks.training import Clock
from datasets.records import Record
from model_zoo import ModelCard, models
from scans import PHANTOM_KINDS
from train import networks
from train.batches import Batches, prepare
from train.freed_memory import keep_freed_memory
from train.objective import compile_model
from train.precision import dtype_policy, precision_policy
from train.recipe import Recipe, recipe_of
from train.teacher import teacher_of

_IMAGES, _WARM = 480, 96  # measured, and not counted, per recipe and side
_SECONDS, _STEPS = 120, 4  # measuring ends after so long, but never before so many steps


def main() -> None:
    """Measure the recipe of every model in the zoo, or of those named, and keep the other results."""
    keep_freed_memory()  # as `python -m train` does
    cards = [card for card in models().values() if card.task != "phantom4" and not card.imported]
    wanted = sys.argv[1:] or [card.id for card in cards]
    before = json.loads((RESULTS / "recipes.json").read_text())
    kept = {  # perhaps from another machine, which the file would otherwise forget
        card.id: {"machine": before["machine"]} | before[card.id] for card in cards if card.id in before
    }
    for card in cards:
        if card.id in wanted:
            kept[card.id] = _measured(card)
            write("recipes", kept)  # after each: a deep network takes minutes


def _measured(card: ModelCard) -> dict:
    # The card has the precision of the machine that trained it, which may be many times slower on this one.
    recipe = replace(recipe_of(card.recipe), precision="auto")
    sides = {recipe.size: 1 - recipe.early} | ({recipe.early_size: recipe.early} if recipe.early else {})
    rates = {side: images_per_second(recipe, card.classes, side) for side in sides}
    scans = card.scans["train"]
    seconds = {side: scans / rate for side, rate in rates.items()}
    return {
        "precision": precision_policy(recipe),
        "training scans": scans,
        "epochs": recipe.epochs,
        "images per second": {f"{side} px": round(rate, 1) for side, rate in rates.items()},
        "seconds per epoch": {f"{side} px": round(value, 1) for side, value in seconds.items()},
        "minutes of the last leg": round(
            recipe.epochs * sum(share * seconds[side] for side, share in sides.items()) / 60, 1
        ),
        "megabytes of weights": round(card.weights_bytes / 1e6, 1),
    }


def images_per_second(recipe: Recipe, classes: tuple[str, ...], side: int) -> float:
    """Return the training speed of a recipe on phantoms of `side` pixels."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    with dtype_policy(precision_policy(recipe)):
        network = networks.build(recipe, len(classes), training=True)
    compile_model(network, recipe, 100)
    batches = _batches(recipe, classes)
    batches.side = side
    clock = Clock()
    steps, warm = (_IMAGES + _WARM) // recipe.batch, _WARM // recipe.batch

    def stop(step: int, logs: dict) -> None:
        if step >= warm + _STEPS and clock.ends[-1] - clock.ends[warm] > _SECONDS:
            network.stop_training = True

    callbacks = [clock, keras.callbacks.LambdaCallback(on_train_batch_end=stop)]
    network.fit(batches, steps_per_epoch=steps, epochs=1, shuffle=False, callbacks=callbacks, verbose=0)
    thirds = np.array_split(np.diff(clock.ends[warm:]), 3)  # the median of three stretches, not of single steps
    return recipe.batch / median(float(third.mean()) for third in thirds)


def _batches(recipe: Recipe, classes: tuple[str, ...]) -> Batches:
    records = [Record(f"{kind}/{seed}", kind) for kind in PHANTOM_KINDS for seed in range(8)]
    pixels, _, places = prepare(records, recipe.spec)
    times = -(-(_IMAGES + _WARM) // len(records))
    labels = (np.arange(len(records) * times) % len(classes)).astype(np.int32)
    pixels, places = np.tile(pixels, (times, 1, 1)), np.tile(places, (times, 1))
    teacher = teacher_of(recipe, classes)
    return Batches(pixels, labels, recipe, training=True, places=places, classes=classes, teacher=teacher)


if __name__ == "__main__":
    main()
