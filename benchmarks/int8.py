"""What a copy of the network in 8-bit integers would give the sampled methods: seconds of a map, and whether it agrees.

    pip install nncf==3.4.0            # in no lock: it wants an older networkx than the app has from Python 3.12 on
    python -m benchmarks.int8          # needs $CANDOR_DATA; minutes
    ONEDNN_MAX_CPU_ISA=AVX2 OV_CPU_MAX_ISA=avx2 python -m benchmarks.int8

The copy is made by NNCF's post-training quantisation (https://github.com/openvinotoolkit/nncf), calibrated on
validation scans, half of them partly masked, as the methods mask them. Both networks then explain the same annotated
slices, and predict the validation scans that are left. No method uses the copy: docs/results.md says why.
"""

import os
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.record import write
from datasets.cards import scan_path
from datasets.records import load_annotated
from explain import Request, explain
from explain.evaluation.cases import cases
from explain.methods.masks import GRID, soft_masks
from explain.refinement import MethodInput, rank_agreement
from model_zoo import Model, load_model
from model_zoo.runtime import Runtime, onnx_runtime, openvino_graph
from model_zoo.scores import rows_of
from model_zoo.tables import PREDICTIONS, read_predictions
from model_zoo.zoo import DEFAULT, bundle_folder
from scans import fit, read

METHODS = ("lime", "rise", "occlusion", "shap")
_CALIBRATION, _PARITY, _SLICES, _ROUNDS = 128, 400, 6, 3


def main() -> int:
    """Measure the app's default model. Returns 2 where NNCF is not installed."""
    sys.modules.setdefault("openvino_telemetry", None)  # NNCF reports its use to its makers unless that is missing
    try:
        import nncf  # noqa: F401
    except ImportError:
        print("error: this needs NNCF: pip install nncf==3.4.0", file=sys.stderr)
        return 2
    data, model = Path(os.environ["CANDOR_DATA"]), load_model(DEFAULT)
    squares, truths = _validation_scans(model, data)
    coarse = replace(model, runtime=_in_8_bits(model, squares[:_CALIBRATION]))
    write(
        "int8",
        {
            "model": DEFAULT,
            "runtime": f"{model.runtime.engine} {model.runtime.precision}",
            "nncf": version("nncf"),
            "calibration scans": _CALIBRATION,
            "predictions": _parity(model, coarse, squares[_CALIBRATION:], truths[_CALIBRATION:]),
            "slices": _SLICES,
            "methods": _maps(model, coarse, data),
        },
    )
    return 0


def _validation_scans(model: Model, data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 (N, h, w, c) and the indices of their classes, spread over the table."""
    card = model.card
    table = read_predictions(bundle_folder(card.id) / PREDICTIONS, card.classes, rows_of(card, PREDICTIONS))
    rows = [row for row in table if row.split == "val"]
    rows = rows[:: max(1, len(rows) // (_CALIBRATION + _PARITY))][: _CALIBRATION + _PARITY]
    order = np.random.default_rng(0).permutation(len(rows))
    squares = [fit(read(scan_path(rows[k].id, data, card.task))[0], card.input)[0] for k in order]
    return np.stack(squares).astype(np.float32), np.array([card.classes.index(rows[k].truth) for k in order])


def _in_8_bits(model: Model, squares: np.ndarray) -> Runtime:
    """Return the forward pass of the copy."""
    import nncf

    rng, low = np.random.default_rng(0), model.card.input.value_range[0]
    hidden = np.stack(
        [soft_masks(rng.random((1, GRID + 1, GRID + 1)) < 0.5, squares.shape[1:3], rng.random(2))[0] for _ in squares]
    )
    masked = low + hidden[..., None] * (squares - low)
    pictures = np.where(np.arange(len(squares))[:, None, None, None] % 2 == 0, squares, masked).astype(np.float32)
    graph = openvino_graph(model.network)
    coarse = nncf.quantize(graph, nncf.Dataset(list(pictures[:, None])), subset_size=len(pictures))
    return onnx_runtime(coarse, len(model.card.classes), precision=model.runtime.precision)


def _parity(model: Model, coarse: Model, squares: np.ndarray, truths: np.ndarray) -> dict:
    """Return how the two predict the same scans, and how many a second."""
    first, second = model.predict(squares), coarse.predict(squares)
    rates = {}
    for name, each in {"now": model, "8 bits": coarse}.items():
        seconds = []
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            each.runtime.logits(squares[:128])
            seconds.append(time.perf_counter() - began)
        rates[name] = round(128 / min(seconds), 1)
    apart = np.abs(first - second).max(axis=1)
    return {
        "scans": len(squares),
        "accuracy now": round(float((first.argmax(axis=1) == truths).mean()), 4),
        "accuracy, 8 bits": round(float((second.argmax(axis=1) == truths).mean()), 4),
        "same class": round(float((first.argmax(axis=1) == second.argmax(axis=1)).mean()), 4),
        "probability apart, median": round(float(np.median(apart)), 4),
        "probability apart, at most": round(float(apart.max()), 4),
        "scans a second": rates,
    }


def _maps(model: Model, coarse: Model, data: Path) -> dict:
    """Return the seconds of a map by both and the rank correlations of the two and of two seeds: medians."""
    chosen = cases(model.card, bundle_folder(model.card.id), data, _SLICES, 0)[:_SLICES]
    found: dict[str, dict[str, list[float]]] = {name: {} for name in METHODS}
    for case in chosen:
        scan = load_annotated(case)[0]
        head = MethodInput(model, fit(scan, model.card.input)[0], 0).head
        for name in METHODS:
            raw = {}
            for way, each in {"now": model, "8 bits": coarse}.items():
                request = Request(each, scan, name, target=case.label, seconds=600.0)
                began = time.perf_counter()
                raw[way] = explain(request).raw
                found[name].setdefault(f"{way}, seconds", []).append(time.perf_counter() - began)
            other = explain(Request(model, scan, name, target=case.label, seed=1, seconds=600.0)).raw
            for title, second in {"of the two": raw["8 bits"], "of two seeds now": other}.items():
                found[name].setdefault(title, []).append(rank_agreement(raw["now"], second, head))
    return {name: {title: round(median(values), 3) for title, values in each.items()} for name, each in found.items()}


if __name__ == "__main__":
    sys.exit(main())
