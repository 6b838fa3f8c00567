"""A bundle is judged on the collections it was not trained on, and on what it should not need."""

import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

from datasets.cohorts import LEFT_OUT, divided
from datasets.near_duplicates import Twins
from model_zoo import load_model
from model_zoo.tables import Prediction, read_checks, read_cohorts, read_sources, write_predictions
from model_zoo.verify import differences
from tests.conftest import CLASSES, tiny_network, write_bundle
from tests.train.collections import draw_collections
from train.external import DIVISION, Collections, collections, seen_by
from train.recipe import Recipe, recipe_of, trained_on
from train.shortcut_tests import CHECKS
from train.validate import judge, twins_marked

RECIPE = Recipe(task="kaggle4", network="cnn3", size=32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_collections(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def everything(data):
    return collections(data)


@pytest.fixture(scope="module")
def judged(data, tmp_path_factory):
    zoo = tmp_path_factory.mktemp("zoo")
    write_bundle(zoo / "tiny-kaggle4", tiny_network(), task="kaggle4", recipe=asdict(RECIPE), scans={"test": 1})
    answer = (1.0, *(0.0 for _ in CLASSES[1:]))
    write_predictions(
        zoo / "tiny-kaggle4" / "predictions.csv", CLASSES, [Prediction("x", "g", "test", True, CLASSES[0], answer)]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDOR_ZOO", str(zoo))
        model = load_model("tiny-kaggle4", precision="f32")
    (card,) = judge([(zoo / "tiny-kaggle4", model)], data)
    return zoo / "tiny-kaggle4", card, model


def test_a_model_is_asked_about_the_test_part_of_every_collection(judged):
    folder, card, _ = judged
    rows = read_cohorts(folder / "cohorts.csv", card.classes)
    assert {row.cohort for row in rows} == {"kaggle", "figshare", "br35h", "44c"}
    assert sum(row.cohort == "kaggle" for row in rows) == 56  # the publisher's whole test split
    assert {row.truth for row in rows if row.cohort == "44c"} == {"glioma", "meningioma", "notumor"}


def test_every_check_is_made_and_the_hidden_tumours_are_those_with_a_box(judged):
    folder, card, _ = judged
    rows = read_checks(folder / "checks.csv", card.classes)
    assert {row.check for row in rows} == set(CHECKS)
    hidden = {row.id for row in rows if row.check == "tumour hidden"}
    assert hidden and all(name.startswith("figshare-brain-tumor/") and "notumor" not in name for name in hidden)
    assert hidden == {row.id for row in rows if row.check == "boxed scans as is"}


def test_an_unchanged_scan_gets_the_answer_that_the_app_gives(judged, everything):
    folder, card, model = judged
    row = next(r for r in read_checks(folder / "checks.csv", card.classes) if r.check == "as is")
    from datasets.records import load

    record = next(r for r in everything.records if r.id == row.id)
    np.testing.assert_allclose(model.classify([load(record)])[0], row.probabilities, atol=2e-5)


def test_without_checks_the_other_collections_are_still_asked_about(judged, data, tmp_path):
    folder = tmp_path / "tiny-kaggle4"
    shutil.copytree(judged[0], folder, ignore=shutil.ignore_patterns("c*s.csv", "sources.csv"))
    assert not (folder / "cohorts.csv").exists() and not (folder / "checks.csv").exists()
    (card,) = judge([(folder, judged[2])], data, checks=False)
    assert read_cohorts(folder / "cohorts.csv", card.classes) == read_cohorts(judged[0] / "cohorts.csv", card.classes)
    assert not (folder / "checks.csv").exists() and differences(folder) == []


def test_the_probe_answers_for_scans_of_both_sources(judged):
    rows = read_sources(judged[0] / "sources.csv")
    assert {row.truth for row in rows} == {"44c", "figshare and Br35H"} == {row.answer for row in rows}


def test_the_card_of_a_judged_bundle_verifies(judged):
    assert differences(judged[0]) == []


def test_a_models_own_training_scans_and_no_others_count_as_seen(everything):
    seen = seen_by(RECIPE, everything)
    for record, used in zip(everything.records, seen, strict=True):
        assert used == (record.cohort == "kaggle" and record.split in ("train", "val"))


def test_a_scan_left_out_for_another_collection_was_still_seen_by_a_model_of_its_own(everything):
    """The Kaggle scan is a twin of figshare's test scan: a pool leaves it out, the Kaggle models train on it."""
    names = [(r.cohort, r.split) for r in everything.records]
    here, there = names.index(("kaggle", "train")), names.index(("figshare", "test"))
    pair = np.array([[here, there], [there, here]])
    twins = Twins(np.concatenate([everything.twins.rows, pair]), np.append(everything.twins.close, [True, True]))
    leaky = Collections(divided(everything.as_read, twins, **DIVISION), everything.as_read, twins)
    assert leaky.records[here].split == LEFT_OUT
    seen, pooled = seen_by(RECIPE, leaky), seen_by(replace(RECIPE, task="pooled4"), leaky)
    assert seen[here] and seen[there] and seen.sum() == seen_by(RECIPE, everything).sum() + 1
    assert not pooled[here] and not pooled[there]


def test_what_the_starting_weights_had_seen_counts_too(everything):
    assert trained_on(replace(RECIPE, started_on="44c")) == ("kaggle", "44c")
    seen = seen_by(replace(RECIPE, started_on="44c"), everything)
    used = {r.cohort for r, s in zip(everything.records, seen, strict=True) if s}
    assert used == {"kaggle", "44c"}


def test_starting_weights_had_seen_what_is_now_left_out(everything):
    """They were trained when only twins close enough to share a group were left out."""
    import train.external as elsewhere

    asked = []

    def divided(records, twins, *, close_only, **shares):
        asked.append(close_only)
        return elsewhere_divided(records, twins, close_only=close_only, **shares)

    elsewhere_divided = elsewhere.divided
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elsewhere, "divided", divided)
        seen_by(RECIPE, everything)
        seen_by(replace(RECIPE, weights="candor-kaggle4.keras"), everything)
    assert asked == [False, False, True]


def test_predictions_are_marked_by_what_was_seen_whichever_way(everything):
    """Of a single set the ids lack its folder; validation scans are never marked."""
    test = [i for i, r in enumerate(everything.records) if r.cohort == "kaggle" and r.split == "test"][:3]
    names = [everything.records[i].id.split("/", 1)[1] for i in test]
    rows = [Prediction(n, "g", s, False, "glioma", (1.0,)) for n, s in zip(names, ["test", "test", "val"], strict=True)]
    seen = np.zeros(len(everything.records), bool)
    seen[test[1:]] = True
    assert [row.twin for row in twins_marked(rows, RECIPE, everything, seen)] == [False, True, False]
    other = [Prediction("of/another-set.png", "g", "test", True, "glioma", (1.0,))]
    assert twins_marked(other, replace(RECIPE, task="phantom4"), everything, seen) == other


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


def test_a_card_without_the_younger_fields_still_gives_its_recipe(judged):
    old = {"task": "kaggle4", "network": "cnn3", "size": 32, "forgotten": 3}
    assert recipe_of(old) == recipe_of(judged[1].recipe) == RECIPE and judged[1].classes == CLASSES
