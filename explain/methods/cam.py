"""Four class activation maps from one pass: which cells of the last feature map raised the logit of a class.

All weight the channels of the feature map A, after its activation, by the gradient g of the logit:

- Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): the sum of A, weighted by the mean of g.
- Grad-CAM++ (Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063): by the mean of the positive g that its
  second and third derivatives favour, under the paper's assumption of an exponential score.
- LayerCAM (Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943): cell by cell, the positive g times A.
- HiResCAM (Draelos & Carin 2021, https://arxiv.org/abs/2011.08891): cell by cell, g times A, signed.

Coarse by design (37 x 37 cells for `cnn3` at 150 pixels). Where the logit is linear in the mean of the map, as
in Candor's own networks, Grad-CAM and HiResCAM are the same, and their sum is the logit less its bias.
"""

from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

import numpy as np

from explain.refinement import MethodInput, RawMap

_building = Lock()  # a graph is built once, however many threads need it


def gradcam(given: MethodInput) -> Iterator[RawMap]:
    """Yield the Grad-CAM, signed, in logit × activation."""
    return _one_of_four(given, "gradcam")


def gradcam_plus_plus(given: MethodInput) -> Iterator[RawMap]:
    """Yield the Grad-CAM++, >= 0 where activations are, in logit × activation."""
    return _one_of_four(given, "gradcam++")


def layercam(given: MethodInput) -> Iterator[RawMap]:
    """Yield the LayerCAM, >= 0 where activations are, in logit × activation."""
    return _one_of_four(given, "layercam")


def hirescam(given: MethodInput) -> Iterator[RawMap]:
    """Yield the HiResCAM, signed, in logit per cell."""
    return _one_of_four(given, "hirescam")


def four_cams(given: MethodInput) -> dict[str, np.ndarray]:
    """Return all four maps by method id, float32 (h', w') each, from one pass of the network."""
    run = cam_function(given.model.network, given.model.card.tap)
    maps = run(given.square[None], np.int32(given.target))
    return {name: values.numpy()[0] for name, values in maps.items()}


def _one_of_four(given: MethodInput, name: str) -> Iterator[RawMap]:
    yield RawMap(four_cams(given)[name], 1)


def cam_function(network, tap: str):
    """Return one traced function: (batch (1, h, w, c), target) -> maps (1, h', w') by method id."""
    with _building:
        return _traced(network, tap)


@lru_cache(maxsize=8)
def _traced(network, tap: str):
    """Return one traced function: (batch (1, h, w, c), target) -> maps (1, h', w') by method id."""
    import tensorflow as tf

    from explain.submodels import view_of

    graph = view_of(network, tap).graph
    signature = [tf.TensorSpec((1, *network.input_shape[1:]), tf.float32), tf.TensorSpec((), tf.int32)]

    @tf.function(input_signature=signature)
    def run(batch, target):
        with tf.GradientTape() as tape:
            tape.watch(batch)  # a frozen network has no trainable weight to make the tape record
            maps, logits = graph(batch, training=False)  # (1, h', w', C), (1, K)
            score = tf.gather(logits, target, axis=1)
        a, g = tf.cast(maps, tf.float32), tf.cast(tape.gradient(score, maps), tf.float32)
        cells = (1, 2)
        # Of an exponential score, the derivatives are powers of g times the score, which cancels here.
        # Cells of negative g get no weight, so they must not count in the sum, where theirs would be negative.
        favour = tf.math.divide_no_nan(g**2, 2 * g**2 + g**3 * tf.reduce_sum(a, cells, keepdims=True))
        favour = tf.where(g > 0, favour, 0.0)
        favour = tf.math.divide_no_nan(favour, tf.reduce_sum(favour, cells, keepdims=True))
        weights = tf.reduce_sum(favour * tf.nn.relu(g), cells)  # (1, C)
        return {
            "gradcam": tf.einsum("bhwc,bc->bhw", a, tf.reduce_mean(g, cells)),
            "gradcam++": tf.einsum("bhwc,bc->bhw", a, weights),
            "layercam": tf.reduce_sum(tf.nn.relu(g) * a, axis=-1),
            "hirescam": tf.reduce_sum(g * a, axis=-1),
        }

    return run
