"""A damaged file of a bundle is refused with a sentence, and the other models are served: never read as a whole one."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from explain.evaluation.results import SUMMARY, write_summary
from explain.evaluation.rows import TABLE, write_rows
from explain.evaluation.store import read_evaluation
from explain.similar.index import SIMILAR_INDEX, SimilarIndex, read_index, write_index
from model_zoo import ModelError, broken_models, load_model, models, read_card
from model_zoo.__main__ import main
from model_zoo.gate import REFERENCE, gate_folder, read_gate
from model_zoo.history import HISTORY, read_history
from model_zoo.scores import rows_of
from model_zoo.self_test import SELF_TEST
from model_zoo.site_calibration import read_calibration
from model_zoo.tables import (
    COHORTS,
    PREDICTIONS,
    SHORTCUTS,
    SOURCES,
    read_cohorts,
    read_predictions,
    read_shortcut_tests,
    read_sources,
)
from model_zoo.verify import bundle_folders
from pages.components.performance import bundles
from tests.conftest import tiny_network, write_bundle
from tests.explain.evaluation.test_store import ROWS
from tests.model_zoo.written_tables import write_whole_bundle

MODEL = "tiny-phantom4"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A zoo of two bundles: one that holds every kind of file, and its sound neighbour."""
    zoo = tmp_path_factory.mktemp("zoo")
    card = write_whole_bundle(zoo / MODEL)
    write_bundle(zoo / "sound-phantom4", tiny_network(seed=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(zoo))
        from explain.self_test import make_self_test

        make_self_test(load_model(MODEL, precision="f32"))
    n, text = 6, np.array(["glioma"] * 6)
    features = np.random.default_rng(0).normal(size=(n, 12)).astype(np.float16)
    empty = np.zeros((0, 0), np.float16), np.zeros(0, np.float16)
    bits = np.zeros((n, 32), np.uint8)
    arrays = (*empty, features, bits, *[text] * 6, np.zeros(n, bool))
    write_index(zoo / MODEL, SimilarIndex(card.weights_sha256, *arrays))
    write_rows(zoo / MODEL / TABLE, ROWS)
    write_summary(zoo / MODEL, MODEL, card.weights_sha256)
    (zoo / MODEL / HISTORY).write_text("epoch,loss\n1,0.5\n2,0.25\n")
    return zoo


@pytest.fixture
def zoo(whole, tmp_path, monkeypatch) -> Path:
    """A copy of it, to be damaged."""
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path / "zoo"))
    return shutil.copytree(whole, tmp_path / "zoo")


def table(read, name: str, folder: Path):
    card = read_card(folder / "card.json")
    classes = () if name == SOURCES else (card.classes,)
    return read(folder / name, *classes, rows_of(card, name))


# file of a bundle -> what reads it for a page or a command
READERS = {
    "card.json": lambda folder: read_card(folder / "card.json"),
    "model.keras": lambda folder: load_model(folder.name, precision="f32"),
    SELF_TEST: lambda folder: load_model(folder.name, precision="f32"),
    PREDICTIONS: partial(table, read_predictions, PREDICTIONS),
    COHORTS: partial(table, read_cohorts, COHORTS),
    SHORTCUTS: partial(table, read_shortcut_tests, SHORTCUTS),
    SOURCES: partial(table, read_sources, SOURCES),
    HISTORY: lambda folder: read_history(folder / HISTORY),
    SUMMARY: read_evaluation,
    TABLE: read_evaluation,
    SIMILAR_INDEX: lambda folder: read_index(folder, read_card(folder / "card.json").weights_sha256),
}
CUTS = [0, 0.1, 0.5, 0.9, -2]  # share of the bytes that are left; -2: all but the last two
COUNTED = {PREDICTIONS, COHORTS, SHORTCUTS, SOURCES, TABLE}  # cut at the end of a line, they are still refused


def read(folder: Path, name: str):
    from model_zoo import zoo

    zoo._load.cache_clear()
    return READERS[name](folder)


@pytest.mark.parametrize("name", READERS)
def test_the_whole_file_is_read(zoo, name):
    assert read(zoo / MODEL, name)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", READERS)
