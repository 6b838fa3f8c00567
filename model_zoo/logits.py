"""The logits of a network: the same layers without a softmax at the end.

The network is shared by every user of the process, so nothing here changes it: what is returned is a second graph over
the same weights.
"""

from collections.abc import Callable
from functools import lru_cache

import keras
from keras import layers


@lru_cache(maxsize=8)
def logits_of(network: keras.Model) -> keras.Model:
    """Return a graph over the same layers from a batch (N, h, w, c) to the logits (N, K), a final softmax left out."""

    def call(layer: keras.layers.Layer, *args, **kwargs):
        return without_softmax(layer, *args, **kwargs) if layer is network.layers[-1] else layer(*args, **kwargs)

    return rewired(network, call)


def rewired(network: keras.Model, call: Callable) -> keras.Model:
    """Return a graph over the same layers in which `call(layer, *args)` replaces each layer's call."""
    functional = keras.Model(network.inputs[0], network.outputs[0])  # a Sequential has no graph to rewire
    return keras.models.clone_model(functional, clone_function=lambda layer: layer, call_function=call)


def without_softmax(layer: keras.layers.Layer, *args, **kwargs):
    """Call a network's last layer, leaving out a softmax; its weights are copied, its configuration is not."""
    if isinstance(layer, layers.Softmax) or (is_softmax(layer) and isinstance(layer, layers.Activation)):
        return args[0]
    if not is_softmax(layer):
        return layer(*args, **kwargs)
    linear = type(layer).from_config(layer.get_config() | {"activation": "linear", "name": f"{layer.name}_logits"})
    logits = linear(*args, **kwargs)
    linear.set_weights(layer.get_weights())
    return logits


def is_softmax(layer: keras.layers.Layer) -> bool:
    """Return whether a layer is a softmax, or ends in one."""
    return isinstance(layer, layers.Softmax) or getattr(layer, "activation", None) is keras.activations.softmax
