"""Networks and scans whose logits and maps follow from a formula: linear networks, heads of one grey."""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np

from model_zoo import Model
from model_zoo.runtime import Runtime
from scans import Scan
from tests.conftest import card_of, tiny_network
from tests.explain.networks import model_of


def linear(weights: np.ndarray, bias: tuple[float, ...] | None = None, *, activation: str = "linear") -> keras.Model:
    """Return (h, w, c) -> K logits that are sums of pixels times `weights` (h, w, c, K), behind a map named `conv`.

    The map is the input itself, or its ReLU.
    """
    *shape, classes = weights.shape
    network = keras.Sequential(
        [
            keras.layers.Input(shape),
            keras.layers.Conv2D(shape[-1], 1, activation=activation, name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(classes),
        ]
    )
    same = np.eye(shape[-1], dtype=np.float32)[None, None]
    kernel = np.asarray(weights, np.float32).reshape(-1, classes)
    network.set_weights([same, np.zeros(shape[-1]), kernel, np.zeros(classes) if bias is None else np.array(bias)])
    return network


def drawn(side: int = 16, classes: int = 3, channels: int = 3) -> np.ndarray:
    """Return seeded weights (side, side, channels, classes) for `linear`."""
    return np.random.default_rng(3).normal(size=(side, side, channels, classes)).astype(np.float32)


def mean_of(patch: tuple[slice, slice], *, side: int = 32, scale: float = 1.0, above: float = 0.0) -> keras.Model:
    """Return (side, side, 1) -> 2 logits: `scale` times the mean of a patch less `above`, a grey; and 0."""
    weights = np.zeros((side, side, 1, 2), np.float32)
    weights[(*patch, 0, 0)] = scale / weights[(*patch, 0, 0)].size
    return linear(weights, (-scale * above, 0.0))


def full_size(channels: int, classes: int = 3) -> keras.Model:
    """Return (32, 32, 3) -> logits behind a map as large as the scan, which needs no enlarging."""
    keras.utils.set_random_seed(channels)
    return keras.Sequential(
        [
            keras.layers.Input((32, 32, 3)),
            keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name="conv"),
            keras.layers.MaxPooling2D(4),
            keras.layers.Flatten(),
            keras.layers.Dense(classes),
        ]
    )


def constant(side: int = 32, logits: tuple[float, ...] = (2.0, -1.0)) -> keras.Model:
    """Return (side, side, 3) -> logits that no pixel changes."""
    return linear(np.zeros((side, side, 3, len(logits)), np.float32), logits)


def scaled(factor: float) -> keras.Model:
    """Return the tiny network with its logits `factor` times as large."""
    network = tiny_network()
    *others, kernel, bias = network.get_weights()
    network.set_weights([*others, factor * kernel, factor * bias])
    return network


def broken() -> keras.Model:
    """Return the tiny network with a weight that is not a number."""
    network = tiny_network()
    *others, bias = network.get_weights()
    network.set_weights([*others, np.full_like(bias, np.nan)])
    return network


def dense_only() -> Model:
    """Return a model of dense layers: it has no feature map and no tap."""
    keras.utils.set_random_seed(5)
    layers = [keras.layers.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(8, activation="relu")]
    network = keras.Sequential([*layers, keras.layers.Dense(3)])
    mapped = model_of(tiny_network(classes=3))  # a card needs a tap, which a dense network has not
    classes = ("class0", "class1", "class2")
    card = replace(card_of(mapped.network), id="dense-only", classes=classes, names=classes, tap="")
    return Model(card, network, replace(mapped.runtime, logits=model_logits(network)))


def model_logits(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    return lambda batch: np.asarray(network(batch, training=False), np.float32)


def counted(model: Model) -> tuple[Model, list[int]]:
    """Return the model with a runtime that records the number of scans in each call, and that record."""
    calls: list[int] = []

    def logits(batch: np.ndarray) -> np.ndarray:
        calls.append(len(batch))
        return model.runtime.logits(batch)

    return replace(model, runtime=Runtime(logits, model.runtime.engine, model.runtime.precision)), calls


def head(side: int = 96, grey: float = 0.5) -> Scan:
    """Return a scan with a head of one grey: a disc in the middle, three quarters of the side across, on black."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return Scan(np.where(np.hypot(x, y) < 0.75, grey, 0).astype(np.float32), digest="0" * 64)


def with_spot(scan: Scan, rows: slice, columns: slice, grey: float = 1.0) -> Scan:
    """Return the scan with a rectangle of one grey."""
    pixels = scan.pixels.copy()
    pixels[rows, columns] = grey
    return replace(scan, pixels=pixels)
