"""Evaluation of a trained network, and its bundle.

The bundle is written to a temporary folder beside its final place and moved there whole: a full disk or a kill
leaves the old bundle as it was. The packed model is scored on scans prepared as in the app, but in float32:
the app's bfloat16 stays within 3 % of the largest logit (tests/model_zoo/test_runtime.py).
"""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np

from datasets.cards import DatasetCard
from datasets.records import Record, fingerprint
from model_zoo import ModelCard, Score, probabilities, write_card
from model_zoo.card_markdown import write_model_card
from model_zoo.runtime import make_runtime
from model_zoo.scores import ALL_SCANS, measured_of
from model_zoo.site_calibration import fit_temperature
from model_zoo.tables import PREDICTIONS, PredictionRow, write_predictions
from model_zoo.tap import find_tap
from model_zoo.weights import load_checked, save_packed, sha256_of
from model_zoo.whole_files import replace_folder
from train import networks
from train.batches import read_batches
from train.fit import STATE
from train.precision import precision_policy
from train.recipe import Recipe, published

LIMITS = (
    "Not for diagnosis: a research and teaching tool without regulatory clearance.",
    "By itself it predicts one of its classes for any picture; the gate before it withholds what is not a head in MRI.",
)
_LARGE = 10_000_000  # weights: from here on they are rounded to 8 bits or fewer
_LARGEST_FILE = 50_000_000  # bytes, in the repository
_PARITY = 0.002  # of the accuracy: what rounding may cost without a word on the card


@dataclass(frozen=True)
class Run:
    """A finished training and the data it used."""

    recipe_id: str
    recipe: Recipe
    dataset: DatasetCard
    version: str  # of the dataset
    records: Sequence[Record]  # all scans of the run, with group and split
    folder: Path  # the working files of `train.fit`


def evaluate(trained: keras.Model, run: Run, out: Path) -> ModelCard:
    """Pack, score and save a bundle at `out / run.recipe_id`; return its card.

    Only the splits that `recipe.evaluate` names are opened.
    """
    part = out / f".{run.recipe_id}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        card = _write_bundle(part, trained, run)
        replace_folder(part, out / run.recipe_id)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # of a bundle that could not be written
    return card


def _write_bundle(folder: Path, trained: keras.Model, run: Run) -> ModelCard:
    """Write all files of a bundle into `folder` and return its card."""
    recipe, dataset, weights = run.recipe, run.dataset, folder / "model.keras"
    classes = tuple(dataset.classes)
    network = networks.inference_copy(trained, recipe, len(classes))
    bits = _save_below_limit(network, weights)
    sha256 = sha256_of(weights)
    temperature = _write_predictions(folder, load_checked(weights, sha256), run)
    state = json.loads((run.folder / STATE).read_text())
    exact, precision = state["best"][0], state.get("precision", precision_policy(recipe))
    rounding = {"bits_per_weight": bits, "validation_accuracy_before_rounding": exact} if bits < 16 else {}
    measured = measured_of(folder, classes)
    scans = dict(sorted(Counter(record.split for record in run.records).items()))
    trainable = sum(int(np.prod(weight.shape)) for weight in trained.trainable_weights)
    card = ModelCard(
        id=run.recipe_id,
        title=f"{networks.network_title(recipe.network)}, trained on {_in_sentence(dataset)}",
        task=recipe.task,
        classes=classes,
        names=tuple(dataset.classes.values()),
        input=recipe.spec,
        tap=find_tap(network),
        parameters=network.count_params(),
        recipe=asdict(replace(recipe, precision=precision)),  # what "auto" was where it was trained
        dataset=dataset.title,
        dataset_version=run.version,
        fingerprint=fingerprint(run.records),
        scans=scans,
        weights_sha256=sha256,
        weights_bytes=weights.stat().st_size,
        temperature=temperature,
        licence=f"weights Apache-2.0; trained on: {dataset.licence}",
        **measured,
        limits=(*LIMITS, *rounding_limits(bits, exact, measured["scores"]), *dataset.defects),
        **published(run.recipe_id, recipe),
        trainable_parameters=min(trainable, network.count_params()),
        training=pace(run.folder, scans["train"]) | rounding,
    )
    write_card(card, folder / "card.json")
    write_model_card(card, folder)
    for history in run.folder.glob("history*.csv"):
        shutil.copy(history, folder / history.name)
    return card


def _save_below_limit(network: keras.Model, path: Path) -> int:
    """Save a network and return its bits per weight: 16, and for a large one so many that its file is small enough."""
    if network.count_params() < _LARGE:
        save_packed(network, path)
        return 16
    exact = network.get_weights()
    for bits in (8, 7, 6):
        network.set_weights(exact)
        save_packed(network, path, bits)
        if path.stat().st_size < _LARGEST_FILE:
            break
    return bits


def rounding_limits(bits: int, exact: float, scores: Sequence[Score]) -> list[str]:
    """Return the sentence for the card where rounded weights cost more than 0.002 of the validation accuracy."""
    packed = next(s.estimate.value for s in scores if (s.name, s.split, s.subset) == ("accuracy", "val", ALL_SCANS))
    if bits == 16 or round(exact - packed, 6) <= _PARITY:
        return []
    return [f"Its weights are rounded to {bits} bits: validation accuracy {packed:.4f}, {exact:.4f} before."]


def _in_sentence(dataset: DatasetCard) -> str:
    """Return the title as it stands within a sentence: that of a published dataset is a name."""
    return f"{dataset.title[0].lower()}{dataset.title[1:]}" if dataset.pooled else dataset.title


def _write_predictions(folder: Path, packed: keras.Model, run: Run) -> float:
    """Write `predictions.csv` of the packed model; return its temperature, fitted on the validation scans."""
    # In float32 on every machine: a score must not depend on the processor's bfloat16.
    runtime, classes = make_runtime(packed, precision="f32"), tuple(run.dataset.classes)
    splits = {"val", *run.recipe.evaluate.split(",")}
    scored = [record for record in run.records if record.split in splits]
    batches = read_batches(scored, run.recipe.spec, "evaluating")
    logits = np.concatenate([runtime.logits(inputs) for _, inputs, _ in batches])
    truth = np.array([classes.index(record.label) for record in scored])
    val = np.array([record.split == "val" for record in scored])
    temperature = fit_temperature(logits[val], truth[val])
    rows = [
        PredictionRow(r.id, r.group, r.split, r.near_duplicate, r.label, tuple(p), r.sequence, r.plane)
        for r, p in zip(scored, probabilities(logits, temperature), strict=True)
    ]
    write_predictions(folder / PREDICTIONS, classes, rows)
    return temperature


def pace(run: Path, scans: int) -> dict[str, float]:
    """Return epochs, the best epoch, the median seconds per epoch of `scans` images, and training images per second.

    The last two only of a training on this backend: those of a GPU do not compare with those of a processor.
    """
    state = json.loads((run / STATE).read_text())
    here = keras.backend.backend()
    timed = state.get("seconds") and state.get("backend", here) == here
    seconds = float(np.median(state["seconds"])) if timed else 0.0
    return {"epochs": state["epochs_done"], "best_epoch": state["best_epoch"]} | (
        {"seconds_per_epoch": round(seconds, 2), "images_per_second": round(scans / seconds, 1)} if seconds else {}
    )
