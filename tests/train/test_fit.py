"""A resumed run ends exactly as an uninterrupted one, and a seed repeats a run."""

import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from tests.conftest import CLASSES
from train import networks
from train.batches import Batches
from train.candor import StandardConv2D
from train.fit import _Keeper, _phases, fit, seed_everything
from train.objective import SmoothedCrossEntropy
from train.recipe import Recipe

RECIPE = Recipe(
    task="phantom4",
    network="cnn3",
    size=32,
    epochs=3,
    patience=0,
    batch=8,
    rotate=10,
    smoothing=0.1,
    precision="float32",
)


def run(folder, recipe=RECIPE, *, data="the same", resume=False) -> keras.Model:
    """Train on 40 seeded pictures, the class being which quarter is bright."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % len(CLASSES)
    pixels = rng.integers(0, 60, (40, 32, 32)).astype(np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        picture[16 * (label // 2) :][:16, 16 * (label % 2) :][:, :16] += 120
    train = Batches(pixels[:32], labels[:32], recipe, training=True)
    val = Batches(pixels[32:], labels[32:], recipe, training=False)
    seed_everything(recipe.seed)
    network = networks.build(recipe, len(CLASSES), training=True)
    return fit(network, train, val, recipe, folder, data=data, resume=resume)


def run_and_kill(folder, epochs: int, recipe: Recipe = RECIPE) -> None:
    """Train, and be stopped in the middle of the epoch after `epochs`, as by Ctrl-C."""

    def stop(keeper: keras.callbacks.Callback, batch: int, logs: dict | None = None) -> None:
        if keeper.state["epochs_done"] == epochs and batch == 1:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_Keeper, "on_train_batch_end", stop)
        run(folder, recipe)


def same_weights(a: keras.Model, b: keras.Model) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run without an interruption: its folder, network and history."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, run(folder), (folder / "history.csv").read_text()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a run that was killed in its second epoch; to be copied."""
    folder = tmp_path_factory.mktemp("killed") / "run"
    run_and_kill(folder, 1)
    return folder


@pytest.fixture(scope="module")
def one_after_another(tmp_path_factory):
    """Two runs in one folder, the first with another seed: both networks, and the history at the end."""
    folder = tmp_path_factory.mktemp("again")
    return run(folder, replace(RECIPE, seed=5)), run(folder), (folder / "history.csv").read_text()


@pytest.mark.slow
def test_a_seed_repeats_a_run_bit_for_bit_whatever_was_in_its_folder(whole, one_after_another):
    assert same_weights(whole[1], one_after_another[1]) and whole[2] == one_after_another[2]


@pytest.mark.slow
def test_another_seed_is_another_run(whole, one_after_another):
    assert not same_weights(whole[1], one_after_another[0])


@pytest.mark.slow
def test_a_run_killed_in_mid_epoch_and_resumed_ends_where_the_whole_one_does(whole, killed, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "run")
    assert same_weights(whole[1], run(folder, resume=True)) and (folder / "history.csv").read_text() == whole[2]


@pytest.mark.slow
def test_a_run_killed_in_its_last_epoch_and_resumed_ends_where_the_whole_one_does(whole, tmp_path):
    run_and_kill(tmp_path, RECIPE.epochs - 1)
    assert same_weights(whole[1], run(tmp_path, resume=True)) and (tmp_path / "history.csv").read_text() == whole[2]


@pytest.mark.slow
def test_resuming_a_finished_run_trains_no_more(whole, tmp_path):
    folder = shutil.copytree(whole[0], tmp_path / "run")
    before = (folder / "state.json").read_text()
    assert same_weights(whole[1], run(folder, resume=True)) and (folder / "state.json").read_text() == before


@pytest.mark.slow
def test_a_finished_run_can_be_taken_elsewhere_without_its_checkpoint(whole, tmp_path):
    """State and best weights are all that evaluating it takes; the checkpoint is three times as large."""
    for name in ("state.json", "best.keras"):
        shutil.copy(whole[0] / name, tmp_path)
    assert same_weights(whole[1], run(tmp_path, resume=True))
    checkpoint = whole[0] / json.loads((whole[0] / "state.json").read_text())["checkpoint"]
    assert checkpoint.stat().st_size > 2.5 * (whole[0] / "best.keras").stat().st_size
    for damage in (lambda path: path.write_bytes(b"no archive"), lambda path: path.unlink()):
        damage(tmp_path / "best.keras")
        with pytest.raises(ValueError, match=r"best\.keras is missing or damaged; put it back"):
            run(tmp_path, resume=True)


@pytest.mark.slow
def test_a_checkpoint_of_another_recipe_is_refused_by_field(killed, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "run")
    with pytest.raises(ValueError, match=r"rate=0.001.* rate=0.1"):
        run(folder, replace(RECIPE, rate=0.1), resume=True)


@pytest.mark.slow
def test_a_checkpoint_of_other_scans_is_refused(killed, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "run")
    with pytest.raises(ValueError, match="other scans"):
        run(folder, data="another", resume=True)


def made_in(folder, precision: str) -> None:
    """Say in a run's state that another machine's "auto" was this precision."""
    state = json.loads((folder / "state.json").read_text())
    state |= {"precision": precision, "recipe": state["recipe"] | {"precision": "auto"}}
    (folder / "state.json").write_text(json.dumps(state))


