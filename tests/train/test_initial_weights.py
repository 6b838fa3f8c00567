"""A run starts from exactly the weights it names, or says in one sentence why it cannot."""

import socket

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from train import networks
from train.backbones import backbone_layers, stock
from train.initial_weights import initialised_network
from train.recipe import Recipe

pytestmark = pytest.mark.slow

SMALL = {"task": "phantom4", "network": "mobilenetv3small", "size": 32}


def seeded(name: str = "mobilenetv3small", seed: int = 7) -> keras.Model:
    """Keras' own network with every weight drawn anew: moments and scales of a fresh one are all 0 and 1."""
    model = stock(name, 75 if name == "xception" else 32)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.random(w.shape, dtype=np.float32) for w in model.get_weights()])
    return model


def save_as_published(model: keras.Model, path) -> None:
    """Write the older HDF5 layout, which the files of keras.applications have."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def backbone_weights(network: keras.Model) -> list[np.ndarray]:
    return [weight for layer in backbone_layers(network) for weight in layer.get_weights()]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mobilenetv3small", "backbone.weights.h5"),
        ("mobilenetv3small", "backbone_notop.h5"),
        ("xception", "backbone_notop.h5"),
    ],
)
def test_a_backbone_s_file_is_taken_over_tensor_for_tensor(name, file, tmp_path):
    source = seeded(name)
    if file.endswith(".weights.h5"):
        source.save_weights(tmp_path / file)
    else:
        save_as_published(source, tmp_path / file)
    size = source.input_shape[1]
    network = initialised_network(Recipe(task="phantom4", network=name, size=size, weights=str(tmp_path / file)), 4)
    assert same(backbone_weights(network), source.get_weights())


def test_a_model_of_another_task_gives_its_backbone_and_the_head_starts_anew(tmp_path):
    trained = networks.build(Recipe(**SMALL), 4)
    rng = np.random.default_rng(1)
    trained.set_weights([rng.random(w.shape, dtype=np.float32) for w in trained.get_weights()])
    trained.save(tmp_path / "model.keras")
    for classes in (4, 15):
        network = initialised_network(Recipe(**SMALL, weights=str(tmp_path / "model.keras")), classes)
        assert same(backbone_weights(network), backbone_weights(trained))
        assert not network.get_layer("logits").bias.numpy().any()


def test_candor_s_training_network_takes_up_a_saved_one_where_it_was(tmp_path):
    """The saved network has plain kernels, the training one standardised ones: the logits must agree."""
    recipe = Recipe(task="phantom4", network="candor", size=64, channels=1, weights=str(tmp_path / "model.keras"))
    keras.utils.set_random_seed(3)
    saved = networks.inference_copy(networks.build(recipe, 4, training=True), recipe, 4)
    saved.save(tmp_path / "model.keras")
    pixels = np.random.default_rng(0).random((2, 64, 64, 1), dtype=np.float32)
    np.testing.assert_allclose(initialised_network(recipe, 4)(pixels), saved(pixels), atol=1e-4)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of files that cannot be the initial weights of MobileNetV3Small."""
    folder = tmp_path_factory.mktemp("files")
    other = networks.build(Recipe(**SMALL | {"network": "mobilenetv3large"}), 4)
    other.save(folder / "other.keras")
    base = stock("mobilenetv3large", 32)
    base.save_weights(folder / "other.weights.h5")
    save_as_published(base, folder / "other.h5")
    for name in ("text.h5", "text.weights.h5", "text.keras", "text.txt"):
        (folder / name).write_text("no weights")
    return folder


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("missing.keras", "is not a file of weights; give a .keras or .h5 file, imagenet or none"),
        ("candor-lite0-kaggle4.keras", "not there yet; `python -m train candor-lite0-kaggle4 --out runs` makes it"),
        ("text.txt", "is not a file of weights"),
        ("text.h5", "does not fit the network 'mobilenetv3small'"),
        ("text.weights.h5", "does not fit the network 'mobilenetv3small'"),
        ("text.keras", "does not fit the network 'mobilenetv3small'"),
        ("other.h5", "does not fit the network 'mobilenetv3small'"),
        ("other.weights.h5", "does not fit the network 'mobilenetv3small'"),
        ("other.keras", r"does not fit the network 'mobilenetv3small' \(\d+ of \d+ layers do not fit"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(files, file, message):
    with pytest.raises(ValueError, match=message) as refused:
        initialised_network(Recipe(**SMALL, weights=str(files / file)), 4)
    assert "\n" not in str(refused.value)


def test_without_a_network_imagenet_weights_are_asked_for_as_a_file(tmp_path, monkeypatch):
    def offline(*arguments, **settings):
        raise OSError("no network")

    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))  # no file of an earlier download
    monkeypatch.setattr(socket, "getaddrinfo", offline)
    with pytest.raises(ValueError, match=r"ImageNet weights of resnet50 cannot be downloaded .* --set weights=FILE"):
        initialised_network(Recipe(**SMALL | {"network": "resnet50"}, weights="imagenet"), 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "cnn3", "weights": "imagenet"}, "weights=imagenet is for a backbone"),
        ({"network": "cnn3", "frozen_epochs": 2}, "frozen_epochs=2 is for a backbone"),
        ({"network": "candor", "trainable": 5}, "trainable=5 is for a backbone"),
        ({"where": 0.5}, "where=0.5 is for the networks candor, candor-lite0"),
        ({"network": "cnn3", "where": 0.5}, "where=0.5 is for the networks candor"),
        ({"network": "gate-lite0", "where": 0.5}, "where=0.5 is for the networks candor"),
        (
            {"network": "cnn3", "early": 0.5, "early_size": 16},
            "early=0.5 is not for the network 'cnn3', which takes pictures of one",
        ),
        ({"head": "pool4-flatten", "early": 0.5, "early_size": 16}, "early=0.5 is not for head=pool4-flatten"),
        ({"epochs": 3, "frozen_epochs": 3}, "frozen_epochs=3 must be .* less than epochs=3"),
        ({"network": "efficientnetb0", "weights": "imagenet"}, "use efficientnetv2b0"),
    ],
)
def test_settings_that_the_network_does_not_support_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        initialised_network(Recipe(**SMALL | changes), 4)
