"""The overlap of two maps is drawn in its place, in distinct colours."""

import numpy as np
import pytest

from explain.comparison.agreement import BOTH, FIRST, NEITHER, SECOND
from explain.comparison.overlap_image import COLOURS, overlap_image, rgb, swatch

PARTS = np.full((64, 64), NEITHER, np.uint8)
PARTS[:32, :32], PARTS[:32, 32:], PARTS[32:, :32] = FIRST, SECOND, BOTH
GREY = np.full((64, 64), 0.5, np.float32)


def test_each_part_has_its_colour_at_its_place_and_the_rest_stays_grey():
    drawn = overlap_image(GREY, PARTS, (1.0, 1.0), 64)
    for part, (row, column) in {FIRST: (16, 16), SECOND: (16, 48), BOTH: (48, 16)}.items():
        expected = 0.6 * np.array(rgb(COLOURS[part])) + 0.4 * 128
        assert np.abs(drawn[row, column] - expected).max() <= 1
    assert (drawn[48, 48] == 128).all()


def test_pixels_that_are_not_square_are_drawn_square():
    tall = np.full((32, 64), NEITHER, np.uint8)
    tall[:16] = BOTH
    drawn = overlap_image(np.zeros((32, 64), np.float32), tall, (2.0, 1.0), 64)
    assert drawn[:30].any(axis=-1).all() and not drawn[34:].any()


@pytest.mark.parametrize("part", COLOURS)
def test_the_legend_has_the_colour_of_the_picture(part):
    assert (swatch(part) == rgb(COLOURS[part])).all()


def test_the_three_colours_keep_apart_in_lightness_or_hue_without_red_or_green_cones():
    # Machado et al. 2009, full deficiency: protan, deutan.
    protan = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    deutan = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    linear = np.array([(np.array(rgb(colour)) / 255) ** 2.2 for colour in COLOURS.values()])
    for matrix in (protan, deutan):
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        assert min(np.abs(seen[i] - seen[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 0.25
