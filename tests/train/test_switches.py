"""Each switch of the published three-class system has an effect of its own, and none when it is off."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.conftest import CLASSES
from train import networks
from train.batches import Batches
from train.fit import fit, seed_everything
from train.pipeline import class_weights
from train.recipe import Recipe, changed, find_recipe

PLAIN = Recipe(
    task="phantom4",
    network="cnn3",
    size=16,
    epochs=6,
    batch=8,
    patience=0,
    augment=0,
    rotate=20,
    dropout=0.0,
    optimizer="adam",
    schedule="constant",
    precision="float32",
)


def pictures(number: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Seeded pictures, the class being which quarter is bright."""
    labels = np.arange(number) % len(CLASSES)
    pixels = np.random.default_rng(0).integers(0, 60, (number, 16, 16)).astype(np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        picture[8 * (label // 2) :][:8, 8 * (label % 2) :][:, :8] += 120
    return pixels, labels


def run(folder, recipe: Recipe, weights: np.ndarray | None = None) -> tuple[keras.Model, int, float]:
    """Train against a validation set whose labels are all wrong, so that its loss rises from some epoch on.

    Returns the network, the number of epochs it took and the learning rate of the last.
    """
    pixels, labels = pictures()
    train = Batches(pixels, labels, recipe, training=True, class_weights=weights)
    val = Batches(pixels[:8], (labels[:8] + 1) % len(CLASSES), recipe, training=False)
    seed_everything(0)
    network = networks.build(recipe, len(CLASSES), training=True)
    fit(network, train, val, recipe, folder, data="", resume=False)
    state = json.loads((folder / "state.json").read_text())
    last = keras.saving.load_model(folder / state["checkpoint"])  # the network itself is back at its best epoch
    return network, state["epochs_done"], float(last.optimizer.learning_rate)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return run(tmp_path_factory.mktemp("plain") / "run", PLAIN)


@pytest.mark.slow
def test_without_a_switch_all_epochs_are_trained_at_one_rate(plain):
    assert plain[1:] == (PLAIN.epochs, pytest.approx(1e-3))


@pytest.mark.slow
def test_plateau_cuts_the_rate_to_a_fifth_after_three_epochs_without_gain(tmp_path):
    _, epochs, rate = run(tmp_path / "run", replace(PLAIN, schedule="plateau"))
    assert epochs == PLAIN.epochs and rate == pytest.approx(2e-4)


@pytest.mark.slow
def test_patience_stops_early(tmp_path):
    assert run(tmp_path / "run", replace(PLAIN, patience=2))[1] < PLAIN.epochs


def test_augment_changes_the_training_pictures_and_no_others():
    pixels, labels = pictures()
    for augment in (0, 1):
        recipe = replace(PLAIN, augment=augment)
        for training in (False, True):
            batches = Batches(pixels, labels, recipe, training=training)
            order = batches._order()[:8]
            same = np.array_equal(np.round(255 * batches[0][0][..., 0]), pixels[order])
            assert same == (not (augment and training))


def test_dropout_makes_training_random_and_leaves_prediction_alone():
    picture = np.random.default_rng(0).random((1, 16, 16, 3), dtype=np.float32)
    for dropout in (0.0, 0.5):
        network = networks.build(replace(PLAIN, dropout=dropout), len(CLASSES))
        assert np.array_equal(network(picture), network(picture))
        assert np.array_equal(network(picture, training=True), network(picture)) == (dropout == 0)


@pytest.mark.slow
def test_l2_keeps_the_weights_smaller(plain, tmp_path):
    def size(network: keras.Model) -> float:
        return float(sum(np.square(network.get_layer(name).kernel.numpy()).sum() for name in ("conv3", "dense")))

    assert size(run(tmp_path / "run", replace(PLAIN, l2=0.05))[0]) < 0.9 * size(plain[0])


def test_class_weights_make_every_class_weigh_the_same():
    """Three scans of one class and one of another: 2/3 and 2, by hand."""
    labels = np.array([0, 0, 0, 1])
    weights = class_weights(labels)
    assert weights == pytest.approx([2 / 3, 2])
    batches = Batches(pictures(4)[0], labels, PLAIN, training=False, class_weights=weights)
    assert batches[0][2] == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


def test_a_class_without_a_scan_takes_no_weight_from_the_others():
    labels = np.array([0, 0, 0, 2])
    weights = class_weights(labels)
    assert weights == pytest.approx([2 / 3, 0, 2]) and weights[labels].mean() == pytest.approx(1)


@pytest.mark.slow
def test_class_weights_change_what_is_learnt(plain, tmp_path):
    ignored = np.array([4.0, 0.0, 0.0, 0.0], np.float32)  # only the first class counts
    network, *_ = run(tmp_path / "run", PLAIN, ignored)
    pixels, _ = pictures()
    logits = network.predict(np.repeat(pixels[..., None], 3, axis=-1) / np.float32(255), verbose=0)
    assert (logits.argmax(axis=1) == 0).all()


@pytest.mark.parametrize(
    "setting", ["augment=1", "dropout=0", "l2=1e-4", "class_weights=0", "schedule=constant", "patience=0"]
)
def test_each_switch_of_the_recipe_is_one_setting(setting):
    recipe, notebook = find_recipe("cnn3-figshare3")
    assert changed(recipe, [setting]) != recipe
    assert f"--set {setting.partition('=')[0]}=" in notebook
