"""The fastest way to the logits of a batch on this machine.

OpenVINO where it is installed, in bfloat16 where the processor multiplies it; a traced `tf.function`
otherwise. In float32 both give the same logits; bfloat16 stays within 3 % of the largest
(tests/model_zoo/test_runtime.py), and the precision is recorded.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from model_zoo.backend import import_openvino
from model_zoo.threads import openvino_threads

_CHUNK = 4  # scans per request
_REQUESTS = 2  # at once, when there is more than one chunk
_JAX_BATCH = 32  # scans per call of the forward pass on JAX

ENGINES = ("auto", "openvino", "tensorflow", "keras")
PRECISIONS = ("auto", "f32", "bf16")


@dataclass(frozen=True)
class Runtime:
    """A forward pass: `logits(batch)` takes float32 (N, h, w, c) and returns float32 (N, K)."""

    logits: Callable[[np.ndarray], np.ndarray]
    engine: str  # one of ENGINES, never "auto"
    precision: str  # "f32" or "bf16"


def make_runtime(network, *, engine: str = "auto", precision: str = "auto") -> Runtime:
    """Return the forward pass of a Keras network, which must return logits.

    `engine` is one of ENGINES, `precision` one of PRECISIONS; "auto" takes the faster that exists here. Where
    Keras runs on JAX or torch, as a trainer may, Keras itself is the engine.
    Raises ValueError on another name, ImportError where OpenVINO is requested and not installed.
    """
    if engine not in ENGINES or precision not in PRECISIONS:
        raise ValueError(
            f"no runtime {engine!r} in {precision!r}; engines are {', '.join(ENGINES)}, "
            f"precisions {', '.join(PRECISIONS)}"
        )
    from model_zoo.layers import in_precision, layers_of  # they import Keras

    # OpenVINO cannot convert bfloat16, and a runtime says its precision.
    if any(layer.compute_dtype != "float32" for layer in layers_of(network)):
        network = in_precision(network, "float32")
    if engine == "keras" or _backend() != "tensorflow":
        return _keras(network)
    if engine == "tensorflow":
        return _tensorflow(network)
    try:
        return _openvino(network, precision)
    except ImportError as error:
        if engine == "openvino":
            raise ImportError("the OpenVINO runtime needs its package: pip install openvino") from error
        _say_that_openvino_is_missing()
        return _tensorflow(network)


def _keras(network) -> Runtime:
    """Return the forward pass of Keras on any backend; several threads may call it, as they do for a teacher.

    Not `predict_on_batch`: on JAX it hands the weights over to each call and takes them back after it, so that a
    second thread finds them deleted (seen with Keras 3.15).
    """
    import keras

    if _backend() == "jax":
        return Runtime(_jax_forward(network), "keras", "f32")
    return Runtime(
        lambda batch: keras.ops.convert_to_numpy(network(batch, training=False)).astype(np.float32), "keras", "f32"
    )


def _jax_forward(network) -> Callable[[np.ndarray], np.ndarray]:
    """Return the forward pass, compiled once, of the weights that the network has now.

    JAX compiles anew for each number of scans, a minute for a deep network, so that all calls have the same.
    """
    import jax

    weights = [[variable.value for variable in kind] for kind in _variables(network)]

    @jax.jit
    def forward(weights, batch):
        return network.stateless_call(*weights, batch, training=False)[0]

    def logits(batch: np.ndarray) -> np.ndarray:
        out = np.empty((len(batch), network.output_shape[-1]), np.float32)
        for start in range(0, len(batch), _JAX_BATCH):
            part = np.asarray(batch[start : start + _JAX_BATCH], np.float32)
            full = np.concatenate([part, np.zeros((_JAX_BATCH - len(part), *part.shape[1:]), np.float32)])
            with jax.default_matmul_precision("float32"):  # a GPU would round to 10 bits of mantissa
                out[start : start + len(part)] = np.asarray(forward(weights, full))[: len(part)]
        return out

    return logits


@cache
def _say_that_openvino_is_missing() -> None:
    """Log it once in a process."""
    logging.getLogger("candor").warning(
        "OpenVINO cannot be imported, so TensorFlow predicts: in float32, and slower; pip install openvino changes that"
    )


def _backend() -> str:
    import keras

    return keras.backend.backend()


def traced(network):
    """Return the forward pass of a Keras network on TensorFlow, for any number of scans."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)]
    return tf.function(lambda batch: network(batch, training=False), input_signature=signature)


