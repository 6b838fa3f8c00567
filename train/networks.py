"""Which networks can a recipe name? Keras layers only, ending in logits."""

from collections.abc import Callable

import keras
from keras import layers


def cnn3(input_shape: tuple[int, int, int], classes: int, dropout: float) -> keras.Model:
    """Three blocks of convolution and max pooling, 32-64-128, then dense 128: 5,402,308 weights at 150 px.

    The plain network of the published four-class system (seed 001), but for the softmax, which is left
    to the reader of the logits.
    """
    return keras.Sequential(
        [
            layers.Input(input_shape, name="scan"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1"),  # (150, 150, 32)
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="conv2"),  # (75, 75, 64)
            layers.MaxPooling2D(name="pool2"),
            layers.Conv2D(128, 3, padding="same", activation="relu", name="conv3"),  # (37, 37, 128)
            layers.MaxPooling2D(name="pool3"),
            layers.Flatten(name="flatten"),  # (18 * 18 * 128,)
            layers.Dense(128, activation="relu", name="dense"),
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(classes, dtype="float32", name="logits"),  # logits stay float32 under mixed precision
        ],
        name="cnn3",
    )


# name in a recipe -> builder(input_shape, classes, dropout) of a model that returns logits (N, classes)
NETWORKS: dict[str, Callable[[tuple[int, int, int], int, float], keras.Model]] = {
    "cnn3": cnn3,
}


def build(name: str, input_shape: tuple[int, int, int], classes: int, dropout: float) -> keras.Model:
    """Return a fresh, seeded-by-the-caller network. Raises ValueError listing what exists."""
    if name not in NETWORKS:
        raise ValueError(f"no network {name!r}; train.networks has {', '.join(sorted(NETWORKS))}")
    return NETWORKS[name](input_shape, classes, dropout)
