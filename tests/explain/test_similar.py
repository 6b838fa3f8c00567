"""Similar cases: never the same head or patient, of the same sequence, the nearest first; the index and its damage."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from datasets.label_map import common_label
from datasets.near_duplicates import print_of
from datasets.records import Record
from explain.prediction import predict
from explain.request import Request
from explain.similar import SIMILAR_INDEX, SimilarIndex, known, read_index, similar_cases, write_index
from explain.similar.index import axes_of, bits_apart, features_of, packed, reduced
from explain.similar.known import credit, diagnoses_sentence, none_sentence, precision_sentence
from explain.similar.reference import CASES, REFERENCE, chosen_slices, reference_cases, reference_scan
from explain.similar.search import NEIGHBOURS, SimilarCase, nearest
from model_zoo import Estimate, ModelError, Score, load_model, models, read_card, zoo_folder
from model_zoo.gate import UNKNOWN
from model_zoo.scores import PRECISION_AT_5
from scans import fit, phantom
from tests.conftest import made_up_card

SHA = "a" * 64


def reference_labels(card) -> list[str]:
    """The classes of a model that the reference set holds."""
    return [label for case in reference_cases() if (label := common_label(case.label, card.classes))]


def index_of(features: np.ndarray, **columns) -> SimilarIndex:
    """Return an index of features float (N, C); columns not given are those of scans of one sequence, all apart."""
    n = len(features)
    facts = {
        "bits": np.random.default_rng(0).integers(0, 256, (n, 32), dtype=np.uint8),
        "names": np.array([f"scan {i}" for i in range(n)]),
        "labels": np.array(["glioma"] * n),
        "cohorts": np.array(["figshare"] * n),
        "sequences": np.array(["T1C+"] * n),
        "planes": np.array(["axial"] * n),
        "groups": np.array([f"g{i}" for i in range(n)]),
        "shipped": np.zeros(n, bool),
    } | columns
    unit = reduced(features.astype(np.float32), np.zeros((0, 0)), np.zeros(0)).astype(np.float16)
    return SimilarIndex(SHA, np.zeros((0, 0), np.float16), np.zeros(0, np.float16), unit, **facts)


def on_a_circle(n: int) -> np.ndarray:
    """Return n features of which the first is nearest to (1, 0), the last farthest."""
    angle = np.linspace(0.1, 3, n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def search(index: SimilarIndex, sequence: str = "T1C+", same=None, allowed=None) -> list[int]:
    n = len(index)
    same = np.zeros(n, bool) if same is None else same
    return nearest(
        np.array([1, 0], np.float32), sequence, index, np.ones(n, bool) if allowed is None else allowed, same
    )


def test_the_nearest_come_first():
    assert search(index_of(on_a_circle(60))) == [0, 1, 2, 3, 4]


def test_the_same_head_and_all_slices_of_its_patient_are_left_out():
    groups = np.array(["p1", "p2", "p1", *(f"g{i}" for i in range(57))])
    same = np.zeros(60, bool)
    same[2] = True
    assert search(index_of(on_a_circle(60), groups=groups), same=same) == [1, 3, 4, 5, 6]


def test_of_one_group_only_the_nearest_is_shown():
    groups = np.array(["p1", "p1", "p1", *(f"g{i}" for i in range(57))])
    assert search(index_of(on_a_circle(60), groups=groups)) == [0, 3, 4, 5, 6]


def test_only_scans_of_the_same_sequence_count_where_there_are_enough():
    sequences = np.array(["T2", "T1C+"] * 60)
    assert search(index_of(on_a_circle(120), sequences=sequences)) == [1, 3, 5, 7, 9]
    assert search(index_of(on_a_circle(120), sequences=sequences), "FLAIR") == [0, 1, 2, 3, 4]
    assert search(index_of(on_a_circle(120), sequences=sequences), UNKNOWN) == [0, 1, 2, 3, 4]


def test_pictures_that_cannot_be_shown_are_no_neighbours():
    allowed = np.ones(60, bool)
    allowed[0] = False
    assert search(index_of(on_a_circle(60)), allowed=allowed)[0] == 1


def test_a_mirrored_or_turned_head_is_the_same_head():
    head = phantom("glioma", 42).scan
    known = packed(print_of(head)[0])[:1]
    for pixels in (head.pixels[:, ::-1], np.rot90(head.pixels), head.pixels):
        assert bits_apart(packed(print_of(replace(head, pixels=np.ascontiguousarray(pixels)))[0]), known)[0] <= 12
    other = phantom("meningioma", 4_711).scan
    assert bits_apart(packed(print_of(other)[0]), known)[0] > 12


def test_a_scan_that_is_in_the_index_is_not_its_own_neighbour(in_tiny_zoo):
    model = load_model("tiny-phantom4")
    scans = [phantom("glioma", seed).scan for seed in range(6)]
    raw = features_of(model, np.stack([fit(scan, model.card.input)[0] for scan in scans]))
    bits = np.concatenate([packed(print_of(scan)[0])[:1] for scan in scans])
    index = index_of(raw, bits=bits)
    cases = similar_cases(model, scans[2], predict(model, scans[2]), index)
    assert len(cases) == NEIGHBOURS and "scan 2" not in {case.name for case in cases}
    assert [case.distance for case in cases] == sorted(case.distance for case in cases)


def test_many_features_are_reduced_to_their_components():
    features = np.random.default_rng(0).normal(size=(300, 200)).astype(np.float32)
    axes, centre = axes_of(features)
    assert axes.shape == (200, 96) and np.allclose(np.linalg.norm(reduced(features, axes, centre), axis=1), 1)
    assert axes_of(features[:, :96])[0].size == 0


def test_an_index_is_read_as_it_was_written_and_only_with_its_weights(tmp_path):
    index = index_of(on_a_circle(60))
    path = write_index(tmp_path, index)
    first = path.read_bytes()
    write_index(tmp_path, index)
    assert path.read_bytes() == first
    found = read_index(tmp_path, SHA)
    assert np.array_equal(found.features, index.features) and found.names.tolist() == index.names.tolist()
    with pytest.raises(ModelError, match="other weights"):
        read_index(tmp_path, "b" * 64)
    assert read_index(tmp_path / "nowhere", SHA) is None


def test_a_damaged_index_is_a_sentence(tmp_path):
    (tmp_path / SIMILAR_INDEX).write_bytes(b"no archive")
    with pytest.raises(ModelError, match="similar-index"):
        read_index(tmp_path, SHA)


@pytest.mark.parametrize("name", sorted(models()))
def test_every_shipped_index_is_small_of_its_weights_and_holds_no_test_scan(name):
    folder = zoo_folder() / name
    card = read_card(folder / "card.json")
    index = read_index(folder, card.weights_sha256)
    assert index is not None and (folder / SIMILAR_INDEX).stat().st_size < 3e6
    assert set(index.labels) <= set(card.classes)
    assert not any(str(name).startswith("brain-tumor-mri-dataset/Testing") for name in index.names)


def test_the_reference_set_can_be_read_and_has_its_attribution():
    cases = reference_cases()
    assert 380 <= len(cases) <= 400 and {case.label for case in cases} == {"glioma", "meningioma", "pituitary"}
    assert {path.name for path in REFERENCE.glob("*.jpg")} == {case.name for case in cases}
    assert max(reference_scan(cases[0].name).shape) == 160
    assert "CC BY 4.0" in (REFERENCE / "ATTRIBUTION.md").read_text() and (REFERENCE / CASES).exists()


def test_reference_slices_come_from_training_and_are_spread_over_classes_planes_and_groups():
    records = [
        Record(f"{i}", ("glioma", "meningioma")[i % 2], split="test" if i % 10 == 0 else "train", number=i,
               group=f"g{i // 20}", plane=("axial", "coronal")[i // 2 % 2])
        for i in range(200)
    ]  # fmt: skip
    chosen = chosen_slices(records, 40)
    assert len(chosen) == 40 and {r.split for r in chosen} == {"train"}
    assert all(sum(r.label == label and r.plane == plane for r in chosen) == 10
               for label in ("glioma", "meningioma") for plane in ("axial", "coronal"))  # fmt: skip
    assert len({r.group for r in chosen}) == 10


def test_the_same_map_of_a_similar_case_has_the_same_settings(in_tiny_zoo, monkeypatch):
    model, scan = load_model("tiny-phantom4"), phantom("glioma", 3, 64).scan
    monkeypatch.setattr(known, "scan_of", lambda case: phantom("pituitary", 4, 64).scan)
    asked = Request(model, scan, "smoothgrad", engine="tf-keras-vis", target="meningioma", seed=7, seconds=3)
    same = known.request_for(asked, None)
    assert (same.method, same.engine, same.target, same.settings) == (
        "smoothgrad", "tf-keras-vis", "meningioma", asked.settings
    )  # fmt: skip
    assert same.scan.key != asked.scan.key and same.settings["seed"] == 7


def test_of_the_reference_set_no_precision_is_quoted_that_was_measured_with_the_collections():
    score = Score(PRECISION_AT_5, "cohort 44c", "no near-duplicate in training", Estimate(0.93, 0.9, 0.95, 80), "x")
    shipped = [SimilarCase("a", "glioma", "figshare", "T1C+", "axial", 0.1, True)]
    sentence = precision_sentence(made_up_card(scores=(score,)), "glioma", shipped)
    assert "93" not in sentence and "T1C+" in sentence and "not measured" in sentence


@pytest.mark.parametrize("name", sorted(models()))
def test_without_the_collections_a_class_that_the_reference_set_lacks_has_no_similar_cases(name, monkeypatch, tmp_path):
    """Or a healthy head would be shown five tumours, and an astrocytoma five meningiomas."""
    monkeypatch.setenv("CANDOR_DATA", str(tmp_path))
    monkeypatch.setattr(known, "similar_cases", lambda *_, shipped: [shipped])
    card = read_card(zoo_folder() / name / "card.json")
    model, held = SimpleNamespace(card=card), set()
    for place, label in enumerate(card.classes):
        found = known.known_cases(model, None, SimpleNamespace(index=place))
        assert found in ([], [True])
        held |= {label} if found else set()
    assert held == set(reference_labels(card))
    assert "none of the predicted class" in none_sentence(card)
    assert "similar-index" in none_sentence(made_up_card())


def test_the_sentences_count_diagnoses_and_name_the_precision():
    cases = [SimilarCase("a", label, "44c", "T1", "axial", 0.1, False) for label in ("glioma", "glioma", "notumor")]
    score = Score(PRECISION_AT_5, "cohort 44c", "no near-duplicate in training", Estimate(0.93, 0.9, 0.95, 80), "x")
    card = made_up_card(scores=(score,))
    assert diagnoses_sentence(card, cases) == "Of 3 similar cases: 2 glioma, 1 no tumour."
    assert "44c 93 %" in precision_sentence(card, "glioma", cases)
    assert precision_sentence(made_up_card(), "glioma", cases) == ""
    assert credit(cases) == "" and "CC BY 4.0" in credit([replace(cases[0], cohort="figshare")])
