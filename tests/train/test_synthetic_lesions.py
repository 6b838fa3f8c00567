"""A drawn lesion lies in the head, where its kind grows, and is all that changes; its scan gets its class."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from scans import phantom
from scans.head import head_mask
from train.batches import Batches
from train.recipe import Recipe
from train.synthetic_lesions import KINDS, draw_lesion

CLASSES = ("glioma", "meningioma", "notumor", "pituitary")
RECIPE = Recipe(task="phantom4", network="candor", size=160, channels=1, flip=0, batch=6, where=1.0, paint=1.0)


@pytest.fixture(scope="module")
def healthy() -> np.ndarray:
    return np.round(255 * phantom("notumor", 4, 160).scan.pixels).astype(np.uint8)


@pytest.fixture(scope="module", params=KINDS)
def drawn(request, healthy):
    """Thirty lesions of one kind: (kind, [(picture, place), ...])."""
    return request.param, [draw_lesion(healthy, request.param, np.random.default_rng(s)) for s in range(30)]


def test_a_lesion_is_drawn_in_the_head(drawn, healthy):
    head = head_mask(healthy.astype(np.float32) / 255)
    for picture, place in drawn[1]:
        assert picture.dtype == place.dtype == np.uint8 and picture.shape == place.shape == healthy.shape
        assert (place > 0).sum() > 30 and not (place > 0)[~head].any()


def test_it_can_be_seen_and_the_rest_of_the_head_stays(drawn, healthy):
    changes = []
    for picture, place in drawn[1]:
        change = np.abs(picture.astype(int) - healthy)
        far = cv2.dilate(place, np.ones((81, 81))) == 0
        assert change[far].max(initial=0) == 0
        changes.append(change[place > 0].mean())
    assert np.median(changes) > 15


def test_lesions_differ_in_place_size_and_tone(drawn):
    centres = {tuple(np.round(np.argwhere(place > 0).mean(axis=0) / 10)) for _, place in drawn[1]}
    sizes = [(place > 0).mean() for _, place in drawn[1]]
    tones = [picture[place > 0].mean() for picture, place in drawn[1]]
    assert len(centres) > 10 and max(sizes) > 3 * min(sizes) and max(tones) - min(tones) > 60


def test_a_meningioma_touches_the_bone_and_a_glioma_mostly_does_not(healthy):
    head = head_mask(healthy.astype(np.float32) / 255).astype(np.uint8)
    depth = cv2.distanceTransform(head, cv2.DIST_L2, 5)

    def nearest(kind: str) -> float:
        drawn = [draw_lesion(healthy, kind, np.random.default_rng(s))[1] for s in range(30)]
        return float(np.median([depth[place > 0].min() for place in drawn]))

    assert nearest("meningioma") + 3 < nearest("glioma")


def test_a_seed_repeats_a_lesion(healthy):
    first, second = (draw_lesion(healthy, "glioma", np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])


@pytest.mark.parametrize("picture", [np.zeros((160, 160), np.uint8), np.pad(np.full((20, 20), 200, np.uint8), 70)])
def test_where_there_is_no_head_nothing_is_drawn(picture):
    assert draw_lesion(picture, "glioma", np.random.default_rng(0)) is None


@pytest.fixture
def batches(healthy) -> Batches:
    """Six healthy scans and six unmarked gliomas."""
    pixels = np.stack([healthy] * 12)
    labels = np.repeat(np.array([2, 0], np.int32), 6)
    places = np.repeat(np.array([[0] * 4, [np.nan] * 4], np.float32), 6, axis=0)
    return Batches(pixels, labels, RECIPE, training=True, places=places, classes=CLASSES)


def test_a_painted_scan_has_the_class_of_its_lesion_and_teaches_its_place(batches):
    truth = [batches[i][1] for i in range(2)]
    labels = np.concatenate([t["logits"] for t in truth])
    where = np.concatenate([t["where"] for t in truth])
    known = np.concatenate([batches[i][2]["where"] for i in range(2)])
    assert 2 not in labels and set(labels) == {0, 1}
    assert known.sum() == 6 and all(grid.max() > 0.5 for grid in where[known > 0])


def test_only_training_paints_and_only_if_asked(batches, healthy):
    still = Batches(
        batches.pixels,
        batches.labels,
        replace(RECIPE, paint=0.0),
        training=True,
        places=batches.places,
        classes=CLASSES,
    )
    shown = Batches(batches.pixels, batches.labels, RECIPE, training=False, places=batches.places, classes=CLASSES)
    for other in (still, shown):
        labels = np.concatenate([other[i][1]["logits"] for i in range(2)])
        assert sorted(labels.tolist()) == [0] * 6 + [2] * 6
    np.testing.assert_allclose(shown[0][0][0, ..., 0], healthy / np.float32(255))