@pytest.mark.slow
def test_a_run_goes_on_in_the_precision_in_which_it_began_or_not_at_all(whole, killed, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "run")
    made_in(folder, "mixed_bfloat16")
    with pytest.raises(ValueError, match=r"in mixed_bfloat16, .* in float32; give --set precision=mixed_bfloat16"):
        run(folder, resume=True)
    made_in(folder, "float32")
    assert same_weights(whole[1], run(folder, resume=True))


@pytest.mark.slow
def test_a_finished_run_may_be_of_another_precision(whole, tmp_path):
    folder = shutil.copytree(whole[0], tmp_path / "run")
    made_in(folder, "mixed_bfloat16")
    assert same_weights(whole[1], run(folder, resume=True))


@pytest.mark.slow
def test_a_run_without_progress_stops_early(tmp_path):
    run(tmp_path, replace(RECIPE, rate=0.0, epochs=9, patience=2))
    assert json.loads((tmp_path / "state.json").read_text())["epochs_done"] == 3


@pytest.mark.slow
def test_the_history_has_a_row_per_epoch(whole):
    lines = whole[2].splitlines()
    assert lines[0] == "epoch,accuracy,loss,val_accuracy,val_loss" and len(lines) == 1 + RECIPE.epochs


def test_smoothed_cross_entropy_by_hand():
    """p = (0.25, 0.75), truth 1, smoothing 0.2: target (0.1, 0.9)."""
    logits = np.log([[1.0, 3.0]])
    expected = -(0.1 * np.log(0.25) + 0.9 * np.log(0.75))
    assert float(SmoothedCrossEntropy(0.2)(np.array([1]), logits)) == pytest.approx(expected, abs=1e-6)
    assert float(SmoothedCrossEntropy()(np.array([1]), logits)) == pytest.approx(-np.log(0.75), abs=1e-6)


def test_cross_entropy_with_shares_of_classes_by_hand():
    """p = (0.25, 0.75), truth (0.3, 0.7), smoothing 0.2: target (0.34, 0.66)."""
    logits, shares = np.log([[1.0, 3.0]]), np.array([[0.3, 0.7]])
    expected = -(0.34 * np.log(0.25) + 0.66 * np.log(0.75))
    assert float(SmoothedCrossEntropy(0.2)(shares, logits)) == pytest.approx(expected, abs=1e-6)


def for_one_class_alone(recipe: Recipe, classes: int) -> keras.Model:
    """A network whose evidence can only be for a class, and is none at first."""
    scan = layers.Input((recipe.size, recipe.size, recipe.channels))
    zeros = layers.Dense(
        classes, use_bias=False, kernel_initializer="zeros", kernel_constraint="non_neg", name="logits"
    )
    return keras.Model(scan, zeros(layers.GlobalAveragePooling2D()(scan)))


@pytest.mark.slow
def test_the_averaged_weights_that_are_kept_obey_their_constraint(tmp_path, monkeypatch):
    """Every scan is of the first class, so each step takes evidence from the others, which have none: 0 is left."""
    monkeypatch.setitem(networks.NETWORKS, "one class", for_one_class_alone)
    recipe = replace(RECIPE, network="one class", channels=1, epochs=1, average=0.9)
    pixels, labels = np.full((16, 32, 32), 100, np.uint8), np.zeros(16, int)
    train, val = (Batches(pixels, labels, recipe, training=training) for training in (True, False))
    network = fit(networks.build(recipe, 4, training=True), train, val, recipe, tmp_path, data="", resume=False)
    kernel = network.get_weights()[0]
    assert kernel[0, 0] > 0 and kernel[0, 1:].tolist() == [0, 0, 0]


TWO_SIZES = replace(RECIPE, network="any size", channels=1, epochs=4, early_size=16, early=0.5, average=0.9)


def any_size(recipe: Recipe, classes: int) -> keras.Model:
    """A small network that takes pictures of any size, with a convolution of Candor's, which saves its own weights."""
    scan = layers.Input((None, None, recipe.channels))
    x = StandardConv2D(8, 3, strides=2, padding="same", activation="relu")(scan)
    x = layers.Dropout(recipe.dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(scan, layers.Dense(classes, name="logits")(x))


@pytest.fixture(autouse=True, scope="module")
def added_network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks.NETWORKS, "any size", any_size)
        yield


@pytest.fixture(scope="module")
def whole_of_two_sizes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two-sizes")
    return run(folder, TWO_SIZES), (folder / "history.csv").read_text()


@pytest.mark.parametrize(
    ("epochs", "early", "phases"), [(4, 0.5, [2, 4]), (4, 0.0, [4]), (3, 0.99, [2, 3]), (1, 0.75, [1])]
)
def test_the_last_epoch_is_never_one_of_those_with_small_pictures(epochs, early, phases):
    assert _phases(replace(TWO_SIZES, epochs=epochs, early=early)) == phases


@pytest.mark.slow
def test_a_run_with_small_pictures_first_has_every_epoch(whole_of_two_sizes):
    assert [line.split(",")[0] for line in whole_of_two_sizes[1].splitlines()[1:]] == list("1234")


@pytest.mark.slow
@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_run_with_small_pictures_first_resumes_exactly(killed_after, whole_of_two_sizes, tmp_path):
    run_and_kill(tmp_path, killed_after, TWO_SIZES)
    resumed = run(tmp_path, TWO_SIZES, resume=True)
    assert same_weights(whole_of_two_sizes[0], resumed)
    assert (tmp_path / "history.csv").read_text() == whole_of_two_sizes[1]
