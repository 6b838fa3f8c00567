"""The shapes of network that explainers meet in the wild, tiny and seeded; each (32, 32, 3) -> 3 classes.

Every entry gives its network and the path of the layer that holds its last post-activation map.
"""

import keras
import numpy as np
from keras import layers

from explain.refinement import MethodInput
from model_zoo import Model
from model_zoo.runtime import make_runtime
from tests.conftest import card_of


def backbone(name: str = "base") -> keras.Model:
    """Convolution, batch norm, ReLU and a residual sum, as a ResNet ends."""
    inputs = layers.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(x)])
    return keras.Model(inputs, layers.ReLU(name=f"{name}_out")(x), name=name)


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ]
    )


def functional() -> keras.Model:
    base = backbone()
    x = layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, layers.Dense(3)(x))


def rescaling() -> keras.Model:
    inputs = layers.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(8, 3, activation="relu", name="conv")(x)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalMaxPooling2D()(x)))


def nested() -> keras.Model:
    inputs = layers.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D()(backbone()(inputs))
    return keras.Model(inputs, layers.Dense(3)(x))


def nested_in_sequential() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Rescaling(2.0),
            backbone(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )


def doubly_nested() -> keras.Model:
    inner = layers.Input((32, 32, 3))
    middle = keras.Model(inner, backbone()(layers.Rescaling(0.5)(inner)), name="middle")
    inputs = layers.Input((32, 32, 3))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(middle(inputs))))


def pooled_inside() -> keras.Model:
    """The nested model already pools: its output is a vector, and the map lies within."""
    base = backbone()
    pooled = keras.Model(base.input, layers.GlobalAveragePooling2D()(base.output), name="pooled")
    inputs = layers.Input((32, 32, 3))
    return keras.Model(inputs, layers.Dense(3)(pooled(inputs)))


def softmax_activation() -> keras.Model:
    plain = sequential().layers[:-1]
    return keras.Sequential([layers.Input((32, 32, 3)), *plain, layers.Dense(3, activation="softmax")])


def softmax_layer() -> keras.Model:
    inner = nested()
    return keras.Model(inner.input, layers.Softmax()(inner.output))


def squeeze() -> keras.Model:
    """Pooled with its axes kept, then a 1 x 1 convolution, as MobileNetV3 ends: no map of one cell counts."""
    base = backbone()
    x = layers.GlobalAveragePooling2D(keepdims=True)(base.output)
    x = layers.Conv2D(6, 1, activation="relu")(x)
    return keras.Model(base.input, layers.Dense(3)(layers.Flatten()(x)))


# name -> (maker, path of the last post-activation map)
NETWORKS = {
    "sequential": (sequential, "conv"),
    "functional": (functional, "base_out"),
    "rescaling": (rescaling, "conv"),
    "nested": (nested, "base/base_out"),
    "nested in sequential": (nested_in_sequential, "base/base_out"),
    "doubly nested": (doubly_nested, "middle/base/base_out"),
    "pooled inside": (pooled_inside, "pooled/base_out"),
    "softmax activation": (softmax_activation, "conv"),
    "softmax layer": (softmax_layer, "base/base_out"),
    "squeeze": (squeeze, "base_out"),
}


def make(name: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    return NETWORKS[name][0]()


def model_of(network: keras.Model, **changes) -> Model:
    """Return a network as a model of the zoo, with a minimal card and TensorFlow's runtime in float32."""
    classes = tuple(f"class{k}" for k in range(network.output_shape[-1]))
    card = card_of(network, **{"classes": classes, "names": classes} | changes)
    return Model(card, network, make_runtime(network, engine="tensorflow"))


def ask(engine, network: keras.Model, square: np.ndarray, target: int, seed: int = 0, **changes) -> np.ndarray:
    """Return the last map, float32 (h', w'), that a method's engine yields for a network and a square (h, w, c)."""
    return list(engine(MethodInput(model_of(network, **changes), square, target, seed)))[-1].values
