"""The stored evaluations: which models have one, their strata, the order of their scans, and where the scans are."""

from dataclasses import replace

import pytest

from explain.evaluation.controls import CONTROLS
from explain.evaluation.measures import CONTROL_DESCRIPTIONS, MEASURES
from explain.evaluation.results import SUMMARY, write_summary
from explain.evaluation.rows import TABLE, Row, write_rows
from explain.evaluation.score import BOX
from explain.evaluation.store import best_first, evaluations, read_evaluation, record_of
from explain.methods import lime, masks
from model_zoo import write_card
from model_zoo.card_explanations import VERSIONS
from model_zoo.verify import bundle_folders
from tests.conftest import card_of, tiny_network

WEIGHTS = "a" * 64


def row(number: int, truth: str, hit: float, share: float, correct: bool = True, **measures: float) -> Row:
    predicted = truth if correct else "pituitary"
    return Row(
        f"{truth}/{number}.png", f"g{number}", truth, predicted, 0.9, share, "gradcam", False, 0.1, 1,
        {"pointing": hit} | measures,
    )  # fmt: skip


# boxes of 1, 2 and 3 per cent, twice: a third of them each
ROWS = [
    row(1, "glioma", 0, 0.01, correct=False),
    row(2, "glioma", 1, 0.01),
    row(3, "glioma", 1, 0.02),
    row(4, "glioma", 0, 0.02),
    row(5, "meningioma", 1, 0.03),
    row(6, "meningioma", 1, 0.03),
]


def write_evaluation(folder, rows=ROWS, model="tiny-phantom4"):
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / TABLE, rows)
    write_summary(folder, model, WEIGHTS)
    return folder


def test_scans_are_divided_by_class_by_box_size_and_by_correctness(tmp_path):
    strata = read_evaluation(write_evaluation(tmp_path)).results.methods["gradcam"].strata
    assert {(each.by, each.name): (each.pointing.value, each.pointing.scans) for each in strata} == {
        ("class", "glioma"): (0.5, 4),
        ("class", "meningioma"): (1, 2),
        ("box size", "under 1.7 %"): (0.5, 2),
        ("box size", "1.7 to 2.3 %"): (0.5, 2),
        ("box size", "2.3 % or more"): (1, 2),
        ("prediction", "correct"): (0.8, 5),
        ("prediction", "wrong"): (0, 1),
    }


def test_every_kind_of_stratum_divides_all_scans(tmp_path):
    result = read_evaluation(write_evaluation(tmp_path)).results.methods["gradcam"]
    for by in ("class", "box size", "prediction"):
        parts = [each.pointing for each in result.strata if each.by == by]
        assert sum(part.scans for part in parts) == result.estimates["pointing"].scans == 6
        assert sum(part.scans * part.value for part in parts) == pytest.approx(4)


def test_a_method_that_was_not_evaluated_has_no_result(tmp_path):
    assert "lime" not in read_evaluation(write_evaluation(tmp_path)).results.methods


@pytest.mark.parametrize(
    ("agreement", "best"),
    [
        ({}, ["gradcam"]),  # not checked
        ({"gradcam": 0.6, "rise": 0.1, "saliency": 0.1, "smoothgrad": 0.1}, ["rise", "saliency"]),
        ({"gradcam": 0.6, "rise": 0.6, "saliency": 0.6, "smoothgrad": 0.6}, ["gradcam"]),
    ],
)
def test_a_method_that_fails_the_sanity_check_is_the_best_only_where_all_fail(tmp_path, agreement, best):
    hits = {"gradcam": (1, 1), "rise": (1, 0), "saliency": (0, 1), "smoothgrad": (0, 0)}
    rows = [
        replace(row(number, "glioma", hits[method][number], 0.1), method=method) for number in (0, 1) for method in hits
    ]
    rows = [replace(each, measures=each.measures | sanity(agreement, each.method)) for each in rows]
    assert read_evaluation(write_evaluation(tmp_path, rows)).best_localised == best


def sanity(agreement: dict[str, float], method: str) -> dict[str, float]:
    return {"sanity all": agreement[method]} if agreement else {}


