"""A killed evaluation continues where it stopped, and writes what one that nobody killed would have written."""

import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from explain.evaluation import cli, score
from explain.evaluation.cli import main
from explain.evaluation.results import SUMMARY
from explain.evaluation.rows import TABLE, read_rows
from explain.evaluation.unfinished import PARTIAL
from tests.conftest import tiny_network, write_bundle

CASES = 4
ASK = ["--model", "tiny-phantom4", "--method", "gradcam", "--checked", "1"]
ROOT = Path(__file__).parents[2]


def evaluate(out: Path, *more: str) -> int:
    return main([*ASK, "--phantoms", str(CASES), "--out", str(out), *more])


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def tables(out: Path) -> dict[str, bytes]:
    """The bytes of all files that are there."""
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def unmeasured_time(tiny_zoo):
    """Every map takes no time: the one value of a table that no second run repeats. The zoo is the tiny one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(tiny_zoo))
        patch.setattr(score.time, "perf_counter", lambda: 0.0)
        yield


@pytest.fixture(scope="module")
def whole(unmeasured_time, tmp_path_factory) -> dict[str, bytes]:
    """What an evaluation that nobody interrupts writes."""
    folder = tmp_path_factory.mktemp("whole")
    assert evaluate(folder) == 0
    return tables(folder)


@pytest.fixture(scope="module")
def stopped(unmeasured_time, tmp_path_factory) -> Path:
    """The folder of an evaluation that was stopped after half of its cases, to be copied."""
    folder, keep, kept = tmp_path_factory.mktemp("stopped"), cli.keep_case, []

    def stop_after_half(*arguments):
        keep(*arguments)
        kept.append(arguments)
        if len(kept) == CASES // 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "keep_case", stop_after_half)
        assert evaluate(folder) == 130
    return folder


@pytest.fixture
def interrupted(stopped, tmp_path) -> Path:
    """A copy of that folder, which holds the scored cases and nothing else."""
    assert names_in(stopped) == {PARTIAL}
    return shutil.copytree(stopped, tmp_path / "interrupted")


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """The ids of the cases that are scored from now on."""
    ids, score_case = [], cli.score_case
    monkeypatch.setattr(cli, "score_case", lambda m, case, *a, **k: ids.append(case.id) or score_case(m, case, *a, **k))
    return ids


def test_the_results_are_the_table_and_its_summary(whole):
    assert set(whole) == {TABLE, SUMMARY}


# lines left whole, of the first and the cases, before half a line; cases that are then scored
@pytest.mark.parametrize(("lines", "left"), [(0, 4), (2, 3), (3, 2)])
def test_an_interrupted_evaluation_writes_bit_for_bit_what_a_whole_one_writes(interrupted, whole, scored, lines, left):
    kept = (interrupted / PARTIAL).read_bytes().splitlines(keepends=True)
    cut = kept[lines][: len(kept[lines]) // 2] if lines < len(kept) else b""
    (interrupted / PARTIAL).write_bytes(b"".join(kept[:lines]) + cut)
    assert evaluate(interrupted) == 0
    assert len(scored) == left
    assert tables(interrupted) == whole


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--method", "gradcam++"], "methods"),
        (["--checked", "2"], "checked"),
        (["--phantoms", "5"], "scans"),
        (["--localisation-only"], "faithfulness"),
    ],
)
def test_an_evaluation_with_other_settings_is_not_mixed_with_it(interrupted, capsys, scored, more, named):
    before = (interrupted / PARTIAL).read_bytes()
    assert evaluate(interrupted, *more) == 2
    assert named in capsys.readouterr().err.splitlines()[-1]
    assert (interrupted / PARTIAL).read_bytes() == before and scored == []


def test_other_weights_are_not_mixed_with_it(interrupted, tmp_path, monkeypatch, capsys):
    write_bundle(tmp_path / "zoo" / "tiny-phantom4", tiny_network(seed=1))
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "zoo"))
    assert evaluate(interrupted) == 2
    assert "weights" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("damage", [b"{}\n", b"[1]\n", b"no JSON\n", b"\xff\n"])
def test_a_damaged_file_is_told_in_a_sentence_and_kept(interrupted, capsys, damage):
    (interrupted / PARTIAL).write_bytes(damage)
    assert evaluate(interrupted) == 2
    assert "is damaged" in capsys.readouterr().err.splitlines()[-1]
    assert (interrupted / PARTIAL).read_bytes() == damage


def test_a_full_disk_keeps_what_was_scored(whole, tmp_path):
    """The file may not grow past two cases; the rest follows once it may."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, before[1]))
    try:
        assert evaluate(tmp_path) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    partial = (tmp_path / PARTIAL).read_bytes()
    assert 1 < len(partial.splitlines()) < CASES + 1 and partial.endswith(b"\n")
    assert evaluate(tmp_path) == 0
    assert tables(tmp_path) == whole


@pytest.mark.slow
def test_an_evaluation_killed_by_the_system_continues(in_tiny_zoo, tmp_path):
    ask = ["evaluate", *ASK, "--phantoms", "12", "--out"]
    partial = tmp_path / "killed" / PARTIAL
    with subprocess.Popen([sys.executable, "-m", "explain", *ask, str(partial.parent)], cwd=ROOT) as process:
        while process.poll() is None and not (partial.exists() and partial.read_bytes().count(b"\n") > 2):
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert names_in(partial.parent) == {PARTIAL}  # the kill met it at work
    for name in ("killed", "whole"):
        assert main([*ask[1:], str(tmp_path / name)]) == 0
    resumed, whole = (read_rows(tmp_path / name / TABLE) for name in ("killed", "whole"))
    assert [replace(row, seconds=0.0) for row in resumed] == [replace(row, seconds=0.0) for row in whole]
