"""Recipes are found by their id, and only known fields can be changed."""

import re
from dataclasses import fields

import pytest

from datasets.cards import DATASETS
from datasets.cohorts import of_cohorts
from model_zoo.card import read_card
from model_zoo.gate import GATE_TASK
from model_zoo.verify import bundle_folders
from train.evaluate import LIMITS
from train.networks import NETWORKS
from train.recipe import Recipe, changed, find_recipe, published, recipe_ids, recipe_of

PLAIN = Recipe(task="phantom4", network="cnn3")


@pytest.mark.parametrize("recipe_id", recipe_ids())
def test_every_recipe_names_a_task_and_a_network_there_is_and_keeps_a_notebook(recipe_id):
    recipe, notebook = find_recipe(recipe_id)
    assert recipe.task in (*DATASETS, GATE_TASK) and recipe.network in NETWORKS
    assert recipe_id.endswith(recipe.task)
    assert f"python -m train {recipe_id}" in notebook


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_a_measured_model_was_made_by_its_recipe_or_its_card_says_what_was_changed(folder):
    card = read_card(folder / "card.json")
    if card.imported:
        assert card.id not in recipe_ids()
        return
    recipe, _ = find_recipe(card.id)
    made_with = recipe_of(card.recipe)
    for field in fields(Recipe):
        name, value = field.name, getattr(made_with, field.name)
        if name not in ("precision", "evaluate") and value != getattr(recipe, name):
            assert any(line.startswith(f"{name} is {value}, not ") for line in card.differences), name


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_a_measured_model_s_card_names_the_collections_of_its_training_and_every_defect_of_them(folder):
    card = read_card(folder / "card.json")
    if card.imported or card.task == GATE_TASK:
        return
    dataset = of_cohorts(DATASETS[card.task], recipe_of(card.recipe).cohorts)
    assert card.dataset == dataset.title and card.title.lower().endswith(dataset.title.lower())
    assert not {*LIMITS, *dataset.defects} - {*card.limits}


@pytest.mark.parametrize("recipe_id", recipe_ids())
def test_a_recipe_of_a_published_system_says_what_is_the_same_and_what_differs(recipe_id):
    recipe, notebook = find_recipe(recipe_id)
    said = published(recipe_id, recipe)
    ours = not re.search(r"\bseed 00\d\b", notebook)
    assert [bool(each) for each in said.values()] == 3 * [not ours]
    assert "The same:" not in notebook  # it stands in SAME alone


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_a_measured_model_s_card_says_of_the_published_system_what_its_recipe_says(folder):
    card = read_card(folder / "card.json")
    said = {"published": card.published, "same": card.same, "differences": card.differences}
    assert said == published(card.id, recipe_of(card.recipe))


def test_an_unknown_recipe_lists_those_there_are():
    with pytest.raises(ValueError, match="cnn3-kaggle4"):
        find_recipe("../recipe")


def test_settings_are_converted_to_the_field_s_type():
    recipe = changed(PLAIN, ["epochs=3", "rate=0.5", "evaluate=val"])
    assert (recipe.epochs, recipe.rate, recipe.evaluate) == (3, 0.5, "val")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("val=0", "share of the scans"),
        ("test=0.9", "share of the scans"),
        ("epochs=0", "must be 1 or more"),
        ("early=1", "early=1 is not a share of the epochs"),
        ("early=-0.1", "0 or more and below 1"),
        ("early=0.5", "early=0.5 needs early_size"),
        ("evaluate=tset", "'tset' is not a split"),
        ("epoch=3", "one of task, network"),
        ("epochs", "field=value"),
        ("epochs=three", "epochs takes int; 'three'"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        changed(PLAIN, [setting])
