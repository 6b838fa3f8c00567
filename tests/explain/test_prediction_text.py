"""A prediction in words is never more certain than it is."""

import numpy as np
import pytest

from explain.prediction_text import confidence, confidence_sentence, percent

NAMES = ("Glioma", "Meningioma", "No tumour", "Pituitary tumour")


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.0, "under 1 %"), (0.0099, "under 1 %"), (0.01, "1 %"), (0.5, "50 %"), (0.99, "99 %"), (1.0, "over 99 %")],
)
def test_no_probability_is_rounded_to_0_or_100_percent(p, words):
    assert percent(p) == words


@pytest.mark.parametrize(("p", "level"), [(0.95, "High"), (0.9, "High"), (0.7, "Moderate"), (0.55, "Low")])
def test_the_sentence_names_both_classes_and_the_confidence(p, level):
    assert confidence(p) == level
    sentence = confidence_sentence(NAMES, np.array([0.01, p, 0.99 - p, 0.0]))
    assert sentence.startswith(level)
    assert " %" not in sentence  # a line would break before the sign
    sentence = sentence.replace("\u00a0", " ")
    assert f"Meningioma {percent(p)}" in sentence and f"No tumour, {percent(0.99 - p)}" in sentence
