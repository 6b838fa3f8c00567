"""The layer of the last feature map after its activation: the one that a class activation map weighs.

Before the activation (where tf-keras-vis looks: the last convolution) a map still holds what the ReLU
will throw away; after pooling it is coarser than it needs to be. So: the last layer whose output is a
map of more than one cell and that is no pooling, dropout or reshaping, at any depth of nesting.
"""

import keras
from keras import layers

from model_zoo.card import ModelError

_CARRIERS = (
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
    layers.Reshape,
    layers.Permute,
    layers.ZeroPadding2D,
    layers.Cropping2D,
    layers.Rescaling,
    layers.Normalization,
    layers.InputLayer,
)


def find_tap(network: keras.Model) -> str:
    """Return the path of the layer to tap, "outer/inner" where models are nested.

    Raises ModelError where the network has no map of more than one cell, as a network of dense layers.
    """
    path = _search(network)
    if path is None:
        raise ModelError(
            f"the network {network.name!r} has no map (height, width, channels) to weigh; a method that needs "
            "none is saliency, integrated-gradients, shap, lime, occlusion or rise"
        )
    return path


def tap_or_none(network: keras.Model) -> str:
    """Return the path of the layer to tap, "" where the network has no map."""
    return _search(network) or ""


def _search(network: keras.Model) -> str | None:
    for layer in reversed(network.layers):
        if isinstance(layer, keras.Model):
            inner = _search(layer)
            if inner is not None:
                return f"{layer.name}/{inner}"
        elif not isinstance(layer, _CARRIERS) and _is_map(layer):
            return layer.name
    return None


def _is_map(layer: keras.layers.Layer) -> bool:
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):  # never called: it has no output
        return False
    return len(shape) == 4 and shape[1] != 1 and shape[2] != 1
