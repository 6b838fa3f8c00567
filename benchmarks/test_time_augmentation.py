"""Would Candor's models be right more often if they averaged several views of a scan, or two models were averaged?

python -m benchmarks.test_time_augmentation      # needs the collections in $CANDOR_DATA; validation scans alone

The views are the scan, its mirror image, and the scan at 224 pixels instead of 192; the other model was trained on the
same scans. Logits of views are averaged, and probabilities of models.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.ablation_tables import balanced_accuracy
from benchmarks.record import write
from datasets.cards import data_folder
from datasets.cohorts import COHORTS
from datasets.label_map import common_label
from datasets.records import Record
from model_zoo import Model, load_model, models, probabilities
from model_zoo.runtime import make_runtime
from train.batches import read_batches
from train.candor import LITE, candor
from train.external import Collections, read_collections
from train.recipe import Recipe, recipe_of
from train.teacher import load_teacher

LARGER = 224  # pixels
AVERAGED_WITH = {
    "candor-kaggle4": "resnet50-distilled-kaggle4",
    "candor-44c15": "candor-leg2-44c15",
    "candor-figshare3": "candor-scratch-figshare3",
}


def main() -> None:
    """Predict the validation scans of every collection in each way, with each of Candor's own models."""
    collections = read_collections(data_folder())
    own = {card.id: card.weights_sha256 for card in models().values() if recipe_of(card.recipe).network in LITE}
    found = {name: dict(_by_collection(load_model(name, precision="f32"), collections)) for name in own}
    write("test_time_augmentation", {"weights": own, "averaged with": AVERAGED_WITH, "balanced accuracy": found})


def _by_collection(model: Model, collections: Collections) -> Iterator[tuple[str, dict[str, float]]]:
    classes = model.card.classes
    larger = _larger(model, recipe_of(model.card.recipe))
    for cohort in COHORTS:
        scans = [r for r in collections.records if r.cohort == cohort and r.split == "val"]
        named = [(record, common_label(record.label, classes)) for record in scans]
        scans = [record for record, label in named if label]
        if not scans:
            continue
        truth = np.array([classes.index(label) for _, label in named if label])
        scores = {
            way: round(balanced_accuracy(truth, p.argmax(axis=1)), 4) for way, p in _ways(model, larger, scans).items()
        }
        yield cohort, {"scans": len(scans)} | scores


def _ways(model: Model, larger: Model, scans: list[Record]) -> dict[str, np.ndarray]:
    """Return probabilities, float32 (N, K), by the way in which they were predicted."""
    once, mirrored = _both_views(model, scans)
    large, large_mirrored = _both_views(larger, scans)
    temperature = model.card.temperature
    ways = {
        "as it is": once,
        "and mirrored": (once + mirrored) / 2,
        f"{LARGER} px": large,
        f"{LARGER} px, and mirrored": (large + large_mirrored) / 2,
    }
    ways = {way: probabilities(logits, temperature) for way, logits in ways.items()}
    if name := AVERAGED_WITH.get(model.card.id):
        other = load_teacher(name)
        p = probabilities(_logits(other, _inputs(other, scans)), other.card.temperature)
        ways["mean of two models"] = (ways["as it is"] + p) / 2
    return ways


def _both_views(model: Model, scans: list[Record]) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits, float32 (N, K), of the scans and of their mirror images."""
    batches = _inputs(model, scans)
    return _logits(model, batches), _logits(model, [np.ascontiguousarray(each[:, :, ::-1]) for each in batches])


def _inputs(model: Model, scans: list[Record]) -> list[np.ndarray]:
    return [inputs for _, inputs, _ in read_batches(scans, model.card.input, model.card.id)]


def _logits(model: Model, batches: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([model.runtime.logits(batch) for batch in batches])


def _larger(model: Model, recipe: Recipe) -> Model:
    network = candor(replace(recipe, size=LARGER), len(model.card.classes))
    network.set_weights(model.network.get_weights())
    spec = replace(model.card.input, height=LARGER, width=LARGER)
    runtime = make_runtime(network, precision="f32")
    return replace(model, card=replace(model.card, input=spec), network=network, runtime=runtime)


if __name__ == "__main__":
    main()
