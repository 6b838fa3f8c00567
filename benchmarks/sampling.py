"""What the sampled methods save: predictions and seconds of a map, and how near it is to what long sampling gives.

    python -m benchmarks.sampling      # needs $CANDOR_DATA; minutes

Beside each method as it is stands the way before: LIME's samples and RISE's masks drawn one by one, 2,000 of each, and
every quarter window of occlusion predicted. Both ways explain the same slices, the true class, with two seeds. The
reference is the way before with more samples, and for occlusion the way before itself. SHAP halves regions and draws no
samples: beside its evaluations of today stand a half and a third of them, and four times as many.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.record import write
from datasets.records import load_annotated
from explain.evaluation.cases import cases
from explain.methods import lime as regions
from explain.methods import masks, shapley
from explain.refinement import Clock, MethodInput, rank_agreement
from model_zoo import load_model
from model_zoo.zoo import bundle_folder
from scans import fit

MODEL = "candor-pooled4"
_SLICES, _ONE_BY_ONE, _REFERENCE = 6, 2000, 8000
_BATCH = 64

Way = Callable[[MethodInput], tuple[np.ndarray, int]]  # a map, and the predictions that it took


def main() -> None:
    """Measure all three methods on the same slices."""
    model = load_model(MODEL)
    chosen = cases(model.card, bundle_folder(MODEL), Path(os.environ["CANDOR_DATA"]), _SLICES, 0)[:_SLICES]
    inputs = []
    for case in chosen:
        square = fit(load_annotated(case)[0], model.card.input)[0]
        target = list(model.card.classes).index(case.label)
        inputs.append(MethodInput(model, square, target, 0, Clock(seconds=1e9)))
    ways: dict[str, tuple[Way, Way, Way]] = {
        "lime": (
            lambda given: lime_one_by_one(given, _ONE_BY_ONE),
            lambda given: _whole(regions.lime(given)),
            lambda given: lime_one_by_one(given, _REFERENCE),
        ),
        "rise": (
            lambda given: rise_one_by_one(given, _ONE_BY_ONE),
            lambda given: _whole(masks.rise(given)),
            lambda given: rise_one_by_one(given, _REFERENCE),
        ),
        "occlusion": (every_window, lambda given: _whole(masks.occlusion(given)), every_window),
    }
    write(
        "sampling",
        {
            "model": MODEL,
            "runtime": f"{model.runtime.engine} {model.runtime.precision}",
            "slices": len(inputs),
            **{name: _compared(inputs, *three) for name, three in ways.items()},
            "shap": _of_fewer_evaluations(inputs),
        },
    )


def _compared(inputs: list[MethodInput], before: Way, now: Way, reference: Way) -> dict:
    """Return predictions, seconds and rank correlations of both ways, medians over the slices."""
    found: dict[str, list[float]] = {}
    for given in inputs:
        true = reference(replace(given, seed=1000))[0]
        for name, way in {"before": before, "now": now}.items():
            started = time.perf_counter()
            first, evaluations = way(given)
            found.setdefault(f"{name}, seconds", []).append(time.perf_counter() - started)
            second = way(replace(given, seed=1))[0]
            found.setdefault(f"{name}, predictions", []).append(evaluations)
            for title, other in {"with the reference": true, "of two seeds": second}.items():
                found.setdefault(f"{name}, {title}", []).append(rank_agreement(first, other, given.head))
    return {title: round(median(values), 3) for title, values in found.items()}


def _of_fewer_evaluations(inputs: list[MethodInput]) -> dict[str, dict[str, float]]:
    """Return seconds and rank correlations of SHAP with fewer evaluations, by their number: medians over the slices."""
    found: dict[str, dict[str, list[float]]] = {}
    today = shapley.EVALUATIONS
    for given in inputs:
        maps = {}
        for count in (today // 3, today // 2, today, 4 * today):
            started = time.perf_counter()
            cells = _whole(shapley.shap_regions(given, count))[0]
            seconds = time.perf_counter() - started
            maps[count] = cv2.resize(cells, given.head.shape[::-1], interpolation=cv2.INTER_NEAREST)
            found.setdefault(str(count), {}).setdefault("seconds", []).append(seconds)
        for count, values in maps.items():
            for title, other in {"with today's": maps[today], "with four times as many": maps[4 * today]}.items():
                agreement = rank_agreement(values, other, given.head)
                found[str(count)].setdefault(title, []).append(agreement)
    return {count: {title: round(median(values), 3) for title, values in each.items()} for count, each in found.items()}


def _whole(drafts) -> tuple[np.ndarray, int]:
    """Return the last map of a method, at its full effort."""
    *_, last = drafts
    return last.values, last.evaluations


def lime_one_by_one(given: MethodInput, samples: int) -> tuple[np.ndarray, int]:
    """Return LIME's map with every region of every sample shown or hidden by a coin of its own, as lime draws them."""
    from lime.lime_image import LimeImageExplainer
    from sklearn.metrics import pairwise_distances

    explainer = LimeImageExplainer(random_state=given.seed)
    labels = regions.superpixels(given)
    count = int(labels.max()) + 1
    visible = explainer.random_state.randint(0, 2, samples * count).reshape(samples, count)
    visible[0] = 1
    hidden = regions.with_means(given.square, labels)
    scores = np.concatenate(
        [
            given.scores(np.where(part[:, labels, None] == 1, given.square, hidden).astype(np.float32))
            for part in np.array_split(visible, -(-samples // _BATCH))
        ]
    )
    distances = pairwise_distances(visible, visible[:1], metric="cosine").ravel()
    _, weights, _, _ = explainer.base.explain_instance_with_data(
        visible, scores[:, None], distances, 0, count, feature_selection="auto"
    )
    return np.array([weight for _, weight in sorted(weights)], np.float32)[labels], samples


def rise_one_by_one(given: MethodInput, count: int) -> tuple[np.ndarray, int]:
    """Return RISE's map from masks whose cells are each shown by a coin of its own, at an offset of its own."""
    rng = np.random.default_rng(given.seed)
    square, low = given.square, given.model.card.input.value_range[0]
    scores, shown, squared, products = [], 0.0, 0.0, 0.0
    for start in range(0, count, _BATCH):
        coarse = rng.random((min(_BATCH, count - start), masks.GRID + 1, masks.GRID + 1)) < 0.5
        batch = np.concatenate([masks.soft_masks(mask[None], square.shape[:2], rng.random(2)) for mask in coarse])
        new = given.scores(low + batch[..., None] * (square - low)).astype(np.float64)
        scores.append(new)
        shown, squared = shown + batch.sum(axis=0), squared + (batch**2).sum(axis=0)
        products = products + np.tensordot(new, batch, axes=1)
    covariance = products / count - np.concatenate(scores).mean() * shown / count
    return covariance / np.maximum(squared / count - (shown / count) ** 2, 1e-6), count


def every_window(given: MethodInput) -> tuple[np.ndarray, int]:
    """Return occlusion's map with the drop of every quarter window predicted."""
    square, head = given.square, given.head
    tall, wide = (max(1, side // masks.WINDOW) for side in head.shape)
    filled = cv2.blur(square, (2 * wide + 1, 2 * tall + 1)).reshape(square.shape)
    whole = float(given.scores(square[None])[0])
    total, times, predictions = np.zeros(head.shape), np.zeros(head.shape), 1
    for row in range(0, head.shape[0] - tall + 1, max(1, tall // 4)):
        windows = [np.s_[row : row + tall, c : c + wide] for c in range(0, head.shape[1] - wide + 1, max(1, wide // 4))]
        windows = [window for window in windows if head[window].any()]
        if not windows:
            continue
        batch = np.repeat(square[None], len(windows), axis=0)
        for covered, window in zip(batch, windows, strict=True):
            covered[window] = filled[window]
        for drop, window in zip(whole - given.scores(batch), windows, strict=True):
            total[window] += drop
            times[window] += 1
        predictions += len(windows)
    return (total / np.maximum(times, 1)).astype(np.float32), predictions


if __name__ == "__main__":
    main()
