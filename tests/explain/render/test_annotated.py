"""What is drawn over a scan to judge its map: the outline of the annotation, and the map's highest point."""

import numpy as np

from explain.render.annotated import outline, peak_of


def test_an_outline_follows_the_edges_of_the_pixels():
    mask = np.zeros((9, 9), bool)
    mask[2:5, 3:7] = True
    assert outline(mask) == (((2.0, 3.0), (5.0, 3.0), (5.0, 7.0), (2.0, 7.0)),)
    mask[7, 7] = True
    assert len(outline(mask)) == 2


def test_a_part_at_the_edge_of_the_scan_has_a_closed_outline():
    assert outline(np.ones((2, 3), bool)) == (((0.0, 0.0), (2.0, 0.0), (2.0, 3.0), (0.0, 3.0)),)


def test_of_equal_peaks_the_one_nearest_to_their_middle_counts():
    heat = np.zeros((9, 9))
    heat[4, [1, 4, 7]] = 1
    assert tuple(peak_of(heat)) == (4, 4)
