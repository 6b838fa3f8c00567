"""A fault of a dataset or a disk is one sentence, and nothing already saved is damaged."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.cards import DATASETS
from model_zoo import read_card
from scans import phantom
from train import pipeline
from train.__main__ import main

pytestmark = pytest.mark.usefixtures("eager_training")

ROOT = Path(__file__).parents[2]
KAGGLE = "brain-tumor-mri-dataset"
CLASSES = tuple(DATASETS["kaggle4"].classes)
SMALL = ["--set", "limit=6", "--set", "size=32", "--set", "batch=8", "--set", "precision=float32"]


def refused(arguments: list, capsys) -> str:
    """Run a command that must be refused, and return its one sentence, with the indented list below it if any."""
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err.rpartition("error: ")[2]
    sentence, *below = error.removesuffix("\n").split("\n")
    assert sentence and "Traceback" not in error and error.endswith("\n")
    assert all(line.startswith("  ") and line.strip() for line in below)
    return error


def saved(folder: Path) -> dict[str, str]:
    """Every file below a folder and the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A Kaggle set of three scans a class and split, and three slices of figshare."""
    data = tmp_path_factory.mktemp("published")
    for part, first in (("Training", 0), ("Testing", 100)):
        for label in CLASSES:
            for seed in range(3):
                save(data / KAGGLE / part / label / f"{seed}.png", label, first + seed)
    for label in DATASETS["figshare3"].classes:
        save(data / "figshare-brain-tumor" / label / "7.png", label, 200)
    return data


def save(path: Path, label: str, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = phantom(label, seed, 64).scan.pixels
    Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(path)


@pytest.fixture
def data(published, tmp_path) -> Path:
    """A copy of the Kaggle set, to be spoilt."""
    shutil.copytree(published / KAGGLE, tmp_path / "data" / KAGGLE)
    return tmp_path / "data"


def remove(folder: Path) -> None:
    """Remove the scans of a folder, not the folder."""
    for path in folder.rglob("*.png"):
        path.unlink()


def move_down(folder: Path) -> None:
    """Put what is in a folder into a sub-folder of the same name."""
    folder.rename(folder.with_name("moved"))
    folder.mkdir()
    folder.with_name("moved").rename(folder / folder.name)


def no_folder(data: Path) -> None:
    data.rename(data.with_name("elsewhere"))


def no_testing(data: Path) -> None:
    shutil.rmtree(data / KAGGLE / "Testing")


SPOILT = {
    "a missing folder": (no_folder, [f"is not at {{data}}/{KAGGLE}", "--data", "python -m train download kaggle4"]),
    "an empty folder": (remove, ["holds 0 scans", "glioma, meningioma, notumor, pituitary"]),
    "a missing split": (no_testing, [f"there is no folder {{data}}/{KAGGLE}/Testing", "download the set again"]),
    "an empty split": (lambda d: remove(d / KAGGLE / "Testing"), ["test split, holds 0 scans", "download the set"]),
    "a class absent everywhere": (
        lambda d: [remove(d / KAGGLE / part / "pituitary") for part in ("Training", "Testing")],
        ["brain-tumor-mri-dataset holds 18 scans and none of class pituitary", "download the set again"],
    ),
    "a class absent from the published test split": (
        lambda d: remove(d / KAGGLE / "Testing" / "glioma"),
        ["test split, holds 9 scans and none of class glioma", "put the missing folders back"],
    ),
    "a class absent from training": (
        lambda d: remove(d / KAGGLE / "Training" / "notumor"),
        ["train split, holds 9 scans and none of class notumor"],
    ),
    "an unknown class": (
        lambda d: (d / KAGGLE / "Training" / "astrocytoma").mkdir(),
        ["unknown class folder 'astrocytoma'", "rename it or move it out", "expected glioma, meningioma"],
    ),
    "pictures in a sub-folder of their class folder": (
        lambda d: move_down(d / KAGGLE / "Training" / "glioma"),
        ["the pictures of a class folder lie in sub-folders; move them up", "Training/glioma: 3 in glioma"],
    ),
    "a set one folder too deep": (
        lambda d: move_down(d / KAGGLE),
        [f"Testing and Training lie in {{data}}/{KAGGLE}/{KAGGLE}: move them into {{data}}/{KAGGLE}"],
    ),
    "an unreadable scan": (
        lambda d: (d / KAGGLE / "Testing" / "glioma" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short"),
        [f"{{data}}/{KAGGLE}/Testing/glioma/2.png cannot be read", "damaged, cut short", "Remove it or download"],
    ),
    "an empty scan": (
        lambda d: (d / KAGGLE / "Training" / "glioma" / "0.png").write_bytes(b""),
        [f"{{data}}/{KAGGLE}/Training/glioma/0.png cannot be read", "Remove it or download"],
    ),
    "a web page saved as a scan": (
        lambda d: (d / KAGGLE / "Training" / "glioma" / "0.png").write_bytes(b"<!doctype html><title>Sign in</title>"),
        ["Training/glioma/0.png cannot be read", "Remove it or download"],
    ),
}


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.parametrize("command", [["audit", "kaggle4"], ["cnn3-kaggle4", *SMALL]], ids=["audit", "train"])
def test_a_spoilt_dataset_is_refused_and_what_was_saved_stays(what, command, data, tmp_path, capsys):
    spoiling, parts = SPOILT[what]
    spoiling(data)
    out = tmp_path / "out"
    (out / "cnn3-kaggle4").mkdir(parents=True)
    (out / "cnn3-kaggle4" / "card.json").write_text("an older bundle")
    (out / "near_duplicates.csv").write_text("an older table")
    before = saved(out)
    message = refused([*command, "--data", data, "--out", out], capsys)
    assert [part for part in parts if part.format(data=data) not in message] == []
    assert saved(out) == before


COMMANDS = {
    "audit": ["audit", "kaggle4"],
    "train": ["cnn3-kaggle4", *SMALL],
    "audit of figshare": ["audit", "figshare3"],
    "train on figshare": ["cnn3-figshare3", *SMALL],
}


@pytest.mark.parametrize("command", ["audit", "train"])
def test_every_scan_that_cannot_be_read_is_named_at_once(command, data, tmp_path, capsys):
    spoilt = sorted((data / KAGGLE / "Training" / "glioma").glob("*.png"))
    spoilt.append(data / KAGGLE / "Testing" / "pituitary" / "1.png")
    for path, content in zip(spoilt, (b"", b"<html>", b"\x89PNG\r\n\x1a\n cut short", b"%PDF-1.7"), strict=True):
        path.write_bytes(content)
    message = refused([*COMMANDS[command], "--data", data, "--out", tmp_path / "out"], capsys)
    assert message.splitlines() == [
        "4 files cannot be used; correct or remove them, or download the set again:",
        f"  {spoilt[0]} cannot be read: This file is empty (0 bytes)",
        f"  {spoilt[1]} cannot be read: This is a web page, not a picture",
        f"  {spoilt[2]} cannot be read: This picture file is damaged, cut short or of a rare kind",
        f"  {spoilt[3]} cannot be read: This is a PDF document",
    ]


@pytest.mark.parametrize("command", ["audit", "train"])
def test_of_many_unreadable_scans_ten_are_named(command, data, tmp_path, capsys):
    spoilt = sorted((data / KAGGLE / "Training").rglob("*.png"))
    for path in spoilt:
        path.write_bytes(b"not a picture")
    message = refused([*COMMANDS[command], "--data", data, "--out", tmp_path / "out"], capsys)
    named = [path for path in spoilt if f"  {path} cannot be read: This file holds text" in message]
    assert message.startswith("12 files cannot be used") and named == spoilt[:10]
    assert message.splitlines()[-1] == "  and 2 more"


@pytest.mark.parametrize("command", ["audit of figshare", "train on figshare"])
def test_broken_boxes_odd_names_and_unreadable_scans_are_named_together(command, published, tmp_path, capsys):
    figshare = tmp_path / "figshare-brain-tumor"
    shutil.copytree(published / "figshare-brain-tumor", figshare)
    (figshare / "glioma" / "7.txt").write_text("0 12 200 40 30")
    (figshare / "glioma" / "7.png").write_bytes(b"")
    (figshare / "meningioma" / "7.txt").write_text("tumour here")
    (figshare / "pituitary" / "7.png").rename(figshare / "pituitary" / "seven.png")
    message = refused([*COMMANDS[command], "--data", tmp_path, "--out", tmp_path / "out"], capsys)
    first, *lines = message.splitlines()
    assert first.startswith("4 files cannot be used; ") and len(lines) == 4
    for words in (
        f"{figshare}/glioma/7.txt should have five numbers per line",
        f"{figshare}/glioma/7.png cannot be read: This file is empty",
        f"{figshare}/meningioma/7.txt should have five numbers per line",
        f"{figshare}/pituitary/seven.png should be named by its slice's number, such as 1841.jpg",
    ):
        assert sum(line.strip().startswith(words) for line in lines) == 1, words


@pytest.mark.parametrize("command", ["audit of figshare", "train on figshare"])
def test_broken_slices_of_figshare_are_named_together(command, tmp_path, capsys):
    figshare = tmp_path / "figshare-brain-tumor" / "brainTumorDataPublic_1-766"
    figshare.mkdir(parents=True)
    for number in (1, 2, 3):
        (figshare / f"{number}.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    message = refused([*COMMANDS[command], "--data", tmp_path, "--out", tmp_path / "out"], capsys)
    first, *lines = message.splitlines()
    assert first.startswith("3 files cannot be used; ")
    for number, line in enumerate(lines, 1):
        assert line.startswith(f"  {figshare}/{number}.mat is not a figshare slice") and "download" not in line


@pytest.mark.parametrize("command", ["audit", "train"])
def test_files_that_are_not_read_are_told_in_one_line(command, data, tmp_path, capsys):
    glioma = data / KAGGLE / "Training" / "glioma"
    (glioma / "part2").mkdir()
    shutil.copy(glioma / "0.png", glioma / "part2")
    (glioma / "1.heic").write_bytes(b"0")
    (glioma / "2.png").write_bytes(b"")  # ends the command after the scans are read
    assert main([*COMMANDS[command], "--data", str(data), "--out", str(tmp_path / "out")]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith(KAGGLE)]
    assert told == [
        f"{KAGGLE}: 24 scans; not read: 1 picture in sub-folders of class folders (Training/glioma/part2), "
        "1 file of other kinds (.heic)"
    ]


@pytest.mark.parametrize("command", ["audit", "train"])
def test_a_zip_that_was_not_unpacked_is_named_with_its_place(command, published, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as file:
        for path in (published / KAGGLE).rglob("*.png"):
            file.write(path, path.relative_to(published / KAGGLE))
    message = refused([*COMMANDS[command], "--data", tmp_path, "--out", tmp_path / "out"], capsys)
    assert message == (
        f"{DATASETS['kaggle4'].title} should be at {tmp_path / KAGGLE}, but {tmp_path / 'archive.zip'} is a zip of it: "
        f"unpack it into {tmp_path / KAGGLE}\n"
    )


def test_a_box_file_of_another_layout_is_named(published, tmp_path, capsys):
    shutil.copytree(published / "figshare-brain-tumor", tmp_path / "figshare-brain-tumor")
    boxes = tmp_path / "figshare-brain-tumor" / "glioma" / "7.txt"
    for content in (b"0 12 200 40 30\n", b"tumour here\n", b"\xff\xfe\x00"):
        boxes.write_bytes(content)
        message = refused(["audit", "figshare3", "--data", tmp_path, "--out", tmp_path / "out"], capsys)
        assert str(boxes) in message and "five numbers" in message


@pytest.fixture(scope="module")
def newer(tmp_path_factory) -> Path:
    """The 7,200-image version: as many files as Kaggle serves, linked to twelve phantoms a class and split."""
    data = tmp_path_factory.mktemp("newer")
    numbers = DATASETS["kaggle4"].versions["7,200 images"]
    for part, split, first in (("Training", "train", 0), ("Testing", "test", 500)):
        for label in CLASSES:
            folder, count = data / KAGGLE / part / label, numbers[split][label]
            folder.mkdir(parents=True)
            for i in range(count):
                seed, new = divmod(12 * i, count)
                name = folder / f"{i:04d}.png"
                if new < 12:
                    first_of_seed = name
                    save(name, label, first + seed)
                else:
                    os.link(first_of_seed, name)
    return data


@pytest.mark.slow
def test_another_version_is_printed_and_on_the_card(newer, tmp_path, capsys):
    arguments = ["cnn3-kaggle4", *SMALL, "--set", "epochs=1", "--data", str(newer), "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert "Brain Tumor MRI Dataset (Kaggle, four classes): 7,200 images\n" in capsys.readouterr().out
    assert read_card(tmp_path / "cnn3-kaggle4" / "card.json").dataset_version == "7,200 images"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A bundle and its finished run, made without a fault."""
    out = tmp_path_factory.mktemp("trained")
    assert main(["cnn3-phantom4", *SMALL, "--set", "epochs=2", "--out", str(out)]) == 0
    return out


