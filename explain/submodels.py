"""Sub-models of a network: its feature map and logits in one pass.

The network is shared by every user of the process, so nothing here changes it: a sub-model is a second graph over the
same weights.
"""

from dataclasses import dataclass
from functools import lru_cache

import keras

from model_zoo import ModelError
from model_zoo.logits import rewired, without_softmax
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


def _last_names(network: keras.Model) -> str:
    return ", ".join(layer.name for layer in network.layers[-4:])
