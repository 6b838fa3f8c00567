"""A run of reports that the system killed continues: none is cut, none is missing, none is made twice."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explain.__main__ import main
from explain.render.overlay import gray, png
from scans import phantom

ROOT = Path(__file__).parents[2]
SCANS = 12


@pytest.mark.slow
@pytest.mark.real_gate
def test_a_killed_run_of_reports_continues(in_tiny_zoo, tmp_path, capsys):
    (tmp_path / "scans").mkdir()
    for number in range(SCANS):
        (tmp_path / "scans" / f"{number}.png").write_bytes(png(gray(phantom("glioma", number, 256).scan.pixels)))
    out = tmp_path / "out"
    ask = ["report", str(tmp_path / "scans"), "--model", "tiny-phantom4", "--method", "gradcam", "--out", str(out)]
    lines = out / "reports.jsonl"
    with subprocess.Popen([sys.executable, "-m", "explain", *ask], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not (lines.exists() and lines.read_bytes().count(b"\n") > 1):
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    before = {path.name: path.read_bytes() for path in out.glob("*.pdf")}
    assert 1 < len(before) < SCANS and all(data.rstrip().endswith(b"%%EOF") for data in before.values())
    assert main(ask) == 0
    entries = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(entries) == len({entry["key"] for entry in entries}) == SCANS
    assert all((out / name).stat().st_size for entry in entries for name in entry["files"])
    whole = {name for entry in entries for name in entry["files"]}
    assert {path.name for path in out.iterdir() if path.suffix in (".pdf", ".html")} == whole | {"index.html"}
    kept = int(capsys.readouterr().out.splitlines()[-1].split(" written, ")[1].split()[0])
    assert kept >= len(before) - 1  # the last one's line may not have been written
