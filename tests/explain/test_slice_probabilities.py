"""The predictions of a series are those of its slices, counted, with the slice where each class peaks."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from explain import Cancelled, slice_probabilities
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
from tests.explain.analytic import broken, mean_of
from tests.explain.analytic import counted as counting
from tests.explain.networks import model_of

NAMES = ("Glioma", "Meningioma", "No tumour", "Pituitary tumour")
CLASSES = ("glioma", "meningioma", "notumor", "pituitary")
NAN = (np.nan,) * 4
P = np.array(
    [NAN, (0.7, 0.1, 0.1, 0.1), (0.8, 0.1, 0.05, 0.05), (0.2, 0.3, 0.5, 0.0), (0.995, 0.0, 0.005, 0.0), NAN], np.float32
)


def withheld(it_is: bool) -> SimpleNamespace:
    """What the gate finds, as far as `by_slice` looks."""
    return SimpleNamespace(withheld="no head" if it_is else "")


def slices(*greys: float) -> list[Scan]:
    """One slice per grey: half of it that bright, so that only a grey of 0 is blank."""
    half = np.r_[np.ones((16, 32)), np.zeros((16, 32))].astype(np.float32)
    return [Scan(half * grey, "a" * 64, index=place, count=len(greys)) for place, grey in enumerate(greys)]


@pytest.fixture(scope="module")
def model():
    """Its first logit is four times the mean of the upper half, the second 0."""
    spec = InputSpec(32, 32, 1, crop=False)
    return model_of(mean_of((slice(0, 16), slice(0, 32)), scale=4.0), input=spec, classes=("glioma", "notumor"))


def test_every_slice_gets_its_own_prediction_and_a_blank_one_none(model):
    """The sigmoid of 4 times the grey: the difference of the two logits."""
    greys = (0, *np.linspace(0.1, 1, 3 * CHUNK - 5), 0)
    p = by_slice(model, slices(*greys))
    assert np.isnan(p[[0, -1]]).all()
    np.testing.assert_allclose(p[1:-1, 0], 1 / (1 + np.exp(-4 * np.array(greys[1:-1]))), atol=1e-4)
    np.testing.assert_allclose(p[1:-1].sum(axis=1), 1, atol=1e-6)


def test_progress_is_reported_and_a_cancel_stops_between_two_chunks(model):
    shares = []
    counted, calls = counting(model)
    with pytest.raises(Cancelled):
        by_slice(counted, slices(*[0.5] * 4 * CHUNK), shares.append, lambda: len(shares) == 2)
    assert shares == [0.25, 0.5] and calls == [CHUNK, CHUNK]


def test_the_gate_sees_the_slices_of_a_chunk_after_its_look_at_the_cancel_and_not_all_before(model, monkeypatch):
    checked, shares = [], []
    monkeypatch.setattr(slice_probabilities, "check_picture", lambda scan: checked.append(scan) or withheld(False))
    with pytest.raises(Cancelled):
        by_slice(model, slices(*[0.5] * 4 * CHUNK), shares.append, lambda: len(shares) == 1)
    assert shares == [0.25] and len(checked) == CHUNK


def test_a_chunk_that_the_gate_withholds_as_a_whole_counts_as_done(model, monkeypatch):
    shares = []
    monkeypatch.setattr(slice_probabilities, "check_picture", lambda scan: withheld(True))
    p = by_slice(model, slices(*[0.5] * 2 * CHUNK), shares.append)
    assert shares == [0.5, 1] and np.isnan(p).all()


def test_a_broken_network_is_one_sentence():
    with pytest.raises(ModelError, match="not finite"):
        by_slice(model_of(broken()), slices(0.5))


def test_the_key_of_a_series_depends_on_slices_order_plane_and_model(model):
    some, other = slices(0.5, 0.6), slices(0.5, 0.6)[::-1]
    again = series_key(slices(0.5, 0.6), model)
    assert series_key(some, model) == again != series_key(other, model)
    assert again != series_key(some, model_of(mean_of((slice(0, 1),) * 2), weights_sha256="1" * 64))
    wide = replace(model.card.input, value_range=(-1.0, 1.0))
    for changes in ({"temperature": 2.0}, {"input": wide}, {"imported": {"mean": "0.5"}}, {"id": "another"}):
        assert again != series_key(some, replace(model, card=replace(model.card, **changes))), changes


def test_the_classes_drawn_are_those_that_rise_highest_in_their_own_order():
    assert leading(P, 2) == [0, 2]
    assert leading(P, 9) == [0, 1, 2, 3]


def test_each_tumour_has_its_highest_slice_and_no_tumour_has_none():
    assert peaks(P, CLASSES) == {0: 4, 1: 3, 3: 1}
    assert list(peaks(P, CLASSES, most=2)) == [0, 1]


def test_the_predictions_are_counted_the_most_frequent_first_and_the_blank_slices_too():
    sentence = count_sentence(P, NAMES)
    assert re.findall(r"\d+", sentence) == ["4", "3", "1", "2"] and "blank" in sentence
    assert sentence.index("Glioma on 3") < sentence.index("No tumour on 1")
    assert re.findall(r"\d+", count_sentence(P[1:2], NAMES)) == ["1", "1"]
    assert re.findall(r"\d+", count_sentence(P[:1], NAMES)) == ["0", "1"]


def test_the_text_alternative_of_the_chart_has_the_peak_of_each_line():
    sentence = course_sentence(P, NAMES, [0, 2])
    assert "6 slices" in sentence and "Meningioma" not in sentence
    for words in ("Glioma peaks at slice 5 with over 99 %", "No tumour peaks at slice 4 with 50 %"):
        assert words in sentence


def test_the_table_has_one_row_per_slice():
    table = as_table(P, NAMES, [0, 2])
    assert len(table) == 6
    assert table[0] == {"Slice": "1", "Prediction": "not predicted", "Glioma": "", "No tumour": ""}
    assert table[3] == {"Slice": "4", "Prediction": "No tumour", "Glioma": "20 %", "No tumour": "50 %"}
