"""The summary of a method holds what was evaluated: for this class, this method and these weights alone."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explain.evaluation.cli import beside_other_methods
from explain.evaluation.results import SUMMARY, write_summary
from explain.evaluation.rows import TABLE, Row, read_rows, write_rows
from explain.evaluation.store import read_evaluation
from explain.evaluation.summary import NOT_EVALUATED, method_summary, summary_line, summary_text
from explain.methods import METHODS
from model_zoo import ModelError, read_card
from model_zoo.card_explanations import explanation_section, version_of
from model_zoo.verify import bundle_folders

WEIGHTS = "a" * 64


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text)


def row(number: int, truth: str, method: str, pointing: float, **measures: float) -> Row:
    measures = {"pointing": pointing} | measures
    return Row(f"{number}", f"g{number}", truth, truth, 0.9, 0.02, method, method == "centre", 0.1, 1, measures)


def scored(pointing: dict[str, tuple[float, ...]], **measures: float) -> list[Row]:
    """Six gliomas and two meningiomas, a group each; what each map hits is given by method."""
    kinds = 6 * ["glioma"] + 2 * ["meningioma"]
    return [
        row(number, kind, method, hit, **({} if method == "centre" else measures))
        for method, hits in pointing.items()
        for number, (kind, hit) in enumerate(zip(kinds, hits, strict=True))
    ]


HITS = {"gradcam": (1, 1, 1, 0, 1, 1, 1, 1), "lime": (0,) * 8, "centre": (0, 0, 0, 0, 0, 0, 1, 1)}
HEALTHY = [Row("h", "gh", "notumor", "notumor", 0.9, 0, name, name == "centre", 0.1, 1, {}) for name in HITS]


@pytest.fixture
def bundle(tmp_path):
    """A function that writes an evaluation with the given rows and returns its folder."""

    def write(rows: list[Row]):
        write_rows(tmp_path / TABLE, rows)
        write_summary(tmp_path, "tiny", WEIGHTS)
        return tmp_path

    return write


def test_localisation_is_of_the_scans_of_that_class_and_so_is_the_baseline(bundle):
    folder = bundle(scored(HITS) + HEALTHY)
    summary = method_summary(folder, WEIGHTS, "gradcam", "glioma")
    assert summary.class_id == "glioma" and summary.pointing.scans == 6
    assert summary.pointing.value == pytest.approx(5 / 6, abs=1e-4)
    assert 0.3 < summary.pointing.low < 5 / 6 < summary.pointing.high == 1
    assert summary.centre.value == 0 and summary.gain.value == summary.pointing.value


@pytest.mark.parametrize("class_id", ["", "notumor", "pituitary"])
def test_a_class_without_an_annotated_scan_gets_the_values_of_all_scans(bundle, class_id):
    summary = method_summary(bundle(scored(HITS) + HEALTHY), WEIGHTS, "gradcam", class_id)
    assert summary.class_id == "" and (summary.pointing.value, summary.centre.value) == (7 / 8, 2 / 8)
    text = summary_text(summary, "No tumour" if class_id else "")
    assert ("No tumour" in text) is bool(class_id) and "n = 8" in text
    assert summary_line(summary).startswith("localisation on all annotated scans") is bool(class_id)


def test_the_text_has_the_share_the_interval_the_baseline_and_the_sanity_check(bundle):
    summary = method_summary(bundle(scored(HITS, **{"sanity all": 0.18})), WEIGHTS, "gradcam", "glioma")
    text = summary_text(summary, "Glioma").replace("\u00a0", " ")
    assert numbers(text) == ["83", "95", "50", "100", "6", "0", "0.18", "0.5", "8"] and "Glioma" in text
    assert "Passes" in text and "Fails" not in text
    line = summary_line(summary).replace("\u00a0", " ")
    assert numbers(line) == ["83", "50", "100", "8"] and line.startswith("localisation 83") and "passes" in line


def test_the_baseline_is_compared_with_the_map(bundle):
    verdicts = []
    for method, centre in (("gradcam", (0,) * 8), ("gradcam", (0, 1, 1, 1, 1, 1, 1, 1)), ("lime", (1,) * 8)):
        text = summary_text(method_summary(bundle(scored(HITS | {"centre": centre})), WEIGHTS, method), "")
        assert "centre baseline" in text
        verdicts.append(("no significant difference" in text, "significantly better" in text))
    assert verdicts == [(False, False), (True, False), (False, True)]


def test_no_interval_is_given_if_all_scans_are_alike(bundle):
    summary = method_summary(bundle(scored(HITS)), WEIGHTS, "lime", "glioma")
    assert numbers(summary_text(summary, "Glioma")) == ["0", "6", "0"]
    assert numbers(summary_line(summary)) == ["0"]


def test_of_a_few_scans_there_is_no_interval_and_no_comparison_but_their_number(bundle):
    """Two meningiomas, both hit: a resample of two says nothing of the third."""
    sides = {"gradcam": HITS["gradcam"][:7] + (0,), "centre": (0,) * 8}
    summary = method_summary(bundle(scored(sides)), WEIGHTS, "gradcam", "meningioma")
    text, line = (each.replace("\u00a0", " ") for each in (summary_text(summary, "Meningioma"), summary_line(summary)))
    assert numbers(text) == ["50", "2", "0"] and "too few scans to compare" in text
    assert line.startswith("localisation 50 % (2 scans)") and numbers(line) == ["50", "2"]


def test_the_quality_of_an_engine_that_was_not_evaluated_names_the_one_that_was(bundle):
    folder = bundle(scored(HITS))
    for engine, named in (("", False), ("compiled", False), ("tf-keras-vis", True)):
        summary = method_summary(folder, WEIGHTS, "gradcam", "glioma", engine)
        said = [summary_text(summary, "Glioma").endswith("easured with another engine, “compiled”.")]
        said.append(summary_line(summary).endswith("measured with another engine, “compiled”"))
        assert said == [named, named]


@pytest.mark.parametrize(("agreement", "fails"), [(0.5, False), (0.51, True)])
def test_a_map_that_survives_randomised_weights_fails(bundle, agreement, fails):
    summary = method_summary(bundle(scored(HITS, **{"sanity all": agreement})), WEIGHTS, "gradcam")
    assert summary.fails_sanity is fails
    assert ("Fails" in summary_text(summary, ""), "Passes" in summary_text(summary, "")) == (fails, not fails)
    assert ("fails" in summary_line(summary), "passes" in summary_line(summary)) == (fails, not fails)


def test_a_sanity_check_that_was_not_run_is_said_to_be_missing(bundle):
    summary = method_summary(bundle(scored(HITS)), WEIGHTS, "gradcam")
    assert (summary.sanity, summary.fails_sanity) == (None, None)
    assert "not run" in summary_text(summary, "")


def test_an_evaluation_without_the_control_has_no_baseline(bundle):
    summary = method_summary(bundle(scored({"gradcam": HITS["gradcam"]})), WEIGHTS, "gradcam")
    assert summary.centre is None and summary.gain is None and "baseline" not in summary_text(summary, "")


@pytest.mark.parametrize("unknown", [("b" * 64, "gradcam"), (WEIGHTS, "shap"), (WEIGHTS, "centre")])
def test_other_weights_another_method_and_a_control_have_no_summary(bundle, unknown):
    assert method_summary(bundle(scored(HITS)), *unknown) is None


def test_a_method_without_an_evaluation_is_said_to_have_none(tmp_path):
    assert method_summary(tmp_path, WEIGHTS, "gradcam") is None
    assert summary_text(None, "Glioma") == NOT_EVALUATED and "not evaluated" in summary_line(None)


def read_as(row: Row, predicted: str) -> Row:
    return replace(row, predicted=predicted)


def test_a_map_of_another_class_does_not_count_for_the_class_of_the_scan(bundle):
    """Glioma 3, which Grad-CAM misses, is read as a meningioma: its map marks what speaks for that."""
    rows = [read_as(each, "meningioma") if each.id == "3" else each for each in scored(HITS)]
    for class_id, scans, hits in (("glioma", 5, 5), ("meningioma", 2, 2), ("", 8, 7)):
        pointing = method_summary(bundle(rows), WEIGHTS, "gradcam", class_id).pointing
        assert (pointing.scans, pointing.value) == (scans, hits / scans)


def test_a_class_whose_scans_are_all_misread_gets_the_values_of_all_scans(bundle):
    rows = [read_as(each, "glioma") if each.truth == "meningioma" else each for each in scored(HITS)]
    summary = method_summary(bundle(rows), WEIGHTS, "gradcam", "meningioma")
    assert summary.class_id == "" and (summary.pointing.value, summary.pointing.scans) == (7 / 8, 8)
    assert summary_text(summary, "Meningioma").startswith("No annotated scan of Meningioma is predicted as such.")


@pytest.mark.parametrize(("method", "version"), [("lime", None), ("lime", 1), ("lime", 3), ("gradcam", 2)])
def test_another_version_of_a_method_has_no_summary_and_the_others_keep_theirs(bundle, method, version):
    folder = bundle(scored(HITS) + HEALTHY)
    other = {"gradcam": "lime", "lime": "gradcam"}[method]
    before = read_evaluation(folder)
    assert before.methods == ["gradcam", "lime"] and method_summary(folder, WEIGHTS, method)
    set_version(folder, method, version)
    assert method_summary(folder, WEIGHTS, method) is None and method_summary(folder, WEIGHTS, other)
    stored = read_evaluation(folder)
    assert stored.methods == [other] and stored.controls == before.controls
    assert stored.rows == tuple(row for row in before.rows if row.method != method)
    assert set(stored.results.healthy) == {other, "centre"}
    again = [replace(row, method="rise") for row in before.rows if row.method == method]
    kept = {row.method for row in beside_other_methods(again, folder, WEIGHTS)}
    assert kept == {other, "centre", "rise"}


def test_an_evaluation_of_other_versions_alone_is_none(bundle):
    folder = bundle(scored({"lime": HITS["lime"], "centre": HITS["centre"]}))
    assert read_evaluation(folder)
    set_version(folder, "lime", 1)
    assert read_evaluation(folder) is None and explanation_section(folder) == ""


def set_version(folder: Path, method: str, version: int | None) -> None:
    """Store that the rows of a method are of this version; None is how the first evaluations were stored."""
    stored = json.loads((folder / SUMMARY).read_text())
    stored["methods"][method].pop("version")
    stored["methods"][method] |= {} if version is None else {"version": version}
    (folder / SUMMARY).write_text(json.dumps(stored))
    os.utime(folder / SUMMARY, ns=(1, 1))  # the clock of a file system may be coarse


def test_a_table_of_healthy_heads_alone_has_no_localisation(bundle):
    folder = bundle(scored(HITS))
    write_rows(folder / TABLE, HEALTHY)
    assert method_summary(folder, WEIGHTS, "gradcam") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"methods": {"gradcam": {}}}', '{"methods": []}'])
def test_a_broken_evaluation_has_no_summary_and_reading_it_is_an_error(bundle, text):
    folder = bundle(scored(HITS))
    (folder / SUMMARY).write_text(text)
    assert method_summary(folder, WEIGHTS, "gradcam") is None
    with pytest.raises(ModelError, match="run it again"):
        read_evaluation(folder)


def test_nor_has_one_without_its_table(bundle):
    folder = bundle(scored(HITS))
    (folder / TABLE).unlink()
    assert method_summary(folder, WEIGHTS, "gradcam") is None


def test_an_evaluation_is_read_once_and_again_when_it_was_run_again(bundle):
    folder = bundle(scored(HITS))
    first = method_summary(folder, WEIGHTS, "gradcam")
    assert method_summary(folder, WEIGHTS, "gradcam") is first
    bundle(scored(HITS | {"gradcam": (0,) * 8}))
    os.utime(folder / TABLE, ns=(1, 1))  # the clock of a file system may be coarse
    assert method_summary(folder, WEIGHTS, "gradcam").pointing.value == 0


SCORED = [folder for folder in bundle_folders() if (folder / SUMMARY).exists()]


@pytest.mark.parametrize("folder", SCORED, ids=[folder.name for folder in SCORED])
def test_the_summaries_of_a_shipped_evaluation_hold_its_stored_values(folder):
    card, stored = read_card(folder / "card.json"), json.loads((folder / SUMMARY).read_text())
    rows = read_rows(folder / TABLE)
    for name in METHODS:
        measured = stored["methods"].get(name, {"version": 0})
        label = next(iter(measured["pointing by"]["class"])) if measured["version"] else "glioma"
        summary = method_summary(folder, card.weights_sha256, name, label)
        assert (summary is None) is (measured["version"] != version_of(name))
        if summary:
            assert vars(method_summary(folder, card.weights_sha256, name).pointing) == measured["pointing"]
            hits = [
                row.measures["pointing"] for row in rows if row.method == name and row.truth == row.predicted == label
            ]
            assert (summary.pointing.scans, summary.pointing.value) == (
                len(hits),
                pytest.approx(np.mean(hits), abs=1e-4),
            )
            assert summary_text(summary, label).endswith(".") and summary_line(summary)
