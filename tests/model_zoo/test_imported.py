"""A classifier that somebody else made becomes a bundle that gives what it gave, or is refused in one sentence."""

import zipfile

import keras
import numpy as np
import pytest

from model_zoo import ModelError, load_model, model_card, models
from model_zoo.__main__ import main
from model_zoo.imported import Choices, import_model
from model_zoo.verify import differences
from model_zoo.zoo import bundle_folder, imported_folder
from scans import InputSpec, fit, phantom
from tests.conftest import CLASSES, tiny_network
from tests.onnx_files import SIDE, classifier, what_onnx_gives, with_data_elsewhere

FOUR = Choices(CLASSES)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_IMPORTED", str(tmp_path / "imported"))


@pytest.fixture(scope="module")
def scan():
    return phantom("glioma", 5, 64).scan


def onnx_file(tmp_path, data: bytes, name: str = "theirs.onnx"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def keras_file(tmp_path, network, name: str = "theirs.keras"):
    network.save(tmp_path / name)
    return tmp_path / name


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def with_softmax(network: keras.Model) -> keras.Model:
    return keras.Sequential(
        [keras.layers.Input((32, 32, 3)), *network.layers, keras.layers.Softmax()], name="with_softmax"
    )


def dense_softmax() -> keras.Model:
    layers = tiny_network().layers
    return keras.Sequential(
        [keras.layers.Input((32, 32, 3)), *layers[:-1], keras.layers.Dense(4, activation="softmax")],
        name="dense_softmax",
    )


def nested() -> keras.Model:
    """Return a network whose softmax lies within a model within it."""
    inputs = keras.layers.Input((32, 32, 3))
    return keras.Model(inputs, dense_softmax()(inputs))


# --- ONNX


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("end", ["Softmax", ""])
@pytest.mark.parametrize("batch", [None, 1])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_onnx_model_gives_what_the_file_gives(tmp_path, scan, layout, end, batch, channels):
    data = classifier(layout, end=end, batch=batch, channels=channels)
    card = import_model(onnx_file(tmp_path, data), "theirs", FOUR)
    picture = fit(scan, card.input)[0][None]
    given = what_onnx_gives(data, picture if layout == "nhwc" else picture.transpose(0, 3, 1, 2))
    expected = given if end else softmax(given)
    found = load_model("theirs", precision="f32").classify([scan] * 9)
    np.testing.assert_allclose(found, np.repeat(expected, 9, axis=0), atol=1e-5)
    assert card.imported["outputs"] == ("softmax, left out" if end else "logits")
    assert card.input.shape == (SIDE, SIDE, channels)


def test_mean_and_deviation_of_each_channel_are_applied_after_the_range(tmp_path, scan):
    data, mean, std = classifier(end=""), (100.0, 120.0, 140.0), (50.0, 60.0, 70.0)
    card = import_model(onnx_file(tmp_path, data), "theirs", Choices(CLASSES, mean=mean, std=std, value_range=(0, 255)))
    picture = 255 * fit(scan, InputSpec(SIDE, SIDE, 3, (0.0, 1.0), crop=False))[0][None]
    expected = what_onnx_gives(data, ((picture - np.array(mean)) / np.array(std)).transpose(0, 3, 1, 2))
    found = load_model("theirs", precision="f32").runtime.logits(fit(scan, card.input)[0][None])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_last_logits_are_kept_where_a_softmax_would_lose_them(tmp_path):
    """A probability of 1 has no logarithm to tell two scans apart by; the logits have."""
    card = import_model(onnx_file(tmp_path, classifier()), "theirs", FOUR)
    far = 1e4 * np.ones((1, *card.input.shape), np.float32)
    logits = load_model("theirs", precision="f32").runtime.logits(far)
    assert np.ptp(logits) > 100 and np.isfinite(logits).all()


def test_a_model_that_is_imported_again_with_other_classes_is_served_with_them(tmp_path, scan):
    """In the process that served it before: the file of weights is the same, the card is not."""
    path = onnx_file(tmp_path, classifier())
    import_model(path, "theirs", FOUR)
    before = load_model("theirs")
    import_model(path, "theirs", Choices(CLASSES[::-1], value_range=(0, 255)))
    now = load_model("theirs")
    assert now.card.classes == CLASSES[::-1] and now.card.input.value_range == (0, 255)
    assert now.card.weights_sha256 == before.card.weights_sha256 and now.prediction_key != before.prediction_key


def test_a_network_of_any_size_takes_the_size_that_is_given(tmp_path, scan):
    path = onnx_file(tmp_path, classifier(size=None))
    with pytest.raises(ModelError, match="pictures of any size; give the one that it was trained on, as --size 224"):
        import_model(path, "theirs", FOUR)
    card = import_model(path, "theirs", Choices(CLASSES, size=(40, 48)))
    assert card.input.shape == (40, 48, 3)
    assert load_model("theirs").classify([scan]).shape == (1, 4)


REFUSED_ONNX = {
    "three outputs for four classes": (classifier(classes=3), FOUR, "--classes names 4; give one id for each output"),
    "sigmoids": (classifier(end="Sigmoid"), FOUR, "do not add up to 1, as one sigmoid for each class does"),
    "two inputs": (classifier(inputs=2), FOUR, r"has 2 inputs \(other, picture\) and 1 output"),
    "two outputs": (classifier(outputs=2), FOUR, "2 outputs .*export it so"),
    "an operation of somebody's own": (classifier(op="Mystery"), FOUR, "Mystery|theirs.onnx"),
    "weights in another file": (with_data_elsewhere(classifier(), "/etc/passwd"), FOUR, "theirs.onnx"),
    "half of a file": (classifier()[:500], FOUR, r"cannot be read as a network .* give an ONNX \(.onnx\) or Keras"),
    "a text": (b"not a network at all", FOUR, "cannot be read as a network"),
    "nothing": (b"", FOUR, "cannot be read as a network"),
    "another size": (classifier(), Choices(CLASSES, size=(30, 30)), "takes pictures of 24 x 24, --size says 30 x 30"),
    "another number of channels": (classifier(), Choices(CLASSES, channels=1), "takes 3 channels.*check --channels"),
    "five channels": (classifier(channels=5), Choices(CLASSES, layout="nchw"), "takes 5 channels; grey pictures"),
    "channels in no known place": (classifier(channels=5), FOUR, "add --layout nhwc or --layout nchw"),
    "a layout that is not its own": (
        classifier(),
        Choices(CLASSES, layout="nhwc"),
        "pictures of 3 x 24; from 16 to 1024",
    ),
    "two means for three channels": (classifier(), Choices(CLASSES, mean=(1, 2)), "--mean has 2 numbers for 3"),
    "a deviation of nothing": (classifier(), Choices(CLASSES, std=(1, 0, 1)), "--std divides the pixels"),
    "a range without width": (classifier(), Choices(CLASSES, value_range=(1, 1)), "--range 1,1 is no range"),
    "a range of one number": (classifier(), Choices(CLASSES, value_range=(1,)), "--range 1 is no range"),
    "an unknown layout": (classifier(), Choices(CLASSES, layout="chwn"), "it is nhwc or nchw"),
    "an unknown way to resample": (classifier(), Choices(CLASSES, resample="best"), "it is nearest, bilinear"),
    "one class": (classifier(classes=1), Choices(("glioma",)), "two or more different ids"),
    "the same class twice": (classifier(), Choices(("a", "b", "a", "c")), "two or more different ids"),
    "two names for four classes": (classifier(), Choices(CLASSES, names=("A", "B")), "2 names for 4 classes"),
    "an unknown dataset": (classifier(), Choices(CLASSES, trained_on="brats"), "'brats' is no dataset of Candor"),
}


@pytest.mark.parametrize("what", REFUSED_ONNX)
def test_what_is_no_such_classifier_is_refused_in_a_sentence_and_nothing_is_written(tmp_path, what):
    data, choices, sentence = REFUSED_ONNX[what]
    with pytest.raises(ModelError, match=sentence) as refused:
        import_model(onnx_file(tmp_path, data), "theirs", choices)
    assert len(str(refused.value).splitlines()) == 1
    assert not imported_folder().exists() or not list(imported_folder().iterdir())


@pytest.mark.parametrize("bad", ["", "Mine", "../mine", "a b", "x" * 41, ".mine"])
def test_an_id_that_could_be_a_path_is_refused(tmp_path, bad):
    with pytest.raises(ModelError, match="cannot be the id of a model"):
        import_model(onnx_file(tmp_path, classifier()), bad, FOUR)


@pytest.mark.parametrize("taken", ["candor-pooled4", "candor-gate", "measured"])
def test_the_id_of_one_of_candors_own_is_refused(tmp_path, taken):
    with pytest.raises(ModelError, match="one of Candor's own"):
        import_model(onnx_file(tmp_path, classifier()), taken, FOUR)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        import_model(tmp_path / "nowhere.onnx", "theirs", FOUR)


# --- Keras


@pytest.mark.parametrize("name", ["theirs.keras", "theirs.h5"])
@pytest.mark.parametrize("make", [tiny_network, dense_softmax, lambda: with_softmax(tiny_network()), nested])
@pytest.mark.filterwarnings("ignore:.*HDF5 file.*legacy:UserWarning")
def test_a_keras_model_gives_what_it_gave(tmp_path, scan, name, make):
    network = make()
    card = import_model(keras_file(tmp_path, network, name), "theirs", FOUR)
    given = network.predict_on_batch(fit(scan, card.input)[0][None])
    expected = softmax(given) if make is tiny_network else given
    np.testing.assert_allclose(load_model("theirs", precision="f32").classify([scan]), expected, atol=1e-5)


def test_the_pixels_of_a_keras_model_are_normalised_too(tmp_path, scan):
    network, mean, std = tiny_network(), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    card = import_model(keras_file(tmp_path, network), "theirs", Choices(CLASSES, mean=mean, std=std))
    picture = fit(scan, card.input)[0][None]
    expected = network.predict_on_batch((picture - np.array(mean)) / np.array(std))
    np.testing.assert_allclose(load_model("theirs", precision="f32").runtime.logits(picture), expected, atol=1e-4)


@keras.saving.register_keras_serializable("somebody")
class TheirLayer(keras.layers.Layer):
    def call(self, x):
        return x


def with_layer(layer: keras.layers.Layer) -> keras.Model:
    return keras.Sequential(
        [keras.layers.Input((32, 32, 3)), *tiny_network().layers[:-1], layer, keras.layers.Dense(4)]
    )


def two_inputs() -> keras.Model:
    inputs = [keras.layers.Input((8, 8, 3)), keras.layers.Input((8, 8, 3))]
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(keras.layers.Add()(inputs))))


