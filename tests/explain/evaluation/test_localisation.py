"""Is a map's fit to a mask what can be counted by hand, ties and empty masks among them?"""

import math
from dataclasses import asdict
from itertools import combinations

import numpy as np
import pytest

from explain.evaluation.controls import CONTROLS
from explain.evaluation.localisation import Localisation, localise
from scans import phantom
from scans.head import head_mask


@pytest.fixture(scope="module")
def tumour():
    """The unit picture (64, 64), the mask of its glioma, and where the head is."""
    p = phantom("glioma", 3, 64)
    return p.scan.pixels, p.mask, head_mask(p.scan.pixels)


def square(corner: int, side: int = 4) -> np.ndarray:
    """Bool (side, side): True in the `corner` x `corner` pixels at the top left."""
    mask = np.zeros((side, side), bool)
    mask[:corner, :corner] = True
    return mask


def test_a_map_of_four_values_counted_by_hand():
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0], heat[0, 1], heat[2, 2], heat[3, 3] = 3, 1, 4, -5
    head = np.zeros((4, 4), bool)
    head[:3] = True
    fit = localise(heat, square(2), head)
    # Of the top four, 3 and 1 lie in the mask, 4 does not, and the last is one of 13 zeros, two of them inside.
    hits = 2 + 2 / 13
    counted = Localisation(0, 4 / 8, (4 / 8) / (4 / 16), (4 / 8) / (4 / 12), hits / 4, hits / (8 - hits))
    assert asdict(fit) == pytest.approx(asdict(counted))


def test_the_mask_itself_is_a_perfect_map(tumour):
    _, mask, head = tumour
    fit = localise(mask.astype(np.float32), mask, head)
    assert (fit.pointing, fit.energy, fit.rank_accuracy, fit.iou) == (1, 1, 1, 1)
    assert fit.lift == pytest.approx(mask.size / mask.sum())
    assert fit.head_lift == pytest.approx(head.sum() / (mask & head).sum())


def test_all_but_the_mask_is_the_worst_map(tumour):
    _, mask, head = tumour
    fit = localise((~mask).astype(np.float32), mask, head)
    assert list(asdict(fit).values()) == [0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("value", [0.0, -1.0, 2.0])
def test_a_map_of_one_value_scores_as_a_guess(value):
    share = 4 / 16
    fit = localise(np.full((4, 4), value, np.float32), square(2), np.ones((4, 4), bool))
    hits = 4 * share
    assert asdict(fit) == pytest.approx(asdict(Localisation(share, share, 1, 1, share, hits / (8 - hits))))


def test_a_scan_without_a_tumour_is_neither_hit_nor_miss():
    assert localise(np.ones((4, 4), np.float32), np.zeros((4, 4), bool), np.ones((4, 4), bool)) is None


def test_a_shared_peak_points_by_the_share_that_lies_in_the_mask():
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = heat[3, 3] = heat[3, 2] = 7
    assert localise(heat, square(1), np.ones((4, 4), bool)).pointing == pytest.approx(1 / 3)


def test_ties_count_as_the_mean_over_every_way_to_break_them():
    heat = np.array([[5, 2, 2, 2, 2, 0]], np.float32)
    mask = np.array([[False, True, True, False, False, True]])
    ways = [mask[0, [0, *chosen]].sum() / 3 for chosen in combinations(range(1, 5), 2)]
    assert localise(heat, mask, np.ones_like(mask)).rank_accuracy == pytest.approx(np.mean(ways))


def test_where_a_tie_lies_makes_no_difference():
    heat = np.zeros((4, 4), np.float32)
    heat[1, 2] = 1
    top, bottom = square(1), square(1)[::-1, ::-1]
    everywhere = np.ones((4, 4), bool)
    assert localise(heat, top, everywhere) == localise(heat, bottom, everywhere)


def test_values_outside_the_head_do_not_count_in_the_head_s_lift():
    heat = np.ones((4, 4), np.float32)
    heat[3] = 100
    head = np.ones((4, 4), bool)
    head[3] = False
    fit = localise(heat, square(2), head)
    assert fit.head_lift == pytest.approx(1)
    assert fit.energy == pytest.approx(4 / 412)


def test_the_head_s_lift_where_it_has_no_meaning():
    heat = np.zeros((4, 4), np.float32)
    heat[3, 3] = 1
    lower = np.zeros((4, 4), bool)
    lower[2:] = True
    assert math.isnan(localise(heat, square(2), lower).head_lift)  # mask and head do not meet
    assert localise(heat, square(2), ~lower).head_lift == 1  # the map says nothing in the head


def test_random_maps_have_no_lift_on_average(tumour):
    unit, mask, head = tumour
    fits = [localise(CONTROLS["random"](unit, head, seed), mask, head) for seed in range(300)]
    assert np.mean([fit.lift for fit in fits]) == pytest.approx(1, abs=0.05)
    assert np.mean([fit.head_lift for fit in fits]) == pytest.approx(1, abs=0.05)
    assert np.mean([fit.pointing for fit in fits]) == pytest.approx(mask.mean(), abs=0.02)


def test_the_same_map_twice_as_large_fits_alike():
    heat = np.random.default_rng(0).random((8, 8), np.float32)
    head = np.ones((8, 8), bool)
    once, twice = (localise(scale * heat, square(3, 8), head) for scale in (1, 2))
    assert asdict(once) == pytest.approx(asdict(twice))


@pytest.mark.parametrize(
    ("heat", "mask", "says"),
    [
        (np.ones((3, 4)), square(2), "one shape"),
        (np.ones((4, 4)), square(2).astype(np.uint8), "bool"),
        (np.full((4, 4), np.nan), square(2), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(heat, mask, says):
    with pytest.raises(ValueError, match=says):
        localise(heat, mask, np.ones((4, 4), bool))
