"""python -m train, from a recipe to a bundle that predicts, on phantoms alone."""

import csv
import json

import numpy as np
import pytest

from datasets.cards import DATASETS
from datasets.download import download
from datasets.records import DatasetError, Record, fingerprint
from model_zoo import load_model, read_card
from model_zoo.scores import prediction_scores
from model_zoo.tables import read_predictions
from model_zoo.verify import differences
from scans import phantom
from train.__main__ import main
from train.evaluate import fit_temperature

SMOKE = ["--set", "limit=12", "--set", "epochs=2", "--set", "size=64", "--set", "precision=float32"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    zoo = tmp_path_factory.mktemp("trained")
    assert main(["cnn3-phantom4", *SMOKE, "--out", str(zoo)]) == 0
    return zoo / "cnn3-phantom4"


def test_a_bundle_is_whole_and_its_card_agrees_with_its_files(bundle):
    files = {"card.json", "CARD.md", "model.keras", "history.csv", "predictions.csv"}
    assert {path.name for path in bundle.iterdir()} == files and differences(bundle) == []
    card = read_card(bundle / "card.json")
    assert card.scans == {"test": 48, "train": 38, "val": 10}
    assert card.recipe["limit"] == 12 and card.tap == "conv3" and card.input.height == 64
    rows = read_predictions(bundle / "predictions.csv", card.classes)
    assert {row.split for row in rows} == {"val", "test"} and len(rows) == 58
    assert prediction_scores(rows, card.classes) == card.scores


def test_a_bundle_predicts_in_the_app_what_it_was_scored_on(bundle, monkeypatch):
    """One row of predictions.csv, recomputed by the loaded model from the scan it names."""
    monkeypatch.setenv("CANDOR_ZOO", str(bundle.parent))
    model = load_model("cnn3-phantom4", precision="f32")
    with (bundle / "predictions.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["split"] == "test")
    kind, seed = row["id"].split("/")
    p = model.classify([phantom(kind, int(seed)).scan])[0]
    np.testing.assert_allclose(p, [float(row[f"p_{label}"]) for label in model.card.classes], atol=2e-5)


def test_training_again_replaces_the_bundle_whole(bundle):
    before = read_card(bundle / "card.json")
    assert main(["cnn3-phantom4", *SMOKE, "--out", str(bundle.parent), "--resume"]) == 0
    assert read_card(bundle / "card.json") == before
    assert sorted(path.name for path in bundle.parent.iterdir()) == [".runs", "cnn3-phantom4"]


def test_the_test_set_stays_shut_while_choices_are_made(tmp_path):
    assert main(["cnn3-phantom4", *SMOKE, "--set", "epochs=1", "--set", "evaluate=val", "--out", str(tmp_path)]) == 0
    card = read_card(tmp_path / "cnn3-phantom4" / "card.json")
    assert {figure.split for figure in card.scores} == {"val"}


def test_the_recipes_are_listed_with_their_notebook_s_first_line(capsys):
    assert main(["list"]) == 0
    assert "cnn3-kaggle4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope"], "no recipe 'nope'"),
        (["cnn3-kaggle4", "--data", "/nowhere"], "python -m train download kaggle4"),
        (["cnn3-phantom4", "--set", "colour=red"], "cannot set 'colour=red'"),
        (["audit", "brats"], "no task 'brats'"),
        (["audit"], "no task ''"),
        (["download", "figshare3", "--data", "/nowhere"], "By hand: 1. open https://figshare.com"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, told, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error and error.startswith("error: ") and "Traceback" not in error


def test_a_failed_download_lists_the_steps_by_hand(tmp_path, monkeypatch):
    import kagglehub

    def refused(handle: str) -> str:
        raise ConnectionError(f"no route to {handle}")

    monkeypatch.setattr(kagglehub, "dataset_download", refused)
    with pytest.raises(DatasetError, match=r"no route to .*By hand: 1\. open https://www\.kaggle\.com") as caught:
        download(DATASETS["kaggle4"], tmp_path)
    assert str(tmp_path / "brain-tumor-mri-dataset") in str(caught.value)


def test_a_download_lands_where_the_readers_look(tmp_path, monkeypatch):
    import kagglehub

    (tmp_path / "cache" / "Training").mkdir(parents=True)
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: str(tmp_path / "cache"))
    assert download(DATASETS["kaggle4"], tmp_path / "data") == 0
    assert (tmp_path / "data" / "brain-tumor-mri-dataset" / "Training").is_dir()
    with pytest.raises(DatasetError, match="exists already"):
        download(DATASETS["kaggle4"], tmp_path / "data")


def test_the_temperature_that_was_put_in_is_found_again():
    """Labels drawn from softmax(z), logits handed over as 2.5 z: the temperature is 2.5."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (20_000, 4))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    assert fit_temperature(2.5 * z, truth) == pytest.approx(2.5, rel=0.03)


def test_a_fingerprint_tells_another_division_of_the_same_scans():
    records = [Record("1", "a", split="train"), Record("2", "b", split="test")]
    swapped = [Record("1", "a", split="test"), Record("2", "b", split="train")]
    assert fingerprint(records) == fingerprint(records[::-1]) != fingerprint(swapped)


def test_history_and_state_are_plain_files(bundle):
    state = json.loads((bundle.parent / ".runs" / "cnn3-phantom4" / "state.json").read_text())
    assert state["epochs_done"] == 2 and len(state["history"]) == 2
