"""What a model says of a series is what it says of each slice, counted, and led to where it says it most."""

import numpy as np
import pytest

from explain import Cancelled
from explain.slice_probabilities import (
    CHUNK,
    as_table,
    by_slice,
    count_sentence,
    course_sentence,
    leading,
    peaks,
    series_key,
)
from model_zoo import ModelError
from scans import InputSpec, Scan
from tests.explain.known import broken, mean_of
from tests.explain.known import counted as counting
from tests.explain.networks import model_of

NAMES = ("Glioma", "Meningioma", "No tumour", "Pituitary tumour")
CLASSES = ("glioma", "meningioma", "notumor", "pituitary")
NAN = (np.nan,) * 4
P = np.array(
    [NAN, (0.7, 0.1, 0.1, 0.1), (0.8, 0.1, 0.05, 0.05), (0.2, 0.3, 0.5, 0.0), (0.995, 0.0, 0.005, 0.0), NAN], np.float32
)


def slices(*greys: float) -> list[Scan]:
    """One slice a grey: half of it that bright, so that only a grey of 0 is blank."""
    half = np.r_[np.ones((16, 32)), np.zeros((16, 32))].astype(np.float32)
    return [Scan(half * grey, "a" * 64, index=place, count=len(greys)) for place, grey in enumerate(greys)]


@pytest.fixture
def model():
    """Its first logit is four times the mean of the upper half, the second 0."""
    spec = InputSpec(32, 32, 1, crop=False)
    return model_of(mean_of((slice(0, 16), slice(0, 32)), scale=4.0), input=spec, classes=("glioma", "notumor"))


def test_every_slice_gets_its_own_answer_and_a_blank_one_none(model):
    """The sigmoid of 4 times the grey: the difference of the two logits."""
    greys = (0, *np.linspace(0.1, 1, 3 * CHUNK - 5), 0)
    p = by_slice(model, slices(*greys))
    assert np.isnan(p[[0, -1]]).all()
    np.testing.assert_allclose(p[1:-1, 0], 1 / (1 + np.exp(-4 * np.array(greys[1:-1]))), atol=1e-4)
    np.testing.assert_allclose(p[1:-1].sum(axis=1), 1, atol=1e-6)


def test_it_tells_how_far_it_is_and_stops_between_two_chunks(model):
    shares = []
    asking, asked = counting(model)
    with pytest.raises(Cancelled):
        by_slice(asking, slices(*[0.5] * 4 * CHUNK), shares.append, lambda: len(shares) == 2)
    assert shares == [0.25, 0.5] and asked == [CHUNK, CHUNK]


def test_a_broken_network_is_one_sentence():
    with pytest.raises(ModelError, match="not finite"):
        by_slice(model_of(broken()), slices(0.5))


def test_a_series_is_known_by_its_slices_their_order_the_plane_and_the_weights(model):
    some, other = slices(0.5, 0.6), slices(0.5, 0.6)[::-1]
    again = series_key(slices(0.5, 0.6), model.card)
    assert series_key(some, model.card) == again != series_key(other, model.card)
    assert again != series_key(some, model_of(mean_of((slice(0, 1),) * 2), weights_sha256="1" * 64).card)


def test_the_classes_drawn_are_those_that_rise_highest_in_their_own_order():
    assert leading(P, 2) == [0, 2]
    assert leading(P, 9) == [0, 1, 2, 3]


def test_each_tumour_has_its_highest_slice_and_no_tumour_has_none():
    assert peaks(P, CLASSES) == {0: 4, 1: 3, 3: 1}
    assert list(peaks(P, CLASSES, most=2)) == [0, 1]


def test_the_answers_are_counted_and_the_blank_slices_named():
    assert count_sentence(P, NAMES) == (
        "Of 4 slices asked about, the model says Glioma on 3 and No tumour on 1. 2 blank slices were left out: gaps "
        "in the lines."
    )
    assert count_sentence(P[1:2], NAMES) == "Of 1 slice asked about, the model says Glioma on 1."
    assert count_sentence(P[:1], NAMES).startswith("Of 0 slices asked about, the model says nothing.")


def test_the_lines_are_told_to_those_who_cannot_see_them():
    assert course_sentence(P, NAMES, [0, 2]) == (
        "Probability by slice, 6 slices: Glioma peaks at slice 5 with over 99 % and No tumour peaks at slice 4 with "
        "50 %."
    )


def test_the_table_has_a_row_a_slice():
    table = as_table(P, NAMES, [0, 2])
    assert len(table) == 6
    assert table[0] == {"Slice": "1", "Answer": "blank", "Glioma": "", "No tumour": ""}
    assert table[3] == {"Slice": "4", "Answer": "No tumour", "Glioma": "20 %", "No tumour": "50 %"}
