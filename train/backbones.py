"""Networks of keras.applications, and EfficientNet-Lite, as classifiers of scans.

One flat model from pixels in [0, 1] to logits: the backbone's own preprocessing as stock layers, its
layers under the names that Keras gives them, and one of three heads. A layer is found, frozen or loaded from
another model by its name.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable
from inspect import isfunction

import keras
import numpy as np
from keras import layers

from train.efficientnet_lite import EfficientNetLite0, EfficientNetLite1, EfficientNetLite2
from train.recipe import Recipe

# name, as in a recipe -> the function, of keras.applications or like its own, that builds it
BACKBONES: dict[str, Callable[..., keras.Model]] = {
    name.lower(): function for name, function in vars(keras.applications).items() if isfunction(function)
} | {
    "efficientnet-lite0": EfficientNetLite0,
    "efficientnet-lite1": EfficientNetLite1,
    "efficientnet-lite2": EfficientNetLite2,
}
FEATURES = "features"  # the layer whose output, (N, features), is the input of the head
HEAD = ("head_pool", FEATURES, "dense", "dropout", "logits")  # the head's layers, all of which a head may not have
DENSE = 128  # of the head "average-dense"; with it ResNet50 has the published 23.85 M weights (seed 004)
_BEFORE = ("scan", "three_channels", "shown")
_POOL = 4  # cells, of the head "pool4-flatten"


def backbone(recipe: Recipe, classes: int, *, training: bool = False) -> keras.Model:
    """Return the backbone `recipe.network`: pixels (N, size, size, channels) in [0, 1] to logits (N, classes).

    Where training begins with smaller pictures (`early`), the training network takes pictures of any side.

    All but its last `trainable` layers are frozen, counted as keras.applications lists them without its top;
    batch normalisation in the frozen part keeps its moments. The weights are random: `train.initial_weights` fills
    them in. Raises ValueError on a size or a number of channels that the backbone cannot take.
    """
    side = recipe.size
    if training and recipe.early:
        stock(recipe.network, min(recipe.size, recipe.early_size))  # refuses now what it could not be saved with
        side = None
    scan = layers.Input((side, side, recipe.channels), name="scan")
    base = stock(recipe.network, side, input_tensor=preprocessed(scan, recipe))
    if recipe.trainable >= 0:
        own = [layer for layer in base.layers if layer.name not in _BEFORE]
        for layer in own[: max(0, len(own) - recipe.trainable)]:
            layer.trainable = False
    return keras.Model(scan, _head(base.output, recipe, classes), name=recipe.network)


def stock(name: str, size: int | None, **settings) -> keras.Model:
    """Return the network `name` without its top, (N, size, size, 3) to its last feature map; None: of any size.

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
    numbers: Counter[str] = Counter()
    for operation in base.operations:
        kind = re.sub(r"_\d+$", "", operation.name)
        if kind.replace("_", "") == type(operation).__name__.lower():
            operation.name = f"{kind}_{numbers[kind]}" if numbers[kind] else kind
            numbers[kind] += 1
    return base


def preprocessed(scan, recipe: Recipe):
    """Return the backbone's input for pixels in [0, 1]: a tensor (N, size, size, 3), float32.

    With pixels="backbone" its `preprocess_input` is applied to the range 0 to 255; with "unit" the pixels stay as
    they are. One channel is repeated three times. Raises ValueError on any number of channels but 1 and 3.
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
    """Return scale and offset per channel, for pixels in [0, 1], and whether red and blue are swapped before.

    Measured with the backbone's `preprocess_input` on black and on pure red, green and blue: in
    keras.applications it is always linear in the pixels.
    """
    colours = np.zeros((1, 4, 1, 3))
    colours[0, 1:, 0] = 255 * np.eye(3)
    black, *pure = sys.modules[BACKBONES[name].__module__].preprocess_input(colours)[0, :, 0]
    response = np.array(pure) - black  # (channel in, channel out)
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
