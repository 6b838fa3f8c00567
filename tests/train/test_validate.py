"""Validation of a bundle: external test sets, shortcut and robustness tests, the source probe."""

import shutil
import sys
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest

from datasets.cards import DATASETS
from datasets.cohorts import COHORTS, LEFT_OUT, POOLED_COHORTS, read_task, split_cohorts
from datasets.near_duplicates import NearDuplicates
from datasets.records import DatasetError, Record, load
from model_zoo import ModelError, bundle_folder, load_model
from model_zoo.imported import Choices, import_model
from model_zoo.tables import (
    PredictionRow,
    ShortcutRow,
    read_cohorts,
    read_predictions,
    read_shortcut_tests,
    read_sources,
    write_predictions,
    write_shortcut_tests,
)
from model_zoo.verify import differences
from tests.conftest import CLASSES, made_up_card, tiny_network, write_bundle
from tests.datasets.collections import draw_collections
from tests.onnx_files import classifier
from train import external
from train.external import POOLED, Collections, is_of, read_collections, scans_trained_on
from train.recipe import Recipe, recipe_of, trained_on
from train.shortcut_tests import SHORTCUT_TESTS
from train.validate import _other_tests, _recipe_of, _trained_on, near_duplicates_marked, validate, validation_scores

pytestmark = pytest.mark.slow

RECIPE = Recipe(task="kaggle4", network="cnn3", size=32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_collections(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def collections(data):
    return read_collections(data)


@pytest.fixture(scope="module")
def validated(data, collections, tmp_path_factory):
    zoo = tmp_path_factory.mktemp("zoo")
    answer = (1.0, *(0.0 for _ in CLASSES[1:]))
    kaggle = [r for r in collections.records if r.cohort == "kaggle" and r.split in ("val", "test")]
    scans = dict(Counter(record.split for record in kaggle))
    write_bundle(zoo / "tiny-kaggle4", tiny_network(), task="kaggle4", recipe=asdict(RECIPE), scans=scans)
    rows = [PredictionRow(r.id.split("/", 1)[1], r.group, r.split, False, r.label, answer) for r in kaggle]
    write_predictions(zoo / "tiny-kaggle4" / "predictions.csv", CLASSES, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(zoo))
        model = load_model("tiny-kaggle4", precision="f32")
    (card,) = validate([(zoo / "tiny-kaggle4", model)], data)
    return zoo / "tiny-kaggle4", card, model


def test_a_model_predicts_the_test_scans_of_every_collection(validated):
    folder, card, _ = validated
    rows = read_cohorts(folder / "cohorts.csv", card.classes)
    assert {row.cohort for row in rows} == set(COHORTS)
    assert sum(row.cohort == "kaggle" for row in rows) == 56  # the publisher's whole test split
    assert {row.truth for row in rows if row.cohort == "dementia"} == {"notumor"}
    assert {row.truth for row in rows if row.cohort == "44c"} == {"glioma", "meningioma", "notumor"}


def test_the_validation_scans_are_scored_without_opening_a_test_set(validated, data, monkeypatch):
    folder, _, model = validated
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(external, "predict", lambda model, records, title: opened.extend(records) or ones(records))
    opened = []
    ((_, scores),) = validation_scores([(folder, model)], data)
    assert opened and {record.split for record in opened} == {"val"}
    assert {score.split for score in scores} == {f"cohort {name}" for name in POOLED_COHORTS}
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def ones(records):
    return np.full((len(records), len(CLASSES)), 1 / len(CLASSES))


def test_a_collection_for_external_validation_alone_may_be_missing(data, tmp_path, capsys):
    for folder in data.iterdir():
        if folder.name != "dementia-mri":
            (tmp_path / folder.name).symlink_to(folder)
    found = read_collections(tmp_path)
    assert {record.cohort for record in found.records} == set(POOLED_COHORTS)
    assert f"is not below {tmp_path}: not validated on it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "gone", ["brain-tumor-mri-images-44c/Meningioma T1C+", "brain-tumor-mri-dataset/Testing/pituitary"]
)
def test_a_missing_class_folder_is_named_before_anything_is_measured(data, tmp_path, gone):
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / gone)
    with pytest.raises(DatasetError, match=f"none of class {gone.split('/')[-1].split()[0].lower()}"):
        read_collections(tmp_path)
    with pytest.raises(DatasetError, match="none of class"):
        read_task(DATASETS["pooled4"], tmp_path)


