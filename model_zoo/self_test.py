"""The self-test of a bundle: three phantoms with the logits and the Grad-CAM that the model gave when it was made.

A model is served only where this machine computes the same. Libraries, processors and precisions change results
without a word, and a prediction that has silently changed is worse than none. `python -m explain self-test` writes
`self_test.npz`; the logits are compared when a model is loaded, the maps before its first explanation.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from model_zoo.card import ModelCard, ModelError
from model_zoo.runtime import Runtime
from model_zoo.whole_files import read_arrays, write_arrays
from scans import PHANTOM_KINDS, InputSpec, as_input, fit, phantom

SELF_TEST = "self_test.npz"
TOLERANCE = {"f32": 0.002, "bf16": 0.05}  # of the largest logit, by precision
MAP_TOLERANCE = 0.01  # of a map, by the length of the difference over the length of the map
_SEEDS = (930_001, 930_002, 930_003)  # of the phantoms: of no other test and no training
_SIDE = 256  # pixels


@dataclass(frozen=True)
class SelfTest:
    """What a model gave when it was made, for N phantoms.

    `pixels` are uint8 (N, h, w), bytes of [0, 1]; `logits` float32 (N, K); `maps` float32 (N, h', w'), the Grad-CAM of
    the class with the highest logit; (N, 0, 0) where they were not made.
    """

    pixels: np.ndarray
    logits: np.ndarray
    maps: np.ndarray

    def inputs(self, spec: InputSpec) -> np.ndarray:
        """Return the phantoms as a model with this input takes them, float32 (N, h, w, channels)."""
        return as_input(self.pixels.astype(np.float32) / 255, spec)


_ARRAYS = tuple(field.name for field in fields(SelfTest))


def phantom_pixels(spec: InputSpec) -> np.ndarray:
    """Return uint8 (3, h, w): three phantoms in a model's input, as bytes, so that what is stored is what is used."""
    low, high = spec.value_range
    squares = [
        (fit(phantom(PHANTOM_KINDS[i % len(PHANTOM_KINDS)], seed, _SIDE).scan, spec)[0][..., 0] - low) / (high - low)
        for i, seed in enumerate(_SEEDS)
    ]
    return np.round(255 * np.stack(squares)).astype(np.uint8)


def write_self_test(folder: Path, test: SelfTest) -> None:
    """Write the self-test of the bundle in `folder`: the same bytes for the same arrays."""
    write_arrays(folder / SELF_TEST, {name: getattr(test, name) for name in _ARRAYS})


def read_self_test(folder: Path, card: ModelCard) -> SelfTest | None:
    """Read the self-test of a bundle, None where it has none. Raises ModelError on one that is not this model's."""
    path = folder / SELF_TEST
    if not path.exists():
        return None
    try:
        test = SelfTest(**read_arrays(path, _ARRAYS))
    except ValueError as error:
        raise ModelError(f"{card.id} is not served: its {SELF_TEST} cannot be read ({error}); restore it") from error
    number = len(test.pixels) if test.pixels.ndim else 0
    fits = test.pixels.dtype == np.uint8 and test.pixels.shape == (number, card.input.height, card.input.width)
    fits &= test.logits.ndim == 2 and len(test.logits) == number > 0  # the gate gives more logits than it has classes
    if not fits or test.maps.ndim != 3 or len(test.maps) != number:
        raise ModelError(f"{card.id} is not served: its {SELF_TEST} is that of another model; restore it")
    return test


def require_same_logits(folder: Path, card: ModelCard, runtime: Runtime) -> None:
    """Raise ModelError where the model in `folder` gives other logits here than when it was made."""
    test = read_self_test(folder, card)
    if test is None:
        return
    found = runtime.logits(test.inputs(card.input))
    if found.shape != test.logits.shape:
        raise differs(card, f"{found.shape[1]} logits, not {test.logits.shape[1]}")
    largest = float(np.abs(test.logits).max())
    apart = float(np.abs(found - test.logits).max()) / max(largest, 1e-6)
    if not apart <= TOLERANCE[runtime.precision]:  # NaN is not
        where = f"on {runtime.engine} in {runtime.precision}"
        raise differs(card, f"its logits by {100 * apart:.1f} % of the largest, {where}")


def require_same_maps(card: ModelCard, test: SelfTest, maps: np.ndarray) -> None:
    """Raise ModelError where Grad-CAMs (N, h', w') made here are not those of the self-test."""
    same_shape = maps.shape == test.maps.shape
    lengths = np.linalg.norm(test.maps.reshape(len(test.maps), -1), axis=1)
    gaps = np.linalg.norm((maps - test.maps).reshape(len(maps), -1), axis=1) if same_shape else lengths
    apart = float((gaps / np.maximum(lengths, 1e-6)).max())
    if not same_shape or not apart <= MAP_TOLERANCE:
        raise differs(card, f"its Grad-CAM by {100 * apart:.1f} %")


def differs(card: ModelCard, what: str) -> ModelError:
    """Return the sentence that keeps a model from being served."""
    return ModelError(
        f"{card.id} is not served: for the phantoms of its self-test it does not give what it gave when it was made "
        f"({what}); restore its files, or install the versions in requirements.txt"
    )
