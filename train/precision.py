"""The precision in which a network is trained: float32, or bfloat16 where the processor multiplies it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from train.recipe import Recipe

# the beginnings of the names of networks with depthwise convolutions
DEPTHWISE = ("candor-lite", "gate-lite", "efficientnet", "mobilenet", "xception", "nasnet", "convnext")


def precision_policy(recipe: Recipe) -> str:
    """Return the Keras dtype policy of a run; "auto" is bfloat16 where the processor multiplies it.

    Depthwise convolutions stay float32: TensorFlow computes those in bfloat16 more slowly.
    """
    if recipe.precision != "auto":
        return recipe.precision
    info = Path("/proc/cpuinfo")
    flags = info.read_text() if info.exists() else ""
    half = "amx_bf16" in flags or "avx512_bf16" in flags
    return "mixed_bfloat16" if half and not recipe.network.startswith(DEPTHWISE) else "float32"


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Build layers with a Keras dtype policy, and put back the one before, also after an error.

    A policy that stays would be that of every network the process builds later.
    """
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)