def test_the_best_comes_first_whichever_way_is_good_and_ties_go_by_the_evidence_in_the_box():
    rows = [
        row(1, "glioma", 1, 0.1, energy=0.2, road=0.1),
        row(2, "glioma", 1, 0.1, energy=0.7),
        row(3, "glioma", 0, 0.1, energy=0.9, road=0.3),
    ]
    assert [r.group for r in best_first(rows, "pointing", True)] == ["g2", "g1", "g3"]
    assert [r.group for r in best_first(rows, "pointing", False)] == ["g3", "g2", "g1"]
    assert [r.group for r in best_first(rows, "road", True)] == ["g3", "g1"]


def test_a_scan_is_found_below_the_data_or_below_its_dataset_and_nowhere_else(tmp_path):
    here, below = tmp_path / "data" / "glioma", tmp_path / "data" / "figshare-brain-tumor" / "meningioma"
    for folder, number in ((here, 1), (below, 5)):
        folder.mkdir(parents=True)
        (folder / f"{number}.png").write_bytes(b"")
    assert record_of(ROWS[0], tmp_path / "data").path == here / "1.png"
    assert record_of(ROWS[4], tmp_path / "data").path == below / "5.png"
    assert record_of(ROWS[5], tmp_path / "data") is None
    (tmp_path / "secret.png").write_bytes(b"")
    outside = Row("../secret.png", "g", "glioma", "glioma", 0.9, 0.1, "gradcam", False, 0.1, 1, {})
    assert record_of(outside, tmp_path / "data") is None


def test_every_evaluated_model_is_found_shipped_or_not_and_a_broken_one_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    network = tiny_network()
    for place in ("a-phantom4", "b-phantom4", "c-phantom4", "measured/d-phantom4"):
        (tmp_path / place).mkdir(parents=True)
        write_card(card_of(network, id=place.split("/")[-1]), tmp_path / place / "card.json")
    for place in ("a-phantom4", "b-phantom4", "measured/d-phantom4"):
        write_evaluation(tmp_path / place, model=place.split("/")[-1])
    (tmp_path / "b-phantom4" / SUMMARY).write_text("{}")
    stored, broken = evaluations()
    assert list(stored) == ["a-phantom4", "d-phantom4"]
    assert len(broken) == 1 and "b-phantom4" in broken[0] and broken[0].endswith(".") is False


def test_methods_and_controls_are_kept_apart(tmp_path):
    control = [
        Row(r.id, r.group, r.truth, r.predicted, 0.9, r.box_share, "centre", True, 0.0, 0, {"pointing": 0.0})
        for r in ROWS
    ]
    stored = read_evaluation(write_evaluation(tmp_path, ROWS + control))
    assert stored.methods == ["gradcam"] and stored.controls == ["centre"]
    assert stored.estimate("centre", "pointing").value == 0 and stored.estimate("centre", "lift") is None
    assert stored.estimate("nobody", "pointing") is None


def test_every_measure_and_every_control_is_explained_in_sentences():
    assert set(CONTROL_DESCRIPTIONS) == {*CONTROLS, BOX}
    for name, measure in MEASURES.items():
        assert measure.id == name and measure.paper.startswith("https://")
        for text in (measure.description, measure.pitfalls):
            assert text[0].isupper() and text.endswith(".") and "  " not in text
    assert (
        len({measure.title for measure in MEASURES.values()})
        == len({m.short for m in MEASURES.values()})
        == len(MEASURES)
    )


@pytest.mark.parametrize(
    "name", ["deletion blur", "deletion mean", "road morf", *[m for m in MEASURES if "sanity" in m]]
)
def test_the_direction_of_every_measure_is_given(name):
    assert MEASURES[name].direction == "Lower is better."
    assert sum(not measure.high_is_good for measure in MEASURES.values()) == 6


# forward passes that a method's map takes today at most, of those whose formula has changed
MOST = {"occlusion": 1 + (2 * masks.WINDOW) ** 2, "rise": masks.SETS * 128, "lime": 1 + lime.SETS * 128}


@pytest.mark.parametrize(
    "folder", [each for each in bundle_folders() if (each / SUMMARY).exists()], ids=lambda f: f.name
)
def test_no_stored_map_of_a_changed_method_was_made_by_an_older_formula(folder):
    assert MOST.keys() == VERSIONS.keys()
    stored = read_evaluation(folder)
    for name in MOST.keys() & set(stored.methods if stored else ()):
        assert max(row.evaluations for row in stored.rows if row.method == name) <= MOST[name]
