"""A drawn box is the pixels under it, and a map's region the pixels around its peak."""

from dataclasses import replace

import numpy as np
import pytest

from explain.counterfactual import counterfactuals
from explain.counterfactual.regions import around_peak, as_table, strongest_region
from scans import Box
from tests.explain.analytic import head, with_spot
from tests.explain.conftest import explanation
from tests.explain.counterfactual.test_interventions import SIDE, SPOT, looks_at

NAMES = ("Glioma", "No tumour")


def test_the_region_of_a_map_is_the_part_of_its_highest_twentieth_that_holds_the_peak():
    """20 x 20 pixels, 20 of which are the highest 5 %: 12 around the peak, 8 elsewhere."""
    heat = np.linspace(0, 0.1, 400).reshape(20, 20).astype(np.float32)
    heat[3:6, 4:8] = 0.9
    heat[4, 5] = 1.0
    heat[12:16, 12:14] = 0.95
    assert around_peak(heat) == Box(3, 4, 6, 8)


def test_pixels_that_touch_at_a_corner_are_one_part():
    heat = np.zeros((20, 20), np.float32)
    heat[3, 3], heat[4, 4] = 1, 0.5
    assert around_peak(heat) == Box(3, 3, 5, 5)


@pytest.mark.parametrize(("row", "column", "box"), [(7, 7, Box(7, 7, 9, 9)), (19, 0, Box(18, 0, 20, 2))])
def test_one_pixel_is_widened_to_the_smallest_region_within_the_scan(row, column, box):
    heat = np.zeros((20, 20), np.float32)
    heat[row, column] = 1
    assert around_peak(heat) == box


def test_evidence_against_is_no_region_to_start_from():
    heat = np.zeros((20, 20), np.float32)
    assert around_peak(heat) is None
    heat[2:4, 2:4] = -1
    assert around_peak(heat) is None


def test_a_map_of_single_pixels_is_smoothed_first():
    """A lone dot is the peak; where many dots lie together there is more."""
    heat = np.zeros((SIDE, SIDE), np.float32)
    heat[80, 80] = 1
    heat[40:52:2, 24:36:2] = 0.9
    assert strongest_region(head(SIDE), explanation(heat=heat)) == Box(80, 80, 82, 82)
    region = strongest_region(head(SIDE), explanation(heat=heat, method="saliency"))
    assert region.top < 46 < region.bottom < 70 and region.left < 30 < region.right < 70


def test_the_table_has_each_change_and_its_control():
    scan = with_spot(head(SIDE), *SPOT.slices)
    results = counterfactuals(looks_at(SPOT), scan, SPOT)
    assert as_table(results, NAMES)[:2] == [
        {
            "Region": "Removed",
            "Prediction": "No tumour",
            "Probability of Glioma": "over 99\u00a0% → under 1\u00a0%",
            "Contrast left": "under 1 %",
        },
        {
            "Region": "Removed, control",
            "Prediction": "Glioma",
            "Probability of Glioma": "over 99\u00a0% → over 99\u00a0%",
            "Contrast left": "",
        },
    ]
    _, alone = as_table([replace(results[0], control=None)], NAMES)
    assert alone["Prediction"].startswith("control not possible") and not alone["Probability of Glioma"]
