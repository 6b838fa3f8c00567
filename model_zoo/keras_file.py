"""Keras files that others made: read without running code, and made to return logits."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from model_zoo.backend import import_keras
from model_zoo.card import ModelError
from model_zoo.onnx_network import LOGITS, SOFTMAX

_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
KERAS_BEGINNINGS = (_ZIP, _HDF5)
# layers that run code, or read files that their configuration names
_REFUSED = {
    "Lambda",
    "__lambda__",
    "TFSMLayer",
    "TorchModuleWrapper",
    "JaxLayer",
    "FlaxLayer",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
}


def read_keras(path: Path, data: bytes):
    """Return the network in a .keras or .h5 file. Raises ModelError on what is none, or might run code."""
    config = _config(path.name, data)
    for entry in _objects(config):
        _require_known(path.name, entry)
    keras = import_keras()
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
        plain = len(network.inputs) == len(network.outputs) == 1
    except Exception as error:  # Keras raises whatever a damaged configuration provokes
        reason = str(error).strip().partition("\n")[0][:200]
        raise ModelError(f"{path.name} is no Keras model that loads ({reason}); save it again with Keras 3") from error
    if not plain:
        raise ModelError(f"{path.name} has several inputs or outputs; a classifier has one of each: save it so")
    if len(network.input_shape) != 4:
        raise ModelError(f"{path.name} takes an input of shape {network.input_shape}; pictures have four dimensions")
    return network


def network_of(network, shape: tuple[int, int, int], mean: Sequence[float], std: Sequence[float], *, logarithm=False):
    """Return what the outputs are, and a network of pixels (N, *shape) that returns logits.

    A softmax at the end is left out; with `logarithm` the outputs are probabilities.
    """
    keras = import_keras()
    from model_zoo.logits import is_softmax, logits_of  # here: it loads TensorFlow

    cut = logits_of(network)
    kind = SOFTMAX if is_softmax(network.layers[-1]) else LOGITS
    inputs = keras.layers.Input(shape)
    x = inputs
    if mean or std:
        x = keras.layers.Normalization(
            mean=list(mean) or [0.0] * shape[2], variance=[s * s for s in std] or [1.0] * shape[2]
        )(x)
    x = cut(x)
    if logarithm:
        x = keras.ops.log(keras.ops.maximum(x, 1e-12))
    as_it_is = not (mean or std or logarithm) and network.input_shape[1:] == shape
    return kind, cut if as_it_is else keras.Model(inputs, x)


def _config(name: str, data: bytes) -> dict:
    """Return the configuration of the network in a file. Raises ModelError where there is none."""
    try:
        if data.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(data)) as file:
                return json.loads(file.read("config.json"))
        import h5py

        with h5py.File(io.BytesIO(data)) as file:
            return json.loads(file.attrs["model_config"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{name} holds no Keras network ({type(error).__name__}); weights alone are not enough: save the whole "
            "model with model.save"
        ) from error


def _objects(config: object) -> Iterator[dict]:
    """Yield every part of a configuration that names a class."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        for value in config.values():
            yield from _objects(value)
    elif isinstance(config, list):
        for value in config:
            yield from _objects(value)


def _require_known(name: str, entry: dict) -> None:
    """Raise ModelError on a class that is not Keras' own, or one that could run code or read files."""
    kind, module = str(entry["class_name"]), str(entry.get("module") or "keras")
    if kind in _REFUSED:
        raise ModelError(f"{name} has the layer {kind}, which runs code or reads files; export it to ONNX instead")
    if module.split(".")[0] not in ("keras", "builtins") or (kind, module) == ("function", "builtins"):
        raise ModelError(f"{name} needs {module}.{kind}, which is not a layer of Keras; export it to ONNX instead")
