"""The evaluation uses only scans outside the training data, counts no healthy head as a hit, and adds up."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from datasets.records import Record
from explain.evaluation import score
from explain.evaluation.cases import cases
from explain.evaluation.cli import main
from explain.evaluation.controls import CONTROLS
from explain.evaluation.measures import MEASURES
from explain.evaluation.results import SUMMARY, Results, as_json, from_json, summarised
from explain.evaluation.rows import TABLE, Row, read_rows, write_rows
from explain.evaluation.score import BOX
from explain.evaluation.store import read_evaluation
from explain.render.overlay import gray, png
from model_zoo import ModelError, load_model, read_card
from model_zoo.tables import PREDICTIONS, PredictionRow, write_predictions
from model_zoo.verify import bundle_folders
from scans import phantom
from tests.conftest import CLASSES, tiny_network, write_bundle

LESIONS = [("glioma", 3), ("meningioma", 4), ("pituitary", 5), ("glioma", 6)]


def annotation_of(mask: np.ndarray) -> str:
    """The line of text for the box around a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = mask.shape
    shares = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height)
    return "0 " + " ".join(f"{share:.6f}" for share in shares)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Phantoms in figshare's layout: four with an annotated lesion, two healthy."""
    folder = tmp_path_factory.mktemp("data") / "figshare-brain-tumor"
    for number, (kind, seed) in enumerate([*LESIONS, ("notumor", 7), ("notumor", 8)], start=1):
        drawn = phantom(kind, seed, 96)
        place = folder / kind
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(png(gray(drawn.scan.pixels)))
        (place / f"{number}.txt").write_text("" if kind == "notumor" else annotation_of(drawn.mask))
    return folder.parent


