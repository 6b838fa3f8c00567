"""Are the maps that know nothing of the model what they claim to be?"""

import numpy as np
import pytest

from explain.evaluation.controls import CONTROLS
from scans import phantom
from scans.head import head_mask


def disc(side: int, radius: float, row: float, column: float) -> np.ndarray:
    down, right = np.ogrid[:side, :side]
    return (down - row) ** 2 + (right - column) ** 2 <= radius**2


@pytest.mark.parametrize("shape", [(64, 64), (48, 64)])
@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_every_control_gives_one_finite_map_for_one_seed(name, shape):
    unit = phantom("meningioma", 5, 64).scan.pixels[: shape[0]]
    head = head_mask(unit)
    before = unit.copy(), head.copy()
    heat = CONTROLS[name](unit, head, 3)
    assert heat.shape == shape and heat.dtype == np.float32
    assert np.isfinite(heat).all() and heat.min() >= 0 and heat.max() > 0
    np.testing.assert_array_equal(heat, CONTROLS[name](unit, head, 3))
    assert np.array_equal(unit, before[0]) and np.array_equal(head, before[1])


def test_random_is_uniform_noise_in_cells_of_a_twentieth_of_the_side():
    unit = head = np.zeros((160, 160), np.float32)
    maps = np.stack([CONTROLS["random"](unit, head, seed) for seed in range(200)])  # (200, 160, 160)
    assert maps.mean() == pytest.approx(0.5, abs=0.01) and maps.max() <= 1
    middle = maps[:, 80, 80]
    next_to, two_cells_on = (np.corrcoef(middle, maps[:, 80, 80 + right])[0, 1] for right in (1, 16))
    assert next_to > 0.9 and abs(two_cells_on) < 0.2


def test_centre_falls_by_one_sigma_at_a_sixth_of_the_head_s_breadth():
    head = disc(120, 45, 60, 50)
    heat = CONTROLS["centre"](np.zeros((120, 120), np.float32), head, 0)
    assert np.unravel_index(heat.argmax(), heat.shape) == (60, 50) and heat.max() == pytest.approx(1)
    assert heat[60, 65] == pytest.approx(np.exp(-0.5), rel=0.01)  # a sixth of 90 pixels away
    assert heat[75, 50] == pytest.approx(heat[60, 65])


def test_edges_are_as_steep_as_the_ramp_and_none_lie_outside_the_head():
    down, right = np.mgrid[:40, :40].astype(np.float32)
    head = disc(40, 12, 20, 20)
    heat = CONTROLS["edges"](0.006 * down + 0.008 * right, head, 0)
    np.testing.assert_allclose(heat[head], 0.01, atol=1e-5)
    assert not heat[~head].any()


def test_an_edge_is_bright_and_a_flat_picture_is_not():
    unit = np.zeros((40, 40), np.float32)
    unit[:, 20:] = 1
    heat = CONTROLS["edges"](unit, np.ones((40, 40), bool), 0)
    assert set(heat.argmax(axis=1)) <= {19, 20} and heat[:, :12].max() < 1e-6


def test_uniform_is_one_everywhere():
    assert (CONTROLS["uniform"](np.zeros((8, 9), np.float32), np.ones((8, 9), bool), 0) == 1).all()


def test_a_head_that_is_not_there_has_no_centre():
    with pytest.raises(ValueError, match="no centre"):
        CONTROLS["centre"](np.zeros((8, 8), np.float32), np.zeros((8, 8), bool), 0)
