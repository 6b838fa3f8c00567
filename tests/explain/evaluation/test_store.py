"""The board read back: which models have one, how its slices part, which come first, and where they lie."""

import pytest

from explain.evaluation.controls import CONTROLS
from explain.evaluation.measures import CONTROLS_SAY, EXPLAINED
from explain.evaluation.results import MEASURES, SUMMARY, TABLE, write_rows, write_summary
from explain.evaluation.score import BOX, Row
from explain.evaluation.store import best_first, boards, case_of, parts, read_board
from model_zoo import write_card
from tests.conftest import card_of, tiny_network

WEIGHTS = "a" * 64


def row(number: int, truth: str, hit: float, share: float, right: bool = True, **measures: float) -> Row:
    answer = truth if right else "pituitary"
    return Row(
        f"{truth}/{number}.png", f"g{number}", truth, answer, 0.9, share, "gradcam", False, 0.1, 1,
        {"pointing": hit} | measures,
    )  # fmt: skip


# boxes of 1, 2 and 3 per cent, twice: a third of them each
ROWS = [
    row(1, "glioma", 0, 0.01, right=False),
    row(2, "glioma", 1, 0.01),
    row(3, "glioma", 1, 0.02),
    row(4, "glioma", 0, 0.02),
    row(5, "meningioma", 1, 0.03),
    row(6, "meningioma", 1, 0.03),
]


def write_board(folder, rows=ROWS, model="tiny-phantom4"):
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / TABLE, rows)
    write_summary(folder, model, WEIGHTS)
    return folder


def test_slices_are_parted_by_class_by_size_and_by_answer(tmp_path):
    board = read_board(write_board(tmp_path))
    found = {(part.what, part.name): (part.pointing.value, part.pointing.scans) for part in parts(board, "gradcam")}
    assert found == {
        ("class", "glioma"): (0.5, 4),
        ("class", "meningioma"): (1, 2),
        ("size of the box", "under 1.7\u00a0%"): (0.5, 2),
        ("size of the box", "1.7 to 2.3\u00a0%"): (0.5, 2),
        ("size of the box", "2.3\u00a0% or more"): (1, 2),
        ("answer", "right"): (0.8, 5),
        ("answer", "wrong"): (0, 1),
    }


def test_the_parts_are_those_of_the_summary(tmp_path):
    board = read_board(write_board(tmp_path))
    counted = sorted((part.pointing.scans, part.pointing.value) for part in parts(board, "gradcam"))
    by = board.found["methods"]["gradcam"]["pointing, by"].values()
    assert counted == sorted((part["scans"], part["pointing"]) for each in by for part in each.values())


def test_a_method_that_was_not_scored_has_no_parts(tmp_path):
    assert parts(read_board(write_board(tmp_path)), "lime") == ()


def test_the_best_comes_first_whichever_way_is_good_and_ties_go_by_the_evidence_in_the_box():
    rows = [
        row(1, "glioma", 1, 0.1, energy=0.2, road=0.1),
        row(2, "glioma", 1, 0.1, energy=0.7),
        row(3, "glioma", 0, 0.1, energy=0.9, road=0.3),
    ]
    assert [r.group for r in best_first(rows, "pointing", True)] == ["g2", "g1", "g3"]
    assert [r.group for r in best_first(rows, "pointing", False)] == ["g3", "g2", "g1"]
    assert [r.group for r in best_first(rows, "road", True)] == ["g3", "g1"]


def test_a_slice_is_found_below_the_data_or_below_its_dataset_and_nowhere_else(tmp_path):
    here, below = tmp_path / "data" / "glioma", tmp_path / "data" / "figshare-brain-tumor" / "meningioma"
    for folder, number in ((here, 1), (below, 5)):
        folder.mkdir(parents=True)
        (folder / f"{number}.png").write_bytes(b"")
    assert case_of(ROWS[0], tmp_path / "data").path == here / "1.png"
    assert case_of(ROWS[4], tmp_path / "data").path == below / "5.png"
    assert case_of(ROWS[5], tmp_path / "data") is None
    (tmp_path / "secret.png").write_bytes(b"")
    outside = Row("../secret.png", "g", "glioma", "glioma", 0.9, 0.1, "gradcam", False, 0.1, 1, {})
    assert case_of(outside, tmp_path / "data") is None


def test_every_model_with_a_board_is_found_shipped_or_not_and_a_broken_one_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    network = tiny_network()
    for place in ("a-phantom4", "b-phantom4", "c-phantom4", "measured/d-phantom4"):
        (tmp_path / place).mkdir(parents=True)
        write_card(card_of(network, id=place.split("/")[-1]), tmp_path / place / "card.json")
    for place in ("a-phantom4", "b-phantom4", "measured/d-phantom4"):
        write_board(tmp_path / place, model=place.split("/")[-1])
    (tmp_path / "b-phantom4" / SUMMARY).write_text("{}")
    found, broken = boards()
    assert list(found) == ["a-phantom4", "d-phantom4"]
    assert len(broken) == 1 and "b-phantom4" in broken[0] and broken[0].endswith(".") is False


def test_a_board_tells_methods_from_controls(tmp_path):
    control = [
        Row(r.id, r.group, r.truth, r.answer, 0.9, r.box_share, "centre", True, 0.0, 0, {"pointing": 0.0}) for r in ROWS
    ]
    board = read_board(write_board(tmp_path, ROWS + control))
    assert board.methods == ["gradcam"] and board.controls == ["centre"]
    assert board.figure("centre", "pointing").value == 0 and board.figure("centre", "lift") is None
    assert board.figure("nobody", "pointing") is None


def test_every_measure_and_every_control_is_explained_in_sentences():
    assert list(EXPLAINED) == list(MEASURES) or set(EXPLAINED) == set(MEASURES)
    assert set(CONTROLS_SAY) == {*CONTROLS, BOX}
    for name, measure in EXPLAINED.items():
        assert measure.id == name and measure.paper.startswith("https://")
        for text in (measure.says, measure.misleads):
            assert text[0].isupper() and text.endswith(".") and "  " not in text
    assert len({measure.title for measure in EXPLAINED.values()}) == len(EXPLAINED)


@pytest.mark.parametrize(
    "name", ["deletion blur", "deletion mean", "road morf", *[m for m in MEASURES if "sanity" in m]]
)
def test_which_way_is_good_is_told(name):
    assert EXPLAINED[name].direction == "Lower is better."
    assert sum(not measure.high_is_good for measure in EXPLAINED.values()) == 6
