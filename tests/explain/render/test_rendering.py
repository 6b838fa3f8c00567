"""A map is drawn by one function, with the same defaults and notes for the app, the command line and the exports."""

from dataclasses import fields, replace

import numpy as np
import pytest

from explain import Rendering, Request, draw, explain, png
from explain.__main__ import main
from explain.methods import METHODS
from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS
from explain.render.overlay import gray, squared
from explain.render.rendering import CONTROLS, SIDE
from explain.render.smoothing import smoothing
from model_zoo import load_model
from scans import Scan, read
from tests.explain.conftest import explanation
from tests.good_files import disc
from tests.good_files import png as as_file

SCAN = Scan(np.pad(np.full((64, 64), 0.5, np.float32), 16), digest="b" * 64, window=(0.0, 1.0))
HEAT = np.zeros(SCAN.shape, np.float32)
HEAT[24:48, 24:48] = np.linspace(0.3, 1, 24)
PLAIN = explanation(heat=HEAT)
SIGNED = explanation(heat=HEAT - HEAT[:, ::-1][::-1] / 2, method="lime", signed=True)
EMPTY = explanation(heat=0 * HEAT)
SHARP = Rendering(smoothing=0)
# A value of each control that differs from the default.
OTHER = {
    "against": False,
    "contours": True,
    "opacity": 0.9,
    "threshold": 0.6,
    "smoothing": 3.0,
    "colour_map": "magma",
}


def test_the_defaults_stand_in_one_place():
    assert Rendering() == Rendering(True, False, 0.5, 0.15, None, "", None, True)
    assert np.array_equal(draw(SCAN, PLAIN).picture, draw(SCAN, PLAIN, Rendering()).picture)


def test_every_control_is_a_field_and_every_field_without_one_is_set_elsewhere():
    names = [each.name for each in fields(Rendering)]
    assert [name for name in names if name in CONTROLS] == list(CONTROLS) == list(OTHER)
    assert set(names) - set(CONTROLS) == {
        "window",
        "side_letters",
    }  # the window is set in stored values


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_has_a_label_and_a_kind_and_changes_the_picture(name):
    control = CONTROLS[name]
    assert control.label and control.kind in ("percent", "toggle", "choice", "smoothing", "colour map")
    assert 0 <= control.low < control.high <= 100 and (control.kind != "choice" or all(control.options))
    before, after = (draw(SCAN, SIGNED, rendering) for rendering in (Rendering(), Rendering(**{name: OTHER[name]})))
    assert not np.array_equal(before.picture, after.picture)


@pytest.mark.parametrize("name", [name for name, control in CONTROLS.items() if control.signed_only])
def test_a_control_of_signed_maps_changes_nothing_in_others(name):
    before, after = (draw(SCAN, PLAIN, rendering) for rendering in (Rendering(), Rendering(**{name: OTHER[name]})))
    assert np.array_equal(before.picture, after.picture) and np.array_equal(before.colour_bar, after.colour_bar)


def test_a_colour_map_that_does_not_suit_the_signs_is_replaced_by_one_that_does():
    assert Rendering(colour_map="viridis").resolved(SCAN, PLAIN).colour_map == "viridis"
    assert Rendering(colour_map="viridis").resolved(SCAN, SIGNED).colour_map == "amber"
    assert Rendering(colour_map="magma").resolved(SCAN, SIGNED).colour_map == "magma"
    assert Rendering(colour_map="no such map").resolved(SCAN, PLAIN).colour_map == COLOUR_MAPS[0]
    assert Rendering().colour_map_for(True) == SIGNED_COLOUR_MAPS[0]


def test_what_depends_on_scan_and_map_is_filled_in_and_what_was_chosen_is_kept():
    scan, per_pixel = replace(SCAN, window=(0.1, 0.8)), explanation(heat=HEAT, method="saliency")
    resolved = Rendering().resolved(scan, per_pixel)
    assert (resolved.against, resolved.window) == (False, (0.1, 0.8))  # no sign, no evidence against
    assert resolved.smoothing == smoothing(scan, "saliency").usual > 0
    assert Rendering().resolved(scan, SIGNED).against and Rendering().resolved(scan, PLAIN).smoothing == 0
    chosen = Rendering(False, True, 0.3, 0.4, 2.5, "magma", (0.2, 0.6), False)
    assert chosen.resolved(scan, SIGNED) == chosen


def test_the_facts_of_a_manifest_are_the_settings_that_were_used():
    facts = Rendering(colour_map="viridis").facts(SCAN, SIGNED)
    assert set(facts) == {each.name for each in fields(Rendering)}
    assert (facts["colour_map"], facts["smoothing"], facts["window"]) == ("amber", 0, (0.0, 1.0))


def test_at_no_opacity_the_map_is_the_scan_and_at_full_opacity_it_covers_it():
    plain = draw(SCAN, rendering=SHARP).picture
    clear = draw(SCAN, PLAIN, replace(SHARP, opacity=0))
    assert np.array_equal(clear.picture, np.repeat(plain[..., None], 3, -1)) and clear.colour_bar is not None
    covered = draw(SCAN, PLAIN, replace(SHARP, opacity=1)).picture
    inside, outside = covered[240, 300], covered[600, 600]
    assert inside[0] > inside[2] and np.array_equal(outside, clear.picture[600, 600])