def test_one_shortcut_test_made_again_leaves_the_others_as_they_were(validated, data, tmp_path):
    folder = shutil.copytree(validated[0], tmp_path / "tiny-kaggle4")
    before = (folder / "shortcut_tests.csv").read_text()
    validate([(folder, validated[2])], data, tests=("tumour hidden",))
    assert (folder / "shortcut_tests.csv").read_text() == before and differences(folder) == []
    rows = [row for row in read_shortcut_tests(folder / "shortcut_tests.csv", CLASSES) if row.test == "as is"]
    write_shortcut_tests(folder / "shortcut_tests.csv", CLASSES, [replace(row, id=f"other {row.id}") for row in rows])
    left = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ModelError, match="has other scans in the tests that are kept"):
        validate([(folder, validated[2])], data, tests=("tumour hidden",))
    assert left == {path: path.read_bytes() for path in folder.iterdir()}


def test_a_test_that_is_kept_was_made_of_the_scans_of_which_it_would_be_made_now(tmp_path):
    """Three scans, one of them with a box: a test of hidden tumours is of that one, the others are of all three."""
    records = [Record(f"s{i}", "glioma", boxes=((0.5, 0.5, 0.2, 0.2),) * (i == 0)) for i in range(3)]

    def kept(test: str, *scans: int):
        rows = [ShortcutRow(test, f"s{i}", "g", "glioma", (1.0, 0.0, 0.0, 0.0)) for i in scans]
        write_shortcut_tests(tmp_path / "shortcut_tests.csv", CLASSES, rows)
        return _other_tests(tmp_path, CLASSES, ["border only"], records)

    assert len(kept("as is", 0, 1, 2)) == 3 and len(kept("tumour hidden", 0)) == 1
    for test, *scans in (("as is", 0, 1), ("as is", 0, 1, 2, 3), ("tumour hidden", 0, 1), ("tumour hidden", 2)):
        with pytest.raises(ModelError, match=rf"other scans in the tests that are kept \({test}\)"):
            kept(test, *scans)


def test_where_the_scans_are_divided_otherwise_all_but_the_model_s_own_test_set_counts_as_seen(
    validated, data, collections, tmp_path, capsys
):
    folder, _, model = validated
    assert not _trained_on(folder, model.card, collections)[is_of(["44c"], collections)].any()
    assert capsys.readouterr().err == ""
    other = shutil.copytree(folder, tmp_path / "tiny-kaggle4")
    rows = read_predictions(other / "predictions.csv", CLASSES)
    kept = [row for k, row in enumerate(rows) if row.split == "val" or k % 2]  # half of its test set is not there now
    write_predictions(other / "predictions.csv", CLASSES, kept)
    trained = _trained_on(other, model.card, collections)
    assert "tiny-kaggle4: these scans are divided otherwise than when it was trained" in capsys.readouterr().err
    tested = {row.id for row in kept if row.split == "test"}
    for record, seen in zip(collections.records, trained, strict=True):
        assert seen == (record.cohort == "kaggle" and record.id.split("/", 1)[1] not in tested)


def test_a_run_that_is_stopped_leaves_the_bundle_as_it_was(validated, data, tmp_path, monkeypatch):
    folder = shutil.copytree(validated[0], tmp_path / "tiny-kaggle4")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("train.validate.source_rows", lambda model, collections: sys.exit(1))
    with pytest.raises(SystemExit):
        validate([(folder, validated[2])], data)
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_every_shortcut_test_is_made_and_the_hidden_tumours_are_those_with_a_box(validated):
    folder, card, _ = validated
    rows = read_shortcut_tests(folder / "shortcut_tests.csv", card.classes)
    assert {row.test for row in rows} == set(SHORTCUT_TESTS)
    hidden = {row.id for row in rows if row.test == "tumour hidden"}
    assert hidden and all(name.startswith("figshare-brain-tumor/") and "notumor" not in name for name in hidden)
    assert hidden == {row.id for row in rows if row.test == "boxed scans as is"}


def test_an_unchanged_scan_gets_the_prediction_of_the_app(validated, collections):
    folder, card, model = validated
    row = next(r for r in read_shortcut_tests(folder / "shortcut_tests.csv", card.classes) if r.test == "as is")
    record = next(r for r in collections.records if r.id == row.id)
    np.testing.assert_allclose(model.classify([load(record)])[0], row.probabilities, atol=2e-5)


