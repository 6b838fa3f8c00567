"""The prediction for one scan: the network's input and the probabilities, computed once per scan and model."""

from dataclasses import dataclass

import numpy as np

from model_zoo import Model
from model_zoo.gate import GateResult, check_picture
from model_zoo.prediction_set import PredictionSet, prediction_set, require_gate
from scans import Placement, Scan, ScanError, fit


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model predicts for a scan. `square` is the network's input, float32 (h, w, c); `probabilities` (K,).

    `gate` is what the gate says of the scan; `set` the classes that cannot be ruled out, and why they are many.
    """

    square: np.ndarray
    placement: Placement
    probabilities: np.ndarray
    gate: GateResult
    set: PredictionSet

    @property
    def index(self) -> int:
        """The index of the predicted class."""
        return int(self.probabilities.argmax())


def predict(model: Model, scan: Scan, *, anyway: bool = False) -> Prediction:
    """Return the prediction for one scan, computed in a batch of its own: in a larger one the last bits may differ.

    Raises ScanError on a slice of which nothing can be seen, WithheldError where the gate withholds it, unless
    it is asked for `anyway`, and ModelError on probabilities that are not finite.
    """
    if scan.not_assessable:
        raise ScanError(scan.not_assessable)
    result = check_picture(scan)
    require_gate(result, anyway=anyway)
    square, placement = fit(scan, model.card.input)
    # Checked here, since a method may not notice: a gradient ignores the bias, and a map of zeros is a map.
    p = model.finite(model.predict(square[None])[0])
    return Prediction(square, placement, p, result, prediction_set(model.card, p, result))
