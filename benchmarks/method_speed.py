"""The wait of a user for each explanation method, warm, on the app's default model.

    python -m benchmarks.method_speed
    ONEDNN_MAX_CPU_ISA=AVX2 OV_CPU_MAX_ISA=avx2 python -m benchmarks.method_speed    # as on a processor with AVX2 alone

Beside it the floor: the evaluations that a method needs at the fastest forward pass measured.
"""

import cProfile
import os
import pstats
from pathlib import Path

import numpy as np

from benchmarks.explainers import timed
from benchmarks.record import write
from explain import METHODS, Request, explain
from explain.cache import Cache
from explain.methods.cam import four_cams
from explain.refinement import MethodInput, rank_agreement
from model_zoo import Model, load_model
from model_zoo.zoo import DEFAULT
from scans import PHANTOM_SAMPLES, Scan, fit, phantom

_ROUNDS = 5


def main() -> None:
    """Measure all methods on one phantom."""
    model = load_model(DEFAULT)
    runtime = f"{model.runtime.engine} {model.runtime.precision}"
    write("method_speed", {"model": DEFAULT, "runtime": runtime, **warm(model, phantom(*PHANTOM_SAMPLES[0]).scan)})


def warm(model: Model, scan: Scan) -> dict:
    """Return the wait of a user on one scan, method by method, and where the time goes."""
    rate = fastest_pass(model, scan)
    for name in METHODS:
        explain(Request(model, scan, name))
    methods, explanations = {}, {}
    for name, chosen in METHODS.items():
        explanations[name] = explain(Request(model, scan, name))
        seconds = float(np.median([timed(lambda n=name: explain(Request(model, scan, n)))[0] for _ in range(_ROUNDS)]))
        methods[name] = {
            "seconds": round(seconds, 4),
            "evaluations": explanations[name].evaluations,
            "stopped": explanations[name].stopped,
            "floor, seconds": round(explanations[name].evaluations / rate, 4),
        }
        if chosen.random:
            methods[name]["Spearman of two seeds"] = round(_seeds(model, scan, name), 3)
    square = fit(scan, model.card.input)[0]
    given = MethodInput(model, square, int(model.runtime.logits(square[None])[0].argmax()))
    cams = float(np.median([timed(lambda: four_cams(given)["gradcam"])[0] for _ in range(20)]))
    cache = Cache()
    return {
        "fastest forward pass, scans per second": round(rate, 1),
        "four CAMs, milliseconds": round(1000 * cams, 1),
        "all methods, seconds": round(timed(lambda: [explain(Request(model, scan, name)) for name in METHODS])[0], 2),
        "all methods from the cache, seconds": round(timed(lambda: _cached(cache, explanations, model, scan))[0], 4),
        "growth over 100 explanations, MB": round(growth(model, scan), 1),
        "methods": methods,
        "where the time goes": {name: profiled(model, scan, name) for name in ("lime", "shap", "rise", "scorecam")},
    }


def fastest_pass(model: Model, scan: Scan) -> float:
    """Return the scans per second of the runtime at a batch of 64."""
    batch = np.repeat(fit(scan, model.card.input)[0][None], 64, axis=0)
    model.runtime.logits(batch)
    return 64 / min(timed(lambda: model.runtime.logits(batch))[0] for _ in range(10))


def _seeds(model: Model, scan: Scan, name: str) -> float:
    head = MethodInput(model, fit(scan, model.card.input)[0], 0).head
    first, second = (explain(Request(model, scan, name, seed=seed)).raw for seed in (0, 1))
    return rank_agreement(first, second, head)


def _cached(cache: Cache, explanations: dict, model: Model, scan: Scan) -> None:
    keys = {name: Request(model, scan, name).key for name in explanations}
    if not cache.get(keys["gradcam"]):
        for name, explanation in explanations.items():
            cache.put(keys[name], explanation)
    assert all(cache.get(key) is explanations[name] for name, key in keys.items())


def growth(model: Model, scan: Scan) -> float:
    """Return by how many MB the process grows over 100 explanations, all methods in turn."""
    before = _resident()
    for turn in range(100):
        explain(Request(model, scan, list(METHODS)[turn % len(METHODS)], seed=turn))
    return (_resident() - before) / 1e6


def _resident() -> int:
    """Return the bytes of memory that the process holds (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def profiled(model: Model, scan: Scan, name: str) -> dict[str, float]:
    """Return the shares of the time that a method spends in the model's passes and outside them."""
    profile = cProfile.Profile()
    profile.runcall(explain, Request(model, scan, name))
    table = pstats.Stats(profile).stats
    total = max(row[3] for row in table.values())
    in_model = sum(
        row[3] for (file, _, function), row in table.items() if function == "logits" and file.endswith("runtime.py")
    )
    return {"in the model": round(in_model / total, 2), "outside it": round(1 - in_model / total, 2)}


if __name__ == "__main__":
    main()
