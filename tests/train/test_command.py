"""python -m train, from a recipe to a bundle that predicts, on phantoms alone."""

import csv
import json
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import fields
from io import StringIO

import numpy as np
import pytest

from datasets.cards import DATASETS
from datasets.download import download
from datasets.records import DatasetError, Record, fingerprint
from model_zoo import Score, load_model, read_card
from model_zoo.estimate import Estimate
from model_zoo.scores import bundle_scores
from model_zoo.site_calibration import fit_temperature
from model_zoo.tables import PREDICTIONS, read_predictions
from model_zoo.verify import differences
from scans import phantom
from tests.conftest import made_up_card
from train import __main__ as command
from train.__main__ import main
from train.recipe import Recipe, recipe_ids

SMOKE = ["--set", "limit=12", "--set", "epochs=2", "--set", "size=64", "--set", "precision=float32"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a bundle that the command trained, and what it printed."""
    zoo = tmp_path_factory.mktemp("trained")
    with redirect_stdout(StringIO()) as printed:
        assert main(["cnn3-phantom4", *SMOKE, "--out", str(zoo)]) == 0
    return zoo / "cnn3-phantom4", printed.getvalue()


@pytest.fixture(scope="module")
def bundle(trained):
    return trained[0]


@pytest.fixture(scope="module")
def printed(trained):
    return trained[1]


def test_lesions_cannot_be_drawn_for_a_task_without_their_classes(tmp_path, capsys):
    assert main(["candor-44c15", "--set", "paint=0.1", "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "paint=0.1 draws glioma and meningioma, and 44c15 has no such classes" in capsys.readouterr().err


@pytest.mark.slow
def test_a_bundle_is_whole_and_its_card_agrees_with_its_files(bundle):
    files = {"card.json", "CARD.md", "model.keras", "history.csv", "predictions.csv"}
    assert {path.name for path in bundle.iterdir()} == files and differences(bundle) == []
    card = read_card(bundle / "card.json")
    assert card.scans == {"test": 48, "train": 38, "val": 10}
    assert card.recipe["limit"] == 12 and card.tap == "conv3" and card.input.height == 64
    rows = read_predictions(bundle / "predictions.csv", card.classes)
    assert {row.split for row in rows} == {"val", "test"} and len(rows) == 58
    assert bundle_scores(bundle, card.classes) == card.scores


@pytest.mark.slow
def test_a_bundle_predicts_in_the_app_what_its_table_holds(bundle, monkeypatch):
    """One row of predictions.csv, recomputed by the loaded model from the scan it names."""
    monkeypatch.setenv("CANDOR_ZOO", str(bundle.parent))
    model = load_model("cnn3-phantom4", precision="f32")
    with (bundle / "predictions.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["split"] == "test")
    kind, seed = row["id"].split("/")
    p = model.classify([phantom(kind, int(seed)).scan])[0]
    np.testing.assert_allclose(p, [float(row[f"p_{label}"]) for label in model.card.classes], atol=2e-5)


@pytest.fixture
def run_folder(bundle, tmp_path):
    """A copy of the bundle and its finished run, to be resumed."""
    return shutil.copytree(bundle.parent, tmp_path / "zoo")


@pytest.mark.slow
def test_training_again_replaces_the_bundle_whole(bundle, run_folder):
    assert main(["cnn3-phantom4", *SMOKE, "--out", str(run_folder), "--resume"]) == 0
    assert read_card(run_folder / "cnn3-phantom4" / "card.json") == read_card(bundle / "card.json")
    assert sorted(path.name for path in run_folder.iterdir()) == [".runs", "cnn3-phantom4"]


@pytest.mark.slow
def test_the_test_set_stays_shut_while_choices_are_made(run_folder, capsys):
    assert main(["cnn3-phantom4", *SMOKE, "--set", "evaluate=val", "--out", str(run_folder), "--resume"]) == 0
    card = read_card(run_folder / "cnn3-phantom4" / "card.json")
    assert {score.split for score in card.scores} == {"val"}
    assert {row.split for row in read_predictions(run_folder / "cnn3-phantom4" / PREDICTIONS, card.classes)} == {"val"}


@pytest.mark.slow
def test_a_training_ends_with_the_place_of_the_bundle_and_what_to_do_next(bundle, printed):
    assert str(bundle) in printed and f"CANDOR_ZOO={bundle.parent} python -m model_zoo verify" in printed


def test_the_recipes_are_listed_in_columns_with_their_notebook_s_first_line(capsys):
    assert main(["list"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == recipe_ids()
    for column in ("network", "size", "epochs", "notebook"):  # aligned, however long an id is
        place = header.index(column)
        assert all(line[place - 1] == " " != line[place] for line in lines)


def test_the_scores_of_a_gate_are_printed_and_no_others_of_like_names(monkeypatch, capsys):
    names = ("share withheld", "accuracy of the plane", "accuracy of the named sequence", "macro F1")
    others = ("share with a named plane", "AUC of the kind", "accuracy of the most confident 50 %")
    scores = [Score(name, "test", "heads", Estimate(0.25, 0.125, 0.5, 8), "gate.csv") for name in (*names, *others)]
    monkeypatch.setattr("train.gate.training.judge_gate", lambda data: made_up_card(scores=tuple(scores)))
    assert main(["judge", "candor-gate"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(names)
    for name, line in zip(names, printed, strict=True):
        assert name in line and line.endswith("0.2500 (0.1250 to 0.5000), 8 scans")


def test_the_help_lists_every_field_that_can_be_set(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"\b{field.name}\b", text) for field in fields(Recipe))


def test_the_old_name_of_a_switch_still_works_and_is_noted(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(command, "validate_models", lambda _, __, tests: calls.append(tests) or 0)
    chosen = ["--shortcut-test", "as is", "--shortcut-test", "tumour hidden"]
    for switch in ([], ["--no-shortcut-tests"], ["--no-checks"], chosen):
        assert main(["judge", "a-model", *switch]) == 0
    assert (
        calls == [None, [], [], ["as is", "tumour hidden"]]
        and capsys.readouterr().err.count("--no-shortcut-tests") == 1
    )


def test_an_unknown_shortcut_test_is_refused_with_those_there_are(capsys):
    assert main(["judge", "cnn3-kaggle4", "--shortcut-test", "tumor hidden"]) == 2
    assert "no shortcut test 'tumor hidden'; there are as is, border only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "no recipe 'nope'"),
        (["cnn3-kaggle4", "--data", "/nowhere"], "python -m train download kaggle4"),
        (["cnn3-phantom4", "--set", "colour=red"], "cannot set 'colour=red'"),
        (["audit", "brats"], "no task 'brats'"),
        (["audit"], "give one task, such as kaggle4"),
        (["audit", "kaggle4", "figshare3"], "give one task"),
        (["cnn3-phantom4", "cnn3-kaggle4"], "train one recipe at a time; cnn3-kaggle4 would be left out"),
        (["download", "pooled4"], "download each: kaggle4, figshare3, 44c15"),
        (["download", "figshare3", "--data", "/nowhere"], "By hand: 1. open https://figshare.com"),
    ],
)
def test_an_impossible_command_is_refused_in_one_sentence(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and "Traceback" not in error


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


def test_a_known_temperature_is_recovered():
    """Labels drawn from softmax(z), logits handed over as 2.5 z: the temperature is 2.5."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (20_000, 4))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    assert fit_temperature(2.5 * z, truth) == pytest.approx(2.5, rel=0.03)


def test_a_fingerprint_changes_with_the_split_of_the_same_scans():
    records = [Record("1", "a", split="train"), Record("2", "b", split="test")]
    swapped = [Record("1", "a", split="test"), Record("2", "b", split="train")]
    assert fingerprint(records) == fingerprint(records[::-1]) != fingerprint(swapped)


@pytest.mark.slow
def test_history_and_state_are_plain_files(bundle):
    state = json.loads((bundle.parent / ".runs" / "cnn3-phantom4" / "state.json").read_text())
    assert state["epochs_done"] == 2 and len(state["history"]) == 2
