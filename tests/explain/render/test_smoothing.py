"""Maps with one value per pixel are smoothed in the picture only, in the scan's own millimetres."""

import numpy as np
import pytest

from explain.methods import METHODS
from explain.render.smoothing import smoothed, smoothing
from scans import Scan


def scan(shape: tuple[int, int], spacing: tuple[float, float] | None = None) -> Scan:
    return Scan(np.zeros(shape, np.float32), "0" * 64, spacing=spacing or (1.0, 1.0), in_mm=spacing is not None)


def test_only_maps_with_one_value_per_pixel_are_smoothed_by_default():
    smooth = {name for name in METHODS if smoothing(scan((512, 512)), name).usual > 0}
    assert smooth == {name for name in METHODS if METHODS[name].per_pixel} != set()


def test_the_choice_is_in_millimetres_where_the_file_gives_them():
    millimetres = smoothing(scan((480, 512), (0.5, 0.5)), "saliency")
    assert (millimetres.unit, millimetres.side, millimetres.usual, millimetres.most) == ("mm", 256, 4.0, 13.0)
    pixels = smoothing(scan((480, 512)), "saliency")
    assert (pixels.unit, pixels.side) == ("px", 512) and pixels.usual == pytest.approx(0.015 * 512, abs=0.5)
    assert smoothing(scan((480, 512), (1.0, 1.0)), "saliency").unit == "mm"
    assert smoothing(scan((32, 32)), "saliency").most >= 1


def test_smoothing_keeps_the_sum_and_the_place_and_widens_as_given():
    dot = np.zeros((201, 201), np.float32)
    dot[100, 100] = 1
    wide = smoothed(dot, 5 / 201)
    assert wide.sum() == pytest.approx(1, abs=1e-4) and np.unravel_index(wide.argmax(), wide.shape) == (100, 100)
    row = wide.sum(axis=0)
    assert np.sqrt((row * (np.arange(201) - 100) ** 2).sum()) == pytest.approx(5, rel=0.02)


def test_nothing_is_nothing_and_opposite_neighbours_cancel():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(64, 64)).astype(np.float32)
    assert smoothed(noise, 0) is noise
    assert np.abs(smoothed(noise, 0.05)).max() < 0.3 * np.abs(noise).max()


def test_the_picture_says_that_it_is_smoothed():
    choice = smoothing(scan((480, 512), (0.5, 0.5)), "saliency")
    assert "4 mm" in choice.sentence(4.0) and "picture only" in choice.sentence(4.0)
    assert choice.sentence(0.0) == ""
