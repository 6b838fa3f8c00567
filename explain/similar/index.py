"""The index of a model: the features of known scans, by which similar cases are found.

The features are what the model's last layer reads. In Candor's network that is the mean of its evidence map, so a scan
is like another where their evidence is. `python -m explain similar-index` writes `similar_cases.npz` into a bundle:
scans of the training part of today's division, so that no test scan is ever a neighbour.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from datasets.near_duplicates import POSITIONS, SIDE
from model_zoo import Model, ModelError
from model_zoo.backend import import_keras
from model_zoo.runtime import Runtime, make_runtime
from model_zoo.whole_files import read_arrays, write_arrays

SIMILAR_INDEX = "similar_cases.npz"
_MOST = 128  # features; more are reduced to their principal components
_COMPONENTS = 96


@dataclass(frozen=True)
class SimilarIndex:
    """Known scans, N of them. `axes` float16 (F, C) and `centre` float16 (F,) reduce features; (0, 0) and (0,): none.

    `features` are float16 (N, C), of length 1; `bits` uint8 (N, 32), the packed difference hash of the head. `names`
    are paths below the data folder, or in the reference set where `shipped` is true.
    """

    weights_sha256: str
    axes: np.ndarray
    centre: np.ndarray
    features: np.ndarray
    bits: np.ndarray
    names: np.ndarray  # str (N,)
    labels: np.ndarray  # str (N,), one of the model's classes
    cohorts: np.ndarray
    sequences: np.ndarray  # "" where it is not known
    planes: np.ndarray
    groups: np.ndarray
    shipped: np.ndarray  # bool (N,)

    def __len__(self) -> int:
        return len(self.names)


_ARRAYS = tuple(field.name for field in fields(SimilarIndex) if field.name != "weights_sha256")


def write_index(folder: Path, index: SimilarIndex) -> Path:
    """Write the index into a bundle, whole, the same bytes for the same arrays; return its path."""
    arrays = {"weights_sha256": index.weights_sha256} | {name: getattr(index, name) for name in _ARRAYS}
    write_arrays(folder / SIMILAR_INDEX, arrays)
    return folder / SIMILAR_INDEX


def read_index(folder: Path, weights_sha256: str) -> SimilarIndex | None:
    """Return the index of a bundle, None where it has none. Raises ModelError on one of other weights, or damaged."""
    path = folder / SIMILAR_INDEX
    return _read(path, path.stat().st_mtime_ns, weights_sha256) if path.exists() else None


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, weights_sha256: str) -> SimilarIndex:
    remedy = f"run `python -m explain similar-index {path.parent.name}` again"
    try:
        arrays = read_arrays(path, ["weights_sha256", *_ARRAYS])
        index = SimilarIndex(str(arrays.pop("weights_sha256")), **arrays)
        if index.features.ndim != 2 or index.bits.ndim != 2 or not np.isfinite(index.features).all():
            raise ValueError("it holds no rows of features")
        if len({len(arrays[name]) for name in _ARRAYS if name not in ("axes", "centre")}) != 1:
            raise ValueError("its arrays are not of as many scans")
    except (ValueError, TypeError) as error:  # TypeError: an array without a length
        raise ModelError(f"{path.parent.name}/{SIMILAR_INDEX} cannot be read ({error}); {remedy}") from error
    if index.weights_sha256 != weights_sha256:
        raise ModelError(f"{path.parent.name}/{SIMILAR_INDEX} is that of other weights; {remedy}")
    return index


_runtimes: dict[str, Runtime] = {}  # by the sha256 of the model's weights
_KEPT = 4
_making_room = Lock()


def features_of(model: Model, batch: np.ndarray) -> np.ndarray:
    """Return what the model's last layer reads, float32 (N, F), for a batch (N, h, w, c) made by `fit`.

    Raises ModelError where that is no row of features.
    """
    weights = model.card.weights_sha256
    runtime = _runtimes.get(weights)  # another thread may make room at any moment
    if runtime is None:
        if not model.card.differentiable:
            raise ModelError(f"{model.card.id} has no features to compare: an ONNX file gives its predictions alone")
        keras, network = import_keras(), model.network
        read = network.layers[-1].input
        if len(read.shape) != 2:
            raise ModelError(f"{model.card.id} has no features to compare: its last layer reads {read.shape}")
        runtime = make_runtime(keras.Model(network.inputs[0], read), precision=model.runtime.precision)
        with _making_room:
            while len(_runtimes) >= _KEPT:
                _runtimes.pop(next(iter(_runtimes)))
            _runtimes[weights] = runtime
    return runtime.logits(batch)


def reduced(features: np.ndarray, axes: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return float32 (N, C) of length 1, of features float32 (N, F)."""
    if axes.size:
        features = (features - centre.astype(np.float32)) @ axes.astype(np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)


def axes_of(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the axes and centre that reduce features (N, F), empty where they are few enough."""
    if features.shape[1] <= _MOST:
        return np.zeros((0, 0), np.float16), np.zeros(0, np.float16)
    from sklearn.decomposition import PCA

    found = PCA(_COMPONENTS, random_state=0).fit(features)
    return found.components_.T.astype(np.float16), found.mean_.astype(np.float16)


def packed(bits: np.ndarray) -> np.ndarray:
    """Return hashes of -1 and 1, int8 (..., 256), as bytes, uint8 (..., 32)."""
    return np.packbits(bits > 0, axis=-1)


def bits_apart(positions: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return int (N,): how many bits hashes uint8 (N, 32) are from the nearest of a scan's eight positions (8, 32)."""
    assert positions.shape == (len(POSITIONS), SIDE * SIDE // 8)
    return np.bitwise_count(positions[:, None] ^ known).sum(axis=2).min(axis=0)