def channels_first() -> keras.Model:
    return keras.Sequential(
        [
            keras.layers.Input((3, 32, 32)),
            keras.layers.Conv2D(4, 3, data_format="channels_first"),
            keras.layers.GlobalAveragePooling2D(data_format="channels_first"),
            keras.layers.Dense(4),
        ]
    )


REFUSED_KERAS = {
    "channels first": (channels_first, "pictures of 3 x 32; from 16 to 1024 are accepted"),
    "a lambda": (lambda: with_layer(keras.layers.Lambda(lambda x: x)), "has the layer Lambda, which runs code"),
    "a layer of somebody's own": (lambda: with_layer(TheirLayer()), "not a layer of Keras; export it to ONNX"),
    "two inputs": (two_inputs, "several inputs or outputs"),
    "three outputs for four classes": (lambda: tiny_network(classes=3), "--classes names 4"),
    "no picture": (lambda: keras.Sequential([keras.layers.Input((7,)), keras.layers.Dense(4)]), "four dimensions"),
}


@pytest.mark.parametrize("what", REFUSED_KERAS)
def test_a_keras_file_that_is_no_such_classifier_is_refused_in_a_sentence(tmp_path, what):
    make, sentence = REFUSED_KERAS[what]
    with pytest.raises(ModelError, match=sentence) as refused:
        import_model(keras_file(tmp_path, make()), "theirs", FOUR)
    assert len(str(refused.value).splitlines()) == 1


