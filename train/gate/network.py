"""The gate's network: EfficientNet-Lite0 with ImageNet's weights, pooled at two depths, and one linear layer."""

from dataclasses import replace

import keras
import numpy as np
from keras import layers

from model_zoo.gate import LOGITS
from train.backbones import preprocessed
from train.efficientnet_lite import stages
from train.precision import dtype_policy
from train.recipe import Recipe

GATES = {"gate-lite0": 0}  # network of a recipe -> EfficientNet-Lite's variant
FEATURES = 48  # of the distance to known heads
_POOLED = "pooled"


def gate(recipe: Recipe, classes: int = LOGITS, *, training: bool = False) -> keras.Model:
    """Return the network: logits (N, LOGITS); saved, also the features of the distance.

    It looks at the maps of one cell per 16 pixels and per 32: the kind shows in the large, the sequence in the fine.
    """
    side = None if training else recipe.size
    scan = layers.Input((side, side, recipe.channels), name="scan")
    variant = GATES[recipe.network]
    shown = preprocessed(scan, replace(recipe, network=f"efficientnet-lite{variant}"))
    maps = stages(variant, shown, frozen_norms=True)
    parts = [layers.GlobalAveragePooling2D(dtype="float32", name=f"pool_{i}")(maps[i]) for i in (4, 5)]
    pooled = layers.Concatenate(dtype="float32", name=_POOLED)(parts)
    dropped = layers.Dropout(recipe.dropout, dtype="float32", name="dropout")(pooled)
    logits = layers.Dense(classes, dtype="float32", name="logits")(dropped)
    if training:
        return keras.Model(scan, logits, name="gate")
    features = layers.Dense(FEATURES, dtype="float32", name="features")(pooled)
    return keras.Model(scan, layers.Concatenate(dtype="float32", name="both")([logits, features]), name="gate")


def pooled_of(network: keras.Model) -> keras.Model:
    """Return the part of a gate that gives its pooled maps, (N, F)."""
    return keras.Model(network.input, network.get_layer(_POOLED).output)


def saved_form(trained: keras.Model, recipe: Recipe, pooled: np.ndarray) -> keras.Model:
    """Return the network as it is saved. `pooled` float (N, F) are the pooled maps of the training scans.

    The features of the distance are their whitened principal components: a distance counts in standard deviations.
    """
    from sklearn.decomposition import PCA

    with dtype_policy("float32"):
        plain = gate(recipe)
    for layer in plain.layers:
        if layer.weights and layer.name != "features":
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    axes = PCA(FEATURES, whiten=True, random_state=0).fit(pooled)
    kernel = (axes.components_ / np.sqrt(axes.explained_variance_)[:, None]).T
    plain.get_layer("features").set_weights([kernel, -axes.mean_ @ kernel])
    return plain
