"""Candor's network: small, fine-grained, linear in its evidence, and the same when folded and saved."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from model_zoo.tap import find_tap
from train import networks
from train.batches import Batches
from train.candor import LITE, StandardConv2D
from train.initial_weights import take_over
from train.objective import LookLoss, WhereLoss, compile_model
from train.recipe import Recipe

RECIPE = Recipe(task="phantom4", network="candor", size=160, channels=1, where=1.0, precision="float32")
SMALL = replace(RECIPE, size=32)


NETWORKS = ("candor", "candor-lite0")


@pytest.fixture(scope="module", params=NETWORKS)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def trained(name) -> keras.Model:
    """A training network after two steps, so that no trained weight is what it began as."""
    keras.utils.set_random_seed(0)
    network = networks.build(replace(SMALL, network=name), 4, training=True)
    compile_model(network, SMALL, 10)
    rng = np.random.default_rng(0)
    truth = {"logits": np.arange(8) % 4, "where": rng.random((8, 4, 4, 1)).astype(np.float32)}
    for _ in range(2):
        network.train_on_batch(rng.random((8, 32, 32, 1), dtype=np.float32), truth)
    return network


@pytest.fixture(scope="module")
def scans() -> np.ndarray:
    return np.random.default_rng(1).random((3, 32, 32, 1), dtype=np.float32)


@pytest.mark.parametrize("name", ["candor", *LITE])
def test_it_is_small_and_its_map_is_fine(name):
    network = networks.build(replace(RECIPE, network=name), 4)
    assert network.count_params() < (3_000_000 if name == "candor" else 6_000_000)
    assert network.get_layer(find_tap(network)).output.shape[1:3] == (20, 20)


@pytest.mark.parametrize("cell", [4, 8])
def test_the_feature_map_is_the_gated_evidence(name, cell):
    assert find_tap(networks.build(replace(RECIPE, network=name, cell=cell), 4)) == "evidence"


def test_the_saved_network_has_stock_layers_only(name):
    stock = {type(layer).__module__.split(".")[0] for layer in networks.build(replace(SMALL, network=name), 4).layers}
    assert stock == {"keras"}


@pytest.mark.slow
def test_folding_changes_no_logit(trained, name, scans):
    saved = networks.inference_copy(trained, replace(SMALL, network=name), 4)
    expected = keras.ops.convert_to_numpy(trained(scans)["logits"])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(saved(scans)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_saved_network_can_be_trained_on_from_where_it_was(trained, name, scans):
    saved = networks.inference_copy(trained, replace(SMALL, network=name), 4)
    again = networks.build(replace(SMALL, network=name), 4, training=True)
    assert len(take_over(saved, again)) == sum(bool(layer.weights) for layer in again.layers)
    expected = keras.ops.convert_to_numpy(trained(scans)["logits"])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(again(scans)["logits"]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_head_for_other_classes_keeps_its_random_weights(trained, name):
    saved = networks.inference_copy(trained, replace(SMALL, network=name), 4)
    other = networks.build(replace(SMALL, network=name), 15, training=True)
    assert "logits" not in take_over(saved, other)


@pytest.mark.slow
def test_the_logits_are_linear_in_the_mean_of_the_evidence(trained, name, scans):
    saved = networks.inference_copy(trained, replace(SMALL, network=name), 4)
    tapped = keras.Model(saved.input, [saved.get_layer("evidence").output, saved.output])
    evidence, logits = (keras.ops.convert_to_numpy(x) for x in tapped(scans))
    kernel, bias = saved.get_layer("logits").get_weights()
    np.testing.assert_allclose(10 * evidence.mean(axis=(1, 2)) @ kernel + bias, logits, rtol=1e-4, atol=1e-5)


def test_a_kernel_has_mean_zero_and_the_spread_of_its_gamma():
    layer = StandardConv2D(6, 3, first_scale=0.5)
    layer.build((None, 8, 8, 4))
    kernel = keras.ops.convert_to_numpy(layer.standard_kernel())
    np.testing.assert_allclose(kernel.mean(axis=(0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(kernel.std(axis=(0, 1, 2)), 0.5 * np.sqrt(2 / 36), rtol=1e-4)


def test_the_gate_is_scored_by_hand():
    """Logit 0 is p = 0.5: ln 2 a cell, counted double where it is all lesion; half the cells are."""
    truth = np.zeros((1, 2, 2, 1), np.float32)
    truth[0, 0] = 1
    assert float(WhereLoss()(truth, np.zeros((1, 2, 2, 1), np.float32))) == pytest.approx(1.5 * np.log(2), rel=1e-5)


def test_training_takes_pictures_of_another_size(name):
    network = networks.build(replace(SMALL, network=name), 4, training=True)
    out = network(np.zeros((1, 64, 64, 1), np.float32))
    assert out["where"].shape == (1, 8, 8, 1) and out["logits"].shape == (1, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 150}, "size=150 is no multiple of 16, the coarsest cell of candor"),
        (
            {"network": "candor-lite0", "early_size": 112, "early": 0.5},
            "early_size=112 is no multiple of 32, .* of candor-lite0",
        ),
    ],
)
def test_a_side_that_the_cells_do_not_divide_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        networks.build(replace(RECIPE, **changes), 4, training=True)


GUIDED = replace(SMALL, look=0.5, cell=4)


def test_cells_of_four_pixels_make_a_map_of_forty():
    network = networks.build(replace(RECIPE, cell=4), 4)
    assert network.get_layer(find_tap(network)).output.shape[1:3] == (40, 40)


def test_the_class_maps_that_are_taught_are_what_the_logits_are_the_mean_of(scans):
    network = networks.build(replace(GUIDED, dropout=0.0), 3, training=True)
    out = {name: keras.ops.convert_to_numpy(value) for name, value in network(scans).items()}
    assert out["look"].shape == (3, 8, 8, 3)
    np.testing.assert_allclose(out["look"].mean(axis=(1, 2)), out["logits"], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_with_look_there_is_no_evidence_against_a_class():
    network = networks.build(GUIDED, 3, training=True)
    compile_model(network, replace(GUIDED, rate=0.5, warmup=0, schedule="constant"), 10)
    rng = np.random.default_rng(0)
    labels = np.arange(6) % 3
    where = rng.random((6, 8, 8, 1)).astype(np.float32)
    truth = {"logits": labels, "where": where, "look": where * np.eye(3, dtype=np.float32)[labels][:, None, None]}
    for _ in range(3):
        network.train_on_batch(rng.random((6, 32, 32, 1), dtype=np.float32), truth)
    (kernel,) = network.get_layer("logits").get_weights()
    assert kernel.min() == 0 and kernel.max() > 0


def look_loss(maps: np.ndarray) -> float:
    """The loss on two cells and two classes of a scan of the second class, whose lesion fills the first cell."""
    truth = np.zeros((1, 1, 2, 2), np.float32)
    truth[0, 0, 0, 1] = 1
    return float(LookLoss()(truth, np.asarray(maps, np.float32).reshape(1, 1, 2, 2)))


def test_the_share_of_the_evidence_in_the_lesion_is_scored_by_hand():
    """Maps as (cell, class): 6 in the lesion and 2 beside it, means 3 and 4; a tenth is spread over both cells."""
    assert look_loss([[9, 6], [9, 2]]) == pytest.approx(np.log(4.1 / (3 + 0.1 * 0.5)), rel=1e-4)


def test_an_empty_map_counts_as_a_uniform_one():
    assert look_loss([[5, 0], [5, 0]]) == pytest.approx(np.log(2), rel=1e-3)
    assert look_loss([[0, 1], [0, 0]]) < look_loss([[0, 0], [0, 0]]) < look_loss([[0, 0], [0, 1]])


def test_evidence_for_another_class_may_lie_anywhere():
    assert look_loss([[0, 6], [0, 2]]) == look_loss([[7, 6], [7, 2]])


@pytest.mark.parametrize("wrong", [{"look": 0.5, "where": 0.0}, {"look": 0.5, "mix": 0.2}, {"cell": 5}])
def test_settings_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(SMALL, **wrong)


def test_the_truth_of_the_look_is_the_lesion_in_the_layer_of_the_class():
    places = np.array([[0, 0, 16, 16], [0, 0, 0, 0], [np.nan] * 4], np.float32)  # annotated, healthy, unknown
    pixels = np.full((3, 32, 32), 99, np.uint8)
    batches = Batches(pixels, np.array([2, 1, 0]), GUIDED, training=False, places=places, classes=("a", "b", "c"))
    _, truth, weights = batches[0]
    assert truth["look"].shape == (3, 8, 8, 3) and truth["where"].shape == (3, 8, 8, 1)
    np.testing.assert_array_equal(truth["look"][0, ..., 2], truth["where"][0, ..., 0])
    assert not truth["look"][0, ..., :2].any() and not truth["look"][1:].any()
    assert weights["look"].tolist() == [1, 0, 0]
