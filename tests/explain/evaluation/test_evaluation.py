"""The board scores only scans the model never trained on, counts no healthy head as a hit, and adds up."""

import json
import shutil

import numpy as np
import pytest

from explain.evaluation.cases import cases
from explain.evaluation.cli import main
from explain.evaluation.controls import CONTROLS
from explain.evaluation.results import MEASURES, SUMMARY, TABLE, read_rows, summary, write_rows
from explain.evaluation.score import BOX, Row
from explain.render.overlay import gray, png
from model_zoo import ModelError, read_card
from model_zoo.tables import PREDICTIONS, PredictionRow, write_predictions
from model_zoo.verify import bundle_folders
from scans import phantom
from tests.conftest import CLASSES, tiny_network, write_bundle

LESIONS = [("glioma", 3), ("meningioma", 4), ("pituitary", 5), ("glioma", 6)]


def mark_of(mask: np.ndarray) -> str:
    """The line of text for the box around a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = mask.shape
    shares = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height)
    return "0 " + " ".join(f"{share:.6f}" for share in shares)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Phantoms in figshare's layout: four with a marked lesion, two healthy."""
    folder = tmp_path_factory.mktemp("data") / "figshare-brain-tumor"
    for number, (kind, seed) in enumerate([*LESIONS, ("notumor", 7), ("notumor", 8)], start=1):
        drawn = phantom(kind, seed, 96)
        place = folder / kind
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(png(gray(drawn.scan.pixels)))
        (place / f"{number}.txt").write_text("" if kind == "notumor" else mark_of(drawn.mask))
    return folder.parent


@pytest.fixture(scope="module")
def zoo(tmp_path_factory, data):
    """A zoo with one bundle that says which phantoms it was tested on; the last lesion has a twin in training."""
    zoo = tmp_path_factory.mktemp("zoo")
    write_bundle(zoo / "tiny-phantom4", tiny_network())
    paths = sorted((data / "figshare-brain-tumor").rglob("*.png"))
    rows = [
        PredictionRow(f"{p.parent.name}/{p.name}", f"g{p.stem}", "test", p.stem == "4", p.parent.name, (0.25,) * 4)
        for p in paths
    ]
    write_predictions(zoo / "tiny-phantom4" / PREDICTIONS, CLASSES, rows)
    return zoo


