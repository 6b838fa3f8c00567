"""The annotation and the map's highest point are drawn where they are, on a scan of any shape."""

import numpy as np
import pytest

from explain.render.annotated import BOX, POINT, draw_annotated
from scans import Scan
from tests.explain.conftest import explanation

SIDE = 480


def places(picture: np.ndarray, colour) -> np.ndarray:
    """The middle (row, column) of all that is drawn in a colour."""
    return np.argwhere((picture == colour).all(axis=-1)).mean(axis=0)


def scan_of(shape, spacing=(1.0, 1.0)) -> Scan:
    return Scan(np.full(shape, 0.3, np.float32), digest="x", spacing=spacing)


@pytest.mark.parametrize(("shape", "spacing"), [((60, 60), (1.0, 1.0)), ((30, 60), (2.0, 1.0))])
def test_annotation_and_highest_point_lie_in_the_pixels_of_the_scan(shape, spacing):
    rows, columns = shape
    mask, heat = np.zeros(shape, bool), np.zeros(shape, np.float32)
    mask[rows // 2 : rows * 9 // 10, columns // 10 : columns // 2] = True
    heat[rows // 4, columns * 3 // 4] = 5
    heat[0, 0] = -9  # evidence against the class is no highest point
    drawn = draw_annotated(scan_of(shape, spacing), mask, explanation(heat=heat, signed=True), SIDE)
    assert drawn.shape == (SIDE, SIDE, 3) and drawn.dtype == np.uint8
    expected = SIDE * np.array([(rows // 4 + 0.5) / rows, (columns * 3 // 4 + 0.5) / columns])
    np.testing.assert_allclose(places(drawn, POINT), expected, atol=2)
    np.testing.assert_allclose(places(drawn, BOX), (SIDE * 0.7, SIDE * 0.3), atol=3)


def test_the_middle_of_a_plateau_is_ringed():
    heat = np.zeros((48, 48), np.float32)
    heat[10:21, 30:41] = 1
    drawn = draw_annotated(
        scan_of((48, 48)), np.zeros((48, 48), bool), explanation(heat=heat, method="occlusion"), SIDE
    )
    np.testing.assert_allclose(places(drawn, POINT), (155, 355), atol=2)


@pytest.mark.parametrize("heat", [None, np.zeros((48, 48), np.float32), np.full((48, 48), -1, np.float32)])
def test_without_evidence_for_the_class_only_scan_and_annotation_are_drawn(heat):
    mask = np.zeros((48, 48), bool)
    mask[8:16, 8:16] = True
    drawn = draw_annotated(scan_of((48, 48)), mask, None if heat is None else explanation(heat=heat, signed=True), SIDE)
    assert not (drawn == POINT).all(axis=-1).any()
    np.testing.assert_allclose(places(drawn, BOX), (120, 120), atol=2)
    assert (drawn[300:, 300:] == round(255 * 0.3)).all()
