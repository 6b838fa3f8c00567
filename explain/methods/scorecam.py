"""Score-CAM by groups of channels: how probable the class stays if only what a channel marks is visible.

Wang et al. 2020, https://arxiv.org/abs/1910.01279: every channel of the last map, scaled to [0, 1], masks the
scan; its weight is the class's probability for what is left. A deep network has 2,048 channels over a few dozen
cells, so most masks are nearly alike: channels are grouped by their masks (k-means, as Group-CAM,
https://arxiv.org/abs/2103.13859, does by chunks) and each group is evaluated once, by its mean mask.
"""

from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

import cv2
import numpy as np
from scipy.cluster.vq import kmeans2

from explain.refinement import MethodInput, RawMap
from model_zoo import probabilities
from scans.quiet import without_warnings

_GROUPS = (16, 48, 144)
_FLAT = 1e-6  # a channel that varies less is flat

_building = Lock()


def scorecam(given: MethodInput) -> Iterator[RawMap]:
    """Yield the Score-CAM, >= 0, in activation, from 16, 48, 144 groups of channels and then from all."""
    maps = _activations(given)  # (h', w', C)
    masks = _unit_range(maps)
    alive = np.flatnonzero(np.ptp(masks, axis=(0, 1)) > 0)
    if not alive.size:
        yield RawMap(np.zeros(maps.shape[:2], np.float32), 1)
        return
    points = masks[..., alive].reshape(-1, alive.size).T  # (C, h' * w')
    evaluations = 1
    for groups in (*(g for g in _GROUPS if g < alive.size), alive.size):
        centres, group = _grouped(points, groups, given.seed)
        weights = _target_probabilities(given, centres.reshape(-1, *maps.shape[:2]))
        evaluations += len(centres)
        values = maps[..., alive] @ weights[group]
        yield RawMap(np.maximum(values, 0).astype(np.float32), evaluations, groups / alive.size)


def _unit_range(maps: np.ndarray) -> np.ndarray:
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    span = high - low
    alive = span > _FLAT * max(float(np.abs(maps).max()), 1e-30)
    return np.where(alive, (maps - low) / np.where(alive, span, 1), 0).astype(np.float32)


def _grouped(points: np.ndarray, groups: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean mask of each group (G, cells), and the group of each channel (C,)."""
    if groups == len(points):
        return points, np.arange(len(points))
    with without_warnings(UserWarning):  # an empty group: its channels are in another
        centres, group = kmeans2(points, groups, iter=8, minit="++", rng=np.random.default_rng(seed))
    kept, group = np.unique(group, return_inverse=True)
    return centres[kept].astype(np.float32), group


def _target_probabilities(given: MethodInput, masks: np.ndarray) -> np.ndarray:
    """Return the target's probability for the scan under each mask (N, h', w'), float32 (N,)."""
    square, low = given.square, given.model.card.input.value_range[0]
    parts = []
    for start in range(0, len(masks), 64):  # masked scans held in memory at once
        large = [cv2.resize(m, square.shape[1::-1], interpolation=cv2.INTER_LINEAR) for m in masks[start : start + 64]]
        batch = low + np.stack(large)[..., None] * (square - low)
        parts.append(probabilities(given.logits(batch))[:, given.target])
    return np.concatenate(parts)


def _activations(given: MethodInput) -> np.ndarray:
    with _building:
        run = _traced(given.model.network, given.model.card.tap)
    return run(given.square[None]).numpy()[0]


@lru_cache(maxsize=8)
def _traced(network, tap: str):
    import tensorflow as tf

    from explain.submodels import view_of

    graph = view_of(network, tap).graph
    signature = [tf.TensorSpec((1, *network.input_shape[1:]), tf.float32)]
    return tf.function(lambda batch: tf.cast(graph(batch, training=False)[0], tf.float32), input_signature=signature)