def test_weights_alone_and_damaged_files_are_refused(tmp_path):
    tiny_network().save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(ModelError, match="save the whole model"):
        import_model(tmp_path / "only.weights.h5", "theirs", FOUR)
    whole = keras_file(tmp_path, tiny_network())
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "less.keras", "w") as target:
        for name in set(source.namelist()) - {"model.weights.h5"}:
            target.writestr(name, source.read(name))
    with pytest.raises(ModelError, match="no Keras model that loads"):
        import_model(tmp_path / "less.keras", "theirs", FOUR)


# --- the bundle


def test_an_imported_model_stands_beside_candors_own_and_outside_the_repository(tmp_path):
    import_model(onnx_file(tmp_path, classifier()), "theirs", FOUR)
    assert list(models())[-1] == "theirs" and len(models()) > 1
    assert bundle_folder("theirs").parent == tmp_path / "imported"
    assert differences(bundle_folder("theirs")) == []
    assert models()["theirs"].names == ("Glioma", "Meningioma", "No tumour", "Pituitary tumour")
    assert "What it was trained on is not known" in model_card("theirs").limits[1]


def test_what_its_makers_trained_it_on_is_on_the_card(tmp_path):
    card = import_model(onnx_file(tmp_path, classifier()), "theirs", Choices(CLASSES, trained_on="kaggle4"))
    assert card.task == "kaggle4" and "The training part of kaggle4 counts as seen" in card.limits[1]


