"""The same Grad-CAM by tf-keras-vis: a second engine, and the oracle the compiled one is tested against.

tf-keras-vis (Kubota and contributors, https://github.com/keisen/tf-keras-vis) looks for the last
convolution, which is before the activation, and fails on Sequential and nested models. Giving it a graph
with a named identity behind the tap mends both.
"""

from functools import lru_cache

import numpy as np

from explain.cam import RawMap
from model_zoo import Model, ModelError

_NAME = "cam_tap"


def gradcam(model: Model, batch: np.ndarray, target: int) -> RawMap:
    """Return the Grad-CAM of class `target`, logit × activation, signed, as `explain.cam.gradcam` does."""
    values = _engine(model.network, model.card.tap)(
        lambda logits: logits[:, target],
        batch,
        penultimate_layer=_NAME,
        seek_penultimate_conv_layer=False,
        activation_modifier=None,  # signed: no positive evidence is not the same as a blank
        expand_cam=False,
        normalize_cam=False,
    )
    return RawMap(np.asarray(values, np.float32)[0], 1)


@lru_cache(maxsize=4)
def _engine(network, tap: str):
    from tf_keras_vis.gradcam import Gradcam

    return Gradcam(with_cam_tap(network, tap), clone=False)


def with_cam_tap(network, tap: str):
    """Return a Keras graph over the same layers with an identity named `cam_tap` behind the tapped layer.

    Raises ModelError where the tap is inside a nested model and not its output: a graph cannot be cut there.
    """
    import keras

    from explain.view import rewired

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
        answer = layer(*args, **kwargs)
        return identity(answer) if layer.name == name else answer

    return rewired(network, call)
