"""python -m model_zoo: the contract that scripts rely on, with good, odd and bad files in one call."""

import json

import numpy as np
import pytest

from model_zoo import read_card
from model_zoo.__main__ import main
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from tests.bad_files import BAD_FILES, ODD_FILES
from tests.conftest import CLASSES, tiny_network, write_bundle
from tests.good_files import dicom12, disc, jpeg, nifti_gz, png, volume

# "reasons": the tiny network was never measured on any sequence
ANSWERED = {"file", "model", "class", "probabilities", "set", "set_level", "reasons", "gate"}


@pytest.fixture
def predict(in_tiny_zoo, capsys):
    """Run `predict tiny-phantom4 ... --json` and return the exit status, the entries and what went to stderr."""

    def run(*paths, model="tiny-phantom4"):
        status = main(["predict", model, *map(str, paths), "--json"])
        printed = capsys.readouterr()
        return status, json.loads(printed.out) if printed.out else None, printed.err

    return run


@pytest.fixture
def files(tmp_path):
    """Write bytes under a name and return the path."""

    def write(name: str, data: bytes):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.png", png(disc())), ("a.jpg", jpeg(disc())), ("a.dcm", dicom12(disc())), ("no_ending", png(disc()))],
)
def test_one_scan_gives_one_entry_with_exactly_the_promised_keys(predict, files, name, data):
    path = files(name, data)
    status, (entry,), _ = predict(path)
    assert status == 0
    assert set(entry) == ANSWERED
    assert entry["file"] == str(path) and entry["model"] == "tiny-phantom4"
    assert list(entry["probabilities"]) == list(CLASSES)
    assert sum(entry["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert entry["class"] == max(entry["probabilities"], key=entry["probabilities"].get)


def test_a_volume_gives_one_entry_per_slice(predict, files):
    status, entries, _ = predict(files("v.nii.gz", nifti_gz(volume())))
    assert status == 0 and [entry["slice"] for entry in entries] == list(range(volume().shape[2]))
    assert {"slice", *ANSWERED} in [set(entry) for entry in entries]


def test_a_blank_slice_of_a_volume_says_so_and_has_no_prediction(predict, files):
    values = volume()
    values[:, :, 0] = 0
    status, entries, _ = predict(files("v.nii.gz", nifti_gz(values)))
    assert status == 0
    assert "blank" in entries[0]["error"] and "class" not in entries[0]
    assert entries[len(entries) // 2]["class"] in CLASSES


@pytest.mark.slow
def test_every_bad_file_gets_its_sentence_in_its_place_and_the_others_their_prediction(predict, files):
    bad = [files(name, make()) for name, make in BAD_FILES.items()]
    good = files("good.png", png(disc()))
    status, entries, errors = predict(good, *bad, good)
    assert status == 1 and errors == ""
    assert [entry["file"] for entry in entries] == [str(path) for path in (good, *bad, good)]
    assert "class" in entries[0] and entries[0] == entries[-1]
    for entry in entries[1:-1]:
        assert set(entry) == {"file", "error"}, entry
        assert entry["error"][0].isupper() and entry["error"].endswith(".") and "Traceback" not in entry["error"]


@pytest.mark.slow
def test_odd_files_get_a_prediction(predict, files):
    status, entries, _ = predict(*[files(name, make()) for name, (make, _) in ODD_FILES.items()])
    assert status == 0
    assert {entry["file"].rsplit("/", 1)[1] for entry in entries if "class" in entry} == set(ODD_FILES)


def test_a_missing_file_and_a_folder_are_unreadable_files(predict, tmp_path):
    status, entries, _ = predict(tmp_path / "nowhere.png", tmp_path)
    assert status == 1 and ["cannot be opened" in entry["error"] for entry in entries] == [True, True]


def test_an_unknown_model_is_one_sentence_on_stderr(predict, files):
    status, entries, error = predict(files("a.png", png(disc())), model="../../etc/passwd")
    assert (status, entries) == (2, None)
    assert error.count("\n") == 1 and "the zoo has tiny-phantom4" in error


def test_weights_of_another_hash_are_one_sentence_on_stderr(files, tmp_path, monkeypatch, capsys):
    write_bundle(tmp_path / "zoo" / "changed-phantom4", tiny_network(seed=4), weights_sha256="f" * 64)
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "zoo"))
    assert main(["predict", "changed-phantom4", str(files("a.png", png(disc())))]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "not those its card describes" in error


@pytest.mark.parametrize("output", [["--json"], []])
def test_a_model_that_gives_no_numbers_predicts_nothing_and_is_one_sentence(
    files, tmp_path, monkeypatch, capsys, output
):
    network = tiny_network()
    network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])
    write_bundle(tmp_path / "zoo" / "broken-phantom4", network)
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "zoo"))
    assert main(["predict", "broken-phantom4", str(files("a.png", png(disc()))), *output]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "probabilities that are not finite" in printed.err


def test_the_list_names_every_model_with_both_accuracies(bundle, capsys):
    card = read_card(bundle / "card.json")
    assert main(["list"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("tiny-phantom4")
    for subset in (ALL_SCANS, NO_NEAR_DUPLICATE):
        assert card.score("accuracy", "test", subset).decimal(3) in line


def test_a_renamed_command_keeps_its_old_name_with_a_note(bundle, capsys):
    assert main(["refigure"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("tiny-phantom4: 0 scores") and "recompute" in printed.err


def test_the_list_as_json_holds_whole_cards(in_tiny_zoo, capsys):
    assert main(["list", "--json"]) == 0
    (card,) = json.loads(capsys.readouterr().out)
    assert card["id"] == "tiny-phantom4" and card["classes"] == list(CLASSES)


def test_without_json_one_line_per_scan_is_printed(in_tiny_zoo, files, capsys):
    assert main(["predict", "tiny-phantom4", str(files("a.png", png(disc()))), str(files("b.png", b"<html>"))]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert all(label in first for label in CLASSES) and "a.png: " in first and "b.png: " in second
