"""Augmentation moves the lesion with the head, stays within what the recipe allows, and leaves the air black."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from scans import phantom
from train.augment import augment, relight
from train.recipe import Recipe

STILL = Recipe(task="phantom4", network="cnn3", flip=0)
IMITATIONS = ("curve", "invert", "match", "filter", "fourier", "bias", "blur", "jpeg")


def cross() -> np.ndarray:
    picture = np.zeros((65, 65), np.uint8)
    picture[20:50, 30:34] = 200
    return picture


def changed(recipe: Recipe, seed: int = 0, **settings) -> np.ndarray:
    return augment(cross(), recipe, np.random.default_rng(seed), **settings)[0]


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    return np.round(255 * phantom("meningioma", 3, 160).scan.pixels).astype(np.uint8)


def test_switched_off_nothing_is_changed():
    np.testing.assert_array_equal(changed(STILL), cross())


def test_the_master_switch_turns_everything_off():
    wild = replace(STILL, flip=1, rotate=90, invert=1, erase=1, noise=0.5, augment=0)
    np.testing.assert_array_equal(changed(wild), cross())


def test_a_flip_is_a_mirror_image_from_left_to_right():
    np.testing.assert_array_equal(changed(replace(STILL, flip=1.0)), cross()[:, ::-1])


def test_moves_stay_within_what_the_recipe_allows():
    centres = np.array([centre(changed(replace(STILL, shift=0.1), seed)) for seed in range(200)])
    assert 5.5 < np.abs(centres - centre(cross())).max() <= 6.5 + 0.1


def centre(picture: np.ndarray) -> tuple[float, float]:
    moments = cv2.moments(picture)
    return moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]


def test_a_turn_is_no_larger_than_the_recipe_allows():
    """The cross' long axis, upright at first, leans by at most 20 degrees."""
    leans = []
    for seed in range(200):
        moments = cv2.moments(changed(replace(STILL, rotate=20), seed))
        leans.append(np.degrees(0.5 * np.arctan2(2 * moments["mu11"], moments["mu02"] - moments["mu20"])))
    assert 18 < np.abs(leans).max() <= 20.5


def test_squashing_changes_the_shape_and_keeps_the_area():
    areas, shapes = [], []
    for seed in range(100):
        moments = cv2.moments(changed(replace(STILL, squash=0.2), seed))
        areas.append(moments["m00"])
        shapes.append(moments["mu20"] / moments["mu02"])
    assert np.ptp(areas) < 0.05 * np.mean(areas) and max(shapes) > 1.2 * min(shapes)


def test_a_smaller_side_shows_the_same_head_smaller(head):
    small, _ = augment(head, STILL, np.random.default_rng(0), side=80)
    assert small.shape == (80, 80)
    expected = cv2.resize(head, (80, 80), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 3


def test_the_place_of_the_lesion_moves_with_the_picture():
    """The bright bar is the lesion: wherever it goes, its mask goes with it."""
    lively = replace(STILL, flip=0.5, rotate=30, shift=0.1, zoom=0.2, squash=0.2, shear=10)
    for seed in range(50):
        picture, place = augment(
            cross(), lively, np.random.default_rng(seed), place=(cross() > 0).astype(np.uint8) * 255
        )
        np.testing.assert_allclose(place, picture.astype(float) * 255 / 200, atol=2)


@pytest.mark.parametrize("name", IMITATIONS)
def test_each_imitation_changes_the_head_and_its_switch_turns_it_off(name, head):
    others = np.stack([255 - head, head // 2])
    on = relight(head, replace(STILL, **{name: 1.0}), np.random.default_rng(1), others)
    off = relight(head, STILL, np.random.default_rng(1), others)
    assert on.dtype == np.uint8 and on.shape == head.shape and not np.array_equal(on, head)
    np.testing.assert_array_equal(off, head)


@pytest.mark.parametrize("name", ("curve", "invert", "match", "filter", "fourier"))
def test_no_change_of_tone_lights_up_the_air(name, head):
    for seed in range(20):
        others = np.stack([255 - head])
        lit = relight(head, replace(STILL, **{name: 1.0}), np.random.default_rng(seed), others)
        assert lit[head <= 10].max() <= 10


def test_inverting_swaps_bright_and_dark_tissue(head):
    inverted = relight(head, replace(STILL, invert=1.0), np.random.default_rng(0))
    tissue = head > 10
    assert np.corrcoef(head[tissue], inverted[tissue])[0, 1] < -0.9


def test_matching_takes_over_the_grey_values_of_the_other(head):
    other = np.where(head > 10, 60 + head // 2, 0).astype(np.uint8)
    matched = relight(head, replace(STILL, match=1.0), np.random.default_rng(0), [other])
    ours, theirs = np.percentile(matched[head > 10], [10, 50, 90]), np.percentile(other[other > 10], [10, 50, 90])
    np.testing.assert_allclose(ours, theirs, atol=6)


def test_a_random_network_leaves_the_mean_of_the_tissue_and_changes_its_contrast(head):
    seen = [relight(head, replace(STILL, filter=1.0), np.random.default_rng(seed))[head > 10] for seed in range(40)]
    alike = [np.corrcoef(head[head > 10], tissue)[0, 1] for tissue in seen]
    assert min(alike) < 0.5 and np.median(alike) > 0.5
    assert np.median([abs(tissue.mean() - head[head > 10].mean()) for tissue in seen]) < 15


def test_the_spectrum_of_another_scan_changes_shading_and_keeps_the_edges(head):
    other = np.where(head > 10, np.linspace(20, 250, 160)[None], 0).astype(np.uint8)  # dark left, bright right
    for seed in range(10):
        lit = relight(head, replace(STILL, fourier=1.0), np.random.default_rng(seed), [other]).astype(float)
        edges = [cv2.Laplacian(cv2.GaussianBlur(x.astype(np.float32), (0, 0), 1), -1)[head > 10] for x in (head, lit)]
        assert np.corrcoef(*edges)[0, 1] > 0.8


def test_the_tissue_stays_legible_whatever_is_drawn(head):
    wild = replace(STILL, curve=1.0, invert=0.5, match=0.5)
    for seed in range(100):
        lit = relight(
            head, wild, np.random.default_rng(seed), [np.where(head > 10, 240 + head // 64, 0).astype(np.uint8)]
        )
        low, high = np.percentile(lit[head > 10], [2, 98])
        assert high - low > 60


def test_relighting_keeps_the_air_black():
    lit = [changed(replace(STILL, contrast=0.3, brightness=0.2), seed) for seed in range(50)]
    assert max(int(picture[0, 0]) for picture in lit) == 0
    assert len({int(picture[30, 32]) for picture in lit}) > 10


def test_every_field_of_the_augmentation_is_off_in_a_still_recipe():
    names = [field.name for field in fields(Recipe)]
    family = names[names.index("flip") : names.index("jpeg") + 1]
    assert {"rotate", "erase", "paint", "curve"} <= set(family)
    assert all(getattr(STILL, name) == 0 for name in family)
