"""The cost of Candor's models on EfficientNet-Lite0 beside those before them, on a trunk of our own, in one run.

python -m benchmarks.generations

The passes of the two networks take turns, and so do their maps. No map comes from the cache. A model before whose
weights are not kept is built with random ones, which take the same time. How long integrated gradients, LIME and RISE
take depends on the weights, too: they stop when they have converged. A model with random weights is measured
without them.
"""

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.record import side_by_side, write
from explain import Request, explain
from model_zoo import Model, load_model, models, read_card
from model_zoo.runtime import make_runtime
from model_zoo.zoo import MEASURED, load_measured, measured_models, zoo_folder
from scans import PHANTOM_SAMPLES, phantom
from train.networks import build
from train.recipe import recipe_of

METHODS = ("gradcam", "occlusion")
UNTIL_CONVERGED = ("integrated-gradients", "lime", "rise")
_BATCHES = {1: 31, 32: 7}  # scans -> rounds
_MAPS = 5  # rounds


def main() -> None:
    """Measure every model of ours that has a predecessor."""
    pairs = {name: name.replace("candor-", "candor-scratch-") for name in models() if name.startswith("candor-")}
    found = {
        name: _compared(load_model(name), *_predecessor(zoo_folder() / MEASURED / before))
        for name, before in pairs.items()
        if (zoo_folder() / MEASURED / before).is_dir()
    }
    runtime = load_model(next(iter(found))).runtime
    write("generations", {"runtime": f"{runtime.engine} {runtime.precision}", "models": found})


def _predecessor(folder: Path) -> tuple[Model, bool]:
    """Return a model that is not shipped, and whether it has its own weights."""
    if folder.name in measured_models():
        return load_measured(folder.name), True
    card = read_card(folder / "card.json")
    network = build(recipe_of(card.recipe), len(card.classes))
    return Model(card, network, make_runtime(network)), False


def _compared(now: Model, before: Model, trained: bool) -> dict:
    generations = {"now": now, "before": before}
    rates = {}
    for size, rounds in _BATCHES.items():
        runs = {name: partial(model.runtime.logits, _noise(model, size)) for name, model in generations.items()}
        rates[f"batch {size}"] = {name: round(size / each, 1) for name, each in side_by_side(runs, rounds).items()}
    scan, maps = phantom(*PHANTOM_SAMPLES[0]).scan, {}
    for method in (*METHODS, *UNTIL_CONVERGED * trained):
        runs = {name: partial(explain, Request(model, scan, method)) for name, model in generations.items()}
        maps[method] = {name: round(each, 4) for name, each in side_by_side(runs, _MAPS).items()}
    return {
        "weights, MB": {name: round(model.card.weights_bytes / 1e6, 1) for name, model in generations.items()},
        "pixels": {name: model.card.input.height for name, model in generations.items()},
        "scans per second": rates,
        "seconds per map": maps,
    }


def _noise(model: Model, scans: int) -> np.ndarray:
    return np.random.default_rng(scans).random((scans, *model.card.input.shape), dtype=np.float32)


if __name__ == "__main__":
    main()
