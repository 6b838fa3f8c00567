"""Every engine gives the same logits, whatever the batch, and leaves the pixels alone."""

import gc
import sys

import numpy as np
import pytest

from model_zoo import model_card, runtime
from model_zoo.gate import GATE, gate_folder
from model_zoo.layers import in_precision
from model_zoo.runtime import make_runtime
from model_zoo.weights import load_checked
from tests.conftest import tiny_network


@pytest.fixture(scope="module")
def network():
    return tiny_network()


@pytest.mark.parametrize("number", [1, 2, 4, 5, 33])
@pytest.mark.parametrize("engine", ["openvino", "tensorflow", "keras"])
def test_engines_agree_with_keras_in_float32(network, engine, number):
    batch = np.random.default_rng(number).random((number, 32, 32, 3), dtype=np.float32)
    runtime = make_runtime(network, engine=engine, precision="f32")
    assert (runtime.engine, runtime.precision) == (engine, "f32")
    np.testing.assert_allclose(runtime.logits(batch), network(batch).numpy(), atol=1e-5)


def test_bfloat16_stays_near_float32(network, noise):
    runtime = make_runtime(network, engine="openvino", precision="bf16")
    assert runtime.precision == "bf16"
    exact = network(noise).numpy()
    assert np.abs(runtime.logits(noise) - exact).max() < 0.03 * np.abs(exact).max()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
@pytest.mark.parametrize("engine", ["openvino", "tensorflow", "keras"])
def test_a_network_of_another_precision_predicts_in_float32(network, noise, engine, policy):
    runtime = make_runtime(in_precision(network, policy), engine=engine, precision="f32")
    np.testing.assert_allclose(runtime.logits(noise), network(noise).numpy(), atol=1e-5)


def test_a_network_with_an_operation_that_is_no_layer_is_copied_into_another_precision():
    """ResNet50 on ImageNet's terms swaps red and blue with `keras.ops.flip`, which takes no dtype."""
    import keras

    scan = keras.layers.Input((8, 8, 3))
    logits = keras.layers.Dense(2)(keras.layers.Flatten()(keras.ops.flip(scan, axis=-1)))
    network = keras.Model(scan, logits)
    batch = np.random.default_rng(0).random((2, 8, 8, 3), dtype=np.float32)
    copy = in_precision(network, "mixed_bfloat16")
    assert copy.layers[-1].compute_dtype == "bfloat16"
    np.testing.assert_allclose(np.asarray(copy(batch), np.float32), network(batch).numpy(), atol=0.05)


@pytest.mark.slow
def test_a_deep_network_agrees_and_the_caller_s_pixels_stay_as_they_were():
    """A strided, padded residual network in many requests: its first layers once worked in the caller's memory."""
    import keras

    keras.utils.set_random_seed(0)
    network = keras.applications.ResNet50V2(
        weights=None, input_shape=(64, 64, 3), classes=4, classifier_activation=None
    )
    batch = np.random.default_rng(0).random((9, 64, 64, 3), dtype=np.float32)
    before = batch.copy()
    logits = make_runtime(network, engine="openvino", precision="f32").logits(batch)
    np.testing.assert_array_equal(batch, before)
    np.testing.assert_allclose(logits, network(batch).numpy(), atol=1e-4)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_runtime_outlives_its_network(engine):
    """OpenVINO shared the memory of the weights: the gate, which keeps no network, gave garbage after a while."""
    card = model_card(GATE)
    network = load_checked(gate_folder() / "model.keras", card.weights_sha256)
    batch = np.random.default_rng(0).random((1, *card.input.shape), dtype=np.float32)
    runtime = make_runtime(network, engine=engine, precision="f32")
    before = runtime.logits(batch).copy()
    del network
    gc.collect()
    others = [np.full(size, 1e30, np.float32) for size in range(1000, 400_000, 997)]
    del others[::2]
    others += [np.full(size, np.nan, np.float32) for size in range(500, 300_000, 501)]
    np.testing.assert_array_equal(runtime.logits(batch), before)


@pytest.fixture
def said_nothing():
    """This process has not said yet that OpenVINO is missing, neither before the test nor after it."""
    runtime._say_that_openvino_is_missing.cache_clear()
    yield
    runtime._say_that_openvino_is_missing.cache_clear()


def test_without_openvino_tensorflow_predicts(network, noise, monkeypatch, said_nothing):
    monkeypatch.setitem(sys.modules, "openvino", None)  # as if it were not installed
    runtime = make_runtime(network)
    assert (runtime.engine, runtime.precision) == ("tensorflow", "f32")
    np.testing.assert_allclose(runtime.logits(noise), network(noise).numpy(), atol=1e-5)


def test_asking_for_a_missing_openvino_says_how_to_get_it(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError, match="pip install openvino"):
        make_runtime(network, engine="openvino")


def test_an_unknown_engine_is_refused_with_the_ones_there_are(network):
    with pytest.raises(ValueError, match="auto, openvino, tensorflow, keras"):
        make_runtime(network, engine="onnx")


def test_no_use_is_reported(network):
    make_runtime(network, engine="openvino")
    assert sys.modules["openvino_telemetry"] is None
