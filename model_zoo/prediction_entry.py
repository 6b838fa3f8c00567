"""A prediction as an entry for JSON: what the commands print and the HTTP API answers, by the same keys."""

import numpy as np

from model_zoo.gate import GateResult
from model_zoo.prediction_set import prediction_set
from model_zoo.zoo import Model
from scans import Scan


def prediction_entry(
    model: Model, scan: Scan, result: GateResult | None, p: np.ndarray | None, *, digits: int | None = 6
) -> dict:
    """Return what is known of one slice, without the keys that do not apply.

    `result` is what the gate says of it, None where nothing can be seen. `p` are the probabilities (K,), None where
    the gate withholds the prediction; they are rounded to `digits`, None for all of them.
    """
    entry: dict = {"slice": scan.index} if scan.count > 1 else {}
    entry |= {"stack": scan.stack} if scan.stacks else {}
    entry |= {"notes": list(scan.all_notes)} if scan.all_notes else {}
    if result is None:  # as the outermost slices of a volume: nothing to predict from
        return entry | {"error": scan.not_assessable}
    entry |= {"model": model.card.id} | ({"calibration": model.calibration} if model.calibration else {})
    if p is None:
        return entry | {"withheld": result.withheld, "gate": result.as_dict()}
    possible = prediction_set(model.card, p, result)
    entry |= {"reasons": list(possible.reasons)} if possible.reasons else {}
    values = [float(x) if digits is None else round(float(x), digits) for x in p]
    return entry | {
        "class": model.card.classes[p.argmax()],
        "probabilities": dict(zip(model.card.classes, values, strict=True)),
        "set": list(possible.classes) if model.card.conformal else None,
        "set_level": possible.level,
        "gate": result.as_dict(),
    }
