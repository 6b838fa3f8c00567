"""The same maps by tf-keras-vis: a second engine, and the oracle that the compiled ones are tested against.

tf-keras-vis (Kubota and contributors, https://github.com/keisen/tf-keras-vis) looks for the last
convolution, which is before the activation, and fails on Sequential and nested models. Giving it a graph
with a named identity behind the tap, and logits instead of a softmax, mends both.
"""

from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

import numpy as np

from explain.question import Question, RawMap
from model_zoo import ModelError

_NAME = "cam_tap"
_AT_TAP = {"penultimate_layer": _NAME, "seek_penultimate_conv_layer": False}
_SIGNED = {"activation_modifier": None, "expand_cam": False, "normalize_cam": False}  # its own grid, unscaled
_one_at_a_time = Lock()  # it draws its noise from NumPy's global generator


def gradcam(question: Question) -> Iterator[RawMap]:
    """Yield the Grad-CAM, signed, in logit × activation."""
    yield RawMap(_run("gradcam.Gradcam", question, **_AT_TAP, **_SIGNED), 1)


def gradcam_plus_plus(question: Question) -> Iterator[RawMap]:
    """Yield the Grad-CAM++, times the exponential of the logit, which tf-keras-vis does not take out."""
    unscaled = {"expand_cam": False, "normalize_cam": False}  # without its ReLU it would drop that of g, too
    yield RawMap(_run("gradcam_plus_plus.GradcamPlusPlus", question, **_AT_TAP, **unscaled), 1)


def layercam(question: Question) -> Iterator[RawMap]:
    """Yield the LayerCAM, >= 0, in logit × activation."""
    yield RawMap(_run("layercam.Layercam", question, **_AT_TAP, **_SIGNED), 1)


def scorecam(question: Question) -> Iterator[RawMap]:
    """Yield the Score-CAM over all channels, in activation."""
    raw = _run("scorecam.Scorecam", question, **_AT_TAP, **_SIGNED)
    yield RawMap(raw, 1 + question.model.network.get_layer(question.model.card.tap.split("/")[0]).output.shape[-1])


def saliency(question: Question) -> Iterator[RawMap]:
    """Yield the largest absolute gradient over the channels, in logits a unit of input."""
    yield RawMap(_run("saliency.Saliency", question, normalize_map=False), 1)


def smoothgrad(question: Question) -> Iterator[RawMap]:
    """Yield the mean absolute gradient of 20 noisy copies, in logits a unit of input."""
    samples = 20
    options = {"smooth_samples": samples, "smooth_noise": 0.15, "normalize_map": False}
    yield RawMap(_run("saliency.Saliency", question, **options), samples)


def _run(engine: str, question: Question, **options) -> np.ndarray:
    question.clock.check()
    with _one_at_a_time:
        np.random.seed(question.seed)
        run = _engine(engine, question.model.network, question.model.card.tap)
        values = run(lambda logits: logits[:, question.target], question.square[None], **options)
    return np.asarray(values, np.float32)[0]


@lru_cache(maxsize=4)
def _engine(name: str, network, tap: str):
    from importlib import import_module

    module, kind = name.split(".")
    return getattr(import_module(f"tf_keras_vis.{module}"), kind)(with_cam_tap(network, tap), clone=False)


def with_cam_tap(network, tap: str):
    """Return a Keras graph over the same layers with an identity named `cam_tap` behind the tapped layer.

    Raises ModelError where the tap is inside a nested model and not its output: a graph cannot be cut there.
    """
    import keras

    from explain.view import rewired, without_softmax

    name, *inner = tap.split("/")
    layer = network.get_layer(name)
    for deeper in inner:
        if layer.layers[-1].name != deeper:
            raise ModelError(
                f"tf-keras-vis cannot reach {tap!r}: {deeper!r} is not the output of {layer.name!r}; "
                "use the compiled engine"
            )
        layer = layer.get_layer(deeper)
    identity = keras.layers.Activation("linear", name=_NAME)

    def call(layer, *args, **kwargs):
        last = layer is network.layers[-1]
        answer = without_softmax(layer, *args, **kwargs) if last else layer(*args, **kwargs)
        return identity(answer) if layer.name == name else answer

    return rewired(network, call)