def test_a_file_that_was_cut_short_is_refused(zoo, name, cut):
    path = zoo / MODEL / name
    data = path.read_bytes()
    path.write_bytes(data[:cut] if cut < 0 else data[: int(cut * len(data))])
    with pytest.raises(ModelError) as refused:
        read(zoo / MODEL, name)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_a_table_that_was_cut_at_the_end_of_any_line_is_refused(zoo, name):
    """The card counts the rows that its scores were computed from."""
    path = zoo / MODEL / name
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(1, len(lines), 3):
        path.write_bytes(b"".join(lines[:number]))
        with pytest.raises(ModelError):
            read(zoo / MODEL, name)


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_the_card_of_a_shipped_bundle_counts_the_rows_of_its_tables(folder):
    card = read_card(folder / "card.json")
    for name, reader in ((PREDICTIONS, read_predictions), (COHORTS, read_cohorts), (SHORTCUTS, read_shortcut_tests)):
        if (folder / name).exists():
            rows, counted = reader(folder / name, card.classes), rows_of(card, name)
            assert len(rows) == sum(counted.values()), name


@pytest.mark.parametrize("content", [b"[]", b"{}", b"null", b"[" * 100_000, b"\x00" * 100, b"\xff\xfe", b"PK\x03\x04"])
@pytest.mark.parametrize("name", READERS)
def test_a_file_of_something_else_is_refused(zoo, name, content):
    (zoo / MODEL / name).write_bytes(content)
    with pytest.raises(ModelError):
        read(zoo / MODEL, name)


@pytest.mark.parametrize("name", [SELF_TEST, SIMILAR_INDEX])
def test_flipped_bits_in_arrays_are_refused_or_change_nothing(zoo, name):
    path = zoo / MODEL / name
    data, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, len(data), 150):
        broken = bytearray(data)
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            read_index(zoo / MODEL, read_card(zoo / MODEL / "card.json").weights_sha256) if name == SIMILAR_INDEX else (
                self_test(zoo / MODEL)
            )
        except ModelError:
            refused += 1
    assert refused > 100


def self_test(folder: Path):
    from model_zoo.self_test import read_self_test

    return read_self_test(folder, read_card(folder / "card.json"))


FAULTS = {
    "temperature": [0, -1, "x", None, 1e9, True, [1.0], float("nan"), float("inf")],
    "classes": [[], ["glioma"], ["glioma"] * 4, ["glioma", "meningioma", "notumor"], [1, 2, 3, 4], "glioma", None],
    "names": [["Glioma"], [], "abcd", [None] * 4],
    "input": [{}, [], None, {"height": 0, "width": 32}, {"height": 32, "width": 32, "value_range": [1, 0]}, {"x": 1}],
    "weights_sha256": ["x" * 64, 5, None],
    "parameters": ["many", None, 1.5],
    "scores": [[{}], [1], None, "x", [{"name": "accuracy"}]],
    "conformal": [[], {"90": {"glioma": 5}}, {"90": 5}, {"90": {}}, 3],
    "operating_point": [-0.1, 2, "x", None],
    "limits": [[1], None],
    "scans": [{"test": "x"}, [], None],
    "training": [{"epochs": "x"}, []],
    "imported": [{"format": 5}, []],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in FAULTS.items() for value in values])
def test_a_value_that_a_card_may_not_hold_is_refused_with_a_sentence(zoo, field, value):
    path = zoo / MODEL / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(ModelError) as refused:
        read_card(path)
    assert "\n" not in str(refused.value) and "restore the file" in str(refused.value)


def test_a_card_of_fewer_classes_than_its_network_is_not_served(zoo):
    path = zoo / "sound-phantom4" / "card.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {name: values[name][:3] for name in ("classes", "names")}))
    with pytest.raises(ModelError, match="3 classes"):
        load_model("sound-phantom4")


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000])
def test_one_broken_card_hides_that_model_only(zoo, content, capsys):
    (zoo / MODEL / "card.json").write_bytes(content)
    assert list(models()) == ["sound-phantom4"] and list(broken_models()) == [MODEL]
    assert main(["list"]) == 1
    printed = capsys.readouterr()
    assert "sound-phantom4" in printed.out and printed.err.count("\n") == 1


def test_a_cut_table_is_told_where_it_would_be_drawn(zoo):
    path = zoo / MODEL / PREDICTIONS
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:20]))
    shown = bundles.bundle(MODEL, read_card(zoo / MODEL / "card.json"))
    assert PREDICTIONS in shown.problems and not any(split == "test" for split, _ in shown.sets)


@pytest.mark.real_gate
@pytest.mark.parametrize("name", ["card.json", "model.keras", REFERENCE, SELF_TEST])
def test_a_damaged_gate_is_refused(tmp_path, name):
    folder = tmp_path / "gate"
    shutil.copytree(gate_folder(), folder)
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError):
        read_gate(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 100_000, b'{"temperature": 0}', b"\xff"])
def test_a_damaged_calibration_is_refused(content):
    with pytest.raises(ModelError):
        read_calibration(content)
