"""Small ONNX classifiers, written by the onnx package; its reference evaluator says what they give."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

SIDE, CLASSES = 24, 4


def classifier(
    layout: str = "nchw",
    *,
    channels: int = 3,
    classes: int = CLASSES,
    end: str = "Softmax",
    size: int | None = SIDE,
    batch: int | None = None,
    inputs: int = 1,
    outputs: int = 1,
    op: str = "Relu",
) -> bytes:
    """Return an ONNX file: a convolution, a mean over the map, a dense layer and `end`, "" for logits.

    `size` and `batch` are those in the file, None for any; `op` is the activation.
    """
    rng = np.random.default_rng(0)
    weights = {
        "kernel": rng.normal(size=(8, channels, 3, 3)),
        "dense": 3 * rng.normal(size=(8, classes)),
        "bias": rng.normal(size=classes),
    }
    shape = [batch or "N", channels, size or "H", size or "W"]
    nodes = []
    if layout == "nhwc":
        shape = [shape[0], *shape[2:], shape[1]]
        nodes.append(helper.make_node("Transpose", ["picture"], ["first"], perm=[0, 3, 1, 2]))
    first = "first" if layout == "nhwc" else "picture"
    if inputs == 2:
        nodes.append(helper.make_node("Add", [first, "other"], ["both"]))
        first = "both"
    nodes += [
        helper.make_node("Conv", [first, "kernel"], ["map"], pads=[1, 1, 1, 1]),
        helper.make_node(op, ["map"], ["active"], domain="" if op == "Relu" else "somebody.else"),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "dense", "bias"], ["logits"]),
    ]
    if end:
        nodes.append(helper.make_node(end, ["logits"], ["scores"]))
    name = "scores" if end else "logits"
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("picture", "other")[:inputs]],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in (name, "features")[:outputs]],
        [numpy_helper.from_array(values.astype(np.float32), each) for each, values in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("somebody.else", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def what_onnx_gives(data: bytes, pictures: np.ndarray) -> np.ndarray:
    """Return the output of an ONNX file for its input, computed by the onnx package."""
    return ReferenceEvaluator(onnx.load_from_string(data)).run(None, {"picture": pictures.astype(np.float32)})[0]


def with_data_elsewhere(data: bytes, path: str) -> bytes:
    """Return the ONNX file with its kernel said to be in another file."""
    model = onnx.load_from_string(data)
    for tensor in model.graph.initializer:
        if tensor.name == "kernel":
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", path
    return model.SerializeToString()
