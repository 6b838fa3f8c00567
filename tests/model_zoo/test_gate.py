"""The gate: which pictures it lets pass, what it says of the others, and the bundle that ships."""

import json

import cv2
import numpy as np
import pytest

from model_zoo import ModelError, gate, model_card, models
from model_zoo.__main__ import main
from model_zoo.gate import (
    ASPECTS,
    GATE,
    LOGITS,
    UNKNOWN,
    Gate,
    by_aspect,
    check_picture,
    distances,
    load_gate,
    result_of,
    write_reference,
)
from model_zoo.runtime import Runtime
from scans import PHANTOM_KINDS, Scan, phantom
from tests.conftest import made_up_card
from tests.good_files import png

LIMITS = {"least_head": 0.4, "farthest": 2.0, "least_little": 0.5, "least_plane": 0.6, "least_sequence": 0.7}


def probabilities(kind="head", plane="axial", sequence="T2", brain="enough", sure=0.9) -> dict:
    """Return probabilities with `sure` on the class named in each head, the rest shared alike."""
    chosen = {"kind": kind, "plane": plane, "sequence": sequence, "brain": brain}
    return {
        head: {label: sure if label == chosen[head] else (1 - sure) / (len(names) - 1) for label in names}
        for head, names in ASPECTS.items()
    }


def picture(pixels: np.ndarray) -> Scan:
    return Scan(pixels.astype(np.float32), "5f3a")


def test_one_head_near_to_known_ones_passes():
    result = result_of(probabilities(), 1.4, LIMITS)
    assert (result.kind, result.plane, result.sequence, result.brain, result.withheld) == (
        "head",
        "axial",
        "T2",
        "enough",
        "",
    )


@pytest.mark.parametrize("kind", [kind for kind in ASPECTS["kind"] if kind != "head"])
def test_every_other_kind_is_withheld_and_named_with_what_is_accepted(kind):
    result = result_of(probabilities(kind), 1.4, LIMITS)
    assert result.kind == kind and ASPECTS["kind"][kind] in result.withheld
    assert "one head in MRI" in result.withheld and "DICOM" in result.withheld and result.withheld.endswith(".")


def test_a_head_that_is_less_likely_than_the_limit_is_named_by_the_next_kind():
    p = probabilities() | {"kind": dict.fromkeys(ASPECTS["kind"], 0.0) | {"head": 0.39, "ct": 0.35, "photo": 0.26}}
    assert result_of(p, 1.4, LIMITS).kind == "ct"


def test_a_head_that_is_likely_enough_passes_although_another_kind_is_likelier():
    p = probabilities() | {"kind": dict.fromkeys(ASPECTS["kind"], 0.0) | {"head": 0.45, "ct": 0.55}}
    assert result_of(p, 1.4, LIMITS).withheld == ""


def test_a_picture_far_from_all_known_heads_is_withheld():
    assert "none of the heads" in result_of(probabilities(), 2.01, LIMITS).withheld


def test_a_slice_with_little_brain_is_withheld_and_another_slice_advised():
    assert "choose a slice through the brain" in result_of(probabilities(brain="little"), 1.0, LIMITS).withheld


def test_a_plane_or_sequence_of_which_the_gate_is_not_sure_is_unknown():
    result = result_of(probabilities(sure=0.65), 1.4, LIMITS)
    assert (result.plane, result.sequence) == ("axial", UNKNOWN)


def test_logits_side_by_side_become_probabilities_by_head():
    logits = np.zeros((2, LOGITS), np.float32)
    logits[0, 3] = 100  # the fourth kind: CT
    first, second = by_aspect(logits)
    assert first["kind"]["ct"] == pytest.approx(1) and second["plane"]["axial"] == pytest.approx(1 / 3)
    assert all(sum(p.values()) == pytest.approx(1) for p in first.values())


def test_the_distance_is_that_to_the_fifth_nearest():
    reference = np.array([[1.0], [2], [3], [4], [5], [6]], np.float32)
    assert distances(np.zeros((1, 1), np.float32), reference).tolist() == [5.0]


def test_a_picture_is_looked_at_once(monkeypatch):
    calls = []
    stand_in = type("Counting", (), {"check": lambda self, scan: calls.append(scan) or "seen"})()
    monkeypatch.setattr(gate, "load_gate", lambda: stand_in)
    head, other = picture(np.eye(64)), picture(1 - np.eye(64))
    assert [check_picture(scan) for scan in (head, head, other)] == ["seen"] * 3 and len(calls) == 2


def test_values_that_are_not_finite_are_a_sentence():
    broken = Gate(
        made_up_card(classes=tuple(ASPECTS["kind"]), gate=LIMITS),
        Runtime(lambda batch: np.full((len(batch), LOGITS + 3), np.nan, np.float32), "keras", "f32"),
        np.zeros((6, 3), np.float32),
    )
    with pytest.raises(ModelError, match="not finite"):
        broken.check(picture(np.eye(64)))


def test_the_reference_is_written_the_same_each_time(tmp_path):
    written = []
    for _ in range(2):
        write_reference(tmp_path, np.arange(12.0).reshape(6, 2))
        written.append((tmp_path / gate.REFERENCE).read_bytes())
    assert written[0] == written[1]


def test_without_its_gate_candor_says_why_nothing_is_predicted(monkeypatch, tmp_path):
    monkeypatch.setattr(gate, "gate_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="nothing is predicted without the gate"):
        load_gate.__wrapped__()  # not the gate that is kept


def test_the_gate_is_no_classifier_that_a_user_could_choose():
    assert GATE not in models() and model_card(GATE).task == "gate"


@pytest.mark.real_gate
@pytest.mark.parametrize("kind", PHANTOM_KINDS)
def test_phantoms_pass_the_gate_that_ships(kind):
    result = check_picture(phantom(kind, 900_002).scan)
    assert result.withheld == "" and result.plane == "axial"


@pytest.mark.real_gate
def test_what_is_no_head_is_withheld_by_the_gate_that_ships():
    rng = np.random.default_rng(0)
    head = phantom("glioma", 900_002).scan.pixels
    shapes = cv2.rectangle(np.zeros((128, 128), np.float32), (30, 30), (90, 100), 1.0, -1)
    for name, pixels in {"noise": rng.random((128, 128)), "a negative": 1 - head, "a rectangle": shapes}.items():
        assert check_picture(picture(pixels)).withheld, name


@pytest.mark.real_gate
def test_predict_withholds_with_the_gate_s_words_and_predicts_anyway_when_asked(tmp_path, in_tiny_zoo, capsys):
    path = tmp_path / "noise.png"
    path.write_bytes(png(np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8)))
    assert main(["predict", "tiny-phantom4", str(path), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (
        set(entry) - {"notes"} == {"file", "model", "withheld", "gate"} and "nothing is predicted" in entry["withheld"]
    )
    assert main(["predict", "tiny-phantom4", str(path), "--json", "--anyway"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert "class" in entry and entry["reasons"][0].startswith("Predicted although the gate withholds it")
