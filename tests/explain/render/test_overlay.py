"""A map lies where it belongs, in colours that the colour bar explains, and the scan stays visible."""

import io

import numpy as np
import pytest
from PIL import Image

from explain.render.colours import SIGNED_COLOUR_MAPS, against, ramp
from explain.render.overlay import (
    COLOUR_MAPS,
    CONTOUR_LEVELS,
    colour_bar,
    gray,
    level_and_width,
    number,
    overlay,
    png,
    squared,
    strength,
    strongest,
    upright,
    window_of,
    with_sides,
)

PICTURE = np.linspace(0, 1, 60 * 80, dtype=np.float32).reshape(60, 80)


def spot(
    shape: tuple[int, int] = (60, 80), at: tuple[int, int] = (20, 50), peak: float = 3.0, radius: float = 5.5
) -> np.ndarray:
    """A smooth hill of height `peak` at `at`, 0 far from it."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    hill = peak * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * radius**2))
    return np.where(hill < 0.01 * peak, 0, hill).astype(np.float32)


def test_strength_is_a_share_of_the_peak_and_an_empty_map_stays_empty():
    assert strength(spot()).max() == 1 and strength(spot()).min() == 0
    assert not strength(np.zeros((5, 5), np.float32)).any()


def for_and_against() -> np.ndarray:
    """A hill of 3 at (20, 50), and a pit of -1.5 at (40, 20)."""
    return spot() - spot(at=(40, 20), peak=1.5)


def test_a_signed_map_is_a_share_of_the_strongest_of_either_sign():
    level = strength(for_and_against())
    assert level.max() == 1 and level.min() == pytest.approx(-0.5, abs=1e-3)
    assert strength(-spot()).min() == -1 and strongest(-spot()) == 3 and strongest(np.zeros((2, 2))) == 0


@pytest.mark.parametrize("contours", [False, True])
def test_a_map_of_zeros_leaves_the_scan_as_it_is(contours):
    drawn = overlay(PICTURE, np.zeros_like(PICTURE), contours=contours)
    assert np.array_equal(drawn, np.repeat(gray(PICTURE)[..., None], 3, axis=-1))


@pytest.mark.parametrize("contours", [False, True])
def test_no_opacity_leaves_the_scan_as_it_is(contours):
    drawn = overlay(PICTURE, spot(), opacity=0, contours=contours)
    assert np.array_equal(drawn[..., 0], gray(PICTURE)) and np.ptp(drawn.astype(int), axis=-1).max() == 0


@pytest.mark.parametrize("colour_map", COLOUR_MAPS)
def test_full_opacity_shows_the_colour_of_the_peak_at_the_peak(colour_map):
    from matplotlib import colormaps

    drawn = overlay(PICTURE, spot(), opacity=1, colour_map=colour_map)
    assert drawn[20, 50] == pytest.approx(np.round(255 * np.array(colormaps[colour_map](1.0)[:3])), abs=1)


def test_what_lies_below_the_threshold_is_left_clear():
    drawn = overlay(PICTURE, spot(), opacity=1, threshold=0.5)
    clear = strength(spot()) <= 0.5
    assert np.array_equal(drawn[clear], np.repeat(gray(PICTURE)[clear][:, None], 3, axis=-1))
    coloured = strength(spot()) > 0.53
    assert (np.ptp(drawn[coloured].astype(int), axis=-1) > 20).all()


def test_contours_are_lines_and_fewer_above_a_threshold():
    hill = spot((300, 300), (150, 150), radius=60)
    black = np.zeros_like(hill)
    drawn = [
        np.count_nonzero(overlay(black, hill, opacity=1, threshold=t, contours=True).any(axis=-1))
        for t in (0, 0.3, 0.6, 0.8)
    ]
    assert drawn[0] > drawn[1] > drawn[2] > drawn[3] == 0
    assert drawn[0] < 0.2 * np.count_nonzero(hill > CONTOUR_LEVELS[0] * 3)  # lines, no fill


def test_upright_makes_pixels_square():
    assert upright(np.zeros((50, 100), np.float32), (2.0, 1.0), 300).shape == (300, 300)
    assert upright(np.zeros((100, 100), np.float32), (1.0, 0.5), 300).shape == (300, 150)


@pytest.mark.parametrize("shape", [(60, 80), (80, 60), (300, 290), (64, 700)])
def test_squared_keeps_the_place_and_the_range_of_a_map(shape):
    at = (shape[0] // 3, shape[1] // 4)
    heat = spot(shape, at)
    placed = squared(heat, (1.0, 1.0), 640)
    scale = 640 / max(shape)
    centre = [(640 - side * scale) / 2 + (place + 0.5) * scale for side, place in zip(shape, at, strict=True)]
    assert placed.shape == (640, 640) and placed.dtype == np.float32
    assert np.unravel_index(placed.argmax(), placed.shape) == pytest.approx(centre, abs=1 + scale)
    assert placed.min() >= 0 and 0.8 * heat.max() < placed.max() <= heat.max()


def test_the_patients_sides_stand_at_their_edges_and_nowhere_else():
    black = np.zeros((280, 280), np.uint8)
    lettered = with_sides(black, ("R", "", "", "P"))
    rows, columns = np.nonzero(lettered)
    left, below = columns < 30, rows > 250
    assert left.any() and below.any() and (left | below).all()
    assert not black.any()
    assert np.array_equal(with_sides(black, ("", "", "", "")), black)
    assert with_sides(np.zeros((280, 280, 3), np.uint8), ("R", "L", "A", "P")).shape == (280, 280, 3)


def test_the_colour_bar_is_clear_below_the_threshold_and_ends_in_the_colour_of_the_peak():
    from matplotlib import colormaps

    bar = colour_bar(2.5, "logit × activation", "viridis", 0.25)
    middle = bar[15]
    assert bar.dtype == np.uint8 and bar.shape[2] == 4
    assert (middle[:195, 3] < 60).all() and (middle[205:, 3] == 255).all()
    assert middle[-1, :3] == pytest.approx(np.round(255 * np.array(colormaps["viridis"](1.0)[:3])), abs=1)


def test_the_colour_bar_shows_the_lines_that_are_drawn():
    middle = colour_bar(2.5, "logit", "inferno", 0.4, contours=True)[15]
    solid = np.flatnonzero(middle[:, 3] == 255)
    assert {round(x / 800, 2) for x in solid} <= {0.5, 0.49, 0.75, 0.74, 0.51, 0.76}
    hill = spot((600, 600), (300, 300), radius=120)
    picture = overlay(0 * hill, hill, opacity=1, threshold=0.4, colour_map="inferno", contours=True)
    assert (picture == middle[400, :3]).all(axis=-1).any()


@pytest.mark.parametrize("span", [(0.0, 255.0), (-1024.0, 3071.0), (0.0, 0.004), (4095.0, 0.0)])
def test_level_and_width_are_in_the_files_units_and_come_back(span):
    assert level_and_width((0.0, 1.0), span) == pytest.approx(((span[0] + span[1]) / 2, abs(span[1] - span[0])))
    assert window_of(*level_and_width((0.2, 0.7), span), span) == pytest.approx((0.2, 0.7))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3), (4, 6, 4)])
def test_png_is_lossless(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)


def test_evidence_against_is_blue_and_evidence_for_is_not():
    drawn = overlay(PICTURE, for_and_against(), opacity=1).astype(int)
    assert drawn[20, 50, 0] > 200 and drawn[20, 50, 0] > drawn[20, 50, 2] + 100
    assert drawn[40, 20, 2] > 200 and drawn[40, 20, 2] > drawn[40, 20, 0] + 100


@pytest.mark.parametrize("contours", [False, True])
def test_without_evidence_against_the_rest_stays_as_it_is(contours):
    style = {"opacity": 1, "colour_map": "amber", "contours": contours}
    both, alone = (overlay(PICTURE, for_and_against(), against=a, **style) for a in (True, False))
    assert np.array_equal(both[:, 35:], alone[:, 35:])  # one scale: hiding the one does not raise the other
    assert np.array_equal(alone[:, :35], np.repeat(gray(PICTURE)[:, :35, None], 3, axis=-1))
    assert not np.array_equal(both[:, :35], alone[:, :35])


@pytest.mark.parametrize("contours", [False, True])
def test_a_map_of_nothing_but_evidence_against_is_drawn_as_such(contours):
    drawn = overlay(np.zeros_like(PICTURE), -spot(), opacity=1, contours=contours).astype(int)
    coloured = drawn.any(axis=-1)
    assert coloured.any() and (drawn[coloured][:, 2] > drawn[coloured][:, 0]).all()


def test_what_is_weaker_than_the_threshold_is_clear_on_both_sides():
    drawn = overlay(PICTURE, for_and_against(), opacity=1, threshold=0.6)
    assert np.array_equal(drawn[:, :35], np.repeat(gray(PICTURE)[:, :35, None], 3, axis=-1))


def test_contours_of_evidence_against_are_dashed():
    hill = spot((300, 300), (150, 150), radius=60)
    solid, dashed = (
        np.count_nonzero(overlay(0 * hill, heat, opacity=1, contours=True).any(axis=-1)) for heat in (hill, -hill)
    )
    assert 0.4 * solid < dashed < 0.75 * solid


# Machado, Oliveira & Fernandes 2009, severity 1, in linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def perceived(colours: np.ndarray, vision: str) -> np.ndarray:
    """CIELAB of sRGB colours (n, 3) as that vision perceives them."""
    from skimage.color import rgb2lab

    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(VISIONS[vision]).T, 0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)[None])[0]


@pytest.mark.parametrize("vision", VISIONS)
def test_every_eye_tells_amber_from_the_blue_of_evidence_against(vision):
    from skimage.color import deltaE_ciede2000

    warm, cool = (perceived(table[38::6].astype(float), vision) for table in (ramp("amber"), against()))  # from 15 % up
    assert deltaE_ciede2000(warm[:, None], cool[None]).min() > 30


@pytest.mark.parametrize("colour_map", SIGNED_COLOUR_MAPS)
def test_the_colours_offered_for_signed_maps_grow_lighter_and_differ_from_that_blue(colour_map):
    from skimage.color import deltaE_ciede2000

    warm, cool = (perceived(table.astype(float), "normal") for table in (ramp(colour_map), against()))
    assert (np.diff(warm[:, 0]) > 0).all() and (np.diff(cool[:, 0]) > 0).all()
    assert deltaE_ciede2000(warm[38::6, None], cool[None, 38::6]).min() > 15


def test_the_colour_bar_of_a_signed_map_runs_from_blue_through_nothing_to_the_peak():
    middle = colour_bar(2.5, "logit per pixel", "amber", 0.2, against=True)[15]
    assert middle[0, :3] == pytest.approx(np.round(255 * against()[-1]), abs=1)
    assert middle[-1, :3] == pytest.approx(np.round(255 * ramp("amber")[-1]), abs=1)
    assert (middle[325:475, 3] < 60).all() and (middle[:315, 3] == 255).all() and (middle[485:, 3] == 255).all()


def test_the_colour_bar_shows_the_lines_of_both_signs():
    bar = colour_bar(2.5, "logits", "amber", 0.4, against=True, contours=True)
    solid = {round(x / 800, 2) for x in np.flatnonzero((bar[4:34, :, 3] == 255).all(axis=0))}
    dashed = {round(x / 800, 2) for x in np.flatnonzero((bar[4:34, :, 3] == 255).any(axis=0))} - solid
    assert solid <= {0.74, 0.75, 0.76, 0.87, 0.88} and dashed <= {0.24, 0.25, 0.26, 0.12, 0.13} and solid and dashed


@pytest.mark.parametrize(
    ("value", "text"), [(0.03412, "0.034"), (123.4, "120"), (5.0, "5"), (0.0000123, "1.2 × 10⁻⁵"), (0.79, "0.79")]
)
def test_a_peak_has_two_significant_digits(value, text):
    assert number(value) == text
