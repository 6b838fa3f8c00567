"""Gradients of a class's logit with respect to the input: what would change it, and what each pixel adds to it.

- Saliency (Simonyan et al. 2014, https://arxiv.org/abs/1312.6034): the absolute gradient.
- SmoothGrad (Smilkov et al. 2017, https://arxiv.org/abs/1706.03825): its mean over noisy copies.
- Integrated gradients (Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365): from black to the scan; the
  pixels' shares add up to the change of the logit.
- Expected gradients (Erion et al. 2021, https://arxiv.org/abs/1906.10670; `shap.GradientExplainer`): the same from
  many baselines, here synthetic healthy heads.

Noise is drawn like that of tf-keras-vis, so the same seed gives the same samples there.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from threading import Lock

import numpy as np

from explain.refinement import MethodInput, RawMap
from scans import InputSpec, fit, phantom

NOISE = 0.15  # of the scan's range: SmoothGrad's standard deviation; its authors use 0.1 to 0.2
BASELINES = 24  # synthetic healthy heads of expected gradients
_FIRST_SEED = 910_000  # of those heads; no model is trained on them
_GOLDEN = (5**0.5 - 1) / 2
_CHUNK = 12  # scans per pass: as long as a cancel has to wait
_BALANCED = 0.1  # of the logit's change: a sum further from it than this is noted

_building = Lock()


def saliency(given: MethodInput) -> Iterator[RawMap]:
    """Yield the largest absolute gradient over the channels, >= 0, in logit per unit of intensity."""
    gradients = input_gradients(given, given.square[None], exact=True)
    yield RawMap(np.abs(gradients[0]).max(axis=-1), 1)


def smoothgrad(given: MethodInput, samples: int = 40) -> Iterator[RawMap]:
    """Yield the mean absolute gradient of 10, 20 and 40 noisy copies, >= 0, in logit per unit of intensity."""
    rng = np.random.RandomState(given.seed)  # the generator that tf-keras-vis draws from
    square = given.square
    sigma = NOISE * np.ptp(square)
    total = np.zeros(square.shape, np.float64)
    for taken, size in doubling(10, samples):
        noisy = square + rng.normal(0.0, sigma, (size, *square.shape)).astype(np.float32)
        total += np.abs(input_gradients(given, noisy)).sum(axis=0)
        yield _sampled(total / taken, taken, samples, np.max)


def integrated_gradients(given: MethodInput, steps: int = 81) -> Iterator[RawMap]:
    """Yield each pixel's share of the logit's change from black, signed, in logit per pixel.

    By the midpoints of 9, 27 and 81 steps, which contain each other. Notes a sum that is off by more than a tenth.
    """
    square = given.square
    black = np.full_like(square, given.model.card.input.value_range[0])
    change = float(np.diff(given.scores(np.stack([black, square])))[0])
    total, taken, count = np.zeros(square.shape, np.float64), np.zeros(0), 9
    while count <= steps:
        middles = (np.arange(count) + 0.5) / count
        new = middles if not taken.size else np.delete(middles, np.arange(1, count, 3))
        path = black + new.astype(np.float32)[:, None, None, None] * (square - black)
        total += input_gradients(given, path).sum(axis=0)
        taken = middles
        values = total / count * (square - black)
        yield _sampled(values, count, steps, np.sum, notes=_unbalanced(float(values.sum()), change), besides=2)
        count *= 3


def expected_gradients(given: MethodInput, samples: int = 8 * BASELINES) -> Iterator[RawMap]:
    """Yield each pixel's share of the logit's change from a synthetic healthy head, signed, in logit per pixel.

    The baselines take turns, and the points between baseline and scan are spread by the golden ratio from a random
    first one, where shap draws both at random: the same number of samples gives a more stable map.
    """
    rng = np.random.default_rng(given.seed)
    square, baselines = given.square, healthy_heads(given.model.card.input)
    turns, first = rng.permutation(len(baselines)), rng.random()
    total = np.zeros(square.shape, np.float64)
    for taken, size in doubling(len(baselines), samples):
        number = np.arange(taken - size, taken)
        chosen = baselines[turns[number % len(baselines)]]
        share = ((first + number * _GOLDEN) % 1).astype(np.float32)[:, None, None, None]
        gradients = input_gradients(given, share * square + (1 - share) * chosen)
        total += (gradients * (square - chosen)).sum(axis=0)
        yield _sampled(total / taken, taken, samples, np.sum)


def _sampled(
    values: np.ndarray,
    taken: int,
    most: int,
    over_channels: Callable,
    notes: tuple[str, ...] = (),
    besides: int = 0,
) -> RawMap:
    grid = over_channels(values, axis=-1).astype(np.float32)
    return RawMap(grid, taken + besides, min(1.0, taken / most), notes)


def _unbalanced(total: float, change: float) -> tuple[str, ...]:
    if abs(total - change) <= _BALANCED * max(abs(change), 1e-6):
        return ()
    return (f"The pixels' shares add up to {total:.2f}, the logit changes by {change:.2f}: the map is approximate.",)


def doubling(first: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield (samples so far, samples new) for first, 2 first, 4 first ... `most` samples."""
    taken, target = 0, first
    while taken < most:
        new = min(target, most) - taken
        taken += new
        target *= 2
        yield taken, new


@lru_cache(maxsize=8)
def healthy_heads(spec: InputSpec) -> np.ndarray:
    """Return BASELINES synthetic healthy heads as a model takes them, float32 (BASELINES, h, w, c), read-only."""
    heads = np.stack([fit(phantom("notumor", _FIRST_SEED + i).scan, spec)[0] for i in range(BASELINES)])
    heads.flags.writeable = False
    return heads


def input_gradients(given: MethodInput, batch: np.ndarray, *, exact: bool = False) -> np.ndarray:
    """Return the gradients of the target's logit, float32 (N, h, w, c); may end the refinement.

    In bfloat16 if the model's runtime predicts in it, which halves the time and changes a map by less than
    another seed does; in float32 if `exact`, and where there are depthwise convolutions, which TensorFlow computes in
    bfloat16 more slowly.
    """
    half = not exact and given.model.runtime.precision == "bf16" and not _depthwise(given.model.network)
    with _building:
        run = _traced(given.model.network, half)
    target, gradients = np.int32(given.target), []
    for start in range(0, len(batch), _CHUNK):
        given.clock.check()
        chunk = batch[start : start + _CHUNK].astype(np.float32)
        with given.clock.work.of_pass(run, len(chunk)):
            gradients.append(run(chunk, target).numpy())
    return np.concatenate(gradients)


@lru_cache(maxsize=8)
def _depthwise(network) -> bool:
    from model_zoo.layers import layers_of

    return any("DepthwiseConv" in type(layer).__name__ for layer in layers_of(network))


@lru_cache(maxsize=8)
def _traced(network, half: bool):
    import tensorflow as tf

    from model_zoo.layers import in_precision
    from model_zoo.logits import logits_of

    graph = in_precision(logits_of(network), "mixed_bfloat16") if half else logits_of(network)
    signature = [tf.TensorSpec((None, *network.input_shape[1:]), tf.float32), tf.TensorSpec((), tf.int32)]

    @tf.function(input_signature=signature)
    def run(batch, target):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(batch)
            score = tf.gather(graph(batch, training=False), target, axis=1)
        return tf.cast(tape.gradient(score, batch), tf.float32)

    return run
