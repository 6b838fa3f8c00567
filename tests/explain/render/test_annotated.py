"""The box and the brightest point are drawn where they are, on a scan of any shape."""

import numpy as np
import pytest
from explain.render.boxes import BOX, POINT, marked

from scans import Scan

SIDE = 480


def places(picture: np.ndarray, colour) -> np.ndarray:
    """The middle (row, column) of all that is drawn in a colour."""
    return np.argwhere((picture == colour).all(axis=-1)).mean(axis=0)


def scan_of(shape, spacing=(1.0, 1.0)) -> Scan:
    return Scan(np.full(shape, 0.3, np.float32), digest="x", spacing=spacing)


@pytest.mark.parametrize(("shape", "spacing"), [((60, 60), (1.0, 1.0)), ((30, 60), (2.0, 1.0))])
def test_box_and_point_lie_in_the_pixels_of_the_scan(shape, spacing):
    rows, columns = shape
    mask, heat = np.zeros(shape, bool), np.zeros(shape, np.float32)
    mask[rows // 2 : rows * 9 // 10, columns // 10 : columns // 2] = True
    heat[rows // 4, columns * 3 // 4] = 5
    heat[0, 0] = -9  # evidence against the class is no brightest point
    drawn = marked(scan_of(shape, spacing), mask, heat, "gradcam", SIDE)
    assert drawn.shape == (SIDE, SIDE, 3) and drawn.dtype == np.uint8
    expected = SIDE * np.array([(rows // 4 + 0.5) / rows, (columns * 3 // 4 + 0.5) / columns])
    np.testing.assert_allclose(places(drawn, POINT), expected, atol=2)
    np.testing.assert_allclose(places(drawn, BOX), (SIDE * 0.7, SIDE * 0.3), atol=3)


def test_of_a_plateau_the_middle_is_ringed():
    heat = np.zeros((48, 48), np.float32)
    heat[10:21, 30:41] = 1
    drawn = marked(scan_of((48, 48)), np.zeros((48, 48), bool), heat, "occlusion", SIDE)
    np.testing.assert_allclose(places(drawn, POINT), (155, 355), atol=2)


@pytest.mark.parametrize("heat", [None, np.zeros((48, 48), np.float32), np.full((48, 48), -1, np.float32)])
def test_without_evidence_the_scan_and_its_box_are_shown_alone(heat):
    mask = np.zeros((48, 48), bool)
    mask[8:16, 8:16] = True
    drawn = marked(scan_of((48, 48)), mask, heat, "gradcam", SIDE)
    assert not (drawn == POINT).all(axis=-1).any()
    np.testing.assert_allclose(places(drawn, BOX), (120, 120), atol=2)
    assert (drawn[300:, 300:] == round(255 * 0.3)).all()
