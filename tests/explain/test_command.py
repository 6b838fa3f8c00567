"""python -m explain: the files it writes, and its one-sentence errors."""

import json

import numpy as np
import pytest
from PIL import Image

from explain import METHODS
from explain.__main__ import COMMANDS, main
from explain.arguments import unique_stems
from explain.render.rendering import SIDE
from tests.bad_files import BAD_FILES
from tests.conftest import CLASSES
from tests.good_files import dicom12, disc, nifti_gz, png, volume


@pytest.fixture
def explain(in_tiny_zoo, tmp_path, capsys):
    """Run the command into `tmp_path/out` and return the exit status, the entries and stderr."""

    def run(*arguments):
        status = main([*map(str, arguments), "--out", str(tmp_path / "out"), "--json"])
        printed = capsys.readouterr()
        return status, json.loads(printed.out) if printed.out else None, printed.err

    return run


ASK = ("--model", "tiny-phantom4", "--method", "gradcam")


def test_each_scan_gets_a_map_a_picture_and_a_line(explain, tmp_path):
    wide = np.pad(disc(64), ((0, 0), (10, 30)))
    (tmp_path / "wide.png").write_bytes(png(wide))
    (tmp_path / "b.dcm").write_bytes(dicom12(disc()))
    status, entries, _ = explain(tmp_path / "wide.png", tmp_path / "b.dcm", *ASK, "--target", "pituitary")
    assert status == 0
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "wide.gradcam.npy",
        "wide.gradcam.png",
        "b.gradcam.npy",
        "b.gradcam.png",
        "explanations.jsonl",
    }
    heat = np.load(out / "wide.gradcam.npy")
    assert heat.shape == (64, 104) and heat.dtype == np.float32
    with Image.open(out / "wide.gradcam.png") as picture:
        assert picture.size == (SIDE, SIDE)
    lines = [json.loads(line) for line in (out / "explanations.jsonl").read_text().splitlines()]
    assert [line["map"] for line in lines] == ["wide.gradcam.npy", "b.gradcam.npy"]
    assert {line["target"] for line in lines} == {"pituitary"} == {entry["target"] for entry in entries}
    assert lines[0]["shape"] == [64, 104] and lines[0]["range"] == [float(heat.min()), float(heat.max())]


def test_the_middle_slice_of_a_volume_is_explained_unless_another_is_chosen(explain, tmp_path):
    (tmp_path / "v.nii.gz").write_bytes(nifti_gz(volume()))
    _, (middle,), _ = explain(tmp_path / "v.nii.gz", *ASK)
    _, (chosen,), _ = explain(tmp_path / "v.nii.gz", *ASK, "--slice", 7, "--plane", "sagittal")
    assert (middle["slice"], middle["plane"]) == (volume().shape[2] // 2, "axial")
    assert (chosen["slice"], chosen["plane"]) == (7, "sagittal")
    assert middle["map"].endswith("v.gradcam.npy")
    status, (entry,), _ = explain(tmp_path / "v.nii.gz", *ASK, "--slice", 4000)
    assert status == 1 and "slices 0 to" in entry["error"]


@pytest.mark.slow
def test_a_bad_file_gets_its_sentence_and_the_others_are_explained(explain, tmp_path):
    names = []
    for name, make in BAD_FILES.items():
        (tmp_path / name).write_bytes(make())
        names.append(tmp_path / name)
    (tmp_path / "good.png").write_bytes(png(disc()))
    status, entries, errors = explain(*names, tmp_path / "good.png", *ASK)
    assert status == 1 and errors == "" and len(entries) == len(names) + 1
    assert all(set(entry) == {"file", "error"} for entry in entries[:-1])
    assert entries[-1]["method"] == "gradcam" and (tmp_path / "out" / "good.gradcam.npy").exists()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (("--model", "nope", "--method", "gradcam"), "tiny-phantom4"),
        (("--model", "tiny-phantom4", "--method", "gradcan"), "gradcam"),
        ((*ASK, "--target", "tumour"), ", ".join(CLASSES)),
        ((*ASK, "--engine", "magic"), "compiled, tf-keras-vis"),
    ],
)
def test_what_does_not_exist_is_one_sentence_on_stderr(explain, tmp_path, ask, words):
    (tmp_path / "a.png").write_bytes(png(disc()))
    status, entries, error = explain(tmp_path / "a.png", *ask)
    assert (status, entries) == (2, None) and words in error and error.count("\n") == 1