@pytest.fixture(scope="module")
def zoo(tmp_path_factory, data):
    """A zoo with one bundle that lists its test phantoms; the last lesion has a near-duplicate in training."""
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
    """The rows and the results that the command wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(zoo))
        methods = ["--method", "gradcam", "--method", "scorecam"]
        options = ["--model", "tiny-phantom4", "--data", str(data), "--scans", "3", "--healthy", "1", "--checked", "1"]
        assert main([*options, *methods]) == 0
    folder = zoo / "tiny-phantom4"
    return read_rows(folder / TABLE), from_json(json.loads((folder / SUMMARY).read_text()))


def test_a_scan_with_a_near_duplicate_in_training_is_never_evaluated(zoo, data):
    card = read_card(zoo / "tiny-phantom4" / "card.json")
    chosen = cases(card, zoo / "tiny-phantom4", data, 3, 9)
    assert sorted(case.path.stem for case in chosen) == ["1", "2", "3", "5", "6"]


def test_too_few_annotated_scans_are_an_error(zoo, data):
    card = read_card(zoo / "tiny-phantom4" / "card.json")
    with pytest.raises(ModelError, match="3 annotated test scans"):
        cases(card, zoo / "tiny-phantom4", data, 200, 0)


def test_every_scan_has_a_row_for_every_method_and_control(scored):
    rows, _ = scored
    assert len({row.id for row in rows}) == 4
    annotated = [row for row in rows if row.box_share > 0]
    assert len(annotated) == 3 * (2 + len(CONTROLS) + 1) and len(rows) - len(annotated) == 2 + len(CONTROLS)


def test_a_healthy_head_has_nothing_to_localise(scored):
    rows, results = scored
    healthy = [row for row in rows if row.box_share == 0]
    assert healthy and not any("pointing" in row.measures for row in healthy)
    assert all("deletion blur" in row.measures for row in healthy)
    assert results.scans == 3 and results.healthy_scans == 1


def test_one_method_can_be_evaluated_again_beside_the_others(zoo, data, scored, tmp_path, monkeypatch, capsys):
    """Of the same scans alone: a table of other scans would be lost, so the command is refused before it begins."""
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    rows, _ = scored
    for name in (TABLE, SUMMARY):
        (tmp_path / name).write_bytes((zoo / "tiny-phantom4" / name).read_bytes())
    options = ["--model", "tiny-phantom4", "--data", str(data), "--checked", "1", "--out", str(tmp_path)]
    same = [*options, "--scans", "3", "--healthy", "1"]
    for method in ("layercam", "scorecam"):
        assert main([*same, "--method", method]) == 0
        stored = read_evaluation(tmp_path)
        assert set(stored.methods) == {"gradcam", "scorecam", "layercam"}
        kept = [row for row in stored.rows if row.method == "gradcam"]
        assert kept == [row for row in rows if row.method == "gradcam"]
    assert main([*same, "--method", "scorecam", "--localisation-only"]) == 0
    stored = read_evaluation(tmp_path)
    of_controls = [row for row in stored.rows if row.control]
    assert of_controls == [row for row in rows if row.control] and all("road" in row.measures for row in of_controls)
    assert stored.estimate("scorecam", "road") is None and stored.estimate("gradcam", "road")
    table = (tmp_path / TABLE).read_bytes()
    assert main([*options, "--scans", "2", "--healthy", "0", "--method", "scorecam"]) == 2
    assert "3 annotated scans and 1 without" in capsys.readouterr().err and (tmp_path / TABLE).read_bytes() == table


def test_the_box_itself_localises_perfectly(scored):
    _, results = scored
    box = results.methods[BOX]
    assert box.control and box.estimates["pointing"].value == 1
    assert box.estimates["energy"].value > 0.75 and box.estimates["lift"].value > 5  # its edge cells lie half outside


def test_the_uniform_map_has_no_lift(scored):
    """Over the crop of the head it is as likely to meet the box as chance, so somewhat above 1 over the image."""
    _, results = scored
    assert results.methods["uniform"].estimates["head_lift"].value == pytest.approx(1, abs=0.02)


def test_stability_and_sanity_are_measured_on_as_many_scans_as_requested(scored):
    rows, results = scored
    scorecam, gradcam = (results.methods[name] for name in ("scorecam", "gradcam"))
    assert scorecam.estimates["seeds"].scans == 1 and "seeds" not in gradcam.estimates
    assert gradcam.estimates["sanity all"].scans == 1
    assert isinstance(gradcam.fails_sanity, bool)
    assert sum("sanity logits" in row.measures for row in rows) == 2


def test_the_results_follow_from_the_table(scored):
    rows, results = scored
    assert as_json(summarised(rows, results.model, results.weights)) == as_json(results)


def test_a_table_survives_being_written_and_read(tmp_path, scored):
    rows, _ = scored
    write_rows(tmp_path / TABLE, rows)
    assert read_rows(tmp_path / TABLE) == rows


def test_a_broken_table_is_an_error(tmp_path):
    (tmp_path / TABLE).write_text("id,method\n1,gradcam\n")
    with pytest.raises(ModelError, match="run the evaluation again"):
        read_rows(tmp_path / TABLE)


def row(number: int, pointing: float, share: float, lift: float) -> Row:
    measures = {"pointing": pointing, "lift": lift}
    right = "glioma" if number else "pituitary"
    return Row(f"{number}", f"g{number}", "glioma", right, 0.9, share, "gradcam", False, 0.1, 1, measures)


def strata(results: Results, method: str = "gradcam") -> dict[tuple[str, str], tuple[int, float]]:
    """Return the scans and the pointing game by kind and name of the stratum."""
    return {(s.by, s.name): (s.pointing.scans, s.pointing.value) for s in results.methods[method].strata}


def test_means_medians_and_strata_worked_out_by_hand():
    """Three scans, boxes of 1, 2 and 9 per cent: the small one is missed, and its prediction is wrong."""
    results = summarised([row(0, 0, 0.01, 1), row(1, 1, 0.02, 8), row(2, 1, 0.09, 3)], "tiny", "0" * 64)
    estimates = results.methods["gradcam"].estimates
    assert estimates["pointing"].value == pytest.approx(2 / 3, abs=1e-4) and estimates["lift"].value == 3
    assert strata(results)["box size", "under 1.7 %"] == (1, 0)
    assert strata(results)["prediction", "correct"] == (2, 1)
    assert strata(results)["prediction", "wrong"] == (1, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(["--method", "gradcan"], "no method 'gradcan'"), (["--model", "nobody"], "no model 'nobody'")],
)
def test_a_wrong_request_gets_one_sentence(zoo, data, wrong, message, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    assert main(["--model", "tiny-phantom4", "--data", str(data), *wrong]) == 2
    assert message in capsys.readouterr().err


def test_the_lift_alone_is_compared_by_its_median():
    assert {"pointing", "lift", "insertion blur", "road", "seeds", "sanity all"} <= set(MEASURES)
    assert {name for name, each in MEASURES.items() if each.statistic == "median"} == {"lift", "head_lift"}


def test_phantoms_are_scored_against_their_known_lesions(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    options = ["--model", "tiny-phantom4", "--phantoms", "4", "--checked", "0", "--method", "gradcam"]
    assert main([*options, "--out", str(tmp_path)]) == 0
    rows = read_rows(tmp_path / TABLE)
    shares = {row.id: row.box_share for row in rows}
    for name, share in shares.items():
        kind, seed = name.split("/")
        assert share == pytest.approx(phantom(kind, int(seed)).mask.mean(), rel=1e-4)
    assert sum(share == 0 for share in shares.values()) == 1  # the one without a lesion


def test_localisation_alone_asks_the_model_for_the_maps_alone(zoo, tmp_path, monkeypatch, capsys):
    """The places of the maps are those of the whole evaluation."""
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    options = ["--model", "tiny-phantom4", "--phantoms", "4", "--method", "gradcam"]
    assert main([*options, "--checked", "0", "--out", str(tmp_path / "whole")]) == 0
    assert main([*options, "--localisation-only", "--out", str(tmp_path / "places")]) == 0
    whole, places = (read_rows(tmp_path / name / TABLE) for name in ("whole", "places"))
    for row, other in zip(places, whole, strict=True):
        assert row.measures.items() <= other.measures.items()
        assert not {"road", "insertion blur", "seeds", "sanity all"} & set(row.measures)
    assert "pointing" in places[0].measures


def test_phantoms_do_not_overwrite_the_tables_of_real_scans(zoo, monkeypatch, capsys):
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    assert main(["--model", "tiny-phantom4", "--phantoms", "4"]) == 2
    assert "--out DIR" in capsys.readouterr().err


SCORED = [folder for folder in bundle_folders() if (folder / TABLE).exists()]


@pytest.mark.slow
@pytest.mark.parametrize("folder", SCORED, ids=[folder.name for folder in SCORED])
def test_shipped_results_follow_from_their_table_and_are_of_these_weights(folder):
    stored, card = json.loads((folder / SUMMARY).read_text()), read_card(folder / "card.json")
    assert as_json(from_json(stored)) == stored
    results = summarised(read_rows(folder / TABLE), card.id, card.weights_sha256)
    versions = {name: each.get("version", 1) for name, each in stored["methods"].items()}
    methods = {name: replace(result, version=versions[name]) for name, result in results.methods.items()}
    assert as_json(replace(results, methods=methods)) == stored


def test_an_evaluation_of_no_scans_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--model", "tiny-phantom4", "--scans", "0"])
    assert "whole number from 1 up" in capsys.readouterr().err


def test_a_broken_scan_is_an_error_before_any_is_scored(zoo, data, monkeypatch, tmp_path, capsys):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    (copy / "figshare-brain-tumor" / "pituitary" / "3.png").write_bytes(b"no picture")
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    monkeypatch.setattr("explain.evaluation.cli.evaluated", lambda *_: pytest.fail("a scan was scored"))
    options = ["--model", "tiny-phantom4", "--data", str(copy), "--scans", "3", "--checked", "0"]
    assert main([*options, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_time_of_one_map_is_not_taken_from_the_next(monkeypatch, zoo):
    """On a busy machine the maps of a scan together may take longer than one may: each has its own time limit."""
    monkeypatch.setenv("CANDOR_ZOO", str(zoo))
    monkeypatch.setattr(score, "_UNHURRIED", 0.0)  # over at once: each method gives its first draft
    case = Record("glioma/3", "glioma", group="glioma/3")
    methods = ["gradcam", "lime", "rise", "occlusion"]
    rows = score.score_case(load_model("tiny-phantom4"), case, methods, faithfulness=False, stability=False)
    assert [row.method for row in rows][: len(methods)] == methods
