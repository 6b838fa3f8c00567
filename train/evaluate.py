"""What is a trained network worth, and how does it become a bundle?

The bundle is made in a folder beside its place and moved there whole: a full disk or a kill leaves the
old bundle as it was. What is scored is the packed model, prepared and asked as in the app, but in float32:
the app's bfloat16 stays within 3 % of the largest logit (tests/model_zoo/test_runtime.py).
"""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
from scipy.optimize import minimize_scalar
from tqdm import tqdm

from datasets.cards import DatasetCard
from datasets.records import Record, fingerprint, load
from model_zoo import Model, ModelCard, probabilities, write_card
from model_zoo.card_markdown import write_model_card
from model_zoo.runtime import make_runtime
from model_zoo.scores import bundle_figures
from model_zoo.tables import PREDICTIONS, Prediction, write_predictions
from model_zoo.tap import find_tap
from model_zoo.weights import load_checked, save_packed, sha256_of
from scans import fit
from train import networks
from train.fit import STATE, precision_policy
from train.recipe import Recipe, published

_LIMITS = (
    "Not for diagnosis: a research and teaching tool, cleared by no authority.",
    "It answers with one of its classes whatever it is shown, a healthy head, another organ or a photograph.",
)
_BATCH = 32


def evaluate(
    trained: keras.Model,
    recipe_id: str,
    recipe: Recipe,
    dataset: DatasetCard,
    version: str,
    records: Sequence[Record],
    run: Path,
    out: Path,
) -> ModelCard:
    """Pack, score and save a bundle at `out / recipe_id`; return its card.

    Only the splits that `recipe.evaluate` names are opened. `run` is the folder of `train.fit`.
    """
    part = out / f".{recipe_id}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        card = _filled(part, trained, recipe_id, recipe, dataset, version, records, run)
        _move_whole(part, out / recipe_id)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # of a bundle that could not be written
    return card


def _filled(part: Path, trained, recipe_id, recipe, dataset, version, records, run: Path) -> ModelCard:
    """Write all files of a bundle into `part` and return its card."""
    network = networks.inference_copy(trained, recipe, len(dataset.classes))
    save_packed(network, part / "model.keras")
    card = _card(network, recipe_id, recipe, dataset, version, records, part / "model.keras")
    # Scored in float32 wherever it is run: a figure must not depend on the processor's bfloat16.
    packed = load_checked(part / "model.keras", card.weights_sha256)
    model = Model(card, packed, make_runtime(packed, precision="f32"))

    splits = ["val", *(s for s in recipe.evaluate.split(",") if s != "val")]
    scored = [record for record in records if record.split in splits]
    logits = _logits(model, scored)
    truth = np.array([card.classes.index(record.label) for record in scored])
    chosen = np.array([record.split == "val" for record in scored])
    card = replace(card, temperature=fit_temperature(logits[chosen], truth[chosen]))
    rows = [
        Prediction(r.id, r.group, r.split, r.twin, r.label, tuple(p), r.sequence)
        for r, p in zip(scored, probabilities(logits, card.temperature), strict=True)
    ]
    write_predictions(part / PREDICTIONS, card.classes, rows)
    trainable = sum(int(np.prod(weight.shape)) for weight in trained.trainable_weights)
    card = replace(
        card,
        figures=bundle_figures(part, card.classes),
        training=pace(run, card.scans["train"]),
        trainable_parameters=min(trainable, card.parameters),
    )
    write_card(card, part / "card.json")
    write_model_card(card, part)
    for history in run.glob("history*.csv"):
        shutil.copy(history, part / history.name)
    return card


def _card(network, recipe_id, recipe, dataset, version, records, weights: Path) -> ModelCard:
    return ModelCard(
        id=recipe_id,
        title=f"{recipe.network} on {dataset.title}",
        task=recipe.task,
        classes=tuple(dataset.classes),
        names=tuple(dataset.classes.values()),
        input=recipe.spec,
        tap=find_tap(network),
        parameters=network.count_params(),
        recipe=asdict(replace(recipe, precision=precision_policy(recipe))),  # "auto" is another on another machine
        dataset=dataset.title,
        dataset_version=version,
        fingerprint=fingerprint(records),
        scans=dict(sorted(Counter(record.split for record in records).items())),
        weights_sha256=sha256_of(weights),
        weights_bytes=weights.stat().st_size,
        temperature=1.0,
        licence=f"weights Apache-2.0; trained on: {dataset.licence}",
        figures=(),
        limits=(*_LIMITS, *dataset.defects),
        **dict(zip(("published", "differences"), published(recipe_id, recipe), strict=True)),
    )


def pace(run: Path, scans: int) -> dict[str, float]:
    """Return how the run went: epochs, the best of them, the median seconds of one, and training images a second."""
    state = json.loads((run / STATE).read_text())
    seconds = float(np.median(state["seconds"])) if state.get("seconds") else 0.0
    return {"epochs": state["epochs_done"], "best_epoch": state["best_epoch"]} | (
        {"seconds_an_epoch": round(seconds, 2), "images_a_second": round(scans / seconds, 1)} if seconds else {}
    )


def _logits(model: Model, records: Sequence[Record]) -> np.ndarray:
    parts = []
    for start in tqdm(range(0, len(records), _BATCH), desc="scoring", mininterval=2):
        batch = [fit(load(record), model.card.input)[0] for record in records[start : start + _BATCH]]
        parts.append(model.runtime.logits(np.stack(batch)))
    return np.concatenate(parts)


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature that makes validation logits (N, K) most probable (Guo et al. 2017).

    https://arxiv.org/abs/1706.04599. Between 0.2 and 5; it changes how sure a model says it is, never its answer.
    """

    def surprise(log_temperature: float) -> float:
        p = probabilities(logits, float(np.exp(log_temperature)))
        return float(-np.log(p[np.arange(len(p)), truth] + 1e-12).mean())

    best = minimize_scalar(surprise, bounds=(np.log(0.2), np.log(5)), method="bounded")
    return round(float(np.exp(best.x)), 4)


def _move_whole(part: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    try:
        part.replace(place)
    except OSError:
        if old.exists():
            old.replace(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