@pytest.fixture
def zoo(trained, tmp_path) -> Path:
    """A copy of the bundle and its run, to be put at risk."""
    return Path(shutil.copytree(trained, tmp_path / "zoo"))


@pytest.fixture(autouse=True, scope="module")
def scans_read_once():
    """Runs of the same recipe on the same data share the prepared scans; an error is not kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "gather", cache(pipeline.gather))
        yield


AGAIN = ["cnn3-phantom4", *SMALL, "--set", "epochs=2", "--resume"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--set", "colour=red"], "cannot set 'colour=red'; write field=value with one of task, network, size"),
        (["--set", "epochs=many"], "epochs takes int; 'many' is not one"),
        (["--set", "rate=0.01"], "was made with rate=0.001, this recipe has rate=0.01; give the same settings"),
        (["--set", "limit=7"], "was made with limit=6, this recipe has limit=7"),
    ],
)
def test_a_recipe_that_is_not_the_checkpoint_s_is_refused(changes, message, zoo, capsys):
    before = saved(zoo)
    assert message in refused([*AGAIN, *changes, "--out", zoo], capsys)
    assert saved(zoo) == before


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{", "[]", '{"recipe": {}}'])
def test_a_damaged_state_is_refused_by_name(content, zoo, capsys):
    (zoo / ".runs" / "cnn3-phantom4" / "state.json").write_text(content)
    before = saved(zoo)
    message = refused([*AGAIN, "--out", zoo], capsys)
    assert "state.json is damaged" in message and "leave out --resume" in message
    assert saved(zoo) == before


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut short", "no archive", "missing"])
@pytest.mark.parametrize("file", ["epoch-*.keras", "best.keras"])
def test_a_damaged_checkpoint_is_refused_by_name(file, damage, zoo, capsys):
    run = zoo / ".runs" / "cnn3-phantom4"
    (checkpoint,) = run.glob(file)
    if file != "best.keras":  # a finished run needs its best weights alone
        state = json.loads((run / "state.json").read_text())
        (run / "state.json").write_text(json.dumps(state | {"epochs_done": 0}))
    if damage == "missing":
        checkpoint.unlink()
    else:
        checkpoint.write_bytes(checkpoint.read_bytes()[:5000] if damage == "cut short" else b"no archive")
    before = saved(zoo)
    message = refused([*AGAIN, "--out", zoo], capsys)
    assert checkpoint.name in message and "leave out --resume" in message
    assert saved(zoo) == before


@contextmanager
def full_disk(most: int):
    """No file may grow beyond `most` bytes: what a full disk does, without one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
