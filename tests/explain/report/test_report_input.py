"""A report holds together, and its map is drawn with its rendering."""

from dataclasses import replace

import numpy as np
import pytest

from explain import Rendering, draw
from explain.render.rendering import INK
from tests.explain.report.conftest import P, report_of
from tests.good_files import disc, png


def test_a_map_of_another_scan_or_of_other_weights_is_refused(report):
    for change in ({"scan": "0" * 64}, {"weights": "0" * 64}, {"slice": 3}, {"plane": "coronal"}):
        with pytest.raises(ValueError, match="another scan, slice or model"):
            replace(report, explanations=(replace(report.explanations[0], **change),))
    with pytest.raises(ValueError, match="3 probabilities for 4 classes"):
        replace(report, probabilities=P[:3])


@pytest.mark.parametrize("ink", [INK, "#50575e"])
def test_a_map_is_drawn_with_the_report_s_rendering(ink):
    rendering = Rendering(opacity=0.8, contours=True, colour_map="viridis", window=(0.1, 0.7), side_letters=False)
    report = report_of(rendering=rendering)
    drawing, expected = (
        report.drawing(report.explanations[0], ink),
        draw(report.scan, report.explanations[0], rendering),
    )
    assert np.array_equal(drawing.picture, expected.picture) and drawing.notes == expected.notes
    assert np.array_equal(drawing.colour_bar, expected.colour_bar) == (ink == INK)
    assert np.array_equal(report.drawing().picture, draw(report.scan, rendering=rendering).picture)


def test_an_empty_map_has_no_colour_bar_and_leaves_the_scan_as_it_is():
    report = report_of()
    drawing = report.drawing(replace(report.explanations[0], heat=np.zeros(report.scan.shape, np.float32)))
    assert drawing.colour_bar is None and np.array_equal(drawing.picture, report.drawing().picture)


def test_a_wide_scan_keeps_its_shape_in_the_picture():
    picture = report_of(png(np.pad(disc(64), ((0, 0), (32, 32))))).drawing().picture
    assert picture[:150].max() == 0 and picture[160:480].max() > 100


def test_a_class_has_its_display_name_and_the_most_probable_is_predicted(report):
    assert report.name_of("notumor") == "No tumour" and report.predicted == 1
