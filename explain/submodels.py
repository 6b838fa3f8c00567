"""Sub-models of a network: its feature map and logits in one pass, or its logits alone.

The network is shared by every user of the process, so nothing here changes it: a sub-model is a second graph over the
same weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import keras
from keras import layers

from model_zoo import ModelError
from model_zoo.tap import find_tap


@dataclass(frozen=True)
class View:
    """`graph` maps a batch (N, h, w, c) to the feature map (N, h', w', C) of layer `tap` and the logits (N, K)."""

    graph: keras.Model
    tap: str


@lru_cache(maxsize=8)
def view_of(network: keras.Model, tap: str = "") -> View:
    """Return the view of a network at layer `tap` ("outer/inner" where nested); searched where "".

    A final softmax is left out: at p = 0.9999 its gradient is 9e-5, and a map made of it is blank.
    Raises ModelError where there is no such layer.
    """
    tap = tap or find_tap(network)
    return View(_tapped(network, tap.split("/"), strip=True), tap)


@lru_cache(maxsize=8)
def logits_of(network: keras.Model) -> keras.Model:
    """Return a graph over the same layers from a batch (N, h, w, c) to the logits (N, K), a final softmax left out."""

    def call(layer: keras.layers.Layer, *args, **kwargs):
        return without_softmax(layer, *args, **kwargs) if layer is network.layers[-1] else layer(*args, **kwargs)

    return rewired(network, call)


def halved(network: keras.Model) -> keras.Model:
    """Return a copy of a network, with weights of its own, that computes in bfloat16 (layers, not their weights)."""

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if not isinstance(layer, layers.InputLayer):
            config["dtype"] = "mixed_bfloat16"
        return type(layer).from_config(config)

    copy = keras.models.clone_model(network, clone_function=copied, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


def _tapped(network: keras.Model, path: list[str], *, strip: bool) -> keras.Model:
    """Return a graph over the same layers with outputs (feature map, output)."""
    name, *inner_path = path
    if name not in {layer.name for layer in network.layers}:
        raise ModelError(f"{network.name!r} has no layer {name!r}; its last are {_last_names(network)}")
    maps = []
    inner = _tapped(network.get_layer(name), inner_path, strip=False) if inner_path else None

    def call(layer: keras.layers.Layer, *args, **kwargs):
        if strip and layer is network.layers[-1]:
            return without_softmax(layer, *args, **kwargs)
        if layer.name != name:
            return layer(*args, **kwargs)
        if inner is None:
            maps.append(layer(*args, **kwargs))
            return maps[-1]
        feature_map, output = inner(*args, **kwargs)
        maps.append(feature_map)
        return output

    graph = rewired(network, call)
    return keras.Model(graph.inputs[0], [maps[0], graph.outputs[0]])


def rewired(network: keras.Model, call: Callable) -> keras.Model:
    """Return a graph over the same layers in which `call(layer, *args)` replaces each layer's call."""
    functional = keras.Model(network.inputs[0], network.outputs[0])  # a Sequential has no graph to rewire
    return keras.models.clone_model(functional, clone_function=lambda layer: layer, call_function=call)


def without_softmax(layer: keras.layers.Layer, *args, **kwargs):
    """Call a network's last layer, leaving out a softmax; its weights are copied, its configuration is not."""
    if isinstance(layer, layers.Softmax) or (_is_softmax(layer) and isinstance(layer, layers.Activation)):
        return args[0]
    if not _is_softmax(layer):
        return layer(*args, **kwargs)
    linear = type(layer).from_config(layer.get_config() | {"activation": "linear", "name": f"{layer.name}_logits"})
    logits = linear(*args, **kwargs)
    linear.set_weights(layer.get_weights())
    return logits


def _is_softmax(layer: keras.layers.Layer) -> bool:
    return getattr(layer, "activation", None) is keras.activations.softmax


def _last_names(network: keras.Model) -> str:
    return ", ".join(layer.name for layer in network.layers[-4:])