def _tensorflow(network) -> Runtime:
    forward = traced(network)
    return Runtime(lambda batch: forward(batch).numpy().astype(np.float32), "tensorflow", "f32")


def _openvino(network, precision: str) -> Runtime:
    core = _core()
    return _compiled(core, openvino_graph(network), network.output_shape[-1], precision)


def openvino_graph(network):
    """Return the forward pass of a Keras network on TensorFlow as an OpenVINO graph.

    Its weights are constants when it is traced: the converter looks for the value of each variable among all of them,
    several times, which took half of the time to load a deep network (OpenVINO 2026.4).
    """
    import tensorflow as tf

    weights = [[variable.numpy() for variable in kind] for kind in _variables(network)]

    @tf.function(input_signature=[tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)])
    def forward(batch):
        constants = [[tf.constant(value) for value in kind] for kind in weights]
        return network.stateless_call(*constants, batch, training=False)[0]

    # Its own weights: shared ones are garbage once the network is collected (seen with OpenVINO 2026.4).
    return import_openvino().convert_model(forward.get_concrete_function(), share_weights=False)


def _variables(network) -> tuple[list, list]:
    """Return the variables of a Keras network as its `stateless_call` takes them."""
    return network.trainable_variables, network.non_trainable_variables


def onnx_runtime(graph, classes: int, *, precision: str = "auto", at_once: int = 0) -> Runtime:
    """Return the forward pass of an OpenVINO graph, which must return logits (N, classes).

    `at_once` is the number of scans that the graph takes, 0 for any.
    """
    return _compiled(_core(), graph, classes, precision, at_once or _CHUNK)


def _core():
    core = import_openvino().Core()
    core.set_property("CPU", openvino_threads())
    return core


def _compiled(core, graph, classes: int, precision: str, chunk: int = _CHUNK) -> Runtime:
    if precision == "auto":
        precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    hints = {"INFERENCE_PRECISION_HINT": precision}
    single = core.compile_model(graph, "CPU", hints | {"PERFORMANCE_HINT": "LATENCY"})
    many = core.compile_model(graph, "CPU", hints | {"PERFORMANCE_HINT": "THROUGHPUT"})

    def logits(batch: np.ndarray) -> np.ndarray:
        out = np.empty((len(batch), classes), np.float32)
        if len(batch) <= chunk:
            out[:] = single.create_infer_request().infer({0: _own(batch)})[0]
            return out

        # Requests in turn, without callbacks: OpenVINO's queue calls Python back from its own threads, and
        # a request freed while one waits for the interpreter's lock never returns (seen with 2026.4).
        requests = [many.create_infer_request() for _ in range(_REQUESTS)]
        running: list[tuple[object, int]] = []
        for start in range(0, len(batch), chunk):
            if len(running) == _REQUESTS:
                requests.append(_finish(running.pop(0), out))
            request = requests.pop(0)
            request.start_async({0: _own(batch[start : start + chunk])})
            running.append((request, start))
        for pending in running:
            _finish(pending, out)
        return out

    return Runtime(logits, "openvino", precision)


def _finish(pending: tuple, out: np.ndarray):
    """Wait for a request, put its logits in their place, and give the request back."""
    request, start = pending
    request.wait()
    logits = request.get_output_tensor(0).data
    out[start : start + len(logits)] = logits
    return request


def _own(batch: np.ndarray) -> np.ndarray:
    # A copy: OpenVINO shares the memory of a contiguous array and some of its layers work in place,
    # which changed the caller's pixels (seen with ResNet50V2, OpenVINO 2026.4).
    return np.array(batch, dtype=np.float32, order="C", copy=True)
