"""Feature map and logits are read from every shape of network, and the network stays as it was."""

import keras
import numpy as np
import pytest

from explain.submodels import view_of
from model_zoo import ModelError
from model_zoo.layers import in_precision
from model_zoo.logits import logits_of
from model_zoo.tap import find_tap
from tests.explain.networks import NETWORKS, make

pytestmark = pytest.mark.slow


@pytest.fixture
def batch(noise) -> np.ndarray:
    return noise[:2]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_post_activation_feature_map_is_found(name):
    assert find_tap(make(name)) == NETWORKS[name][1]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_view_gives_the_map_and_the_logits_the_network_computes(name, batch):
    network = make(name)
    output = network(batch).numpy()
    maps, logits = view_of(network).graph(batch)
    assert maps.shape[0] == 2 and maps.shape[1] > 1 and (maps.numpy() >= 0).all()
    if "softmax" in name:
        powers = np.exp(logits.numpy())
        assert not np.allclose(logits, output)
        np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), output, atol=1e-5)
    else:
        np.testing.assert_allclose(logits, output, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_view_leaves_the_network_as_it_was(name, batch):
    network = make(name)
    before, config, tap = network(batch).numpy(), network.to_json(), find_tap(network)
    view_of(network).graph(batch)
    assert network.to_json() == config and find_tap(network) == tap
    np.testing.assert_array_equal(network(batch).numpy(), before)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_view_of_a_saved_network_is_the_same(name, batch, tmp_path):
    network = make(name)
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    for ours, theirs in zip(view_of(network).graph(batch), view_of(loaded).graph(batch), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "tap"),
    [
        ("ResNet50V2", "post_relu"),
        ("MobileNetV3Small", "activation_17"),
        ("EfficientNetV2B0", "top_activation"),
        ("VGG16", "block5_conv3"),
    ],
)
def test_the_map_of_a_published_backbone_is_the_one_after_its_last_activation(backbone, tap):
    keras.utils.clear_session()  # layer names are numbered from zero
    network = getattr(keras.applications, backbone)(weights=None, input_shape=(64, 64, 3), classes=2)
    assert find_tap(network) == tap


def test_a_network_without_a_map_is_refused():
    network = keras.Sequential([keras.layers.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ModelError):
        find_tap(network)


def test_a_layer_that_does_not_exist_is_refused_with_the_last_ones():
    with pytest.raises(ValueError, match="dense"):
        view_of(make("sequential"), "conv9")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_halved_copy_gives_nearly_the_same_logits(name, batch):
    network = logits_of(make(name))
    exact, half = network(batch).numpy(), in_precision(network, "mixed_bfloat16")(batch)
    assert half.dtype == "bfloat16"
    np.testing.assert_allclose(half.numpy().astype(np.float32), exact, atol=0.03 * np.abs(exact).max())
