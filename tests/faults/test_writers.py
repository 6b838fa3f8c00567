"""Every file that a command writes is written whole or not at all: no writer goes round `model_zoo.whole_files`."""

import ast
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import record
from explain.__main__ import main as explain_main
from explain.similar.index import SimilarIndex, write_index
from model_zoo import write_card
from model_zoo.__main__ import main as zoo_main
from model_zoo.seeds import SeedRow, write_seeds
from model_zoo.self_test import SelfTest, write_self_test
from model_zoo.site_calibration import SiteCalibration, write_calibration
from model_zoo.tables import (
    CohortRow,
    PredictionRow,
    ShortcutRow,
    SimilarRow,
    SourceRow,
    write_cohorts,
    write_predictions,
    write_shortcut_tests,
    write_similar,
    write_sources,
)
from model_zoo.weights import save_packed
from tests.conftest import CLASSES, made_up_card, tiny_network
from tests.faults.full_disk import files_below, full_disk
from tests.good_files import disc, png
from tests.test_house import PRODUCT, ROOT
from train.fit import write_history

# How Python, NumPy, Pillow, pandas, pydicom, OpenCV, Matplotlib and zipfile write a file.
WRITES = {
    *("write_bytes", "write_text", "save", "savez", "savez_compressed", "tofile", "savetxt", "dump", "to_csv"),
    *("to_json", "savefig", "imwrite", "save_as", "dcmwrite", "copy", "copyfile", "copytree", "move", "touch"),
    *("save_model", "save_weights", "extractall", "extract", "urlretrieve", "memmap"),
}
# file -> calls that do not write a result, or write it into a part that is moved into its place when it is whole
ALLOWED = {
    "model_zoo/whole_files.py": {"write_bytes", "open", "ZipFile"},  # here it is done
    "model_zoo/weights.py": {"save", "ZipFile"},  # into the part
    "model_zoo/verify.py": {"copy"},  # into the part of a folder
    "train/evaluate.py": {"copy"},  # into the part of a folder
    "train/gate/training.py": {"copy"},  # into the part of a folder
    "datasets/download.py": {"copytree"},  # into the part of a folder
    "explain/explanation.py": {"save"},  # into the part
    "explain/__main__.py": {"save"},  # Explanation.save
    "explain/render/export.py": {"save", "ZipFile"},  # into memory
    "explain/render/overlay.py": {"save"},  # into memory
    "explain/report/parametric_map.py": {"save_as"},  # into memory
    "explain/report/secondary_capture.py": {"save_as"},  # into memory
    "explain/report/structured_report.py": {"save_as"},  # into memory
    "scans/sandbox_worker.py": {"fdopen"},  # a pipe
    "scans/sandbox.py": {"fdopen"},  # a pipe
    "benchmarks/reading.py": {"write_bytes"},  # scans in a temporary folder
    "benchmarks/engine.py": {"write_bytes"},  # scans in a temporary folder
    "benchmarks/pictures.py": {"save", "move"},  # into memory; the mouse
    "benchmarks/viewer.py": {"move"},  # the mouse
    "benchmarks/training.py": {"save"},  # scans in a temporary folder
}


