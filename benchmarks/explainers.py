"""Speed of each explanation method against its library called as documented, and agreement of the maps.

    python -m benchmarks.explainers             # all
    python -m benchmarks.explainers lime shap   # these methods, and the others as they were

On ResNet50V2 at 224 px with random weights and on the app's default model: the same model, scan, settings and seed, in
one process, one after the other.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import numpy as np

from benchmarks.libraries import SAMPLES, library_calls
from benchmarks.record import RESULTS, write
from explain.methods import method
from explain.methods.cam import four_cams
from explain.methods.gradients import expected_gradients, smoothgrad
from explain.methods.lime import lime
from explain.methods.shapley import shap_regions
from explain.refinement import Clock, MethodInput, rank_agreement
from explain.request import refined_map
from model_zoo import Model, load_model
from model_zoo.runtime import make_runtime
from model_zoo.zoo import DEFAULT
from scans import PHANTOM_SAMPLES, InputSpec, Scan, fit, phantom

RESNET = "ResNet50V2 224 px"
_SLOW = 20.0  # seconds: what takes longer is run once, without a call to warm up
_ROUNDS = 5


def main() -> None:
    """Measure all; or, with methods named on the command line, those alone, and keep the rest of the results."""
    wanted = sys.argv[1:]
    scan = phantom(*PHANTOM_SAMPLES[0]).scan
    models = {RESNET: resnet, DEFAULT: lambda: load_model(DEFAULT)}
    results = {name: side_by_side(make(), scan, wanted) for name, make in models.items()}
    if wanted:
        before = json.loads((RESULTS / "explainers.json").read_text())
        results = {name: before[name] | new for name, new in results.items()}
    write("explainers", results)


def resnet() -> Model:
    """Return ResNet50V2 with seeded random weights and as many classes as the default model, as a model of the zoo."""
    keras.utils.set_random_seed(0)
    like = load_model(DEFAULT).card
    network = keras.applications.ResNet50V2(weights=None, classes=len(like.classes), classifier_activation=None)
    card = replace(like, id=RESNET, input=InputSpec(224, 224, 3), tap="post_relu", weights_sha256="random")
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
        seconds_theirs, map_theirs = timed(theirs[name])
        if seconds_theirs < _SLOW:
            seconds_theirs, map_theirs = min((timed(theirs[name]) for _ in range(3)), key=lambda timed: timed[0])
        seconds = float(np.median([timed(run)[0] for _ in range(_ROUNDS)]))
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


def timed(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Return the seconds of a call and what it returned."""
    started = time.perf_counter()
    values = run()
    return time.perf_counter() - started, values


if __name__ == "__main__":
    main()