@pytest.mark.slow
def test_all_means_every_method_once(explain, tmp_path):
    (tmp_path / "a.png").write_bytes(png(disc()))
    ask = ("--model", "tiny-phantom4", "--method", "rise", "--method", "all")
    status, entries, _ = explain(tmp_path / "a.png", *ask)
    assert status == 0 and [entry["method"] for entry in entries] == ["rise", *(m for m in METHODS if m != "rise")]
    assert {path.name for path in (tmp_path / "out").glob("*.npy")} == {f"a.{method}.npy" for method in METHODS}


def test_a_time_limit_cuts_a_map_off_and_the_map_is_marked(explain, tmp_path):
    (tmp_path / "a.png").write_bytes(png(disc()))
    ask = ("--model", "tiny-phantom4", "--method", "rise")
    _, (short,), _ = explain(tmp_path / "a.png", *ask, "--seconds", "1e-9")
    _, (long,), _ = explain(tmp_path / "a.png", *ask)
    assert (short["stopped"], short["evaluations"]) == ("time", 129) and len(short["warnings"]) == 1
    assert long["stopped"] in ("stable", "complete") and long["evaluations"] > 129 and set(short) == set(long)


@pytest.mark.parametrize("seconds", ["0", "-5", "nan"])
def test_a_time_limit_that_is_not_above_0_is_refused_before_a_model_is_loaded(explain, tmp_path, seconds):
    status, entries, error = explain(tmp_path / "a.png", "--model", "nope", "--method", "gradcam", "--seconds", seconds)
    assert (status, entries) == (2, None) and "more than 0 seconds" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_evaluate_is_another_command(monkeypatch, capsys):
    from explain.evaluation import cli

    given = []
    monkeypatch.setattr(cli, "main", lambda arguments: given.append(arguments) or 7)
    assert main(["evaluate", "--model", "m", "--data", "d"]) == 7 and given == [["--model", "m", "--data", "d"]]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_scan_that_is_called_like_a_command_is_given_with_its_folder(explain, tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(png(disc()))
    status, (entry,), _ = explain(f"./{name}", *ASK)
    assert status == 0 and entry["map"].endswith(f"{name}.gradcam.npy")
    with pytest.raises(SystemExit):
        main(["--help"])
    words = "".join(capsys.readouterr().out.split())  # a line may break within a name
    assert "./report." in words and f"`python-mexplain{name}`" in words


def test_a_folder_that_cannot_be_written_is_one_sentence_on_stderr(explain, tmp_path, capsys, in_tiny_zoo):
    (tmp_path / "a.png").write_bytes(png(disc()))
    assert main([str(tmp_path / "a.png"), *ASK, "--out", str(tmp_path / "a.png" / "out")]) == 2
    error = capsys.readouterr().err
    assert "--out" in error and error.count("\n") == 1


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path):
    paths = [tmp_path / part / "scan.nii.gz" for part in ("a", "b", "c")]
    assert [stem for _, stem in unique_stems(paths)] == ["scan", "scan-2", "scan-3"]
    paths = [tmp_path / name for name in ("a/scan.png", "a/scan-2.png", "b/scan.png")]
    assert [stem for _, stem in unique_stems(paths)] == ["scan", "scan-2", "scan-3"]


def test_a_name_as_long_as_the_file_system_takes_does_not_stop_the_others(explain, tmp_path):
    long, good = tmp_path / ("x" * 250 + ".png"), tmp_path / "good.png"
    long.write_bytes(png(disc()))
    good.write_bytes(png(disc()))
    status, entries, _ = explain(long, good, *ASK)
    assert status == 0 and len(list((tmp_path / "out").glob("*.npy"))) == len(entries) == 2
