"""ONNX networks: read by OpenVINO from bytes, so that a file can name no other, and cut at the softmax.

Nothing of the file is run as code: ONNX names operations, and OpenVINO brings its own for each.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from model_zoo.backend import import_openvino
from model_zoo.card import ModelCard, ModelError
from model_zoo.runtime import Runtime, onnx_runtime
from model_zoo.weights import read_checked

LAYOUTS = ("nhwc", "nchw")
# what the outputs were, and so what is done to them; on the card
SOFTMAX, PROBABILITIES, LOGITS = "softmax, left out", "probabilities, of which the logarithm is taken", "logits"


@dataclass(frozen=True)
class InputFacts:
    """What a network says of its input: "" or 0 where it takes any."""

    height: int
    width: int
    channels: int
    layout: str  # one of LAYOUTS
    batch: int


def read_onnx(data: bytes, name: str):
    """Return the OpenVINO model of an ONNX file. Raises ModelError where it is none, or has unknown operations."""
    try:
        return import_openvino().Core().read_model(io.BytesIO(data))
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{name} cannot be read as a network ({_reason(error)}); give an ONNX (.onnx) or Keras file (.keras, .h5)"
        ) from error


def input_facts(graph, name: str, layout: str = "") -> InputFacts:
    """Return what the graph says of its input; `layout` where the user knows it.

    Raises ModelError unless there is one input of four dimensions and one output, and where the layout is not clear.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ModelError(
            f"{name} has {_listed(graph.inputs, 'input')} and {_listed(graph.outputs, 'output')}; a classifier that "
            "Candor takes has one picture as its input and one row of class scores as its output: export it so"
        )
    sizes = [0 if each.is_dynamic else each.get_length() for each in graph.input(0).partial_shape]
    if len(sizes) != 4:
        raise ModelError(f"{name} takes an input of {len(sizes)} dimensions; a batch of pictures has four")
    if not layout:
        if sizes[3] not in (1, 3) and sizes[1] not in (1, 3):
            raise ModelError(f"{name} does not say where its channels are; add --layout nhwc or --layout nchw")
        layout = "nhwc" if sizes[3] in (1, 3) else "nchw"
    batch, *rest = sizes
    height, width, channels = rest if layout == "nhwc" else (*rest[1:], rest[0])
    return InputFacts(height, width, channels, layout, batch)


def ends_in_softmax(graph) -> bool:
    """Return whether the last operation is a softmax."""
    return graph.get_results()[0].input_value(0).get_node().get_type_name() == "Softmax"


def prepared(graph, shape: tuple[int, int, int], layout: str, mean: list[float], std: list[float], outputs: str):
    """Return a graph from float32 (N, height, width, channels) to logits (N, K), and how many scans it takes at once.

    `mean` and `std` are per channel, [] for none; `outputs` is SOFTMAX, PROBABILITIES or LOGITS. The second value is 0
    where the graph takes any number.
    """
    import openvino as ov
    from openvino import opset13 as ops
    from openvino.preprocess import PrePostProcessor

    value = graph.get_results()[0].input_value(0)
    if outputs == SOFTMAX:
        value = value.get_node().input_value(0)
    if outputs == PROBABILITIES:
        value = ops.log(ops.maximum(value, ops.constant(1e-12, value.get_element_type()))).output(0)
    cut = ov.Model([value], graph.get_parameters(), "logits")
    height, width, channels = shape
    full = [height, width, channels] if layout == "nhwc" else [channels, height, width]
    at_once = 0
    try:
        cut.reshape(ov.PartialShape([-1, *full]))
    except RuntimeError:  # a batch size that is written into the graph, as many exporters do
        at_once = 1
        cut.reshape(ov.PartialShape([1, *full]))
    steps = PrePostProcessor(cut)
    steps.input().tensor().set_element_type(ov.Type.f32).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout(layout.upper()))
    if mean:
        steps.input().preprocess().mean(mean)
    if std:
        steps.input().preprocess().scale(std)
    steps.output().tensor().set_element_type(ov.Type.f32)
    return steps.build(), at_once


def load_onnx(folder: Path, card: ModelCard, *, engine: str = "auto", precision: str = "auto") -> Runtime:
    """Return the forward pass of the bundle in `folder`. Raises ModelError on another file than that of its card."""
    if engine not in ("auto", "openvino"):
        raise ModelError(f"{card.id} is an ONNX file, which runs on OpenVINO alone, not on {engine}")
    graph = read_onnx(read_checked(folder / card.weights_file, card.weights_sha256), card.weights_file)
    facts = card.imported
    mean, std = ([float(x) for x in facts[name].split()] for name in ("mean", "std"))
    logits, at_once = prepared(graph, card.input.shape, facts["layout"], mean, std, facts["outputs"])
    return onnx_runtime(logits, len(card.classes), precision=precision, at_once=at_once)


def _listed(ports, what: str) -> str:
    names = ", ".join(sorted(port.get_any_name() if port.get_names() else "?" for port in ports))
    return f"{len(ports)} {what}{'' if len(ports) == 1 else 's'} ({names})"


def _reason(error: Exception) -> str:
    """Return the last line of an OpenVINO error that says something: the first ones name its source files."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Exception from")]
    return (told[-1] if told else "no reason given")[:200].rstrip(".")
