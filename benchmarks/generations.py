"""The cost of Candor's models on EfficientNet-Lite0 beside those before them, on a trunk of our own, in one run.

python -m benchmarks.generations      # of the models before, those that have their weights

The passes of the two networks take turns, and so do their maps. No map comes from the cache.
"""

from functools import partial

import numpy as np

from benchmarks.record import side_by_side, write
from explain import Request, explain
from model_zoo import Model, load_model, models
from model_zoo.zoo import load_measured, measured_models
from scans import PHANTOM_SAMPLES, phantom

METHODS = ("gradcam", "integrated-gradients", "occlusion", "lime", "rise")
_BATCHES = {1: 31, 32: 7}  # scans -> rounds
_MAPS = 5  # rounds


def main() -> None:
    """Measure every model of ours whose predecessor has its weights."""
    pairs = {name: name.replace("candor-", "candor-scratch-") for name in models() if name.startswith("candor-")}
    found = {
        name: _compared(load_model(name), load_measured(before))
        for name, before in pairs.items()
        if before in measured_models()
    }
    runtime = load_model(next(iter(found))).runtime
    write("generations", {"runtime": f"{runtime.engine} {runtime.precision}", "models": found})


def _compared(now: Model, before: Model) -> dict:
    generations = {"now": now, "before": before}
    rates = {}
    for size, rounds in _BATCHES.items():
        runs = {name: partial(model.runtime.logits, _noise(model, size)) for name, model in generations.items()}
        rates[f"batch {size}"] = {name: round(size / each, 1) for name, each in side_by_side(runs, rounds).items()}
    scan, maps = phantom(*PHANTOM_SAMPLES[0]).scan, {}
    for method in METHODS:
        runs = {name: partial(explain, Request(model, scan, method)) for name, model in generations.items()}
        maps[method] = {name: round(each, 4) for name, each in side_by_side(runs, _MAPS).items()}
    return {
        "megabytes": {name: round(model.card.weights_bytes / 1e6, 1) for name, model in generations.items()},
        "pixels": {name: model.card.input.height for name, model in generations.items()},
        "scans per second": rates,
        "seconds per map": maps,
    }


def _noise(model: Model, scans: int) -> np.ndarray:
    return np.random.default_rng(scans).random((scans, *model.card.input.shape), dtype=np.float32)


if __name__ == "__main__":
    main()
