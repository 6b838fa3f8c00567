"""What is each method's map of one scan worth? Every measure, for every method and control, on the same scan.

Explained is the class that the model gives, as in the app: right or wrong, that is the answer a reader asks about.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from datasets.records import Record, load_annotated
from explain.evaluation.controls import CONTROLS
from explain.evaluation.faithfulness import blurred, deletion_and_insertion, local_mean
from explain.evaluation.localisation import localise
from explain.evaluation.road import road
from explain.evaluation.stability import across_seeds, under_shifts_and_noise
from explain.methods import METHODS
from explain.refinement import Clock, MethodInput, rank_agreement
from explain.request import refined_map
from model_zoo import Model, probabilities
from scans import fit
from scans.head import head_mask

BOX = "box"  # the marks themselves as a map: what a map that is perfectly placed would score
SEEDS = (0, 1, 2)
_UNHURRIED = 600.0  # seconds a map: no figure may depend on how busy the machine is


@dataclass(frozen=True)
class Row:
    """One line of explanations.csv: a scan and a method or control. `measures` lack what was not measured."""

    id: str
    group: str
    truth: str
    answer: str  # the class explained
    probability: float  # of the answer
    box_share: float  # of the scan; 0 without a tumour
    method: str
    control: bool
    seconds: float
    evaluations: int
    measures: dict[str, float] = field(default_factory=dict)


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
    steady: bool = False,
    forgetful: dict[str, Model] | None = None,
) -> list[Row]:
    """Return a row a method, and one a control.

    `steady` adds stability across seeds and under small changes, and `forgetful`, models by a name of `STAGES`,
    the sanity check; both ask the model many times over. Raises ScanError where the scan cannot be read.
    """
    ready = _prepared(model, case)
    rows = []
    for name in methods:
        started = time.perf_counter()
        raw = refined_map(ready.given, METHODS[name]).raw
        seconds = time.perf_counter() - started
        measures = _measured(ready, raw.values)
        if steady:
            measures |= _steadiness(ready, name, raw.values)
        for stage, other in (forgetful or {}).items():
            values = refined_map(_asked(other, ready.given.square, ready.given.target), METHODS[name]).raw.values
            measures[f"sanity {stage}"] = rank_agreement(raw.values, values, ready.given.head)
        rows.append(
            Row(
                **ready.row, method=name, control=False, seconds=seconds, evaluations=raw.evaluations, measures=measures
            )
        )
    for name, heat in _controls(ready, case).items():
        measures = _measured(ready, heat)
        rows.append(Row(**ready.row, method=name, control=True, seconds=0.0, evaluations=0, measures=measures))
    return rows


def _asked(model: Model, square: np.ndarray, target: int, seed: int = 0) -> MethodInput:
    return MethodInput(model, square, target, seed, Clock(seconds=_UNHURRIED))


def _prepared(model: Model, case: Record) -> _Prepared:
    scan, mask = load_annotated(case)
    square, placement = fit(scan, model.card.input)
    p = model.predict(square[None])[0]
    row = {
        "id": case.id,
        "group": case.group,
        "truth": case.label,
        "answer": model.card.classes[int(p.argmax())],
        "probability": float(p.max()),
        "box_share": float(mask.mean()),
    }
    given = _asked(model, square, int(p.argmax()))
    return _Prepared(given, row, mask, head_mask(scan.windowed()), placement)


def _measured(ready: _Prepared, raw: np.ndarray) -> dict[str, float]:
    """Return localisation, where there is a tumour, and faithfulness of a map over the square."""
    given = ready.given
    heat = ready.placement.to_scan(np.maximum(raw, 0))
    placed = localise(heat, ready.mask, ready.outline)
    baselines = {"blur": blurred(given.square), "mean": local_mean(given.square, given.head)}

    def target_probability(batch: np.ndarray) -> np.ndarray:
        return probabilities(given.logits(batch), given.model.card.temperature)[:, given.target]

    found = dict(vars(placed)) if placed else {}
    found |= deletion_and_insertion(target_probability, given.square, raw, baselines, steps=10)
    return found | road(target_probability, given.square, raw)


def _steadiness(ready: _Prepared, name: str, first: np.ndarray) -> dict[str, float]:
    given, found = ready.given, {}

    def map_of(square: np.ndarray, seed: int = 0) -> np.ndarray:
        return refined_map(_asked(given.model, square, given.target, seed), METHODS[name]).raw.values

    def same_verdict(square: np.ndarray) -> bool:
        return int(given.logits(square[None])[0].argmax()) == given.target

    if METHODS[name].random:
        others = [map_of(given.square, seed) for seed in SEEDS[1:]]
        found["seeds"] = across_seeds([first, *others], given.head)
    steady = under_shifts_and_noise(map_of, same_verdict, given.square, given.head)
    return found | ({} if steady is None else {"shifts and noise": steady})


def _controls(ready: _Prepared, case: Record) -> dict[str, np.ndarray]:
    """Return the controls' maps over the square, and the marks themselves as one."""
    given = ready.given
    seed = int.from_bytes(case.id.encode()[-8:], "little")  # another random map for every scan, always the same
    found = {name: draw(given.unit, given.head, seed) for name, draw in CONTROLS.items()}
    if ready.mask.any():
        found[BOX] = _in_square(ready)
    return found


def _in_square(ready: _Prepared) -> np.ndarray:
    """Return the marks over the model's square, float32 (h, w) in [0, 1]."""
    placement = ready.placement
    inner, part = placement.inner, ready.mask[placement.box.slices].astype(np.float32)
    out = np.zeros(placement.input_shape, np.float32)
    out[inner.slices] = cv2.resize(part, (inner.width, inner.height), interpolation=cv2.INTER_AREA)
    return out
