"""Does a reading hold together, and is its map drawn as the reader drew it?"""

from dataclasses import replace

import numpy as np
import pytest

from explain.report import Style
from tests.explain.report.conftest import P, explained, reading_of
from tests.good_files import disc, png


def test_a_map_of_another_scan_or_of_other_weights_is_refused(reading):
    for change in ({"scan": "0" * 64}, {"weights": "0" * 64}, {"slice": 3}, {"plane": "coronal"}):
        with pytest.raises(ValueError, match="another scan, slice or model"):
            replace(reading, explanations=(replace(reading.explanations[0], **change),))
    with pytest.raises(ValueError, match="3 probabilities for 4 classes"):
        replace(reading, probabilities=P[:3])


def test_a_colour_map_that_does_not_suit_the_signs_gives_way_to_one_that_does(reading):
    plain, signed = reading.explanations
    assert Style(colour_map="viridis").colours_of(plain) == "viridis"
    assert Style(colour_map="viridis").colours_of(signed) == "amber"
    assert Style(colour_map="magma").colours_of(signed) == "magma"


def test_at_no_opacity_the_map_is_the_scan_and_at_full_opacity_it_covers_it():
    reading = reading_of(style=Style(opacity=0, smooth=0))
    picture, key = reading.drawn(reading.explanations[0])
    assert np.array_equal(picture, np.repeat(reading.plain()[..., None], 3, -1)) and key is not None
    covered, _ = replace(reading, style=Style(opacity=1, smooth=0)).drawn(reading.explanations[0])
    inside, outside = covered[240, 240], covered[600, 600]
    assert inside[0] > inside[2] and np.array_equal(outside, picture[600, 600])


def test_an_empty_map_has_no_key_and_leaves_the_scan_as_it_is():
    reading = reading_of()
    empty = replace(reading.explanations[0], heat=np.zeros(reading.scan.shape, np.float32))
    picture, key = reading.drawn(empty)
    assert key is None and np.array_equal(picture[..., 0], reading.plain())


def test_what_would_mislead_about_a_picture_is_said():
    reading = reading_of(methods=("lime",), style=Style(against=False, threshold=0.5, smooth=0))
    faint = explained(reading.scan, reading.card, "lime")
    faint = replace(faint, heat=np.where(faint.heat > 0, 0.1, faint.heat))
    assert reading.said_of_picture(faint) == [
        "Nothing is drawn: all evidence for Meningioma is weaker than the threshold hides."
    ]
    assert reading.said_of_picture(reading.explanations[0]) == []
    dots = explained(reading.scan, reading.card, "saliency")
    assert "Smoothed" in replace(reading, style=Style()).said_of_picture(dots)[0]


def test_the_settings_of_a_manifest_are_those_that_were_used(reading):
    facts = Style(colour_map="viridis").facts(reading.scan, reading.explanations[1])
    assert facts["colour_map"] == "amber" and facts["smooth"] == 0 and facts["window"] == (0.0, 1.0)


def test_a_wide_scan_keeps_its_shape_in_the_picture():
    reading = reading_of(png(np.pad(disc(64), ((0, 0), (32, 32)))))
    assert reading.plain()[:150].max() == 0 and reading.plain()[160:480].max() > 100