def writing_calls(path: Path) -> set[str]:
    """Return the names of the calls in a file that may write one: by their names, and `open` by its mode."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        constants = [each.value for each in [*node.args, *(k.value for k in node.keywords)] if _is_text(each)]
        mode = any(set(text) <= set("rwaxbt+") and set(text) & set("wax+") for text in constants if text)
        opened = name in ("open", "fdopen", "ZipFile", "NamedTemporaryFile", "mkstemp") and mode
        if opened or (name in WRITES and not (name == "copy" and not node.args)):  # of an array or a dict
            found.add(name)
    return found


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_no_writer_goes_round_whole_files():
    found = {str(path.relative_to(ROOT)): writing_calls(path) for path in PRODUCT}
    assert {name: calls for name, calls in found.items() if calls - ALLOWED.get(name, set())} == {}
    assert {name: left for name, calls in ALLOWED.items() if (left := calls - found[name])} == {}


@pytest.mark.parametrize(
    "line",
    [
        'open("file", "w")',
        'path.open("ab")',
        'path.open(mode="x")',
        "path.write_text(text)",
        "np.save(path, values)",
        'zipfile.ZipFile(path, "w")',
        "json.dump(values, file)",
        "shutil.copy(one, other)",
        "table.to_csv(path)",
    ],
)
def test_the_search_finds_a_writer(tmp_path, line):
    (tmp_path / "writer.py").write_text(f'"""A writer."""\n{line}\nopen("file")\nopen("file", "rb")\nvalues.copy()\n')
    assert len(writing_calls(tmp_path / "writer.py")) == 1


@pytest.fixture
def zoo(tiny_zoo, tmp_path, monkeypatch) -> Path:
    """A copy of the tiny zoo that may be spoilt."""
    folder = shutil.copytree(tiny_zoo, tmp_path / "zoo")
    monkeypatch.setenv("CANDOR_ZOO", str(folder))
    monkeypatch.setenv("CANDOR_IMPORTED", str(tmp_path / "imported"))
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    return folder


ASK = ["--model", "tiny-phantom4"]
# name -> the command, given the zoo, a scan and the folder for results
COMMANDS = {
    "explain": lambda zoo, scan, out: explain_main([scan, *ASK, "--method", "gradcam", "--out", out]),
    "counterfactual": lambda zoo, scan, out: explain_main(
        ["counterfactual", scan, *ASK, "--box", "20,20,16,16", "--action", "erase", "--out", out]
    ),
    "report": lambda zoo, scan, out: explain_main(["report", scan, *ASK, "--method", "gradcam", "--out", out]),
    "evaluate": lambda zoo, scan, out: explain_main(
        ["evaluate", *ASK, "--method", "gradcam", "--localisation-only", "--phantoms", "2", "--out", out]
    ),
    "self-test": lambda zoo, scan, out: explain_main(["self-test", "tiny-phantom4"]),
    "cards": lambda zoo, scan, out: zoo_main(["cards"]),
    "import": lambda zoo, scan, out: zoo_main(
        ["import", str(zoo / "tiny-phantom4" / "model.keras"), "--classes", "a,b,c,d", "--id", "theirs"]
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_on_a_full_disk_leaves_every_file_as_it_was_and_says_so(name, zoo, tmp_path, capsys):
    """Once with nothing there, once over the results of an earlier run."""
    (tmp_path / "scan.png").write_bytes(png(disc()))
    given = zoo, str(tmp_path / "scan.png"), str(tmp_path / "out")
    for again in (False, True):
        before = files_below(tmp_path)
        with full_disk():
            status = COMMANDS[name](*given)
        assert status == 2 and capsys.readouterr().err.splitlines()[-1].startswith("error: the disk is full")
        assert {file: data for file, data in files_below(tmp_path).items() if data} == before
        assert again or COMMANDS[name](*given) == 0


TABLES = {
    "predictions.csv": lambda path: write_predictions(path, CLASSES, [ROW]),
    "cohorts.csv": lambda path: write_cohorts(path, CLASSES, [CohortRow("44c", "1", "g", "T1", False, *GIVEN)]),
    "shortcut_tests.csv": lambda path: write_shortcut_tests(path, CLASSES, [ShortcutRow("as is", "1", "g", *GIVEN)]),
    "sources.csv": lambda path: write_sources(path, [SourceRow("1", "g", "44c", "44c")]),
    "similar_cases.csv": lambda path: write_similar(path, [SimilarRow("44c", "1", "g", "T1", "glioma", 1, 5)]),
    "seeds.csv": lambda path: write_seeds(path.parent, [SeedRow(1, "accuracy", "test", "all scans", 0.5, 9)]),
    "card.json": lambda path: write_card(made_up_card(), path),
    "self_test.npz": lambda path: write_self_test(path.parent, SelfTest(*np.zeros((3, 2, 2, 2), np.float32))),
    "similar_cases.npz": lambda path: write_index(path.parent, SimilarIndex("0", *np.zeros((11, 4), np.float16))),
    "model.keras": lambda path: save_packed(tiny_network(), path),
    "calibration.json": lambda path: write_calibration(path, CALIBRATION),
    "history.csv": lambda path: write_history(path, [{"epoch": 1, "loss": 0.5}]),
    "reading.json": lambda path: record.write("reading", {"seconds": 1.0}),
}
GIVEN = "glioma", (0.7, 0.1, 0.1, 0.1)
CALIBRATION = SiteCalibration("tiny", "0" * 64, "here", 1.0, {}, {}, 0.5, {})
ROW = PredictionRow("1", "g", "test", False, *GIVEN)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_on_a_full_disk_leaves_the_one_before(name, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    for again in (False, True):
        before = files_below(tmp_path)
        with full_disk(), pytest.raises(OSError):
            TABLES[name](tmp_path / name)
        assert files_below(tmp_path) == before
        TABLES[name](tmp_path / name)
        assert again or list(files_below(tmp_path)) == [name]
