"""A backbone keeps its own preprocessing, names and numbers of weights as a recipe's network."""

import json
import sys
import zipfile
from functools import cache

import keras
import numpy as np
import pytest
from PIL import Image

from explain.__main__ import main as explain
from explain.submodels import view_of
from model_zoo.runtime import make_runtime
from model_zoo.tap import find_tap
from scans import phantom
from tests.conftest import write_bundle
from train import networks
from train.backbones import BACKBONES, backbone_layers, preprocessed, stock
from train.precision import dtype_policy
from train.recipe import Recipe

pytestmark = pytest.mark.slow

# backbone -> smallest side in pixels at which its last map has more than one cell, and the layer of that map
TESTED = {
    "resnet50": (64, "conv5_block3_out"),
    "resnet152": (64, "conv5_block3_out"),
    "resnet50v2": (64, "post_relu"),
    "resnet152v2": (64, "post_relu"),
    "vgg16": (32, "block5_conv3"),
    "densenet121": (64, "relu"),
    "efficientnetv2b0": (64, "top_activation"),
    "mobilenetv3small": (64, "activation_17"),
    "mobilenetv3large": (64, "activation_19"),
    "xception": (75, "block14_sepconv2_act"),
    "efficientnet-lite0": (64, "top_relu"),
}


def recipe(name: str, **changes) -> Recipe:
    return Recipe(**{"task": "phantom4", "network": name, "size": TESTED.get(name, (32,))[0]} | changes)


@cache
def network(name: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    return networks.build(recipe(name, trainable=20), 4)


def backbone_input(scans: np.ndarray, **settings) -> np.ndarray:
    scan = keras.Input(scans.shape[1:])
    return keras.ops.convert_to_numpy(keras.Model(scan, preprocessed(scan, Recipe(task="phantom4", **settings)))(scans))


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_the_input_of_every_backbone_is_that_of_its_preprocess_input(name):
    pixels = np.random.default_rng(0).random((2, 6, 6, 3), dtype=np.float32)
    expected = sys.modules[BACKBONES[name].__module__].preprocess_input(255.0 * pixels)
    np.testing.assert_allclose(backbone_input(pixels, network=name), expected, rtol=1e-5, atol=1e-4)


def test_unit_pixels_stay_as_they_are():
    pixels = np.random.default_rng(0).random((2, 6, 6, 3), dtype=np.float32)
    assert np.array_equal(backbone_input(pixels, network="resnet50", pixels="unit"), pixels)


@pytest.mark.parametrize("pixels", ["backbone", "unit"])
def test_one_channel_becomes_three_equal_ones(pixels):
    grey = np.random.default_rng(0).random((2, 6, 6, 1), dtype=np.float32)
    three = backbone_input(np.repeat(grey, 3, axis=-1), network="resnet50", pixels=pixels)
    assert np.array_equal(backbone_input(grey, network="resnet50", pixels=pixels, channels=1), three)


@pytest.mark.parametrize("name", TESTED)
def test_a_backbone_returns_logits_and_its_feature_map_is_the_last(name):
    side, tap = TESTED[name]
    pixels = np.random.default_rng(0).random((2, side, side, 3), dtype=np.float32)
    logits = keras.ops.convert_to_numpy(network(name)(pixels))
    assert logits.shape == (2, 4) and np.isfinite(logits).all()
    assert find_tap(network(name)) == tap


@pytest.mark.parametrize("name", ["resnet50", "mobilenetv3small", "efficientnetv2b0", "xception"])
def test_the_layers_keep_the_names_and_order_of_keras_whatever_was_built_before(name):
    """Xception's short cuts, for one, are numbered by the process: conv2d_4 after another Xception."""
    names = [layer.name for layer in stock(name, TESTED[name][0]).layers[1:]]
    assert [layer.name for layer in backbone_layers(network(name))] == names


@pytest.mark.parametrize("name", TESTED)
def test_the_last_layers_are_trainable_and_no_others(name):
    flags = [layer.trainable for layer in backbone_layers(network(name))]
    assert flags == [False] * (len(flags) - 20) + [True] * min(20, len(flags))
    assert all(network(name).get_layer(head).trainable for head in ("dropout", "logits"))


@pytest.mark.parametrize(("trainable", "share"), [(0, 0.0), (-1, 1.0)])
def test_none_or_all_of_a_backbone_is_trained(trainable, share):
    flags = [x.trainable for x in backbone_layers(networks.build(recipe("mobilenetv3small", trainable=trainable), 4))]
    assert np.mean(flags) == share


def test_frozen_batch_normalisation_keeps_its_moments_and_the_rest_does_not():
    model = networks.build(recipe("mobilenetv3small", trainable=20), 4)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [np.array(norm.moving_mean) for norm in norms]
    model(np.random.default_rng(0).random((4, 64, 64, 3), dtype=np.float32), training=True)
    moved = [not np.array_equal(old, norm.moving_mean) for old, norm in zip(before, norms, strict=True)]
    assert moved == [norm.trainable for norm in norms] and any(moved) and not all(moved)


@pytest.mark.parametrize("name", ["mobilenetv3small", "resnet50v2", "efficientnet-lite0"])
def test_a_network_that_trains_on_small_pictures_first_is_saved_for_its_own_size(name):
    early = recipe(name, size=64, early_size=32, early=0.5)
    keras.utils.set_random_seed(0)
    trained = networks.build(early, 4, training=True)
    pixels = np.random.default_rng(0).random((2, 64, 64, 3), dtype=np.float32)
    assert trained(pixels[:, :32, :32]).shape == (2, 4)
    saved = networks.inference_copy(trained, early, 4)
    assert saved.input_shape == (None, 64, 64, 3)
    np.testing.assert_allclose(np.array(saved(pixels)), np.array(trained(pixels)), rtol=1e-4, atol=1e-5)


def test_a_head_of_pools_needs_four_cells_a_side():
    model = networks.build(recipe("mobilenetv3small", size=128, head="pool4-flatten"), 15)
    assert model.get_layer("head_pool").output.shape == (None, 1, 1, 576)
    assert model.get_layer("features").output.shape == (None, 576)
    with pytest.raises(ValueError, match=r"4 x 4 cells; mobilenetv3small at size=64 has 2 x 2"):
        networks.build(recipe("mobilenetv3small", head="pool4-flatten"), 15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"size": 70}, "size=70 is too small for xception; it takes 71 or more"), ({"channels": 2}, "takes 1 or 3")],
)
def test_an_input_that_a_backbone_cannot_take_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        networks.build(recipe("xception", **changes), 4)
    with pytest.raises(ValueError, match=message):
        networks.build(recipe("xception", **{"early_size": 90, "early": 0.5} | changes), 4, training=True)


