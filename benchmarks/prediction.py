"""Predictions per second: Keras' `model.predict` against our runtime, side by side.

Both from a prepared batch to logits; `Model.predict` adds a softmax of a few numbers.
"""

import keras
import numpy as np

from benchmarks.record import side_by_side, write
from model_zoo import load_model, models
from model_zoo.runtime import make_runtime


def main() -> None:
    """Measure the shipped three-block CNN, Candor's own models, and ResNet50V2 at 224 px with random weights."""
    keras.utils.set_random_seed(0)
    names = ["cnn3-kaggle4", *(name for name in models() if name.startswith("candor-"))]
    networks = {name: load_model(name).network for name in names} | {
        "ResNet50V2 224 px": keras.applications.ResNet50V2(weights=None, classes=15, classifier_activation=None),
    }
    write("prediction", {name: measure(network) for name, network in networks.items()})


def measure(network: keras.Model) -> dict:
    """Return scans per second at batch 1 and 32, and how far the fast logits are from Keras'."""
    rates: dict = {}
    runtimes = {"ours": make_runtime(network), "ours in float32": make_runtime(network, precision="f32")}
    for size in (1, 32):
        batch = np.random.default_rng(size).random((size, *network.input_shape[1:]), dtype=np.float32)
        runs = {"model.predict": lambda batch=batch: network.predict(batch, verbose=0)}
        runs |= {name: lambda batch=batch, r=runtime: r.logits(batch) for name, runtime in runtimes.items()}
        seconds = side_by_side(runs, rounds=15 if size == 1 else 7)
        exact = network.predict(batch, verbose=0)
        scale = float(np.abs(exact).max())
        rates[f"batch {size}"] = {f"{name}, scans per second": round(size / s, 1) for name, s in seconds.items()} | {
            "ours over model.predict": round(seconds["model.predict"] / seconds["ours"], 2),
            "largest difference of a logit, share of the largest logit": {
                name: float(f"{np.abs(r.logits(batch) - exact).max() / scale:.1e}") for name, r in runtimes.items()
            },
        }
    fast = runtimes["ours"]
    return {"runtime": f"{fast.engine} {fast.precision}"} | rates


if __name__ == "__main__":
    main()