@pytest.mark.parametrize("given", [None, EMPTY], ids=["no map", "empty map"])
def test_without_evidence_the_scan_is_drawn_alone_in_grey(given):
    drawing = draw(SCAN, given)
    assert drawing.picture.shape == (SIDE, SIDE) and drawing.picture.dtype == np.uint8
    assert drawing.colour_bar is None and drawing.notes == ()
    assert np.array_equal(drawing.picture, draw(SCAN).picture)


def test_the_window_applies_to_the_scan_and_not_to_the_map():
    dark, bright = (draw(SCAN, PLAIN, replace(SHARP, opacity=1, window=w)).picture for w in ((0.0, 1.0), (0.0, 0.5)))
    assert np.array_equal(dark[240, 300], bright[240, 300])  # the map
    assert np.ptp(dark[400, 400]) == 0 and dark[400, 400, 0] in (127, 128)  # the scan: 0.5, in steps of 1 / 255
    assert (bright[400, 400] == 255).all()


def test_side_letters_can_be_left_out():
    scan = replace(SCAN, edges=("R", "L", "A", "P"))
    lettered, bare = (draw(scan, PLAIN, replace(SHARP, side_letters=on)).picture for on in (True, False))
    changed = np.argwhere((lettered != bare).any(axis=-1))
    assert len(changed) and np.array_equal(bare, draw(SCAN, PLAIN, SHARP).picture)
    edge = np.minimum(changed, SIDE - 1 - changed).min(axis=1)
    assert edge.max() < 40  # pixels: at the sides and nowhere else


def test_notes_say_what_the_settings_hide_and_change():
    faint = explanation(heat=np.where(SIGNED.heat > 0, 0.1, SIGNED.heat), method="lime", signed=True)
    hidden = Rendering(against=False, threshold=0.5, smoothing=0)
    assert len(draw(SCAN, faint, hidden).notes) == 1 and "threshold" in draw(SCAN, faint, hidden).notes[0]
    assert draw(SCAN, PLAIN, hidden).notes == () == draw(SCAN, faint, SHARP).notes
    (note,) = draw(SCAN, explanation(heat=HEAT, method="saliency")).notes
    usual = smoothing(SCAN, "saliency")
    assert note == usual.sentence(usual.usual) != ""


@pytest.mark.parametrize(
    ("map_of", "contours", "threshold", "noted"),
    [
        (PLAIN, True, 0.75, False),
        (PLAIN, True, 0.76, True),  # the highest contour is at 75 %
        (SIGNED, True, 0.76, True),
        (PLAIN, False, 0.9, False),
        (SIGNED, False, 0.9, False),
    ],
)
def test_a_threshold_above_every_contour_is_noted(map_of, contours, threshold, noted):
    rendering = replace(SHARP, contours=contours, threshold=threshold)
    notes = draw(SCAN, map_of, rendering).notes
    assert notes == (("Nothing is drawn: the map reaches no contour above the threshold.",) if noted else ())
    assert np.array_equal(*(draw(SCAN, map_of, replace(rendering, opacity=o)).picture for o in (0, 1))) is noted


def test_a_map_too_weak_for_the_lowest_contour_is_noted():
    faint = explanation(heat=np.where(SIGNED.heat > 0, 0.1, SIGNED.heat), method="lime", signed=True)
    rendering = Rendering(against=False, contours=True, threshold=0.05, smoothing=0)
    assert draw(SCAN, faint, rendering).notes == ("Nothing is drawn: the map reaches no contour above the threshold.",)
    assert draw(SCAN, faint, replace(rendering, contours=False)).notes == ()


def test_a_wide_scan_keeps_its_shape_in_the_picture():
    wide = draw(Scan(np.pad(disc(64), ((0, 0), (32, 32))).astype(np.float32), digest="c" * 64)).picture
    assert wide[:150].max() == 0 and wide[160:480].max() > 100


@pytest.mark.parametrize("side", [64, 480])
def test_the_side_is_in_pixels_and_the_scan_fills_it(side):
    drawing = draw(SCAN, side=side)
    assert drawing.picture.shape == (side, side)
    assert np.array_equal(drawing.picture, gray(squared(SCAN.windowed(SCAN.window), SCAN.spacing, side)))


@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_the_picture_of_the_command_line_is_that_of_draw(in_tiny_zoo, tmp_path, method):
    """Square, with side letters, smoothed where the method has one value per pixel."""
    path = tmp_path / "a.png"
    path.write_bytes(as_file(disc()))
    ask = ("--model", "tiny-phantom4", "--method", method, "--out", str(tmp_path))
    assert main([str(path), *ask]) == 0
    (scan,) = read(path)
    drawing = draw(scan, explain(Request(load_model("tiny-phantom4"), scan, method)))
    assert (tmp_path / f"a.{method}.png").read_bytes() == png(drawing.picture)
    assert bool(drawing.notes) == METHODS[method].per_pixel
