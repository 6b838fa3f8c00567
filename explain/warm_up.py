"""The first prediction and map of a process, made before anybody waits for them."""

import gc
from collections.abc import Callable

from explain.methods import METHODS
from explain.prediction import Prediction, predict
from explain.request import Request, explain
from model_zoo import ModelError, load_model, models
from scans import PHANTOM_SAMPLES, phantom
from scans.sandbox import SERVER


def start_decoders() -> None:
    """Start the process that decodes untrusted files, and return at once."""
    SERVER.start()


def explain_a_phantom(predict: Callable[..., Prediction] = predict) -> None:
    """Load TensorFlow, the gate and the first model, and compile its first method; `predict` is that of an engine.

    Raises ModelError where there is no model, or it cannot be used, and what the engine raises.
    """
    first = next(iter(models()), None)
    if first is None:
        raise ModelError("no model yet; train one with `python -m train`")
    model, scan = load_model(first), phantom(*PHANTOM_SAMPLES[0]).scan
    explain(Request(model, scan, next(iter(METHODS)), prediction=predict(model, scan)))
    # Half a million objects stay for good. Frozen, they are not looked at again whenever garbage is collected, which
    # takes 0.3 s with Python's lock held.
    gc.collect()
    gc.freeze()
