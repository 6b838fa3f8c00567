"""Each shortcut test removes what its name says, and nothing else."""

import numpy as np
import pytest

from scans import InputSpec, fit, phantom
from scans.head import head_mask
from train.shortcut_tests import EDGE, SHORTCUT_TESTS, box_of

SIDE = 160


@pytest.fixture(scope="module")
def square_and_place():
    """A phantom's square and its lesion's box and mask in that square."""
    head = phantom("meningioma", 3, SIDE)
    square, placement = fit(head.scan, InputSpec(SIDE, SIDE, 1))
    mask, _ = fit(type(head.scan)(head.mask.astype(np.float32), digest=""), InputSpec(SIDE, SIDE, 1, crop=False))
    crop, inner = placement.box, placement.inner
    rows, columns = np.nonzero(mask[..., 0] > 0.5)
    scale = np.array([inner.height / crop.height, inner.width / crop.width] * 2)
    edges = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
    start, offset = np.array([crop.top, crop.left] * 2), np.array([inner.top, inner.left] * 2)
    return square[..., 0], ((edges - start) * scale + offset).astype(np.float32)


@pytest.mark.parametrize("name", SHORTCUT_TESTS)
def test_every_shortcut_test_keeps_shape_and_range_and_leaves_its_input_alone(name, square_and_place):
    square, place = square_and_place
    before = square.copy()
    changed = SHORTCUT_TESTS[name].apply(square, place)
    assert changed.shape == square.shape and changed.dtype == np.float32
    assert changed.min() >= 0 and changed.max() <= 1
    np.testing.assert_array_equal(square, before)


@pytest.mark.parametrize("name", SHORTCUT_TESTS)
def test_every_shortcut_test_survives_a_blank_square(name):
    blank = np.zeros((SIDE, SIDE), np.float32)
    changed = SHORTCUT_TESTS[name].apply(blank, np.array([40, 40, 60, 60], np.float32))
    assert np.isfinite(changed).all()


def test_as_is_is_as_is(square_and_place):
    for name in ("as is", "boxed scans as is"):
        np.testing.assert_array_equal(SHORTCUT_TESTS[name].apply(*square_and_place), square_and_place[0])


def test_border_only_keeps_the_outer_tenth(square_and_place):
    changed, edge = SHORTCUT_TESTS["border only"].apply(*square_and_place), round(EDGE * SIDE)
    assert changed[edge:-edge, edge:-edge].max() == 0
    np.testing.assert_array_equal(changed[:edge], square_and_place[0][:edge])


def test_background_only_leaves_no_tissue(square_and_place):
    square, place = square_and_place
    changed, mask = SHORTCUT_TESTS["background only"].apply(square, place), head_mask(square)
    assert changed[mask].max() == 0
    np.testing.assert_array_equal(changed[~mask], square[~mask])


def test_the_head_is_most_of_a_cropped_square_and_holds_the_lesion(square_and_place):
    square, place = square_and_place
    mask = head_mask(square)
    assert 0.5 < mask.mean() < 0.95 and mask[box_of(square, place, margin=0.0)].mean() > 0.95


def test_outline_only_has_one_grey_within(square_and_place):
    changed = SHORTCUT_TESTS["outline only"].apply(*square_and_place)
    assert np.ptp(changed[head_mask(square_and_place[0])]) == 0


def test_hiding_the_tumour_changes_its_box_and_nothing_else(square_and_place):
    square, place = square_and_place
    changed, box = SHORTCUT_TESTS["tumour hidden"].apply(square, place), box_of(square, place)
    outside = np.ones(square.shape, bool)
    outside[box] = False
    np.testing.assert_array_equal(changed[outside], square[outside])
    assert np.abs(changed[box] - square[box]).mean() > 0.03


def test_tumour_only_shows_its_box_and_nothing_else(square_and_place):
    square, place = square_and_place
    changed, box = SHORTCUT_TESTS["tumour only"].apply(square, place), box_of(square, place)
    np.testing.assert_array_equal(changed[box], square[box])
    assert changed.sum() == pytest.approx(square[box].sum(), rel=1e-5)


def test_inverting_twice_gives_the_middle_of_the_range_back(square_and_place):
    square, place = square_and_place
    mask = head_mask(square)
    low, high = np.percentile(square[mask], [1, 99])
    middle = mask & (square > low) & (square < high)
    inverted = SHORTCUT_TESTS["contrast inverted"].apply(square, place)
    np.testing.assert_allclose(inverted[middle], (low + high - square)[middle], atol=1e-5)
    np.testing.assert_array_equal(inverted[~mask], square[~mask])


def test_half_the_size_takes_away_what_is_finer_than_two_pixels():
    stripes = np.tile(np.array([0, 1], np.float32), (SIDE, SIDE // 2))
    np.testing.assert_allclose(SHORTCUT_TESTS["through half the size"].apply(stripes, np.zeros(4)), 0.5, atol=1e-6)


def test_a_box_with_a_margin_stays_within_the_square():
    rows, columns = box_of(np.zeros((50, 50)), np.array([0, 40, 20, 50], np.float32), margin=0.5)
    assert (rows.start, rows.stop, columns.start, columns.stop) == (0, 30, 35, 50)