def test_without_shortcut_tests_the_external_validation_is_still_made(validated, data, tmp_path):
    folder = tmp_path / "tiny-kaggle4"
    shutil.copytree(
        validated[0], folder, ignore=shutil.ignore_patterns("cohorts.csv", "shortcut_tests.csv", "sources.csv")
    )
    assert not (folder / "cohorts.csv").exists() and not (folder / "shortcut_tests.csv").exists()
    (card,) = validate([(folder, validated[2])], data, tests=())
    assert read_cohorts(folder / "cohorts.csv", card.classes) == read_cohorts(
        validated[0] / "cohorts.csv", card.classes
    )
    assert not (folder / "shortcut_tests.csv").exists() and differences(folder) == []


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """Return a function that imports an ONNX model which has seen the training part of a task, and loads it."""
    monkeypatch.setenv("CANDOR_IMPORTED", str(tmp_path / "imported"))
    (tmp_path / "theirs.onnx").write_bytes(classifier())

    def imported(task: str):
        card = import_model(tmp_path / "theirs.onnx", "theirs", Choices(CLASSES, trained_on=task))
        return bundle_folder(card.id), load_model(card.id, precision="f32")

    return imported


def test_an_imported_model_is_measured_on_the_test_scans_of_what_it_was_trained_on(theirs, data, validated):
    folder, model = theirs("kaggle4")
    (card,) = validate([(folder, model)], data, tests=("tumour hidden",))
    rows = read_predictions(folder / "predictions.csv", CLASSES)
    assert len(rows) == 56 == card.scans["test"] and {row.split for row in rows} == {"test"}
    kaggle = [row for row in read_cohorts(folder / "cohorts.csv", CLASSES) if row.cohort == "kaggle"]
    assert [(row.truth, row.probabilities) for row in rows] == [(row.truth, row.probabilities) for row in kaggle]
    assert not any(row.id.startswith("brain-tumor") for row in rows)
    assert {row.test for row in read_shortcut_tests(folder / "shortcut_tests.csv", CLASSES)} == {"tumour hidden"}
    assert not (folder / "sources.csv").exists()  # it has no features to probe
    assert card.conformal == {} and differences(folder) == []


def test_an_imported_model_counts_as_trained_on_the_split_that_candor_s_own_are_tested_on(theirs):
    """By blocks of neighbouring slices; by another split most test scans would count as seen."""
    _, model = theirs("figshare3")
    assert _recipe_of(model.card).division == POOLED.division != recipe_of(model.card.recipe).division
    assert _recipe_of(replace(model.card, imported={})).division == recipe_of(model.card.recipe).division


