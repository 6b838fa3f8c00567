"""A file's name cannot steer a terminal, nor become the name of a result, nor stand in an index that is shared."""

import json
import unicodedata
from pathlib import Path

import pytest

from explain.__main__ import main as explain_main
from explain.arguments import unique_stems
from model_zoo.__main__ import main as zoo_main
from scans import display_name, printable
from tests.good_files import disc, png

# escape codes, a line break that forges a second line, marks that turn the direction, a halved pair
HOSTILE = [
    "a\x1b[31m\x1b]0;x\x07.png",
    "a.png\nb.png: glioma 0.99",
    "a\u202egnp.exe",
    "\u2066\u200fa.png",
    "a\x9b2J.png",
]
ASK = ["--model", "tiny-phantom4"]


def harmless(text: str) -> bool:
    return not any(unicodedata.category(letter).startswith("C") for letter in text)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_printed_on_one_line_without_invisible_characters(name):
    assert harmless(printable(name)) and harmless(display_name(name))
    assert all(harmless(stem) for _, stem in unique_stems([Path(name)]))


def test_a_plain_name_is_printed_as_it_is():
    assert printable(Path("Köpfe/頭 (2).nii.gz")) == "Köpfe/頭 (2).nii.gz"


COMMANDS = {
    "predict": lambda scans, out: zoo_main(["predict", "tiny-phantom4", *scans]),
    "explain": lambda scans, out: explain_main([*scans, *ASK, "--method", "gradcam", "--out", out]),
    "report": lambda scans, out: explain_main(["report", *scans, *ASK, "--method", "gradcam", "--out", out]),
    "report with names": lambda scans, out: explain_main(
        ["report", *scans, *ASK, "--method", "gradcam", "--format", "html", "--file-names", "--out", out]
    ),
    "counterfactual": lambda scans, out: explain_main(
        ["counterfactual", scans[0], *ASK, "--box", "20,20,16,16", "--action", "erase", "--out", out]
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_or_writes_a_name_that_steers(command, in_tiny_zoo, tmp_path, capsys):
    scans = [tmp_path / name for name in HOSTILE]
    for scan in scans[:-1]:
        scan.write_bytes(png(disc()))
    scans[-1].write_bytes(b"no picture")
    COMMANDS[command]([str(scan) for scan in scans], str(tmp_path / "out"))
    printed = capsys.readouterr()
    assert all(harmless(line) for line in printed.out.split("\n"))
    assert not any(line.startswith("b.png") for line in printed.out.split("\n"))
    assert all(harmless(path.name) for path in (tmp_path / "out").rglob("*"))


def test_a_report_names_no_file_unless_it_is_asked_to(in_tiny_zoo, tmp_path, capsys):
    (tmp_path / "Muster_Erika.png").write_bytes(png(disc()))
    (tmp_path / "Muster_Max.png").write_bytes(b"no picture")
    ask = ["report", *map(str, sorted(tmp_path.glob("*.png"))), *ASK, "--method", "gradcam", "--format", "html"]
    assert explain_main([*ask, "--out", str(tmp_path / "out")]) == 1
    assert "Muster_Erika" in capsys.readouterr().out  # the terminal says which report is whose
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) == 4
    assert not [path for path in written if "Muster" in path.name or b"Muster" in path.read_bytes()]
    assert explain_main([*ask, "--file-names", "--out", str(tmp_path / "named")]) == 1
    assert "Muster_Max" in (tmp_path / "named" / "index.html").read_text()
    (line,) = (tmp_path / "named" / "reports.jsonl").read_text().splitlines()
    assert json.loads(line)["stem"] == "Muster_Erika"
