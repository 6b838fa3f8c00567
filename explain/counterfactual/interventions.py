"""Interventions: the prediction after a region is removed, kept alone or moved.

Each change is made to the scan's own pixels, and the model predicts again. The control is the same change to another
region, the one mirrored to the other side of the head where that is possible, since any change of that size may alter
a prediction. The result is evidence about the model, not about the patient.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from explain.counterfactual.boxes import overlap, shifted, within
from explain.counterfactual.control import control_region
from explain.counterfactual.edits import kept, laid, outline
from explain.counterfactual.erasure import Erasure, erase
from explain.counterfactual.sentences import Outcome, sentence_of, verdict
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
    conclusion: str = ""  # one of CONCLUSIONS; "" of a control
    contrast_left: float | None = None  # share of the region's contrast that removing it left; None: it had none
    place: str = ""  # of a control: "mirrored" or "elsewhere"
    control: "Counterfactual | None" = None  # the same change to another region; None where the head has no place

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
            "conclusion": self.conclusion,
            "contrast_left": self.contrast_left and round(self.contrast_left, 4),
            "place": self.place,
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
    _check_use(box, placement.box, before.head)
    removed = before.erasure(box) if {"erase", "move"} & set(actions) else None
    results = []
    for action in actions:
        by = (0, 0)
        if action == "move":
            by = tuple(offset)
            _check_goal(scan, shifted(box, by))
        changed = before.after(action, box, by, removed)
        control = before.control(changed, removed)
        results.append(replace(before.concluded(changed, control), withheld=gate.withheld))
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

    @cached_property
    def head(self) -> np.ndarray:
        """The head with all within its outline, bool (H, W)."""
        return outline(self.picture)

    def erasure(self, box: Box, like: Erasure | None = None, avoid: Box | None = None) -> Erasure:
        """Return the picture without a region, with the margin of another erasure and nothing out of `avoid`."""
        margin = like.margin if like else None
        return erase(self.picture, box, self.head, margin=margin, avoid=[avoid] if avoid else [])

    def control(self, changed: Counterfactual, removed: Erasure | None) -> Counterfactual | None:
        """Return the same change to a control region, None where the head has no place for one."""
        action, box = changed.action, changed.box
        margin = removed.margin if removed else 0  # of the region that is kept, too: one control for all changes
        found = control_region(box, self.head, find_head(self.picture), margin=margin, offset=changed.offset)
        if found is None:
            return None
        hole = self.erasure(found.box, removed, avoid=box) if removed and action != "keep" else None
        return self.after(action, found.box, found.offset, hole, found.place)

    def concluded(self, changed: Counterfactual, control: Counterfactual | None) -> Counterfactual:
        """Return the change with its control, the conclusion, and the sentence on both."""
        outcome = self._outcome(changed)
        beside = self._outcome(control) if control else None
        return replace(
            changed,
            sentence=sentence_of(self.model.card.names, outcome, beside, conclude=True),
            conclusion=verdict(outcome, beside),
            control=control,
        )

    def after(
        self, action: str, box: Box, offset: tuple[int, int], removed: Erasure | None, place: str = ""
    ) -> Counterfactual:
        """Return one change without a conclusion; `removed` is the erasure of the region, which keeping needs not."""
        if action == "keep":
            removed, pixels = None, kept(self.picture, box)
        elif action == "move":
            pixels = laid(removed.picture, self.picture[box.slices], shifted(box, offset))
        else:
            pixels = removed.picture
        changed = _as_scan(self.scan, pixels, f"{action} {tuple(box)} {offset}")
        card, both = self.model.card, (self.logits, _logits(self.model, changed, self.crop))
        p_before, p_after = (probabilities(z[None], card.temperature)[0] for z in both)
        before, after = (card.classes[int(z.argmax())] for z in both)
        result = Counterfactual(
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
            sentence="",
            contrast_left=removed.contrast_left if removed else None,
            place=place,
        )
        return replace(result, sentence=sentence_of(card.names, self._outcome(result)))

    def _outcome(self, changed: Counterfactual) -> Outcome:
        before, after = (
            np.array(logits) / self.model.card.temperature for logits in (changed.logits_before, changed.logits_after)
        )
        return Outcome(changed.action, before, after, changed.offset, changed.place, changed.contrast_left)


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
