"""The networks that recipes name are the published ones, weight for weight where the publisher counts them."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from train import networks
from train.backbones import backbone_layers
from train.recipe import Recipe, find_recipe, recipe_ids


def test_cnn3_has_the_published_number_of_weights():
    recipe, _ = find_recipe("cnn3-kaggle4")
    assert networks.build(recipe, 4).count_params() == 5_402_308


def test_an_unknown_network_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no network 'resnet18'; .*candor, .*cnn3, .*resnet50v2"):
        networks.build(Recipe(task="kaggle4", network="resnet18"), 4)


@pytest.mark.parametrize(
    ("network", "penalised"),
    [("cnn3", {"conv1", "conv2", "conv3", "dense"}), ("mobilenetv3small", {"dense", "logits"})],
)
def test_l2_penalises_the_kernels_of_a_plain_network_or_of_a_head(network, penalised):
    recipe = Recipe(task="kaggle4", network=network, size=32, head="average-dense", l2=0.01)
    model = networks.build(recipe, 4)
    assert {layer.name for layer in model.layers if getattr(layer, "kernel_regularizer", None)} == penalised
    squares = sum(float(keras.ops.sum(model.get_layer(name).kernel ** 2)) for name in penalised)
    assert float(sum(model.losses)) == pytest.approx(0.01 * squares, rel=1e-4)
    assert not networks.build(replace(recipe, l2=0.0), 4).losses


def test_the_recipe_of_seed_004_has_its_numbers_of_weights():
    recipe, _ = find_recipe("resnet50-kaggle4")
    model = networks.build(replace(recipe, size=64), 4)
    trainable, frozen = (
        sum(int(np.prod(weight.shape)) for weight in weights)
        for weights in (model.trainable_weights, model.non_trainable_weights)
    )
    assert (model.count_params(), trainable, frozen) == (23_850_500, 9_194_116, 14_656_384)
    assert (recipe.rotate, recipe.shift, recipe.rate, recipe.optimizer, recipe.size) == (30, 0.2, 1e-4, "adam", 256)


def test_the_recipe_of_seed_000_trains_the_last_seven_layers_and_pools_four_by_four():
    recipe, _ = find_recipe("resnet50v2-44c15")
    model = networks.build(replace(recipe, size=128), 15)
    trained = [layer.name for layer in backbone_layers(model) if layer.trainable]
    assert len(trained) == 7 and trained[-2:] == ["post_bn", "post_relu"]
    assert [layer.name for layer in model.layers[-4:]] == ["head_pool", "features", "dropout", "logits"]
    assert model.get_layer("head_pool").pool_size == (4, 4) and model.output.shape == (None, 15)


def test_the_published_transfers_start_from_imagenet_and_the_figshare_ones_keep_blocks_together():
    deep = {
        name: find_recipe(name)[0]
        for name in recipe_ids()
        if find_recipe(name)[1].count("Published:") and name.startswith("resnet")
    }
    assert len(deep) == 4 and {recipe.weights for recipe in deep.values()} == {"imagenet"}
    for name in ("resnet50-figshare3", "cnn3-figshare3"):
        recipe, _ = find_recipe(name)
        assert (recipe.block, recipe.val, recipe.test, recipe.augment) == (20, 0.1, 0.2, 0)
