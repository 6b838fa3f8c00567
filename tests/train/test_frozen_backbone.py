"""A head trained on features is the head that the whole frozen network would have trained; a resume is exact."""

import csv
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from io import StringIO

import keras
import numpy as np
import pytest
from keras import layers

from model_zoo import read_card
from tests.conftest import CLASSES
from train.__main__ import main
from train.backbones import BACKBONES, backbone
from train.batches import Batches
from train.fit import _Keeper, fit, seed_everything
from train.frozen_backbone import FeatureBatches, after_head, compute_features, head_folder, join_history, warm_head
from train.networks import NETWORKS
from train.recipe import Recipe

pytestmark = pytest.mark.usefixtures("eager_training")

RECIPE = Recipe(
    task="phantom4",
    network="resnet50",
    size=16,
    epochs=4,
    frozen_epochs=2,
    patience=0,
    batch=8,
    rotate=10,
    rate=0.01,
    precision="float32",
)
COMPUTED = "features of 40 scans computed once"


def small_network(recipe: Recipe = RECIPE, *, frozen: bool = False) -> keras.Model:
    """A backbone of one convolution, with layers named as `train.backbones` names them."""
    seed_everything(recipe.seed)
    scan = layers.Input(recipe.spec.shape, name="scan")
    x = layers.Conv2D(12, 3, strides=2, activation="relu", name="conv", trainable=not frozen)(scan)
    x = layers.BatchNormalization(name="norm", trainable=not frozen)(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(recipe.dropout, name="dropout")(layers.Dense(6, activation="relu", name="dense")(x))
    return keras.Model(scan, layers.Dense(len(CLASSES), name="logits")(x))


def scans(recipe: Recipe = RECIPE, class_weights: np.ndarray | None = None) -> tuple[Batches, Batches]:
    """28 and 12 seeded pictures, the class being how bright they are."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % len(CLASSES)
    pixels = (rng.integers(0, 40, (40, 16, 16)) + 50 * labels[:, None, None]).astype(np.uint8)
    train = Batches(pixels[:28], labels[:28], recipe, training=True, class_weights=class_weights)
    return train, Batches(pixels[28:], labels[28:], recipe, training=False)


def run(folder, recipe: Recipe = RECIPE, *, resume: bool = False) -> keras.Model:
    """Both stages, as `train.pipeline` calls them."""
    network, pair = small_network(recipe), scans(recipe)
    rows = warm_head(network, *pair, recipe, folder, data="the same", resume=resume)
    network = fit(network, *pair, after_head(recipe), folder, data="the same", resume=resume)
    join_history(folder, rows)
    return network


def run_and_kill(folder, epochs: int, *, in_head: bool) -> None:
    """Run, and be stopped in the middle of the epoch after `epochs` of the head, or of the whole network."""

    def stop(keeper: keras.callbacks.Callback, batch: int, logs: dict | None = None) -> None:
        if (keeper.run != folder) == in_head and keeper.state["epochs_done"] == epochs and batch == 1:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_Keeper, "on_train_batch_end", stop)
        run(folder)


def same_weights(a: keras.Model, b: keras.Model) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def history(folder) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run without an interruption: its folder, network and history."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, run(folder), (folder / "history.csv").read_text()


KILLED = [(1, True), (0, False), (1, False)]  # epochs done, and whether in the head or in the whole network


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders of killed runs, to be copied, and what those runs printed."""

    @cache
    def make(epochs: int, in_head: bool):
        folder = tmp_path_factory.mktemp("killed")
        with redirect_stdout(StringIO()) as printed:
            run_and_kill(folder / "run", epochs, in_head=in_head)
        return folder, printed.getvalue()

    return make


def test_features_are_the_head_s_input_for_the_scans_as_they_are():
    network, (train, val) = small_network(), scans()
    features = compute_features(network, train, val)
    assert [f.shape for f in features] == [(28, 12), (12, 12)] and features[0].dtype == np.float32
    plain = np.repeat(train.pixels[..., None], 3, axis=-1).astype(np.float32) / 255
    expected = keras.Model(network.input, network.get_layer("features").output)(plain)
    np.testing.assert_allclose(features[0], expected, atol=1e-6)


def test_feature_batches_keep_class_and_weight_and_are_shuffled_as_the_scans_are():
    weights = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    train, _ = scans(replace(RECIPE, augment=0), class_weights=weights)
    numbered = np.arange(28, dtype=np.float32)[:, None]
    batches = FeatureBatches(lambda: numbered, train, shuffled=True)
    for epoch in (0, 1):
        places, labels, weighed = (
            np.concatenate(column) for column in zip(*(batches[i] for i in range(4)), strict=True)
        )
        order = np.random.default_rng([0, epoch]).permutation(28)
        assert np.array_equal(places[:, 0], order) and np.array_equal(labels, train.labels[order])
        assert np.array_equal(weighed, weights[labels])
        assert np.array_equal(labels, np.concatenate([train[i][1] for i in range(4)]))
        batches.on_epoch_end(), train.on_epoch_end()


@pytest.mark.slow
def test_a_head_on_features_learns_what_the_frozen_network_would(tmp_path):
    """Without augmentation and dropout both see the same numbers in the same order."""
    recipe = replace(RECIPE, augment=0, dropout=0.0, epochs=3, class_weights=1)
    slow, fast = small_network(recipe, frozen=True), small_network(recipe, frozen=True)
    weights = np.array([1.0, 2.0, 1.0, 0.5], np.float32)
    fit(slow, *scans(recipe, weights), after_head(replace(recipe, epochs=4)), tmp_path / "slow", data="", resume=False)
    rows = warm_head(fast, *scans(recipe, weights), recipe, tmp_path / "fast", data="", resume=False)
    for row, expected in zip(rows, history(tmp_path / "slow"), strict=True):
        assert {k: float(v) for k, v in row.items()} == pytest.approx(
            {k: float(v) for k, v in expected.items()}, rel=1e-3
        )
    for a, b in zip(slow.get_weights(), fast.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.slow
def test_the_backbone_stays_as_it_was_and_the_head_does_not(tmp_path):
    network = small_network()
    before = {layer.name: layer.get_weights() for layer in network.layers if layer.weights}
    warm_head(network, *scans(), RECIPE, tmp_path / "run", data="", resume=False)
    kept = {name: np.array_equal(old[0], network.get_layer(name).get_weights()[0]) for name, old in before.items()}
    assert kept == {"conv": True, "norm": True, "dense": False, "logits": False}


def test_without_frozen_epochs_nothing_happens(tmp_path):
    network = small_network()
    recipe = replace(RECIPE, frozen_epochs=0)
    assert warm_head(network, *scans(), recipe, tmp_path / "run", data="", resume=False) == []
    assert after_head(recipe) == recipe and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_history_names_the_phase_of_each_epoch(whole):
    lines = whole[2].splitlines()
    assert lines[0] == "phase,epoch,accuracy,loss,val_accuracy,val_loss"
    assert [line.split(",")[:2] for line in lines[1:]] == [["head", "1"], ["head", "2"], ["whole", "3"], ["whole", "4"]]


@pytest.mark.slow
@pytest.mark.parametrize(("epochs", "in_head"), KILLED)
def test_a_run_killed_in_either_stage_and_resumed_ends_where_the_whole_one_does(
    killed, whole, tmp_path, epochs, in_head, capsys
):
    """Features are computed once, and by a resume only where the head is unfinished."""
    shutil.copytree(killed(epochs, in_head)[0], tmp_path, dirs_exist_ok=True)
    assert killed(epochs, in_head)[1].count(COMPUTED) == 1
    resumed = run(tmp_path / "run", resume=True)
    assert same_weights(whole[1], resumed) and (tmp_path / "run" / "history.csv").read_text() == whole[2]
    assert capsys.readouterr().out.count(COMPUTED) == in_head


@pytest.mark.slow
def test_a_resume_of_a_finished_run_computes_no_features_and_trains_no_more(whole, tmp_path, capsys):
    shutil.copytree(whole[0].parent, tmp_path, dirs_exist_ok=True)
    assert same_weights(whole[1], run(tmp_path / "run", resume=True))
    assert COMPUTED not in capsys.readouterr().out
    assert (tmp_path / "run" / "history.csv").read_text() == whole[2]


@pytest.mark.slow
def test_a_new_run_killed_before_its_first_whole_epoch_forgets_the_run_before(whole, tmp_path):
    shutil.copytree(whole[0].parent, tmp_path, dirs_exist_ok=True)
    run_and_kill(tmp_path / "run", 1, in_head=True)
    assert not (tmp_path / "run" / "state.json").exists()


@pytest.mark.slow
def test_a_head_of_another_recipe_is_refused_by_field(killed, tmp_path):
    shutil.copytree(killed(1, True)[0], tmp_path, dirs_exist_ok=True)
    with pytest.raises(ValueError, match=r"rate=0.01,.* rate=0.1"):
        run(tmp_path / "run", replace(RECIPE, rate=0.1), resume=True)


def two_convolutions(input_tensor, **settings) -> keras.Model:
    """A backbone as those of keras.applications, but built, packed and loaded in a moment."""
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="first")(input_tensor)
    return keras.Model(input_tensor, layers.Conv2D(12, 3, activation="relu", name="last")(x))


@pytest.mark.slow
@pytest.mark.parametrize("mix", ["0", "0.2"])
def test_a_whole_run_with_a_frozen_backbone_becomes_a_bundle(tmp_path, monkeypatch, mix):
    monkeypatch.setitem(BACKBONES, "small", two_convolutions)
    monkeypatch.setitem(NETWORKS, "small", backbone)
    small = (
        "network=small",
        "pixels=unit",
        "size=32",
        "limit=6",
        "epochs=2",
        "frozen_epochs=1",
        "trainable=0",
        f"mix={mix}",
    )
    settings = [word for setting in small for word in ("--set", setting)]
    assert main(["cnn3-phantom4", *settings, "--set", "precision=float32", "--out", str(tmp_path)]) == 0
    bundle = tmp_path / "cnn3-phantom4"
    assert [row["phase"] for row in history(bundle)] == ["head", "whole"]
    card = read_card(bundle / "card.json")
    assert card.recipe["network"] == "small" and card.recipe["epochs"] == 2 and card.tap == "last"
    assert 0 < card.trainable_parameters < card.parameters
    state = json.loads((head_folder(tmp_path / ".runs" / "cnn3-phantom4") / "state.json").read_text())
    assert state["epochs_done"] == 1
