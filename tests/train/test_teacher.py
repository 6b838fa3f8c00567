"""A teacher's probabilities for the augmented picture are part of the truth; one that knows too much is refused."""

from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest

from datasets.cards import dataset_card
from model_zoo import ModelError, load_model, models
from scans import InputSpec, phantom
from scans.head import find_head
from tests.conftest import tiny_network, write_bundle
from train.batches import Batches
from train.recipe import Recipe, find_recipe, recipe_ids
from train.teacher import teacher_of

THEIRS = Recipe(task="phantom4", network="cnn3", size=32)
STUDENT = replace(THEIRS, network="resnet50", size=64, teacher="teacher", teach=0.25)
CLASSES = ("glioma", "meningioma", "notumor", "pituitary")


def write_teacher(folder, recipe: Recipe = THEIRS, **changes) -> None:
    write_bundle(folder / "teacher", tiny_network(), recipe=asdict(recipe), **changes)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDOR_ZOO", str(tmp_path))
    return tmp_path


def test_without_a_name_there_is_no_teacher():
    assert teacher_of(THEIRS, CLASSES) is None


def test_the_truth_is_the_label_and_what_the_teacher_says_of_the_very_picture(zoo):
    write_teacher(zoo)
    pixels = np.random.default_rng(0).integers(0, 255, (8, 64, 64), np.uint8)
    labels = np.arange(8) % 4
    batches = Batches(
        pixels,
        labels,
        replace(STUDENT, rotate=20),
        training=True,
        classes=CLASSES,
        teacher=teacher_of(STUDENT, CLASSES),
    )
    shown, truth, _ = batches[0]
    small = shown.reshape(8, 32, 2, 32, 2, 3).mean(axis=(2, 4))  # what area interpolation makes of half the side
    said = load_model("teacher").predict(small.astype(np.float32))
    order = np.random.default_rng([0, 0]).permutation(8)
    np.testing.assert_allclose(truth, 0.75 * np.eye(4)[labels[order]] + 0.25 * said, atol=1e-5)


def test_validation_is_against_the_labels_alone(zoo):
    write_teacher(zoo)
    batches = Batches(
        np.zeros((3, 64, 64), np.uint8),
        np.array([2, 0, 1]),
        STUDENT,
        training=False,
        classes=CLASSES,
        teacher=teacher_of(STUDENT, CLASSES),
    )
    assert np.array_equal(batches[0][1], np.eye(4)[[2, 0, 1]])


def test_several_teachers_give_their_mean(zoo):
    for seed, name in enumerate(("one", "two")):
        write_bundle(zoo / name, tiny_network(seed=seed), recipe=asdict(THEIRS))
    pixels = np.random.default_rng(0).random((3, 32, 32), dtype=np.float32)
    one, two, both = (
        teacher_of(replace(STUDENT, teacher=name), CLASSES)(pixels) for name in ("one", "two", "one, two")
    )
    assert not np.allclose(one, two)
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-6)


def test_a_teacher_that_is_not_served_is_found_among_the_measured_models_with_weights(zoo):
    write_teacher(zoo)
    served = teacher_of(STUDENT, CLASSES)
    (zoo / "measured").mkdir()
    (zoo / "teacher").rename(zoo / "measured" / "teacher")
    pixels = np.random.default_rng(0).random((3, 32, 32), dtype=np.float32)
    assert np.array_equal(teacher_of(STUDENT, CLASSES)(pixels), served(pixels)) and not models()
    next((zoo / "measured" / "teacher").glob("model.*")).unlink()
    with pytest.raises(ModelError, match="no model 'teacher'"):
        teacher_of(STUDENT, CLASSES)


@pytest.mark.parametrize(
    ("theirs", "card", "student", "message"),
    [
        ({}, {"classes": ("a", "b", "c", "d")}, {}, "it has other classes than phantom4"),
        ({"task": "kaggle4"}, {}, {}, "it was trained on kaggle4, not phantom4"),
        ({"test": 0.1}, {}, {}, "its scans were divided in another way"),
        ({"split_seed": 1}, {}, {}, "its scans were divided in another way"),
        ({"started_on": "figshare"}, {}, {}, "it was also trained on figshare; name that in started_on"),
        ({"task": "pooled4", "cohorts": "kaggle,44c"}, {}, {"task": "pooled4"}, "its pool was without br35h, figshare"),
        ({"crop": 0}, {"input": InputSpec(32, 32, 3, (0.0, 1.0), crop=False)}, {}, "it was trained on whole pictures"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(zoo, theirs, card, student, message):
    write_teacher(zoo, replace(THEIRS, **theirs), **card)
    with pytest.raises(ValueError, match=f"teacher=teacher does not fit the recipe: {message}"):
        teacher_of(replace(STUDENT, **student), CLASSES)


@pytest.mark.parametrize("own", [{"cohorts": "44c, kaggle"}, {"cohorts": "44c", "started_on": "kaggle"}])
def test_a_teacher_whose_pool_held_every_cohort_of_the_recipe_s_fits(zoo, own):
    write_teacher(zoo, replace(THEIRS, task="pooled4", cohorts="kaggle,44c"))
    assert teacher_of(replace(STUDENT, task="pooled4", **own), CLASSES) is not None


def test_a_teacher_of_cropped_heads_finds_the_head_in_each_whole_picture(zoo):
    """The same head far off the middle and small, and cropped: the teacher says the same of both."""
    write_teacher(zoo)
    head = phantom("glioma", 0, 96).scan.pixels
    small = cv2.resize(head, (48, 48), interpolation=cv2.INTER_AREA)
    whole = np.zeros((96, 96), np.float32)
    whole[40:88, 4:52] = small
    box = find_head(whole)
    cropped = whole[box.slices][None]
    of_whole = teacher_of(replace(STUDENT, crop=0), CLASSES)(whole[None])
    np.testing.assert_allclose(of_whole, teacher_of(STUDENT, CLASSES)(cropped), atol=1e-6)
    assert not np.allclose(of_whole, teacher_of(STUDENT, CLASSES)(whole[None]), atol=1e-4)


@pytest.mark.parametrize("recipe_id", [name for name in recipe_ids() if find_recipe(name)[0].teacher])
def test_the_teacher_of_a_recipe_is_in_the_repository_and_fits(recipe_id):
    recipe, _ = find_recipe(recipe_id)
    said = teacher_of(recipe, tuple(dataset_card(recipe.task).classes))(np.zeros((1, 96, 96), np.float32))
    assert said.shape == (1, len(dataset_card(recipe.task).classes)) and said.sum() == pytest.approx(1, abs=1e-4)


def test_an_unknown_teacher_is_named(zoo):
    with pytest.raises(ModelError, match="nobody"):
        teacher_of(replace(STUDENT, teacher="nobody"), CLASSES)
