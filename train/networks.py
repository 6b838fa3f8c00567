"""The networks that a recipe can name: Keras layers only, ending in logits."""

from collections.abc import Callable
from functools import partial

import keras
from keras import layers

from train.backbones import BACKBONES, backbone
from train.candor import LITE, candor, folded
from train.gate.network import GATES, gate
from train.precision import dtype_policy
from train.recipe import Recipe


def cnn3(recipe: Recipe, classes: int) -> keras.Model:
    """Three blocks of convolution and max pooling, 32-64-128, then dense 128: 5,402,308 weights at 150 px.

    The plain network of the published four-class system (seed 001) without its softmax. `l2` penalises its kernels.
    """
    penalty = {"kernel_regularizer": keras.regularizers.L2(recipe.l2)} if recipe.l2 else {}
    return keras.Sequential(
        [
            layers.Input(recipe.spec.shape, name="scan"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1", **penalty),  # (150, 150, 32)
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="conv2", **penalty),  # (75, 75, 64)
            layers.MaxPooling2D(name="pool2"),
            layers.Conv2D(128, 3, padding="same", activation="relu", name="conv3", **penalty),  # (37, 37, 128)
            layers.MaxPooling2D(name="pool3"),
            layers.Flatten(name="flatten"),  # (18 * 18 * 128,)
            layers.Dense(128, activation="relu", name="dense", **penalty),
            layers.Dropout(recipe.dropout, name="dropout"),
            layers.Dense(classes, dtype="float32", name="logits"),  # logits stay float32 under mixed precision
        ],
        name="cnn3",
    )


Builder = Callable[[Recipe, int], keras.Model]  # (recipe, classes) -> a model that returns logits (N, classes)

NETWORKS: dict[str, Builder] = {
    "candor": candor,
    **dict.fromkeys(LITE, candor),
    "cnn3": cnn3,
    **dict.fromkeys(GATES, gate),
    **dict.fromkeys(BACKBONES, backbone),
}
# The networks whose training form differs from the saved one.
TRAINING_FORMS: dict[str, Builder] = {
    **dict.fromkeys(("candor", *LITE), partial(candor, training=True)),
    **dict.fromkeys(GATES, partial(gate, training=True)),
    **dict.fromkeys(BACKBONES, partial(backbone, training=True)),
}


def network_title(network: str) -> str:
    """Return the display name of a network that a recipe can name.

    >>> network_title("candor"), network_title("resnet50")
    ('Candor network', 'ResNet50')
    """
    own = {"candor": "Candor network", "cnn3": "Three-block CNN"}
    own |= {name: f"Candor network on EfficientNet-Lite{variant}" for name, variant in LITE.items()}
    own |= {name: f"Gate on EfficientNet-Lite{variant}" for name, variant in GATES.items()}
    return own.get(network) or BACKBONES[network].__name__


def build(recipe: Recipe, classes: int, *, training: bool = False) -> keras.Model:
    """Return a network with new random weights, which the caller seeds. Raises ValueError listing what exists."""
    if recipe.network not in NETWORKS:
        raise ValueError(f"no network {recipe.network!r}; train.networks has {', '.join(sorted(NETWORKS))}")
    builders = NETWORKS | TRAINING_FORMS if training else NETWORKS
    return builders[recipe.network](recipe, classes)


def inference_copy(trained: keras.Model, recipe: Recipe, classes: int) -> keras.Model:
    """Return the network as it is saved: float32, stock layers, with the trained weights."""
    with dtype_policy("float32"):
        return folded(trained, build(recipe, classes))