def test_an_imported_keras_network_without_a_row_of_features_is_judged_without_the_probe(data, tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_IMPORTED", str(tmp_path / "imported"))
    tiny_network().save(tmp_path / "theirs.keras")
    scaled = Choices(CLASSES, trained_on="kaggle4", mean=(0.5,) * 3, std=(0.25,) * 3)
    import_model(tmp_path / "theirs.keras", "theirs", scaled)
    folder, model = bundle_folder("theirs"), load_model("theirs", precision="f32")
    validate([(folder, model)], data)
    assert {row.test for row in read_shortcut_tests(folder / "shortcut_tests.csv", CLASSES)} == set(SHORTCUT_TESTS)
    assert not (folder / "sources.csv").exists() and differences(folder) == []


def test_of_an_imported_model_with_unknown_data_only_the_external_validation_is_made(theirs, data):
    folder, model = theirs("")
    (card,) = validate([(folder, model)], data, tests=())
    assert not (folder / "predictions.csv").exists()
    assert not any(row.near_duplicate for row in read_cohorts(folder / "cohorts.csv", CLASSES))
    assert card.score("accuracy", "cohort 44c", "no near-duplicate in training") and differences(folder) == []


def test_the_probe_predicts_scans_of_both_sources(validated):
    rows = read_sources(validated[0] / "sources.csv")
    assert {row.truth for row in rows} == {"44c", "figshare and Br35H"} == {row.prediction for row in rows}


def test_the_card_of_a_validated_bundle_verifies(validated):
    assert differences(validated[0]) == []


def test_a_model_was_trained_on_its_own_training_scans_and_no_others(collections):
    trained = scans_trained_on(RECIPE, collections)
    for record, used in zip(collections.records, trained, strict=True):
        assert used == (record.cohort == "kaggle" and record.split in ("train", "val"))


def test_a_scan_left_out_of_a_pool_still_trained_a_model_of_its_own_collection(collections):
    """The Kaggle scan is a near-duplicate of a figshare test scan: only a pool leaves it out."""
    names = [(r.cohort, r.split) for r in collections.records]
    here, there = names.index(("kaggle", "train")), names.index(("figshare", "test"))
    pair = np.array([[here, there], [there, here]])
    duplicates = NearDuplicates(
        np.concatenate([collections.duplicates.rows, pair]),
        np.append(collections.duplicates.close, [True, True]),
        np.append(collections.duplicates.positions, [0, 0]),
    )
    leaky = Collections(
        split_cohorts(collections.as_read, duplicates, **POOLED.division), collections.as_read, duplicates
    )
    assert leaky.records[here].split == LEFT_OUT
    begun = scans_trained_on(replace(RECIPE, task="pooled4", started_on="kaggle"), leaky)
    assert begun[here] and begun[there]  # the leg before the pool's saw the Kaggle set alone
    trained, pooled = scans_trained_on(RECIPE, leaky), scans_trained_on(replace(RECIPE, task="pooled4"), leaky)
    assert trained[here] and trained[there] and trained.sum() == scans_trained_on(RECIPE, collections).sum() + 1
    assert not pooled[here] and not pooled[there]


def test_the_scans_behind_the_initial_weights_count_too(collections):
    assert trained_on(replace(RECIPE, started_on="44c")) == ("kaggle", "44c")
    trained = scans_trained_on(replace(RECIPE, started_on="44c"), collections)
    used = {r.cohort for r, s in zip(collections.records, trained, strict=True) if s}
    assert used == {"kaggle", "44c"}


def test_what_a_teacher_was_trained_on_counts_too(collections, monkeypatch):
    taught = made_up_card(recipe=asdict(replace(RECIPE, started_on="44c", teacher="")))
    monkeypatch.setattr(external, "model_card", {"the-teacher": taught}.get)
    own, both = (scans_trained_on(replace(RECIPE, teacher=name), collections) for name in ("", "the-teacher"))
    used = [{r.cohort for r, s in zip(collections.records, marks, strict=True) if s} for marks in (own, both)]
    assert used == [{"kaggle"}, {"kaggle", "44c"}]


@pytest.mark.parametrize("shipped", ["candor-leg2-44c15", "candor-44c15"])  # the first in measured/
def test_a_teacher_that_ships_is_found_for_a_model_in_a_zoo_of_its_own(collections, tmp_path, monkeypatch, shipped):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    trained = scans_trained_on(replace(RECIPE, teacher=shipped), collections)
    assert {r.cohort for r, used in zip(collections.records, trained, strict=True) if used} == {*POOLED_COHORTS}
    with pytest.raises(ModelError, match="no model 'nobody'"):
        scans_trained_on(replace(RECIPE, teacher="nobody"), collections)


def test_initial_weights_were_trained_on_scans_that_are_now_left_out(collections):
    """They were trained when only near-duplicates close enough to share a group were left out."""
    calls = []

    def split_cohorts(records, duplicates, *, close_only, **shares):
        calls.append(close_only)
        return split(records, duplicates, close_only=close_only, **shares)

    split = external.split_cohorts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external, "split_cohorts", split_cohorts)
        scans_trained_on(RECIPE, collections)
        scans_trained_on(replace(RECIPE, weights="candor-kaggle4.keras"), collections)
    assert calls == [False, False, True]


def test_test_scans_that_were_trained_on_are_marked_in_the_predictions(collections):
    """The ids of a single set lack its folder; validation scans are never marked."""
    test = [i for i, r in enumerate(collections.records) if r.cohort == "kaggle" and r.split == "test"][:3]
    names = [collections.records[i].id.split("/", 1)[1] for i in test]
    rows = [
        PredictionRow(n, "g", s, False, "glioma", (1.0,)) for n, s in zip(names, ["test", "test", "val"], strict=True)
    ]
    trained = np.zeros(len(collections.records), bool)
    trained[test[1:]] = True
    assert [row.near_duplicate for row in near_duplicates_marked(rows, RECIPE, collections, trained)] == [
        False,
        True,
        False,
    ]
    other = [PredictionRow("of/another-set.png", "g", "test", True, "glioma", (1.0,))]
    assert near_duplicates_marked(other, replace(RECIPE, task="phantom4"), collections, trained) == other


@pytest.mark.parametrize(
    ("task", "cohorts", "expected"),
    [
        ("kaggle4", "all", ("kaggle",)),
        ("figshare3", "all", ("figshare",)),
        ("44c15", "all", ("44c",)),
        ("pooled4", "figshare, 44c", ("figshare", "44c")),
        ("pooled4", "all", ("kaggle", "figshare", "br35h", "44c")),
    ],
)
def test_a_recipe_names_the_collections_it_trains_on(task, cohorts, expected):
    assert trained_on(Recipe(task=task, network="cnn3", cohorts=cohorts)) == expected


def test_a_card_without_the_newer_fields_still_gives_its_recipe(validated):
    old = {"task": "kaggle4", "network": "cnn3", "size": 32, "removed_field": 3}
    assert recipe_of(old) == recipe_of(validated[1].recipe) == RECIPE and validated[1].classes == CLASSES
