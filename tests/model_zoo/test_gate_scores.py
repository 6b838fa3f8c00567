"""The gate's table and its scores, on rows known beforehand; a changed row is found by verify."""

from dataclasses import replace

import numpy as np
import pytest

from model_zoo import ModelError
from model_zoo.gate import ASPECTS, PARTS
from model_zoo.gate_markdown import gate_card_markdown
from model_zoo.gate_scores import WITHHELD, GateRow, gate_limits, gate_scores, read_gate_table, write_gate_table
from tests.conftest import made_up_card

LIMITS = {"least_head": 0.5, "farthest": 2.0, "least_little": 0.5, "least_plane": 0.6, "least_sequence": 0.7}


def row(name: str, kind: str, seen: str, cohort: str = "44c", sequence: str = "", seen_sequence: str = "T1", **facts):
    """Return a test picture of `kind` that the gate takes for `seen` with probability 0.9."""
    chosen = {"kind": seen, "plane": "axial", "sequence": seen_sequence, "brain": "enough"}
    p = [0.9 if label == chosen[head] else 0.1 / (len(names) - 1) for head, names in ASPECTS.items() for label in names]
    brain = "enough" if kind == "head" else ""
    facts = {"split": "test", "plane": "", "brain": brain, "distance": 1.0} | facts
    return GateRow(name, name, cohort=cohort, kind=kind, sequence=sequence, p=tuple(np.round(p, 5).tolist()), **facts)


ROWS = [
    *(row(f"head {i}", "head", "head", sequence="T1") for i in range(8)),
    row("head taken for a CT", "head", "ct", sequence="T1"),
    row("T2 taken for T1", "head", "head", sequence="T2"),
    *(row(f"CT {i}", "ct", "ct", "head-ct") for i in range(3)),
    row("CT taken for a head", "ct", "head", "head-ct"),
    row("a photograph far away", "photo", "head", "photo", distance=3.0),
    row("of validation", "photo", "head", "photo", split="val"),
]


def find(name: str, subset: str):
    return next(s.estimate for s in gate_scores(ROWS, LIMITS) if (s.name, s.subset) == (name, subset))


def test_the_share_withheld_of_heads_and_of_others():
    assert (find(WITHHELD, "heads").value, find(WITHHELD, "heads").scans) == (0.1, 10)
    assert (find(WITHHELD, "other pictures").value, find(WITHHELD, "other pictures").scans) == (0.8, 5)
    assert find(WITHHELD, "head-ct: ct").value == 0.75 and find(WITHHELD, "photo: photo").value == 1


def test_sequences_that_are_known_are_compared():
    assert (find("accuracy of the sequence", "heads").value, find("accuracy of the sequence", "heads").scans) == (
        0.9,
        10,
    )
    assert find("share with a named sequence", "44c").value == 1


def test_slices_with_little_brain_are_among_those_to_withhold():
    little = row("vertex", "head", "head", "little brain", brain="little")
    found = {s.subset: s.estimate for s in gate_scores([*ROWS, little], LIMITS) if s.name == WITHHELD}
    assert found["other pictures"].scans == 6 and found["little brain: head"].value == 0


def test_the_table_is_read_as_it_was_written(tmp_path):
    write_gate_table(tmp_path / "gate.csv", ROWS)
    assert read_gate_table(tmp_path / "gate.csv") == ROWS


@pytest.mark.parametrize(
    "damage", [lambda text: text.replace("distance", "far"), lambda text: text[:-30], lambda _: "\0"]
)
def test_a_damaged_table_is_a_sentence(tmp_path, damage):
    path = tmp_path / "gate.csv"
    write_gate_table(path, ROWS)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ModelError, match="gate's table"):
        read_gate_table(path)


def test_the_card_shows_every_collection():
    text = gate_card_markdown(made_up_card(scores=gate_scores(ROWS, LIMITS), gate=LIMITS, task="gate"))
    assert "| near | 4 |" in text and "| far | 1 |" in text  # the ten heads are no others
    assert "| head-ct: ct | 4 | 0.7500" in text and "`least_head` | 0.5" in text and "not measured" not in text


def test_limits_let_nearly_all_validation_heads_pass_and_name_what_is_mostly_right():
    """Of 1,000 heads two are taken for CTs and two lie far away; every second of the unsure sequences is wrong."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(1000):
        wrong, sure = i % 2 == 0 and i < 100, 0.95 if i >= 100 else 0.725
        p = list(row("x", "head", "ct" if i in (1, 3) else "head").p)
        p[PARTS["sequence"]] = [1 - sure, sure, 0, 0] if wrong else [sure, 1 - sure, 0, 0]
        far = 9.0 if i in (5, 7) else float(rng.uniform(1, 2))
        rows.append(row(f"{i}", "head", "head", sequence="T1", split="val", plane="axial", distance=far))
        rows[-1] = replace(rows[-1], p=tuple(p))
    limits = gate_limits(rows)
    assert limits["least_head"] == 0.5 and 1.9 < limits["farthest"] < 2
    assert limits["least_plane"] == 0.6 and 0.72 < limits["least_sequence"] <= 0.95
    assert limits["least_little"] == 0.5


@pytest.mark.parametrize(("least", "limit"), [(0.45128, 0.4512), (0.45, 0.45), (0.4123, 0.4123), (0.7, 0.5)])
def test_the_limit_lets_the_head_pass_that_set_it(least, limit):
    heads = [row(f"{i}", "head", "head", sequence="T1", split="val", plane="axial") for i in range(80)]
    p = [least, *heads[0].p[1:]]
    p[list(ASPECTS["kind"]).index("ct")] = round(1 - least, 5)
    heads[0] = replace(heads[0], p=tuple(p))
    limits = gate_limits(heads)
    assert limits["least_head"] == limit
    assert [each.result(limits).kind for each in heads] == ["head"] * 80
