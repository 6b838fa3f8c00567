"""The first prediction and map of a process, made before anybody waits for them."""

import gc

from explain.methods import METHODS
from explain.request import Request, explain
from model_zoo import ModelError, load_model, models
from scans import PHANTOM_SAMPLES, phantom
from scans.sandbox import SERVER


def start_decoders() -> None:
    """Start the process that decodes untrusted files, and return at once."""
    SERVER.start()


def explain_a_phantom() -> None:
    """Load TensorFlow, the gate and the first model, and compile its first method.

    Raises ModelError where there is no model, or it cannot be used.
    """
    first = next(iter(models()), None)
    if first is None:
        raise ModelError("no model yet; train one with `python -m train`")
    explain(Request(load_model(first), phantom(*PHANTOM_SAMPLES[0]).scan, next(iter(METHODS))))
    # Half a million objects stay for good. Frozen, they are not looked at again whenever garbage is collected, which
    # takes 0.3 s with Python's lock held.
    gc.collect()
    gc.freeze()
