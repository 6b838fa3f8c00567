"""Models that others made: an ONNX or Keras classifier becomes a bundle outside the repository.

No code of the file is run. ONNX is read by OpenVINO from bytes, so that it can name no other file; a Keras file may
hold Keras' own layers alone, and none that runs code or reads files. The bundle returns logits, as all others do: a
softmax at the end is left out. Black-box methods explain an ONNX model, all methods a Keras model.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model_zoo.card import ModelCard, ModelError, read_card, write_card
from model_zoo.card_markdown import write_model_card
from model_zoo.keras_file import KERAS_BEGINNINGS, network_of, read_keras
from model_zoo.onnx_network import (
    LAYOUTS,
    LOGITS,
    PROBABILITIES,
    SOFTMAX,
    ends_in_softmax,
    input_facts,
    prepared,
    read_onnx,
)
from model_zoo.runtime import make_runtime, onnx_runtime
from model_zoo.self_test import SelfTest, phantom_pixels, write_self_test
from model_zoo.tap import tap_or_none
from model_zoo.weights import save_packed, sha256_of
from model_zoo.whole_files import replace_folder, write_whole
from model_zoo.zoo import imported_folder, models, zoo_folder
from scans import InputSpec, as_input
from scans.fit import RESAMPLING

UNKNOWN_DATA = "imported"  # the task of a model of which nobody said what it was trained on
MOST_BYTES = 1_000_000_000
_SMALLEST, _LARGEST = 16, 1024  # pixels
_ADDS_UP = 1e-3  # how far the probabilities of a scan may be from 1 together


@dataclass(frozen=True)
class Choices:
    """What a file does not say of itself. `size`, `channels` and `layout` only where the network takes any."""

    classes: tuple[str, ...]  # ids, in the order of the outputs
    names: tuple[str, ...] = ()  # to show; default: Candor's own, or the id
    size: tuple[int, int] | None = None  # height, width
    channels: int = 0
    layout: str = ""
    value_range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = ()  # per channel, subtracted from pixels in `value_range`; then divided by `std`
    std: tuple[float, ...] = ()
    crop: bool = False
    stretch: bool = False
    resample: str = ""  # one of scans.fit.RESAMPLING; "": as Candor's own models
    trained_on: str = ""  # a task of Candor's whose training part counts as seen in training
    licence: str = "not stated"


def import_model(path: Path, model_id: str, choices: Choices) -> ModelCard:
    """Write a bundle of the model in `path` into the folder of imported models and return its card.

    Raises ModelError, and writes nothing, on a file that is no such model and on choices that do not fit it.
    """
    _check(model_id, choices)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); give an ONNX or Keras file") from error
    if size > MOST_BYTES:
        raise ModelError(f"{path.name} has {size:,} bytes; networks of up to {MOST_BYTES:,} are accepted")
    part = imported_folder() / f".{model_id}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        write = _write_keras if data.startswith(KERAS_BEGINNINGS) else _write_onnx
        write(part, path, data, model_id, choices)
        return read_card(replace_folder(part, imported_folder() / model_id) / "card.json")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check(model_id: str, choices: Choices) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", model_id):
        raise ModelError(
            f"{model_id[:60]!r} cannot be the id of a model: up to 40 small letters, digits, dots and hyphens, as in "
            "my-model; give one with --id"
        )
    if (zoo_folder() / model_id).exists() or model_id == "measured":
        raise ModelError(f"{model_id!r} is the id of one of Candor's own models; give another with --id")
    if len(choices.classes) < 2 or len(set(choices.classes)) < len(choices.classes) or not all(choices.classes):
        raise ModelError("--classes takes two or more different ids with commas, in the order of the model's outputs")
    if choices.names and len(choices.names) != len(choices.classes):
        raise ModelError(f"--names has {len(choices.names)} names for {len(choices.classes)} classes; give one each")
    edges = choices.value_range
    if len(edges) != 2 or not edges[0] < edges[1]:
        given = ",".join(f"{x:g}" for x in edges)
        raise ModelError(f"--range {given} is no range; give the values of black and white, as in 0,255")
    if choices.layout not in ("", *LAYOUTS):
        raise ModelError(f"--layout {choices.layout!r} is unknown; it is {' or '.join(LAYOUTS)}")
    if choices.resample not in ("", *RESAMPLING):
        raise ModelError(f"--resample {choices.resample!r} is unknown; it is {', '.join(RESAMPLING)}")
    tasks = sorted({card.task for card in models().values() if not card.imported})
    if choices.trained_on and choices.trained_on not in tasks:
        raise ModelError(f"--trained-on {choices.trained_on!r} is no dataset of Candor's models: {', '.join(tasks)}")
    if any(not s > 0 for s in choices.std):
        raise ModelError("--std divides the pixels; every number must be above 0")


def _write_onnx(folder: Path, path: Path, data: bytes, model_id: str, choices: Choices) -> None:
    graph = read_onnx(data, path.name)
    facts = input_facts(graph, path.name, choices.layout)
    spec = _spec(path.name, (facts.height, facts.width, facts.channels), choices)
    classes = len(choices.classes)
    scores = graph.output(0).partial_shape
    if len(scores) != 2 or (scores[1].is_static and scores[1].get_length() != classes):
        raise _other_classes(path.name, f"of shape {scores}", classes)
    outputs = SOFTMAX
    if not ends_in_softmax(graph):
        outputs = _kind_of(path.name, _run_onnx(path.name, graph, spec, facts.layout, choices, LOGITS))
        graph = read_onnx(data, path.name)  # preparing one changes it
    logits = _run_onnx(path.name, graph, spec, facts.layout, choices, outputs)
    write_whole(folder / "model.onnx", data)
    said = {
        "format": "ONNX",
        "layout": facts.layout,
        "mean": " ".join(f"{x:g}" for x in choices.mean),
        "std": " ".join(f"{x:g}" for x in choices.std),
        "outputs": outputs,
    }
    parameters = sum(
        int(np.prod(each.get_output_shape(0))) for each in graph.get_ordered_ops() if each.get_type_name() == "Constant"
    )
    _finish(folder, path, model_id, choices, spec, said, logits, tap="", parameters=parameters)


def _run_onnx(name: str, graph, spec: InputSpec, layout: str, choices: Choices, outputs: str) -> np.ndarray:
    """Return what a graph gives for the phantoms, float32 (3, K)."""
    try:
        cut, at_once = prepared(graph, spec.shape, layout, list(choices.mean), list(choices.std), outputs)
        return onnx_runtime(cut, len(choices.classes), precision="f32", at_once=at_once).logits(_phantoms(spec))
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{name} does not run on pictures of {spec.height} x {spec.width} x {spec.channels} ({layout}): "
            f"{str(error).strip().splitlines()[-1][:200]}; check --size, --channels and --layout"
        ) from error


def _write_keras(folder: Path, path: Path, data: bytes, model_id: str, choices: Choices) -> None:
    network = read_keras(path, data)
    if choices.layout == "nchw":
        raise ModelError("a Keras model with its channels first does not run on a processor; convert it to nhwc")
    spec = _spec(path.name, tuple(size or 0 for size in network.input_shape[1:]), choices)
    classes = len(choices.classes)
    if len(network.output_shape) != 2 or network.output_shape[-1] != classes:
        raise _other_classes(path.name, f"of shape {network.output_shape}", classes)
    outputs, logits_network = network_of(network, spec.shape, choices.mean, choices.std)
    logits = _run_keras(path.name, logits_network, spec)
    if outputs == LOGITS and (outputs := _kind_of(path.name, logits)) == PROBABILITIES:
        _, logits_network = network_of(network, spec.shape, choices.mean, choices.std, logarithm=True)
        logits = _run_keras(path.name, logits_network, spec)
    save_packed(logits_network, folder / "model.keras", bits=32)
    said = {"format": "Keras", "outputs": outputs}
    parameters = network.count_params()
    _finish(folder, path, model_id, choices, spec, said, logits, tap=tap_or_none(logits_network), parameters=parameters)


def _run_keras(name: str, network, spec: InputSpec) -> np.ndarray:
    """Return what a network gives for the phantoms, float32 (3, K)."""
    try:
        return make_runtime(network, precision="f32").logits(_phantoms(spec))
    except Exception as error:  # TensorFlow and OpenVINO each have errors of their own
        reason = str(error).strip().partition("\n")[0][:200]
        raise ModelError(f"{name} does not run on this machine ({reason}); export it to ONNX instead") from error


def _spec(name: str, shape: Sequence[int], choices: Choices) -> InputSpec:
    """Return the input of a network whose own shape is (height, width, channels), 0 where it takes any."""
    own, given = tuple(shape[:2]), choices.size
    if given and any(mine not in (0, theirs) for mine, theirs in zip(own, given, strict=True)):
        raise ModelError(f"{name} takes pictures of {own[0]} x {own[1]}, --size says {given[0]} x {given[1]}")
    size = given or own
    if not all(size):
        raise ModelError(f"{name} takes pictures of any size; give the one that it was trained on, as --size 224")
    if not all(_SMALLEST <= side <= _LARGEST for side in size):
        raise ModelError(f"{name}: pictures of {size[0]} x {size[1]}; from {_SMALLEST} to {_LARGEST} are accepted")
    channels = shape[2] or choices.channels or 3
    if choices.channels not in (0, channels) or channels not in (1, 3):
        raise ModelError(f"{name} takes {channels} channels; grey pictures are given as 1 or 3: check --channels")
    for option, values in (("--mean", choices.mean), ("--std", choices.std)):
        if len(values) not in (0, channels):
            raise ModelError(f"{option} has {len(values)} numbers for {channels} channels; give one for each")
    return InputSpec(size[0], size[1], channels, choices.value_range, choices.crop, choices.stretch, choices.resample)


def _phantoms(spec: InputSpec) -> np.ndarray:
    return as_input(phantom_pixels(spec).astype(np.float32) / 255, spec)


def _kind_of(name: str, values: np.ndarray) -> str:
    """Return PROBABILITIES where rows (N, K) are that, else LOGITS. Raises ModelError on what is neither."""
    if not np.isfinite(values).all():
        raise ModelError(f"{name} gives values that are not finite for pictures of a head; its weights may be broken")
    if (values < 0).any() or (values > 1).any():
        return LOGITS
    if (np.abs(values.sum(axis=1) - 1) < _ADDS_UP).all():
        return PROBABILITIES
    raise ModelError(
        f"{name} gives values between 0 and 1 that do not add up to 1, as one sigmoid for each class does; Candor "
        "takes models that choose one class: export the logits, or a softmax"
    )


def limits_of(trained_on: str) -> tuple[str, ...]:
    """Return the limits of an imported model; `trained_on` is the task whose training part counts as seen, or ""."""
    seen = (
        f"The training part of {trained_on} counts as seen in training; Candor cannot check whether it was."
        if trained_on
        else "What it was trained on is not known: any scan may be one that it has seen, and scores may be too high."
    )
    return (
        "Not for diagnosis: a research and teaching tool without regulatory clearance.",
        f"Others made it; Candor measures it and has not trained it. {seen}",
    )


def _other_classes(name: str, seen: str, classes: int) -> ModelError:
    return ModelError(
        f"{name} gives values {seen} and --classes names {classes}; give one id for each output, in their order"
    )


def _finish(
    folder: Path,
    path: Path,
    model_id: str,
    choices: Choices,
    spec: InputSpec,
    said: dict[str, str],
    logits: np.ndarray,
    *,
    tap: str,
    parameters: int,
) -> None:
    """Write the self-test and the cards of the bundle in `folder`, whose weights are there already."""
    if not np.isfinite(logits).all():
        raise ModelError(f"{path.name} gives values that are not finite for pictures of a head; is --range right?")
    own = {label: name for card in models().values() for label, name in zip(card.classes, card.names, strict=True)}
    names = choices.names or tuple(own.get(label, label.capitalize()) for label in choices.classes)
    task = choices.trained_on or UNKNOWN_DATA
    card = ModelCard(
        id=model_id,
        title=f"{model_id}, imported",
        task=task,
        classes=choices.classes,
        names=names,
        input=spec,
        tap=tap,
        parameters=parameters,
        recipe={"task": task, "network": UNKNOWN_DATA, "size": spec.height, "channels": spec.channels},
        dataset=f"Counted as seen: the training part of {task}" if choices.trained_on else "Not known",
        dataset_version="not known",
        fingerprint="",
        scans={},
        weights_sha256="",
        weights_bytes=0,
        temperature=1.0,
        licence=choices.licence,
        scores=(),
        limits=limits_of(choices.trained_on),
        imported={"file": path.name, "sha256": sha256_of(path)} | said,
    )
    weights = folder / card.weights_file
    card = replace(card, weights_sha256=sha256_of(weights), weights_bytes=weights.stat().st_size)
    write_self_test(folder, SelfTest(phantom_pixels(spec), logits, np.zeros((len(logits), 0, 0), np.float32)))
    write_card(card, folder / "card.json")
    write_model_card(card, folder)
