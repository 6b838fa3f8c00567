"""What a reader is told of a map is what the board measured: for this class, this method and these weights alone."""

import json
import os

import pytest

from explain.evaluation.results import SUMMARY, TABLE, write_rows, write_summary
from explain.evaluation.score import Row
from explain.evaluation.store import read_board
from explain.evaluation.summary import UNKNOWN, said, short, trust
from explain.methods import METHODS
from model_zoo import ModelError, read_card
from model_zoo.verify import bundle_folders

WEIGHTS = "a" * 64


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
    """A function that writes a board of the rows given and returns its folder."""

    def write(rows: list[Row]):
        write_rows(tmp_path / TABLE, rows)
        write_summary(tmp_path, "tiny", WEIGHTS)
        return tmp_path

    return write


def test_the_hit_rate_is_of_the_slices_of_that_class_and_so_is_the_dot_in_the_middle(bundle):
    folder = bundle(scored(HITS) + HEALTHY)
    found = trust(folder, WEIGHTS, "gradcam", "glioma")
    assert found.class_id == "glioma" and found.pointing.scans == 6
    assert found.pointing.value == pytest.approx(5 / 6, abs=1e-4)
    assert 0.3 < found.pointing.low < 5 / 6 < found.pointing.high == 1
    assert found.centre.value == 0 and found.gain.value == found.pointing.value
    assert found.overall.value == 7 / 8 and found.overall.scans == 8


@pytest.mark.parametrize("class_id", ["", "notumor", "pituitary"])
def test_a_class_without_a_marked_slice_is_told_of_all_slices(bundle, class_id):
    found = trust(bundle(scored(HITS) + HEALTHY), WEIGHTS, "gradcam", class_id)
    assert found.class_id == "" and found.pointing == found.overall and found.centre.value == 2 / 8
    sentence = said(found, "Grad-CAM", "No tumour" if class_id else "")
    assert sentence.startswith("No slice of No tumour is marked; on 8 " if class_id else "On 8 marked slices that")


def test_the_sentence_says_how_often_how_sure_and_against_what(bundle):
    found = trust(bundle(scored(HITS, **{"sanity all": 0.18})), WEIGHTS, "gradcam", "glioma")
    sentence = said(found, "Grad-CAM", "Glioma").replace("\u00a0", " ")
    assert sentence.startswith(
        "On 6 marked slices of Glioma that the model never trained on, the brightest point of Grad-CAM lay in the "
        "tumour's box in 83 % (95 % interval 50 to 100 %); a dot in the middle of the head would in 0 %. Sanity: "
    )
    assert sentence.endswith("(agreement 0.18, on 8 scans; above 0.5 it would fail), as it should.")
    assert short(found).replace("\u00a0", " ") == "83 % in the box (50 to 100 %), passes sanity"


def test_a_map_that_a_dot_beats_is_said_to_be_beaten(bundle):
    hits = HITS | {"centre": (1,) * 8}
    assert "would in 100\u00a0%, more often." in said(trust(bundle(scored(hits)), WEIGHTS, "lime"), "LIME", "")
    hits = HITS | {"centre": (0, 1, 1, 1, 1, 1, 1, 1)}
    assert "not clearly less often." in said(trust(bundle(scored(hits)), WEIGHTS, "gradcam"), "Grad-CAM", "")


def test_no_interval_is_given_where_all_slices_are_alike(bundle):
    found = trust(bundle(scored(HITS)), WEIGHTS, "lime", "glioma")
    assert "box in 0\u00a0%; a dot" in said(found, "LIME", "Glioma")
    assert short(found) == "0\u00a0% in the box, sanity not checked"


@pytest.mark.parametrize(("agreement", "fails"), [(0.5, False), (0.51, True)])
def test_a_map_that_survives_forgetting_fails(bundle, agreement, fails):
    found = trust(bundle(scored(HITS, **{"sanity all": agreement})), WEIGHTS, "gradcam")
    assert found.fails_sanity is fails
    assert ("Fails the sanity check" in said(found, "Grad-CAM", "")) is fails
    assert short(found).endswith("fails sanity" if fails else "passes sanity")


def test_stability_is_there_where_it_was_measured(bundle):
    found = trust(bundle(scored(HITS, seeds=0.9, **{"shifts and noise": 0.8})), WEIGHTS, "gradcam")
    assert found.seeds.value == 0.9 and found.shifts.value == 0.8
    found = trust(bundle(scored(HITS)), WEIGHTS, "gradcam")
    assert (found.seeds, found.shifts, found.sanity, found.fails_sanity) == (None,) * 4
    assert "Sanity was not checked." in said(found, "Grad-CAM", "")


def test_a_board_without_the_control_still_answers(bundle):
    found = trust(bundle(scored({"gradcam": HITS["gradcam"]})), WEIGHTS, "gradcam")
    assert found.centre is None and found.gain is None and "a dot" not in said(found, "Grad-CAM", "")


@pytest.mark.parametrize("asked", [("b" * 64, "gradcam"), (WEIGHTS, "shap"), (WEIGHTS, "centre")])
def test_other_weights_another_method_and_a_control_are_not_known(bundle, asked):
    assert trust(bundle(scored(HITS)), *asked) is None


def test_what_is_not_known_is_said(tmp_path):
    assert trust(tmp_path, WEIGHTS, "gradcam") is None
    assert said(None, "Grad-CAM", "Glioma") == UNKNOWN and short(None) == "not measured"


def test_a_table_of_healthy_heads_alone_points_at_nothing(bundle):
    folder = bundle(scored(HITS))
    write_rows(folder / TABLE, HEALTHY)
    assert trust(folder, WEIGHTS, "gradcam") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"methods": {"gradcam": {}}}', '{"methods": []}'])
def test_a_broken_summary_is_not_known_and_the_board_says_why(bundle, text):
    folder = bundle(scored(HITS))
    (folder / SUMMARY).write_text(text)
    assert trust(folder, WEIGHTS, "gradcam") is None
    with pytest.raises(ModelError, match="run it again"):
        read_board(folder)


def test_a_missing_table_is_not_known_either(bundle):
    folder = bundle(scored(HITS))
    (folder / TABLE).unlink()
    assert trust(folder, WEIGHTS, "gradcam") is None


def test_a_board_is_read_once_and_again_when_it_was_run_again(bundle):
    folder = bundle(scored(HITS))
    first = trust(folder, WEIGHTS, "gradcam")
    assert trust(folder, WEIGHTS, "gradcam") is first
    bundle(scored(HITS | {"gradcam": (0,) * 8}))
    os.utime(folder / TABLE, ns=(1, 1))  # the clock of a file system may be coarse
    assert trust(folder, WEIGHTS, "gradcam").overall.value == 0


SCORED = [folder for folder in bundle_folders() if (folder / SUMMARY).exists()]


@pytest.mark.parametrize("folder", SCORED, ids=[folder.name for folder in SCORED])
def test_every_shipped_board_tells_of_its_methods_what_its_summary_does(folder):
    card, summary = read_card(folder / "card.json"), json.loads((folder / SUMMARY).read_text())
    for name in METHODS:
        measured = summary["methods"].get(name)
        found = trust(folder, card.weights_sha256, name, "glioma")
        assert (found is None) is (measured is None)
        if found:
            assert vars(found.overall) == measured["pointing"]
            by_class = measured["pointing, by"]["class"]["glioma"]
            assert {"scans": found.pointing.scans, "pointing": found.pointing.value} == by_class
            assert said(found, METHODS[name].title, "Glioma").endswith(".") and short(found)
