"""Is the answer said as it is, and never surer?"""

import numpy as np
import pytest

from explain.prediction_text import ACCENT, bars, in_words, percent
from model_zoo import Estimate

NAMES = ("Glioma", "Meningioma", "No tumour", "Pituitary tumour")


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.0, "under 1 %"), (0.0099, "under 1 %"), (0.01, "1 %"), (0.5, "50 %"), (0.99, "99 %"), (1.0, "over 99 %")],
)
def test_no_probability_is_called_nothing_or_everything(p, words):
    assert percent(p) == words


@pytest.mark.parametrize(("p", "how"), [(0.95, "is sure"), (0.7, "leans"), (0.55, "is undecided")])
def test_the_sentence_names_both_choices_and_how_sure_the_model_is(p, how):
    sentence = in_words(NAMES, np.array([0.01, p, 0.99 - p, 0.0]))
    assert f"The model {how}" in sentence
    assert " %" not in sentence  # a line would break before the sign
    sentence = sentence.replace("\u00a0", " ")
    assert f"{percent(p)} to Meningioma" in sentence and "second choice, No tumour" in sentence


def test_a_figure_comes_with_its_interval():
    figure = Estimate(0.9567, 0.94, 0.9712, 1311)
    assert figure.percent() == "95.7 % (94.0 to 97.1)"


def test_the_bars_hold_every_class_the_likeliest_on_top_and_accent_the_one_explained():
    p = np.array([0.1, 0.6, 0.25, 0.05], np.float32)
    bar = bars(NAMES, p, explained=2).data[0]
    assert list(bar.y) == ["Pituitary tumour", "Glioma", "No tumour", "Meningioma"]
    assert list(bar.x) == pytest.approx([0.05, 0.1, 0.25, 0.6])
    assert [name for name, colour in zip(bar.y, bar.marker.color, strict=True) if colour == ACCENT] == ["No tumour"]


def test_fifteen_classes_take_no_more_of_the_page_than_ten_would():
    """Or the scan, which the reader came for, is pushed off the screen."""
    names = [f"Class {k}" for k in range(15)]
    few, many = bars(NAMES, np.full(4, 0.25), 0).layout.height, bars(names, np.full(15, 1 / 15), 0).layout.height
    assert 100 < few < many < 2.5 * few
