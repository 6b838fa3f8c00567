"""How does a network of keras.applications become a classifier of scans?

One flat model from pixels in [0, 1] to logits: the backbone's own preprocessing as stock layers, its
layers under the names that Keras gives them, and one of three heads. So a layer is tapped, frozen or taken
over from another model by its name.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable
from inspect import isfunction

import keras
import numpy as np
from keras import layers

from train.recipe import Recipe

# lower-case name, as in a recipe -> the function of keras.applications that builds it
BACKBONES: dict[str, Callable[..., keras.Model]] = {
    name.lower(): function for name, function in vars(keras.applications).items() if isfunction(function)
}
FEATURES = "features"  # the layer whose output, (N, features), enters the head
HEAD = ("head_pool", FEATURES, "dense", "dropout", "logits")  # the head's layers, all of which a head may not have
DENSE = 128  # of the head "average-dense"; with it ResNet50 has the published 23.85 M weights (seed 004)
_BEFORE = ("scan", "three_channels", "shown")
_POOL = 4  # cells, of the head "pool4-flatten"


def backbone(recipe: Recipe, classes: int, training: bool = False) -> keras.Model:
    """Return the backbone `recipe.network`: pixels (N, size, size, channels) in [0, 1] to logits (N, classes).

    All but its last `trainable` layers are frozen, counted as keras.applications lists them without its top;
    batch normalisation in the frozen part keeps its moments. The weights are random: `train.initial_weights` fills
    them in. Raises ValueError on a size or a number of channels that the backbone cannot take.
    """
    del training
    scan = layers.Input(recipe.spec.shape, name="scan")
    base = stock(recipe.network, recipe.size, input_tensor=shown(scan, recipe))
    if recipe.trainable >= 0:
        own = [layer for layer in base.layers if layer.name not in _BEFORE]
        for layer in own[: max(0, len(own) - recipe.trainable)]:
            layer.trainable = False
    return keras.Model(scan, _head(base.output, recipe, classes), name=recipe.network)


def stock(name: str, size: int, **settings) -> keras.Model:
    """Return keras.applications' network `name` without its top, (N, size, size, 3) to its last map.

    Layers that Keras numbers by what the process has built before (conv2d_7) are numbered anew, so that a
    name means the same layer in every process. Raises ValueError where the size is too small.
    """
    try:
        base = BACKBONES[name](**{"weights": None, "include_top": False, "input_shape": (size, size, 3)} | settings)
    except ValueError as error:
        if "at least" not in str(error):
            raise
        least = re.search(r"at least (\d+)", str(error))[1]
        raise ValueError(f"size={size} is too small for {name}; it takes {least} or more") from error
    seen: Counter[str] = Counter()
    for operation in base.operations:
        kind = re.sub(r"_\d+$", "", operation.name)
        if kind.replace("_", "") == type(operation).__name__.lower():
            operation.name = f"{kind}_{seen[kind]}" if seen[kind] else kind
            seen[kind] += 1
    return base


def shown(scan, recipe: Recipe):
    """Return what the backbone is shown of pixels in [0, 1]: a tensor (N, size, size, 3), float32.

    With pixels="backbone", what its `preprocess_input` makes of 0 to 255; with "unit", the pixels as they
    are. One channel is repeated three times. Raises ValueError on any other number of channels but three.
    """
    if recipe.channels not in (1, 3):
        raise ValueError(f"channels={recipe.channels}: {recipe.network} takes 1 or 3")
    x = layers.Concatenate(dtype="float32", name="three_channels")([scan] * 3) if recipe.channels == 1 else scan
    if recipe.pixels == "unit":
        return x
    scale, offset, swapped = preprocessing(recipe.network)
    if swapped:
        x = keras.ops.flip(x, axis=-1)
    # Never in bfloat16: between 128 and 255 it has whole numbers only.
    return layers.Rescaling(scale, offset, dtype="float32", name="shown")(x)


def preprocessing(name: str) -> tuple[list[float], list[float], bool]:
    """Return scale and offset a channel, for pixels in [0, 1], and whether red and blue change places before.

    Found by asking the backbone's `preprocess_input` about black and about pure red, green and blue: all of
    them in keras.applications are linear in the pixels.
    """
    colours = np.zeros((1, 4, 1, 3))
    colours[0, 1:, 0] = 255 * np.eye(3)
    black, *pure = sys.modules[BACKBONES[name].__module__].preprocess_input(colours)[0, :, 0]
    response = np.array(pure) - black  # (channel given, channel shown)
    swapped = bool(response[0, 0] == 0)
    return np.diag(response[::-1] if swapped else response).tolist(), black.tolist(), swapped


def _head(maps, recipe: Recipe, classes: int):
    """Return logits (N, classes) of the last map (N, h, w, C), in float32 under any precision."""
    penalty = {"kernel_regularizer": keras.regularizers.L2(recipe.l2)} if recipe.l2 else {}
    exact = {"dtype": "float32"}
    if recipe.head == "pool4-flatten":
        if min(maps.shape[1:3]) < _POOL:
            raise ValueError(
                f"head=pool4-flatten needs a map of {_POOL} x {_POOL} cells; {recipe.network} at size={recipe.size} "
                f"has {maps.shape[1]} x {maps.shape[2]}; give a larger size or head=average"
            )
        x = layers.AveragePooling2D(_POOL, name="head_pool", **exact)(maps)
        x = layers.Flatten(name=FEATURES, **exact)(x)
    else:
        x = layers.GlobalAveragePooling2D(name=FEATURES, **exact)(maps)
    if recipe.head == "average-dense":
        x = layers.Dense(DENSE, activation="relu", name="dense", **penalty, **exact)(x)
    x = layers.Dropout(recipe.dropout, name="dropout", **exact)(x)
    return layers.Dense(classes, name="logits", **penalty, **exact)(x)


def backbone_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of the backbone in a network that `backbone` built, in Keras' order."""
    return [layer for layer in network.layers if layer.name not in (*_BEFORE, *HEAD)]
