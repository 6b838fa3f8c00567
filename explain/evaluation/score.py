"""Every measure of every method's and control's map of one scan.

Explained is the predicted class, as in the app: right or wrong, it is the one that a user looks at.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from datasets.records import Record, load_annotated
from explain.evaluation.controls import CONTROLS
from explain.evaluation.faithfulness import blurred, deletion_and_insertion, local_mean
from explain.evaluation.localisation import localise
from explain.evaluation.road import road
from explain.evaluation.rows import Row
from explain.evaluation.stability import across_seeds, under_shifts_and_noise
from explain.methods import METHODS
from explain.refinement import Clock, MethodInput, rank_agreement
from explain.request import refined_map
from model_zoo import Model, probabilities
from scans import fit
from scans.head import head_mask

BOX = "box"  # the annotation itself as a map: the score of a perfectly placed map
SEEDS = (0, 1, 2)
_UNHURRIED = 600.0  # seconds per map: no value may depend on how busy the machine is


@dataclass(frozen=True)
class _Prepared:
    given: MethodInput
    row: dict  # the first fields of every Row of this scan
    mask: np.ndarray  # bool (H, W), in the scan's pixels
    outline: np.ndarray  # bool (H, W): the head
    placement: object


def score_case(
    model: Model,
    case: Record,
    methods: Sequence[str],
    *,
    faithfulness: bool = True,
    stability: bool = False,
    randomised: dict[str, Model] | None = None,
) -> list[Row]:
    """Return one row per method and one per control.

    Without `faithfulness` only the place of the maps is measured: the model predicts for the maps alone. `stability`
    adds stability across seeds and under small changes, and `randomised`, models by a name of `STAGES`, the sanity
    check; both call the model many times. Raises DatasetError if the scan cannot be read.
    """
    ready = _prepared(model, case)
    rows = []
    for name in methods:
        started = time.perf_counter()
        raw = refined_map(replace(ready.given, clock=_clock()), METHODS[name])
        seconds = time.perf_counter() - started
        measures = _measured(ready, raw.values, faithfulness)
        if stability:
            measures |= _stability(ready, name, raw.values)
        for stage, other in (randomised or {}).items():
            values = refined_map(_unhurried(other, ready.given.square, ready.given.target), METHODS[name]).values
            measures[f"sanity {stage}"] = rank_agreement(raw.values, values, ready.given.head)
        rows.append(
            Row(
                **ready.row, method=name, control=False, seconds=seconds, evaluations=raw.evaluations, measures=measures
            )
        )
    for name, heat in _controls(ready, case).items():
        measures = _measured(ready, heat, faithfulness)
        rows.append(Row(**ready.row, method=name, control=True, seconds=0.0, evaluations=0, measures=measures))
    return rows


def _unhurried(model: Model, square: np.ndarray, target: int, seed: int = 0) -> MethodInput:
    return MethodInput(model, square, target, seed, _clock())


def _clock() -> Clock:
    """Return the time limit of one map: a clock that has seen a map would end the next one before its first draft."""
    return Clock(seconds=_UNHURRIED)


def _prepared(model: Model, case: Record) -> _Prepared:
    scan, mask = load_annotated(case)
    square, placement = fit(scan, model.card.input)
    p = model.predict(square[None])[0]
    row = {
        "id": case.id,
        "group": case.group,
        "truth": case.label,
        "predicted": model.card.classes[int(p.argmax())],
        "probability": float(p.max()),
        "box_share": float(mask.mean()),
    }
    given = _unhurried(model, square, int(p.argmax()))
    return _Prepared(given, row, mask, head_mask(scan.windowed()), placement)


def _measured(ready: _Prepared, raw: np.ndarray, faithfulness: bool) -> dict[str, float]:
    """Return localisation, where there is a tumour, and faithfulness of a map over the square."""
    given = ready.given
    heat = ready.placement.to_scan(np.maximum(raw, 0))
    placed = localise(heat, ready.mask, ready.outline)
    measures = dict(vars(placed)) if placed else {}
    if not faithfulness:
        return measures
    baselines = {"blur": blurred(given.square), "mean": local_mean(given.square, given.head)}

    def target_probability(batch: np.ndarray) -> np.ndarray:
        return probabilities(given.logits(batch), given.model.card.temperature)[:, given.target]

    measures |= deletion_and_insertion(target_probability, given.square, raw, baselines, steps=10)
    return measures | road(target_probability, given.square, raw)


def _stability(ready: _Prepared, name: str, first: np.ndarray) -> dict[str, float]:
    given, measures = ready.given, {}

    def map_of(square: np.ndarray, seed: int = 0) -> np.ndarray:
        return refined_map(_unhurried(given.model, square, given.target, seed), METHODS[name]).values

    def same_prediction(square: np.ndarray) -> bool:
        return int(given.logits(square[None])[0].argmax()) == given.target

    if METHODS[name].random:
        others = [map_of(given.square, seed) for seed in SEEDS[1:]]
        measures["seeds"] = across_seeds([first, *others], given.head)
    agreement = under_shifts_and_noise(map_of, same_prediction, given.square, given.head)
    return measures | ({} if agreement is None else {"shifts and noise": agreement})


def _controls(ready: _Prepared, case: Record) -> dict[str, np.ndarray]:
    """Return the controls' maps over the square, and the annotation itself as one."""
    given = ready.given
    seed = int.from_bytes(case.id.encode()[-8:], "little")  # another random map for every scan, always the same
    maps = {name: draw(given.unit, given.head, seed) for name, draw in CONTROLS.items()}
    if ready.mask.any():
        maps[BOX] = _in_square(ready)
    return maps


def _in_square(ready: _Prepared) -> np.ndarray:
    """Return the annotation over the model's square, float32 (h, w) in [0, 1]."""
    placement = ready.placement
    inner, part = placement.inner, ready.mask[placement.box.slices].astype(np.float32)
    out = np.zeros(placement.input_shape, np.float32)
    out[inner.slices] = cv2.resize(part, (inner.width, inner.height), interpolation=cv2.INTER_AREA)
    return out
