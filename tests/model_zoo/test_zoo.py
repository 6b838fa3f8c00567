"""Models are listed, loaded once, and predict probabilities."""

from dataclasses import replace

import numpy as np
import pytest

from model_zoo import ModelError, load_model, model_card, models, probabilities, zoo, zoo_folder
from model_zoo.runtime import make_runtime
from scans import PHANTOM_SAMPLES, phantom
from tests.conftest import tiny_network, write_bundle

SHIPPED = sorted(models())


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature():
    logits = np.log([[1.0, 3.0], [4.0, 1.0]])
    np.testing.assert_allclose(probabilities(logits), [[0.25, 0.75], [0.8, 0.2]], atol=1e-6)
    np.testing.assert_allclose(probabilities(logits, 0.5), [[0.1, 0.9], [16 / 17, 1 / 17]], atol=1e-6)


def test_huge_logits_do_not_overflow():
    np.testing.assert_array_equal(probabilities(np.array([[1e4, 0.0]])), [[1, 0]])


def test_a_model_is_loaded_once(in_tiny_zoo):
    assert load_model("tiny-phantom4") is load_model("tiny-phantom4")


def test_a_model_predicts_scans_of_any_shape_as_it_predicts_their_fit(in_tiny_zoo):
    from scans import fit

    model = load_model("tiny-phantom4", precision="f32")
    scans = [phantom("glioma", 1, size).scan for size in (64, 100, 128)] * 12  # more than one batch
    p = model.classify(scans)
    assert p.shape == (36, 4) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    alone = np.concatenate([model.predict(fit(scan, model.card.input)[0][None]) for scan in scans[:3]])
    np.testing.assert_allclose(p[:3], alone, atol=1e-5)


def test_no_scans_give_no_predictions(in_tiny_zoo):
    assert load_model("tiny-phantom4").classify([]).shape == (0, 4)


@pytest.mark.parametrize("name", ["nope", "", "../tiny-phantom4", "tiny-phantom4/../tiny-phantom4", "x" * 5000])
def test_an_unknown_model_is_refused_with_the_ones_there_are(in_tiny_zoo, name):
    with pytest.raises(ModelError, match="tiny-phantom4"):
        model_card(name)


def test_an_empty_zoo_says_how_to_fill_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    with pytest.raises(ModelError, match="python -m train"):
        load_model("cnn3-kaggle4")


def test_weights_that_changed_on_disk_are_not_served(tmp_path, monkeypatch):
    write_bundle(tmp_path / "changed-phantom4", tiny_network(seed=3), weights_sha256="0" * 64)
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    with pytest.raises(ModelError, match="not those its card describes"):
        load_model("changed-phantom4")


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request):
    """A shipped model in float32, loaded once for all tests of it."""
    return load_model(request.param, precision="f32")


@pytest.mark.slow
def test_every_shipped_model_fits_its_card(shipped, request):
    """Loads with its hash, has the card's classes, parameters and feature map, and predicts finite probabilities."""
    from model_zoo.tap import find_tap

    model, card, name = shipped, shipped.card, request.node.callspec.params["shipped"]
    assert card.id == name and name.endswith(card.task)
    assert len(card.classes) == len(card.names) == model.network.output_shape[-1]
    assert model.network.input_shape[1:] == card.input.shape
    assert model.network.count_params() == card.parameters
    assert find_tap(model.network) == card.tap
    assert (zoo_folder() / name / "model.keras").stat().st_size == card.weights_bytes < 50e6
    assert np.isfinite(model.classify([phantom("notumor", 0).scan])).all()


def test_the_first_model_is_shipped_and_as_accurate_as_required():
    card = models()["cnn3-kaggle4"]
    assert card.score("accuracy", "test").value >= 0.955 and card.score("accuracy", "test").scans == 1311
    assert card.score("accuracy", "test", "no near-duplicate in training").scans < 1311
    assert card.parameters == 5_402_308 and card.weights_bytes < 13e6


@pytest.mark.slow
def test_every_shipped_model_predicts_the_same_class_in_either_precision(shipped):
    scans = [phantom(*sample, 256).scan for sample in PHANTOM_SAMPLES]
    coarse = replace(shipped, runtime=make_runtime(shipped.network, engine="openvino", precision="bf16"))
    exact, fast = shipped.classify(scans), coarse.classify(scans)
    assert (shipped.runtime.engine, shipped.runtime.precision) == ("openvino", "f32")
    clear = np.sort(exact, axis=1)[:, -1] - np.sort(exact, axis=1)[:, -2] > 0.05
    assert clear.any() and (exact.argmax(axis=1) == fast.argmax(axis=1))[clear].all()
    assert np.abs(exact - fast).max() < 0.05


def test_all_weights_of_the_repository_together_stay_below_180_mb_and_each_file_below_50():
    """Those of the teachers in `measured/`, too; `train/weights` is not in the repository."""
    kept = [*zoo_folder().glob("[!.]*/model.keras"), *(zoo_folder() / zoo.MEASURED).glob("*/model.keras")]
    sizes = [path.stat().st_size for path in kept]
    assert len(sizes) > len(models()) and sum(sizes) < 180e6 and max(sizes) < 50e6


def test_the_default_comes_first_and_the_others_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    for model_id in ("a-phantom4", zoo.DEFAULT, "z-phantom4"):
        write_bundle(tmp_path / model_id, tiny_network())
    assert list(zoo.models()) == [zoo.DEFAULT, "a-phantom4", "z-phantom4"]


def test_one_broken_card_leaves_the_other_models_served(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    write_bundle(tmp_path / "a-phantom4", tiny_network())
    (tmp_path / "b-phantom4").mkdir()
    (tmp_path / "b-phantom4" / "card.json").write_text("{")
    assert list(zoo.models()) == ["a-phantom4"] and list(zoo.broken_models()) == ["b-phantom4"]
    assert zoo.load_model("a-phantom4").card.id == "a-phantom4"
    with pytest.raises(ModelError, match="cannot be read as a model card"):
        zoo.load_model("b-phantom4")