def test_under_bfloat16_pixels_are_prepared_and_the_head_computes_in_float32():
    with dtype_policy("mixed_bfloat16"):
        model = networks.build(recipe("mobilenetv3small"), 4)
    types = {name: model.get_layer(name).compute_dtype for name in ("shown", "conv", "features", "logits")}
    assert types == {"shown": "float32", "conv": "bfloat16", "features": "float32", "logits": "float32"}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A zoo with one bundle: MobileNetV3Small with random weights."""
    folder = tmp_path_factory.mktemp("zoo")
    write_bundle(folder / "mobilenetv3small-phantom4", network("mobilenetv3small"))
    return folder


@pytest.mark.parametrize("name", ["mobilenetv3small", "resnet50"])
def test_the_saved_model_is_made_of_stock_layers_and_loads_in_safe_mode(name, tmp_path):
    pixels = np.random.default_rng(0).random((2, *network(name).input_shape[1:]), dtype=np.float32)
    network(name).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        parts = json.loads(archive.read("config.json"))["config"]["layers"]
    assert {part["module"].split(".")[0] for part in parts} == {"keras"}
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    assert np.array_equal(loaded(pixels), network(name)(pixels))


@pytest.mark.parametrize("name", ["resnet50", "mobilenetv3small"])
def test_the_fast_runtime_and_the_explainers_view_give_the_same_logits(name):
    """ResNet50 takes blue before red: the swap must survive both."""
    pixels = np.random.default_rng(0).random((2, 64, 64, 3), dtype=np.float32)
    exact = keras.ops.convert_to_numpy(network(name)(pixels))
    maps, logits = view_of(network(name)).graph(pixels)
    assert maps.shape[:3] == (2, 2, 2)
    np.testing.assert_allclose(logits, exact, atol=1e-5 * np.abs(exact).max())
    fast = make_runtime(network(name), precision="f32").logits(pixels)
    np.testing.assert_allclose(fast, exact, atol=1e-3 * np.abs(exact).max())


def test_grad_cam_explains_a_backbone_from_the_command_line(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    pixels = np.round(255 * phantom("glioma", 0, 96).scan.pixels).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.png")
    out = tmp_path / "out"
    asked = ["--model", "mobilenetv3small-phantom4", "--method", "gradcam", "--out", str(out)]
    assert explain([str(tmp_path / "scan.png"), *asked]) == 0
    heat = np.load(out / "scan.gradcam.npy")
    assert heat.shape == (96, 96) and np.isfinite(heat).all()
