"""Does a report hold together, and is its map drawn as the reader drew it?"""

from dataclasses import replace

import numpy as np
import pytest

from explain.report import Rendering
from tests.explain.report.conftest import P, explained, report_of
from tests.good_files import disc, png


def test_a_map_of_another_scan_or_of_other_weights_is_refused(report):
    for change in ({"scan": "0" * 64}, {"weights": "0" * 64}, {"slice": 3}, {"plane": "coronal"}):
        with pytest.raises(ValueError, match="another scan, slice or model"):
            replace(report, explanations=(replace(report.explanations[0], **change),))
    with pytest.raises(ValueError, match="3 probabilities for 4 classes"):
        replace(report, probabilities=P[:3])


def test_a_colour_map_that_does_not_suit_the_signs_gives_way_to_one_that_does(report):
    plain, signed = report.explanations
    assert Rendering(colour_map="viridis").colours_of(plain) == "viridis"
    assert Rendering(colour_map="viridis").colours_of(signed) == "amber"
    assert Rendering(colour_map="magma").colours_of(signed) == "magma"


def test_at_no_opacity_the_map_is_the_scan_and_at_full_opacity_it_covers_it():
    report = report_of(rendering=Rendering(opacity=0, smoothing=0))
    picture, key = report.drawn(report.explanations[0])
    assert np.array_equal(picture, np.repeat(report.plain()[..., None], 3, -1)) and key is not None
    covered, _ = replace(report, rendering=Rendering(opacity=1, smoothing=0)).drawn(report.explanations[0])
    inside, outside = covered[240, 240], covered[600, 600]
    assert inside[0] > inside[2] and np.array_equal(outside, picture[600, 600])


def test_an_empty_map_has_no_key_and_leaves_the_scan_as_it_is():
    report = report_of()
    empty = replace(report.explanations[0], heat=np.zeros(report.scan.shape, np.float32))
    picture, key = report.drawn(empty)
    assert key is None and np.array_equal(picture[..., 0], report.plain())


def test_what_would_mislead_about_a_picture_is_said():
    report = report_of(methods=("lime",), rendering=Rendering(against=False, threshold=0.5, smoothing=0))
    faint = explained(report.scan, report.card, "lime")
    faint = replace(faint, heat=np.where(faint.heat > 0, 0.1, faint.heat))
    assert report.said_of_picture(faint) == [
        "Nothing is drawn: all evidence for Meningioma is weaker than the threshold hides."
    ]
    assert report.said_of_picture(report.explanations[0]) == []
    dots = explained(report.scan, report.card, "saliency")
    assert "Smoothed" in replace(report, rendering=Rendering()).said_of_picture(dots)[0]


def test_the_settings_of_a_manifest_are_those_that_were_used(report):
    facts = Rendering(colour_map="viridis").facts(report.scan, report.explanations[1])
    assert facts["colour_map"] == "amber" and facts["smooth"] == 0 and facts["window"] == (0.0, 1.0)


def test_a_wide_scan_keeps_its_shape_in_the_picture():
    report = report_of(png(np.pad(disc(64), ((0, 0), (32, 32)))))
    assert report.plain()[:150].max() == 0 and report.plain()[160:480].max() > 100