@pytest.fixture(scope="module")
def scored(zoo, data):
    """The rows and the summary that the command wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(zoo))
        methods = ["--method", "gradcam", "--method", "scorecam"]
        asked = ["--model", "tiny-phantom4", "--data", str(data), "--scans", "3", "--healthy", "1", "--checked", "1"]
        assert main([*asked, *methods]) == 0
    folder = zoo / "tiny-phantom4"
    return read_rows(folder / TABLE), json.loads((folder / SUMMARY).read_text())


def test_a_scan_with_a_twin_in_training_is_never_scored(zoo, data):
    card = read_card(zoo / "tiny-phantom4" / "card.json")
    found = cases(card, zoo / "tiny-phantom4", data, 3, 9)
    assert sorted(case.path.stem for case in found) == ["1", "2", "3", "5", "6"]


def test_too_few_marked_scans_are_said(zoo, data):
    card = read_card(zoo / "tiny-phantom4" / "card.json")
    with pytest.raises(ModelError, match="3 marked test scans"):
        cases(card, zoo / "tiny-phantom4", data, 200, 0)


def test_every_scan_has_a_row_for_every_method_and_control(scored):
    rows, _ = scored
    assert len({row.id for row in rows}) == 4
    marked = [row for row in rows if row.box_share > 0]
    assert len(marked) == 3 * (2 + len(CONTROLS) + 1) and len(rows) - len(marked) == 2 + len(CONTROLS)


def test_a_healthy_head_has_nothing_to_point_at(scored):
    rows, found = scored
    healthy = [row for row in rows if row.box_share == 0]
    assert healthy and not any("pointing" in row.measures for row in healthy)
    assert all("deletion blur" in row.measures for row in healthy)
    assert found["scans"] == 3 and found["healthy"]["scans"] == 1


def test_the_box_itself_is_placed_perfectly(scored):
    _, found = scored
    box = found["methods"][BOX]
    assert box["control"] and box["pointing"]["value"] == 1
    assert box["energy"]["value"] > 0.75 and box["lift"]["value"] > 5  # a cell of its edge lies half outside


def test_the_uniform_map_has_no_lift(scored):
    """Over the crop of the head it is as likely to meet the box as chance, so somewhat above 1 over the image."""
    _, found = scored
    assert found["methods"]["uniform"]["head_lift"]["value"] == pytest.approx(1, abs=0.02)


def test_stability_and_sanity_are_measured_where_asked(scored):
    rows, found = scored
    assert found["methods"]["scorecam"]["seeds"]["scans"] == 1 and "seeds" not in found["methods"]["gradcam"]
    assert found["methods"]["gradcam"]["sanity all"]["scans"] == 1
    assert isinstance(found["methods"]["gradcam"]["fails sanity"], bool)
    assert sum("sanity logits" in row.measures for row in rows) == 2


def test_the_summary_follows_from_the_table(scored):
    rows, found = scored
    assert {"model": found["model"], "weights": found["weights"]} | summary(rows) == found


def test_a_table_survives_being_written_and_read(tmp_path, scored):
    rows, _ = scored
    write_rows(tmp_path / TABLE, rows)
    assert read_rows(tmp_path / TABLE) == rows


def test_a_broken_table_is_said(tmp_path):
    (tmp_path / TABLE).write_text("id,method\n1,gradcam\n")
    with pytest.raises(ModelError, match="run the board again"):
        read_rows(tmp_path / TABLE)


def row(number: int, pointing: float, share: float, lift: float) -> Row:
    measures = {"pointing": pointing, "lift": lift}
    right = "glioma" if number else "pituitary"
    return Row(f"{number}", f"g{number}", "glioma", right, 0.9, share, "gradcam", False, 0.1, 1, measures)


def test_means_medians_and_parts_worked_out_by_hand():
    """Three scans, boxes of 1, 2 and 9 per cent: the small one is missed, and the answer to it is wrong."""
    found = summary([row(0, 0, 0.01, 1), row(1, 1, 0.02, 8), row(2, 1, 0.09, 3)])["methods"]["gradcam"]
    assert found["pointing"]["value"] == pytest.approx(2 / 3, abs=1e-4) and found["lift"]["value"] == 3
    assert found["pointing, by"]["size of the box"]["small"] == {"scans": 1, "pointing": 0}
    assert found["pointing, by"]["answer"] == {
        "right": {"scans": 2, "pointing": 1},
        "wrong": {"scans": 1, "pointing": 0},
    }


@pytest.mark.parametrize(
    ("wrong", "told"),
    [(["--method", "gradcan"], "no method 'gradcan'"), (["--model", "nobody"], "no model 'nobody'")],
)
def test_a_wrong_request_gets_one_sentence(zoo, data, wrong, told, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    assert main(["--model", "tiny-phantom4", "--data", str(data), *wrong]) == 2
    assert told in capsys.readouterr().err


def test_every_measure_of_the_table_is_known():
    assert {"pointing", "lift", "insertion blur", "road", "seeds", "sanity all"} <= set(MEASURES)


def test_phantoms_are_scored_against_their_known_lesions(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    asked = ["--model", "tiny-phantom4", "--phantoms", "4", "--checked", "0", "--method", "gradcam"]
    assert main([*asked, "--out", str(tmp_path)]) == 0
    rows = read_rows(tmp_path / TABLE)
    shares = {row.id: row.box_share for row in rows}
    for name, share in shares.items():
        kind, seed = name.split("/")
        assert share == pytest.approx(phantom(kind, int(seed)).mask.mean(), rel=1e-4)
    assert sum(share == 0 for share in shares.values()) == 1  # the one without a lesion


def test_phantoms_do_not_overwrite_the_tables_of_real_scans(zoo, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    assert main(["--model", "tiny-phantom4", "--phantoms", "4"]) == 2
    assert "--out DIR" in capsys.readouterr().err


SCORED = [folder for folder in bundle_folders() if (folder / TABLE).exists()]


@pytest.mark.parametrize("folder", SCORED, ids=[folder.name for folder in SCORED])
def test_a_shipped_summary_follows_from_its_table_and_is_of_these_weights(folder):
    found, card = json.loads((folder / SUMMARY).read_text()), read_card(folder / "card.json")
    assert {"model": card.id, "weights": card.weights_sha256} | summary(read_rows(folder / TABLE)) == found


def test_a_board_of_no_scans_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--model", "tiny-phantom4", "--scans", "0"])
    assert "whole number from 1 up" in capsys.readouterr().err


def test_a_broken_scan_is_said_before_any_is_scored(zoo, data, monkeypatch, tmp_path, capsys):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    (copy / "figshare-brain-tumor" / "pituitary" / "3.png").write_bytes(b"no picture")
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    monkeypatch.setattr("explain.evaluation.cli.board", lambda *_: pytest.fail("a scan was scored"))
    asked = ["--model", "tiny-phantom4", "--data", str(copy), "--scans", "3", "--checked", "0"]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
