"""Batches hold what they should, and depend on nothing but seed, epoch and place."""

from dataclasses import replace

import numpy as np
import pytest

from scans import phantom
from train.batches import Batches
from train.lesion_grid import cells, lesion_mask
from train.recipe import Recipe

STILL = Recipe(task="phantom4", network="cnn3", size=64, flip=0, batch=8)
LIVELY = replace(STILL, flip=0.5, rotate=20, zoom=0.2, shift=0.1, contrast=0.3, brightness=0.1, noise=0.05, erase=0.5)


@pytest.fixture
def pixels() -> np.ndarray:
    """Twenty pictures, each of one gray value: its number."""
    return np.repeat(np.arange(20, dtype=np.uint8), 64 * 64).reshape(20, 64, 64)


def values(batches: Batches) -> list[int]:
    return [round(255 * float(x[0, 0, 0])) for i in range(len(batches)) for x in batches[i][0]]


def test_validation_is_in_order_whole_and_in_range(pixels):
    batches = Batches(pixels, np.arange(20), STILL, training=False)
    assert len(batches) == 3 and values(batches) == list(range(20))
    x, y, weights = batches[2]
    assert (
        x.shape == (4, 64, 64, 3)
        and x.dtype == np.float32
        and y.tolist() == [16, 17, 18, 19]
        and weights.tolist() == [1, 1, 1, 1]
    )


def test_whole_batches_leave_out_the_rest_of_each_epoch_in_training_alone(pixels):
    recipe = replace(STILL, whole_batches=1)
    train, val = (Batches(pixels, np.arange(20), recipe, training=training) for training in (True, False))
    first = values(train)
    train.on_epoch_end()
    assert len(set(first)) == 16 and set(first) != set(values(train))  # 2 of 3 batches of 8; others are left out next
    assert values(val) == list(range(20))
    few = Batches(pixels[:5], np.arange(5), recipe, training=True)
    assert len(values(few)) == 5  # fewer than a batch: the rest is all there is


def test_training_shows_every_scan_once_in_a_new_order_each_epoch(pixels):
    batches = Batches(pixels, np.arange(20), STILL, training=True)
    first = values(batches)
    batches.on_epoch_end()
    second = values(batches)
    assert sorted(first) == sorted(second) == list(range(20)) and first != second


def test_an_epoch_is_the_same_whenever_it_is_reached(pixels):
    walked, jumped = (Batches(pixels, np.arange(20), LIVELY, training=True) for _ in range(2))
    walked[0], walked[2]
    walked.on_epoch_end()
    jumped.epoch = 1
    np.testing.assert_array_equal(walked[1][0], jumped[1][0])
    assert not np.array_equal(walked[1][0], Batches(pixels, np.arange(20), LIVELY, training=True)[1][0])


def test_mixup_blends_pictures_and_labels_in_the_same_shares(pixels):
    """Each picture is of one grey value, its number and label: the mean of the labels is the grey value again."""
    mixing = replace(STILL, mix=0.4)
    batches = Batches(pixels, np.arange(20), mixing, training=True, classes=[str(n) for n in range(20)])
    plain = Batches(pixels, np.arange(20), STILL, training=True)
    for index in range(3):
        x, shares, weights = batches[index]
        assert x.dtype == shares.dtype == np.float32 and weights.tolist() == [1] * len(x)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(255 * x[:, 0, 0, 0], shares @ np.arange(20), atol=1e-3)
        assert (shares.argmax(axis=1) == plain[index][1]).all() and (shares.max(axis=1) >= 0.5).all()
    assert (shares.max(axis=1) < 0.999).any()


def test_nothing_is_blended_in_validation_or_with_augmentation_switched_off(pixels):
    for settings in ({"training": False}, {"training": True, "recipe": replace(STILL, mix=0.4, augment=0)}):
        batches = Batches(pixels, np.arange(20), **{"recipe": replace(STILL, mix=0.4)} | settings, classes=["c"] * 20)
        _, shares, _ = batches[0]
        assert shares.shape == (8, 20) and set(np.unique(shares)) == {0, 1}


def test_augmentation_switched_off_draws_no_lesion_either():
    pixels = np.stack([np.round(255 * phantom("notumor", 1, 64).scan.pixels).astype(np.uint8)] * 8)
    classes, recipe = ["glioma", "meningioma", "notumor"], replace(STILL, paint=1.0)
    for augment, label in ((1, {0, 1}), (0, {2})):
        settings = {"recipe": replace(recipe, augment=augment), "training": True, "classes": classes}
        assert set(Batches(pixels, np.full(8, 2), **settings)[0][1].tolist()) <= label


def test_the_place_of_a_lesion_is_blended_too_and_counts_for_the_annotated_share(pixels):
    """Every other scan has the same mark, the rest none: weight and cells are as large as the marked share."""
    places = np.full((20, 4), np.nan, np.float32)
    places[::2] = 0, 0, 64, 64
    mixing = replace(STILL, mix=0.4, where=1.0)
    batches = Batches(pixels, np.arange(20), mixing, training=True, places=places, classes=[str(n) for n in range(20)])
    _, truth, weights = batches[0]
    marked = truth["logits"][:, ::2].sum(axis=1)
    np.testing.assert_allclose(weights["where"], marked, atol=1e-6)
    mark = cells(lesion_mask(places[0], (64, 64)), 8)[..., None]
    np.testing.assert_allclose(truth["where"], marked.reshape(-1, 1, 1, 1) * mark, atol=1e-6)