def test_a_model_that_is_imported_again_takes_the_place_of_the_old_one(tmp_path):
    import_model(onnx_file(tmp_path, classifier()), "theirs", FOUR)
    import_model(onnx_file(tmp_path, classifier(end="")), "theirs", FOUR)
    assert model_card("theirs").imported["outputs"] == "logits"
    with pytest.raises(ModelError):
        import_model(onnx_file(tmp_path, b"broken"), "theirs", FOUR)
    assert model_card("theirs").imported["outputs"] == "logits"


def test_other_weights_than_those_imported_are_not_served(tmp_path):
    import_model(onnx_file(tmp_path, classifier()), "theirs", FOUR)
    (bundle_folder("theirs") / "model.onnx").write_bytes(classifier(channels=1))
    with pytest.raises(ModelError, match="not those its card describes"):
        load_model("theirs")


def test_an_onnx_model_runs_on_openvino_alone(tmp_path):
    import_model(onnx_file(tmp_path, classifier()), "theirs", FOUR)
    with pytest.raises(ModelError, match="OpenVINO alone"):
        load_model("theirs", engine="tensorflow")


def test_the_command_imports_and_says_what_to_do_next(tmp_path, capsys):
    path = onnx_file(tmp_path, classifier(), "My Model v2.onnx")
    assert main(["import", str(path), "--classes", ",".join(CLASSES), "--range", "0,255", "--stretch"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("my-model-v2: ONNX") and "python -m train judge my-model-v2" in told
    card = model_card("my-model-v2")
    assert card.input == InputSpec(SIDE, SIDE, 3, (0.0, 255.0), crop=False, stretch=True)


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    assert main(["import", str(onnx_file(tmp_path, b"?")), "--classes", "a,b"]) == 2
    assert capsys.readouterr().err.startswith("error: theirs.onnx cannot be read as a network")


@pytest.mark.parametrize(("flag", "sentence"), [("--range=low,high", "are no numbers"), ("--size=big", "is no size")])
def test_a_flag_that_is_no_number_is_refused_by_its_name(tmp_path, capsys, flag, sentence):
    with pytest.raises(SystemExit):
        main(["import", str(tmp_path / "theirs.onnx"), "--classes", "a,b", flag])
    error = capsys.readouterr().err
    assert sentence in error and flag.partition("=")[0] in error
