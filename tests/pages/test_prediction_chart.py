"""The bar chart of a prediction."""

import numpy as np
import pytest

from explain.prediction_text import list_of_probabilities
from pages.charts.compare import probabilities_in_words
from pages.charts.prediction import ACCENT, probability_bars

NAMES = ("Glioma", "Meningioma", "No tumour", "Pituitary tumour")


def test_the_most_probable_class_is_on_top_and_the_explained_one_in_the_accent():
    p = np.array([0.1, 0.6, 0.25, 0.05], np.float32)
    bar = probability_bars(NAMES, p, explained=2).data[0]
    assert list(bar.y) == ["Pituitary tumour", "Glioma", "No tumour", "Meningioma"]
    assert list(bar.x) == pytest.approx([0.05, 0.1, 0.25, 0.6])
    assert [name for name, colour in zip(bar.y, bar.marker.color, strict=True) if colour == ACCENT] == ["No tumour"]


def test_the_chart_is_read_out_with_every_class_and_its_probability():
    p = np.array([0.1, 0.6, 0.296, 0.004], np.float32)
    words = "Glioma 10 %, Meningioma 60 %, No tumour 30 %, Pituitary tumour under 1 %"
    assert list_of_probabilities(NAMES, p) == words
    shares, held = np.array([p, [np.nan] * 4, [0.7, 0, 0.3, 0]]), np.array([[1] * 4, [1] * 4, [1, 0, 1, 0]], bool)
    read = probabilities_in_words(["a", "b", "c"], NAMES, shares, held)
    assert f"a: {words}." in read and "b:" not in read and read.endswith("c: Glioma 70 %, No tumour 30 %.")


def test_fifteen_classes_take_no_more_of_the_page_than_ten_would():
    """Or the scan, which the user came for, is pushed off the screen."""
    names = [f"Class {k}" for k in range(15)]
    few = probability_bars(NAMES, np.full(4, 0.25), 0).layout.height
    many = probability_bars(names, np.full(15, 1 / 15), 0).layout.height
    assert 100 < few < many < 2.5 * few