def test_a_disk_that_is_full_when_the_bundle_is_written_leaves_the_old_one(zoo, capsys):
    before = saved(zoo)
    with full_disk(20_000):
        message = refused([*AGAIN, "--out", zoo], capsys)
    assert "the disk is full" in message and "--resume" in message
    assert saved(zoo) == before


# In its own process, which a library that cannot write could end. The disk is full once `epochs` are done.
_CHILD = """
import json, resource, sys, threading, time
from pathlib import Path
most, epochs, state = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])

def wait():
    while not state.exists() or json.loads(state.read_text())["epochs_done"] < epochs:
        time.sleep(0.001)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

from tests.train.conftest import run_eagerly
from train.__main__ import main
run_eagerly()
threading.Thread(target=wait, daemon=True).start()
sys.exit(main(sys.argv[4:]))
"""


@pytest.mark.slow
def test_a_disk_that_fills_up_in_training_leaves_the_last_checkpoint(trained, tmp_path):
    """Epoch 1 is saved, epoch 2 cannot be; with room again the run ends as if nothing had happened."""
    run = tmp_path / ".runs" / "cnn3-phantom4"
    fresh = ["cnn3-phantom4", *SMALL, "--set", "epochs=2", "--out", str(tmp_path)]
    command = [sys.executable, "-c", _CHILD, "20000", "1", str(run / "state.json"), *fresh]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    message = done.stderr.rpartition("error: ")[2]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "the disk is full" in message and message.count("\n") == 1
    assert json.loads((run / "state.json").read_text())["epochs_done"] == 1
    assert sorted(path.name for path in run.glob("epoch-*")) == ["epoch-001.keras"]
    assert not (tmp_path / "cnn3-phantom4").exists()
    assert main([*fresh, "--resume"]) == 0
    for name in ("history.csv", "predictions.csv", "model.keras"):
        assert (tmp_path / "cnn3-phantom4" / name).read_bytes() == (trained / "cnn3-phantom4" / name).read_bytes()


def test_a_disk_that_is_full_when_an_audit_is_written_leaves_the_old_tables(published, tmp_path, capsys):
    arguments = ["audit", "kaggle4", "--data", published, "--out", tmp_path / "audit"]
    assert main([str(argument) for argument in arguments]) == 0
    before = saved(tmp_path)
    with full_disk(300):
        assert refused(arguments, capsys).startswith("the disk is full (File too large)")
    assert saved(tmp_path) == before


@pytest.mark.parametrize("command", [["audit", "phantom4"], ["cnn3-phantom4", *SMALL]], ids=["audit", "train"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work_begins(command, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        message = refused([*command, "--out", out], capsys)
        assert str(tmp_path / "file") in message and "give a folder that can be written as --out" in message
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
@pytest.mark.parametrize("command", [["audit", "phantom4"], ["cnn3-phantom4", *SMALL]], ids=["audit", "train"])
def test_a_folder_that_is_read_only_is_refused_before_the_work_begins(command, tmp_path, capsys):
    (tmp_path / "locked").mkdir(mode=0o500)
    message = refused([*command, "--out", tmp_path / "locked"], capsys)
    assert "Permission denied" in message and "give a folder that can be written as --out" in message
