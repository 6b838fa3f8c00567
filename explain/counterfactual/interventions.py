"""Interventions: the prediction after a region is removed, kept alone or moved.

Each change is made to the scan's own pixels, and the model predicts again. The control is the same change to the
region mirrored to the other side of the head, since any change of that size may alter a prediction. The result is
evidence about the model, not about the patient.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from explain.counterfactual.edits import erased, kept, mirrored, moved, outline, overlap, shifted, within
from explain.counterfactual.sentences import sentence_of
from explain.explanation import NOT_FOR_DIAGNOSIS
from model_zoo import Model, ModelError, probabilities
from model_zoo.gate import check_picture
from model_zoo.prediction_set import require_gate
from scans import Box, Scan, ScanError, find_head, fit

ACTIONS = ("erase", "keep", "move")
SMALLEST = 2  # pixels per side of a region
LARGEST = 0.9  # share of the head that a region may cover, so that something is left


@dataclass(frozen=True, eq=False)  # two pictures are compared by their arrays, which == cannot
class Counterfactual:
    """A model's prediction for one scan before and after one change. Evidence about the model, not the patient.

    `picture` is the changed scan, in the pixels and the window that the model was given; its `digest` is its own.
    Logits and probabilities are in the order of `classes`.
    """

    action: str  # one of ACTIONS
    box: Box  # the region, in pixels of the scan as uploaded
    offset: tuple[int, int]  # rows and columns it was moved by; 0, 0 for other actions
    picture: Scan
    model: str
    weights: str  # sha256 of the model's weights
    scan: str  # sha256 of the file it was made from
    classes: tuple[str, ...]
    probabilities_before: tuple[float, ...]
    probabilities_after: tuple[float, ...]
    logits_before: tuple[float, ...]
    logits_after: tuple[float, ...]
    predicted_before: str
    predicted_after: str
    sentence: str
    withheld: str = ""  # the sentence of the gate, where this was asked for although the prediction is withheld
    control: "Counterfactual | None" = None  # the same change to the mirrored region; None if it overlaps or leaves

    def manifest(self) -> dict:
        """Return everything but the pixels, ready for JSON."""
        return {
            "action": self.action,
            "box": {"row": self.box.top, "column": self.box.left, "height": self.box.height, "width": self.box.width},
            "offset": list(self.offset),
            "model": self.model,
            "weights": self.weights,
            "scan": self.scan,
            "slice": self.picture.index,
            "plane": self.picture.plane,
            "predicted": {"before": self.predicted_before, "after": self.predicted_after},
            "probabilities": _by_class(self.classes, self.probabilities_before, self.probabilities_after),
            "logits": _by_class(self.classes, self.logits_before, self.logits_after),
            "sentence": self.sentence,
            "withheld": self.withheld,
            "control": self.control and self.control.manifest(),
            "note": NOT_FOR_DIAGNOSIS,
        }


def counterfactuals(
    model: Model,
    scan: Scan,
    box: Box,
    *,
    actions: Sequence[str] = ("erase", "keep"),
    offset: tuple[int, int] | None = None,
    anyway: bool = False,
) -> list[Counterfactual]:
    """Return one counterfactual per action. `offset` is how many rows down and columns right "move" takes the region.

    Raises ModelError on an unknown action, on a move without an offset, and on logits that are not finite;
    ScanError on a blank slice, on a region or a goal that cannot be used, and where the gate withholds the prediction,
    unless it is asked for `anyway`.
    """
    for action in actions:
        if action not in ACTIONS:
            raise ModelError(f"no action {action[:40]!r}; there are {', '.join(ACTIONS)}")
    if "move" in actions and (offset is None or tuple(offset) == (0, 0)):
        raise ModelError("a region is moved by an offset in rows and columns that is not 0, 0; give one")
    _check_region(scan, box)
    gate = check_picture(scan)
    require_gate(gate, anyway=anyway)
    # The crop is that of the scan as it was: found again, it would follow the change (a head erased at its edge is
    # a smaller head), and the prediction would follow another enlargement instead of the missing region.
    _, placement = fit(scan, model.card.input)
    before = _Unchanged(model, scan, scan.windowed(), placement.box)
    head = outline(before.picture)
    _check_use(box, placement.box, head)
    mirror = mirrored(box, find_head(before.picture))
    results = []
    for action in actions:
        by, back = (0, 0), (0, 0)
        if action == "move":
            by, back = tuple(offset), (offset[0], -offset[1])
            _check_goal(scan, shifted(box, by))
        fair = _fair(box, mirror, shifted(mirror, back), head)
        control = before.after(action, mirror, back) if fair else None
        changed = before.after(action, box, by, control=control, mirror=False)
        results.append(replace(changed, withheld=gate.withheld))
    return results


@dataclass(frozen=True, eq=False)
class _Unchanged:
    """What all changes of one scan share: `picture`, float32 (H, W) in [0, 1], and the `crop` given to the model."""

    model: Model
    scan: Scan
    picture: np.ndarray
    crop: Box

    @cached_property
    def logits(self) -> np.ndarray:
        """The logits of the scan as it is, float64 (K,)."""
        return _logits(self.model, self.scan, self.crop)

    def after(
        self,
        action: str,
        box: Box,
        offset: tuple[int, int],
        *,
        control: Counterfactual | None = None,
        mirror: bool = True,
    ) -> Counterfactual:
        if action == "move":
            pixels = moved(self.picture, box, shifted(box, offset))
        else:
            pixels = erased(self.picture, box) if action == "erase" else kept(self.picture, box)
        changed = _as_scan(self.scan, pixels, f"{action} {tuple(box)} {offset}")
        card, both = self.model.card, (self.logits, _logits(self.model, changed, self.crop))
        p_before, p_after = (probabilities(z[None], card.temperature)[0] for z in both)
        before, after = (card.classes[int(z.argmax())] for z in both)
        return Counterfactual(
            action=action,
            box=box,
            offset=offset,
            picture=changed,
            model=card.id,
            weights=card.weights_sha256,
            scan=self.scan.digest,
            classes=card.classes,
            probabilities_before=tuple(map(float, p_before)),
            probabilities_after=tuple(map(float, p_after)),
            logits_before=tuple(map(float, both[0])),
            logits_after=tuple(map(float, both[1])),
            predicted_before=before,
            predicted_after=after,
            sentence=sentence_of(
                action,
                card.names,
                *(z / card.temperature for z in both),
                offset=offset,
                mirror=mirror,
                control=None if control is None else np.array(control.logits_after) / card.temperature,
            ),
            control=control,
        )


def _fair(box: Box, mirror: Box, end: Box, head: np.ndarray) -> bool:
    """Return whether the mirrored region, laid at `end`, is a control: head like the region, and never over it."""
    if any(within(each, head.shape) != each or overlap(each, box) for each in (mirror, end)):
        return False
    return bool(head[mirror.slices].sum() >= head[box.slices].sum() / 2)


def _logits(model: Model, scan: Scan, crop: Box) -> np.ndarray:
    """Return the logits (K,) in float64. One scan a call, as `explain` asks, so that the two agree to the last bit."""
    square, _ = fit(scan, model.card.input, box=crop)
    logits = model.runtime.logits(square[None])[0].astype(np.float64)
    return model.finite(logits, "logits")


def _as_scan(scan: Scan, pixels: np.ndarray, change: str) -> Scan:
    """Return the changed scan. Its pixels fill the window already, and its digest is not that of the file."""
    stored, (low, high) = scan.span[1] - scan.span[0], scan.window
    return replace(
        scan,
        pixels=pixels,
        window=(0.0, 1.0),
        span=(scan.span[0] + stored * low, scan.span[0] + stored * high),
        digest=hashlib.sha256(f"{scan.key} {change}".encode()).hexdigest(),
    )


def _check_region(scan: Scan, box: Box) -> None:
    """Raise ScanError if nothing can be seen of the slice, or the region is empty or not within it."""
    if scan.not_assessable:
        raise ScanError(scan.not_assessable)
    if box.height < SMALLEST or box.width < SMALLEST:
        raise ScanError(
            f"The region is {max(0, box.height)} × {max(0, box.width)} pixels; draw one of {SMALLEST} × {SMALLEST} "
            "or more."
        )
    if within(box, scan.shape) != box:
        raise ScanError(f"The region lies in {_place(box)}, but the scan has {_size(scan)}; draw it within the scan.")


def _check_use(box: Box, crop: Box, head: np.ndarray) -> None:
    """Raise ScanError if the model is not given the region, or little else."""
    if not overlap(box, crop):
        raise ScanError(
            f"The region lies in {_place(box)}, and the model is given {_place(crop)} only; draw it within those."
        )
    share = head[box.slices].sum() / head.sum()
    if share > LARGEST:
        raise ScanError(
            f"The region covers {100 * share:.0f} % of the head, which leaves nothing to predict from; draw one that "
            f"covers {100 * LARGEST:.0f} % or less."
        )


def _check_goal(scan: Scan, goal: Box) -> None:
    if within(goal, scan.shape) != goal:
        raise ScanError(
            f"Moved there, the region would lie in {_place(goal)} of a scan of {_size(scan)}; choose an offset that "
            "leaves it within the scan."
        )


def _by_class(classes: Sequence[str], before: Sequence[float], after: Sequence[float]) -> dict[str, dict[str, float]]:
    return {
        name: {"before": round(b, 6), "after": round(a, 6)} for name, b, a in zip(classes, before, after, strict=True)
    }


def _place(box: Box) -> str:
    return f"rows {box.top} to {box.bottom - 1} and columns {box.left} to {box.right - 1}"


def _size(scan: Scan) -> str:
    return f"{scan.shape[0]} rows and {scan.shape[1]} columns"
