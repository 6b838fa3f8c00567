"""The engines of tf-keras-vis: the reference that the compiled ones are tested against.

tf-keras-vis (Kubota and contributors, https://github.com/keisen/tf-keras-vis) looks for the last
convolution, which is before the activation, and fails on Sequential and nested models. A graph with a named identity
after the tapped layer, and logits instead of a softmax, solves both.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from explain.methods.gradients import NOISE
from explain.methods.sampling import numpy_seeded
from explain.refinement import MethodInput, RawMap
from model_zoo import ModelError

_NAME = "cam_tap"
_AT_TAP = {"penultimate_layer": _NAME, "seek_penultimate_conv_layer": False}
_SIGNED = {"activation_modifier": None, "expand_cam": False, "normalize_cam": False}  # its own grid, unscaled


def gradcam(given: MethodInput) -> Iterator[RawMap]:
    """Yield the Grad-CAM, signed, in logit × activation."""
    yield RawMap(_run("gradcam.Gradcam", given, **_AT_TAP, **_SIGNED), 1)


def gradcam_plus_plus(given: MethodInput) -> Iterator[RawMap]:
    """Yield the Grad-CAM++, >= 0, in logit × activation."""
    import tensorflow as tf

    def score(logits):
        """Return 0 with the logit's gradient: tf-keras-vis multiplies by the score's exponential, inf from 89 up."""
        chosen = logits[:, given.target]
        return chosen - tf.stop_gradient(chosen)

    unscaled = {"expand_cam": False, "normalize_cam": False}  # without its ReLU it would drop that of g, too
    yield RawMap(_run("gradcam_plus_plus.GradcamPlusPlus", given, score, **_AT_TAP, **unscaled), 1)


def layercam(given: MethodInput) -> Iterator[RawMap]:
    """Yield the LayerCAM, >= 0, in logit × activation."""
    yield RawMap(_run("layercam.Layercam", given, **_AT_TAP, **_SIGNED), 1)


def scorecam(given: MethodInput) -> Iterator[RawMap]:
    """Yield the Score-CAM over all channels, in activation."""
    raw = _run("scorecam.Scorecam", given, **_AT_TAP, **_SIGNED)
    yield RawMap(raw, 1 + given.model.network.get_layer(given.model.card.tap.split("/")[0]).output.shape[-1])


def saliency(given: MethodInput) -> Iterator[RawMap]:
    """Yield the largest absolute gradient over the channels, in logit per unit of intensity."""
    yield RawMap(_run("saliency.Saliency", given, normalize_map=False), 1)


def smoothgrad(given: MethodInput) -> Iterator[RawMap]:
    """Yield the mean absolute gradient of 20 noisy copies, in logit per unit of intensity."""
    samples = 20
    options = {"smooth_samples": samples, "smooth_noise": NOISE, "normalize_map": False}
    yield RawMap(_run("saliency.Saliency", given, **options), samples)


def _run(engine: str, given: MethodInput, score: Callable | None = None, **options) -> np.ndarray:
    given.clock.check()
    with numpy_seeded(given.seed, given.clock):
        tap = given.model.card.tap if "penultimate_layer" in options else None
        run = _engine(engine, given.model.network, tap)
        values = run(score or (lambda logits: logits[:, given.target]), given.square[None], **options)
    return np.asarray(values, np.float32)[0]


@lru_cache(maxsize=4)
def _engine(name: str, network, tap: str | None):
    from importlib import import_module

    from model_zoo.logits import logits_of

    graph = logits_of(network) if tap is None else with_cam_tap(network, tap)
    module, kind = name.split(".")
    return getattr(import_module(f"tf_keras_vis.{module}"), kind)(graph, clone=False)


def with_cam_tap(network, tap: str):
    """Return a Keras graph over the same layers with an identity named `cam_tap` after the tapped layer.

    Raises ModelError if the tap is inside a nested model and not its output, where a graph cannot be cut, and if the
    network has no feature map.
    """
    import keras

    from model_zoo.logits import rewired, without_softmax
    from model_zoo.tap import find_tap

    name, *inner = (tap or find_tap(network)).split("/")
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
        output = without_softmax(layer, *args, **kwargs) if last else layer(*args, **kwargs)
        return identity(output) if layer.name == name else output

    return rewired(network, call)
