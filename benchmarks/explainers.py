"""Speed of each explanation method against its library called as documented, and agreement of the maps.

On ResNet50V2 at 224 px with random weights and on the shipped candor-44c15: the same model, scan, settings and
seed, in one process, one after the other. Then the wait of a user, warm, and the floor: the evaluations that a method
needs at the fastest forward pass measured.
"""

import cProfile
import json
import os
import pstats
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from benchmarks.libraries import SAMPLES, library_calls
from benchmarks.record import RESULTS, write
from explain import METHODS, Request, explain
from explain.cache import Cache
from explain.methods import method
from explain.methods.cam import four_cams
from explain.methods.gradients import expected_gradients, smoothgrad
from explain.methods.lime import lime
from explain.methods.shapley import shap_regions
from explain.refinement import Clock, MethodInput, rank_agreement
from explain.request import refined_map
from model_zoo import Model, load_model
from model_zoo.runtime import make_runtime
from scans import PHANTOM_SAMPLES, InputSpec, Scan, fit, phantom

_SLOW = 20.0  # seconds: what takes longer is run once, without a call to warm up
_ROUNDS = 5


def main() -> None:
    """Measure all; or, with methods named on the command line, those alone, and keep the rest of the results."""
    wanted = sys.argv[1:]
    scan = phantom(*PHANTOM_SAMPLES[0]).scan
    models = {"ResNet50V2 224 px": resnet, "candor-44c15": lambda: load_model("candor-44c15")}
    results = {name: side_by_side(make(), scan, wanted) for name, make in models.items()}
    if wanted:
        before = json.loads((RESULTS / "explainers.json").read_text())
        results = {name: before[name] | new for name, new in results.items()} | {"warm": before["warm"]}
    else:
        results["warm"] = warm(load_model("candor-44c15"), scan)
    write("explainers", results)


def resnet() -> Model:
    """Return ResNet50V2 with seeded random weights and 15 classes, as a model of the zoo."""
    keras.utils.set_random_seed(0)
    network = keras.applications.ResNet50V2(weights=None, classes=15, classifier_activation=None)
    like = load_model("candor-44c15").card
    card = replace(like, id="ResNet50V2 224 px", input=InputSpec(224, 224, 3), tap="post_relu", weights_sha256="random")
    return Model(card, network, make_runtime(network))


def side_by_side(model: Model, scan: Scan, wanted: Sequence[str] = ()) -> dict:
    """Return by method, or those wanted, seconds of library and ours, their ratio and the maps' rank correlation."""
    square = fit(scan, model.card.input)[0]
    given = MethodInput(model, square, int(model.runtime.logits(square[None])[0].argmax()))
    ours = {
        "cams": lambda: np.maximum(four_cams(given)["gradcam"], 0),
        "scorecam": lambda: refined_map(replace(given, clock=Clock()), method("scorecam")).values,
        "smoothgrad": lambda: _last(smoothgrad(given, SAMPLES["smoothgrad"])),
        "lime": lambda: _last(lime(given)),
        "shap": lambda: _last(shap_regions(given, SAMPLES["shap"])),
        "expected-gradients": lambda: _last(expected_gradients(given)),
    }
    theirs, results = library_calls(given), {}
    for name, run in ours.items():
        if wanted and name not in wanted:
            continue
        run()
        map_ours = run()
        seconds_theirs, map_theirs = _timed(theirs[name])
        if seconds_theirs < _SLOW:
            seconds_theirs, map_theirs = min((_timed(theirs[name]) for _ in range(3)), key=lambda timed: timed[0])
        seconds = float(np.median([_timed(run)[0] for _ in range(_ROUNDS)]))
        results[name] = {
            "library, seconds": round(seconds_theirs, 3),
            "ours, seconds": round(seconds, 4),
            "library over ours": round(seconds_theirs / seconds, 1),
            "Spearman of the maps": round(rank_agreement(map_theirs, map_ours, given.head), 4),
        }
        if name == "cams":
            # tf-keras-vis stretches a map from its lowest to its highest value
            unit = [(values - values.min()) / max(float(np.ptp(values)), 1e-12) for values in (map_ours, map_theirs)]
            results[name]["largest difference of the Grad-CAMs"] = float(f"{np.abs(unit[0] - unit[1]).max():.1e}")
        print(model.card.id, name, results[name], file=sys.stderr, flush=True)
    return results


def _last(drafts) -> np.ndarray:
    return list(drafts)[-1].values


def _timed(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    started = time.perf_counter()
    values = run()
    return time.perf_counter() - started, values


def warm(model: Model, scan: Scan) -> dict:
    """Return the wait of a user on one scan, method by method, and where the time goes."""
    rate = fastest_pass(model, scan)
    for name in METHODS:
        explain(Request(model, scan, name))
    methods, explanations = {}, {}
    for name, chosen in METHODS.items():
        explanations[name] = explain(Request(model, scan, name))
        seconds = float(np.median([_timed(lambda n=name: explain(Request(model, scan, n)))[0] for _ in range(_ROUNDS)]))
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
    cams = float(np.median([_timed(lambda: four_cams(given)["gradcam"])[0] for _ in range(20)]))
    cache = Cache()
    return {
        "fastest forward pass, scans per second": round(rate, 1),
        "four CAMs, milliseconds": round(1000 * cams, 1),
        "all methods, seconds": round(_timed(lambda: [explain(Request(model, scan, name)) for name in METHODS])[0], 2),
        "all methods from the cache, seconds": round(_timed(lambda: _cached(cache, explanations, model, scan))[0], 4),
        "growth over 100 explanations, MB": round(growth(model, scan), 1),
        "methods": methods,
        "where the time goes": {name: profiled(model, scan, name) for name in ("lime", "shap", "rise", "scorecam")},
    }


def fastest_pass(model: Model, scan: Scan) -> float:
    """Return the scans per second of the runtime at a batch of 64."""
    batch = np.repeat(fit(scan, model.card.input)[0][None], 64, axis=0)
    model.runtime.logits(batch)
    return 64 / min(_timed(lambda: model.runtime.logits(batch))[0] for _ in range(10))


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
