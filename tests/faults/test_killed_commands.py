"""A training and a run of reports, each a process of its own, are killed at several moments and go on."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from explain.__main__ import main as explain
from explain.render.overlay import png
from explain.report.folder import LINES
from model_zoo import read_card
from model_zoo.verify import differences
from model_zoo.weights import load_checked
from scans import PHANTOM_KINDS, phantom
from train.__main__ import main as train
from train.fit import STATE

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")]
ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds
RECIPE = "cnn3-phantom4"
SMALL = [f"--set={choice}" for choice in ("limit=6", "epochs=4", "size=32", "precision=float32")]
ENDINGS = {".html": b"</html>", ".pdf": b"%%EOF"}
SCANS = 6


def kill_when(moment: Callable[[], bool], *command: str) -> None:
    """Start `python -m ...`, and kill it as soon as the moment is there; it must not be over before."""
    until = time.monotonic() + PATIENCE
    with subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not moment() and time.monotonic() < until:
            time.sleep(0.002)
        process.kill()
    assert process.returncode == -signal.SIGKILL and moment()


def epochs_done(run: Path) -> int:
    return json.loads((run / STATE).read_text())["epochs_done"] if (run / STATE).exists() else 0


def test_a_training_that_is_killed_again_and_again_ends_as_one_that_nobody_killed(tmp_path):
    out, whole = tmp_path / "killed", tmp_path / "whole"
    run, ask = out / ".runs" / RECIPE, ["train", RECIPE, *SMALL, "--out", str(out)]
    kill_when(run.exists, *ask)  # before the first whole epoch
    assert epochs_done(run) == 0
    kill_when(lambda: any(run.glob(".part.epoch-002*")) or epochs_done(run) > 1, *ask, "--resume")  # it is being saved
    saved = epochs_done(run)
    assert saved in (1, 2) and not (out / RECIPE).exists()
    kill_when(lambda: epochs_done(run) == 4, *ask, "--resume")  # trained, and not evaluated yet
    assert not (out / RECIPE).exists()
    assert train([*ask[1:], "--resume"]) == 0
    assert train([*ask[1:-1], str(whole)]) == 0
    assert differences(out / RECIPE) == []
    for name in ("history.csv", "predictions.csv"):
        assert (out / RECIPE / name).read_bytes() == (whole / RECIPE / name).read_bytes()
    ours, theirs = (load_checked(zoo / RECIPE / "model.keras", _digest(zoo)).get_weights() for zoo in (out, whole))
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def _digest(zoo: Path) -> str:
    return read_card(zoo / RECIPE / "card.json").weights_sha256


def test_a_run_of_reports_that_is_killed_again_and_again_leaves_no_half_report_and_goes_on(in_tiny_zoo, tmp_path):
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    for number in range(SCANS):
        pixels = phantom(PHANTOM_KINDS[number % len(PHANTOM_KINDS)], number).scan.pixels
        (scans / f"{number}.png").write_bytes(png(np.round(255 * pixels).astype(np.uint8)))
    ask = ["explain", "report", str(scans), "--model", "tiny-phantom4", "--method", "gradcam", "--anyway"]
    ask += ["--out", str(out)]
    kill_when(lambda: any(out.glob("*.html")), *ask)  # between the files of a report
    check_whole(out)
    kill_when(lambda: len(lines(out)) > 2, *ask)
    check_whole(out)
    there = {path: path.stat().st_mtime_ns for line in lines(out) for path in map(out.joinpath, line["files"])}
    assert len(there) >= 2 * 3 and len(lines(out)) < SCANS
    assert explain(ask[1:]) == 0
    assert {path: path.stat().st_mtime_ns for path in there} == there
    assert len({line["name"] for line in lines(out)}) == SCANS == len(list(out.glob("*-*.pdf")))
    check_whole(out)
    assert not list(out.rglob(".part.*"))


def lines(out: Path) -> list[dict]:
    """The reports that are finished, without a line that the kill cut short."""
    text = (out / LINES).read_text() if (out / LINES).exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def check_whole(out: Path) -> None:
    """Check that every file of a report is whole, and that the files of every line are there."""
    for path in out.glob("*-*.*"):
        if not path.name.startswith("."):
            assert path.read_bytes().rstrip().endswith(ENDINGS[path.suffix]), path
    for line in lines(out):
        assert all((out / name).exists() for name in [*line["files"], line["thumbnail"]])
