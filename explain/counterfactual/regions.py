"""Regions, as a user draws them or a map suggests them, and the table of their counterfactuals."""

from collections.abc import Sequence

import cv2
import numpy as np

from explain.counterfactual.interventions import SMALLEST, Counterfactual
from explain.explanation import Explanation
from explain.prediction_text import percent
from explain.render.smoothing import smoothed, smoothing
from scans import Box, Scan

_TOP = 0.05  # of the scan's pixels
_ACTIONS = {"erase": "Removed", "keep": "Region only", "move": "Moved"}
_NO_CONTROL = "control not possible: the head has no other place of this size"


def strongest_region(scan: Scan, explanation: Explanation) -> Box | None:
    """Return the box around the strongest evidence for the class; None without evidence for it.

    A map with a value per pixel is smoothed first, like its picture: its peak is one dot of a cloud.
    """
    usual = smoothing(scan, explanation.method)
    return around_peak(smoothed(explanation.heat, usual.usual / usual.side))


def around_peak(heat: np.ndarray) -> Box | None:
    """Return the box around that part of the highest 5 % of `heat` (H, W) which holds the peak.

    Pixels that touch, at a corner too, are one part. None if nothing is above 0.
    """
    evidence = np.maximum(heat, 0)
    if not evidence.any():
        return None
    highest = (evidence >= np.quantile(evidence, 1 - _TOP)) & (evidence > 0)
    _, parts = cv2.connectedComponents(highest.astype(np.uint8), connectivity=8)
    part = parts == parts[np.unravel_index(evidence.argmax(), heat.shape)]
    (top, bottom), (left, right) = (
        _wide_enough(np.flatnonzero(part.any(axis=1 - axis)), heat.shape[axis]) for axis in (0, 1)
    )
    return Box(top, left, bottom, right)


def _wide_enough(places: np.ndarray, side: int) -> tuple[int, int]:
    first = min(int(places[0]), side - SMALLEST)
    return first, max(int(places[-1]) + 1, first + SMALLEST)


def as_table(results: Sequence[Counterfactual], names: Sequence[str]) -> list[dict[str, str]]:
    """Return two rows per change, the region's and the control's.

    Each has the prediction and the probability of the first one, and what removing the region left of its contrast.
    """
    rows = []
    for each in results:
        first = each.classes.index(each.predicted_before)
        for where, one in (("", each), (", control", each.control)):
            rows.append(
                {
                    "Region": f"{_ACTIONS[each.action]}{where}",
                    "Prediction": names[one.classes.index(one.predicted_after)] if one else _NO_CONTROL,
                    f"Probability of {names[first]}": _change(one, first) if one else "",
                    "Contrast left": "" if where else _left(one),  # a control may rightly hold bright scalp
                }
            )
    return rows


def _left(result: Counterfactual) -> str:
    if result.action == "keep":
        return ""
    return "none to remove" if result.contrast_left is None else percent(min(1.0, result.contrast_left))


def _change(result: Counterfactual, index: int) -> str:
    before, after = (percent(p[index]) for p in (result.probabilities_before, result.probabilities_after))
    return f"{before} → {after}".replace(" %", "\u00a0%")  # a line must not begin with the sign
