"""Grad-CAM: which cells of the last map raised this class's logit?

Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391: the channels of the last post-activation map,
weighted by the mean gradient of the logit and summed, negative sums dropped. Coarse by design (37 x 37
cells for `cnn3` at 150 pixels), and an average over the map: it can light up places that the logit does
not depend on. A bright region is evidence about the model, not about what is in the head.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from model_zoo import Model


class RawMap(NamedTuple):
    """What a method returns: the grid before ReLU, float32 (h', w'), and how many forward passes it took."""

    values: np.ndarray
    evaluations: int


def gradcam(model: Model, batch: np.ndarray, target: int) -> RawMap:
    """Return the Grad-CAM of class `target`, in logit units times activation, signed.

    `batch` is float32 (1, h, w, c), made by `scans.fit` for this model.
    """
    return RawMap(_pass(model.network, model.card.tap)(batch, np.int32(target)).numpy()[0], 1)


@lru_cache(maxsize=8)
def _pass(network, tap: str):
    """Return one traced function: (batch (1, h, w, c), target) -> map (1, h', w')."""
    import tensorflow as tf

    from explain.view import view_of

    graph = view_of(network, tap).graph
    signature = [tf.TensorSpec((1, *network.input_shape[1:]), tf.float32), tf.TensorSpec((), tf.int32)]

    @tf.function(input_signature=signature)
    def run(batch, target):
        with tf.GradientTape() as tape:
            tape.watch(batch)  # a frozen network has no trainable weight to make the tape record
            maps, logits = graph(batch, training=False)  # (1, h', w', C), (1, K)
            score = tf.gather(logits, target, axis=1)
        maps, gradients = tf.cast(maps, tf.float32), tf.cast(tape.gradient(score, maps), tf.float32)
        weights = tf.reduce_mean(gradients, axis=(1, 2))  # (1, C)
        return tf.einsum("bhwc,bc->bhw", maps, weights)

    return run
