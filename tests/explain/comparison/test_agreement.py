"""The agreement of maps, worked out by hand."""

import numpy as np
import pytest

from explain.comparison.agreement import (
    BOTH,
    COLOURS,
    FIRST,
    NEITHER,
    SECOND,
    agreement,
    agreement_sentence,
    head_of,
    overlap,
    overlap_by_chance,
    overlap_map,
    strongest,
)
from scans import Scan, phantom

EVERYWHERE = np.ones((10, 10), bool)
RISING = np.arange(100, dtype=np.float32).reshape(10, 10)


def test_a_map_agrees_with_itself_and_with_any_that_orders_the_pixels_alike():
    matrix = agreement({"a": RISING, "b": RISING**3, "c": RISING[::-1, ::-1]}, EVERYWHERE)
    np.testing.assert_allclose(matrix, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-9)


def test_three_pixels_have_the_correlation_of_the_textbook():
    # ranks 1 2 3 and 1 3 2: 1 - 6 * (0 + 1 + 1) / (3 * 8) = 0.5
    maps = {"a": np.array([[1.0, 2.0, 3.0]]), "b": np.array([[1.0, 9.0, 4.0]])}
    assert agreement(maps, np.ones((1, 3), bool))[0, 1] == pytest.approx(0.5)


def test_what_lies_outside_the_head_is_not_compared():
    head = EVERYWHERE.copy()
    head[:, 5:] = False
    other = RISING.copy()
    other[:, 5:] = np.random.default_rng(0).random((10, 5)) * 1000
    assert agreement({"a": RISING, "b": other}, head)[0, 1] == pytest.approx(1)


def test_evidence_against_the_class_is_no_evidence_for_it():
    signed = RISING - 50
    matrix = agreement({"a": signed, "b": np.maximum(signed, 0)}, EVERYWHERE)
    assert matrix[0, 1] == pytest.approx(1)


def test_a_map_that_says_nothing_agrees_with_none():
    matrix = agreement({"a": RISING, "b": np.zeros_like(RISING), "c": -RISING}, EVERYWHERE)
    assert matrix[0, 0] == pytest.approx(1) and np.isnan(matrix[0, 1:]).all() and np.isnan(matrix[1:, 1:]).all()


def test_unrelated_noise_hardly_correlates_and_a_large_scan_is_sampled():
    rng = np.random.default_rng(1)
    large = {name: rng.random((1600, 1200), dtype=np.float32) for name in "ab"}
    matrix = agreement(large, np.ones((1600, 1200), bool))
    assert abs(matrix[0, 1]) < 0.02 and matrix[0, 0] == pytest.approx(1)


def test_the_strongest_tenth_is_a_tenth_of_the_head():
    assert np.flatnonzero(strongest(RISING, EVERYWHERE, 0.1)).tolist() == list(range(90, 100))
    head = EVERYWHERE.copy()
    head[9] = False
    assert np.flatnonzero(strongest(RISING, head, 0.1)).tolist() == list(range(81, 90))


def test_pixels_that_tie_are_all_in_and_those_without_evidence_never_are():
    assert strongest((RISING >= 70).astype(np.float32), EVERYWHERE, 0.1).sum() == 30
    assert strongest(np.eye(10), EVERYWHERE, 0.5).sum() == 10
    assert not strongest(-RISING, EVERYWHERE).any()


@pytest.mark.parametrize("share", [0, -0.1, 1.01])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="above 0, up to 1"):
        strongest(RISING, EVERYWHERE, share)


def test_the_overlap_is_what_both_mark_of_what_either_marks():
    assert overlap(RISING, RISING, EVERYWHERE) == 1
    assert overlap(RISING, RISING[::-1], EVERYWHERE) == 0
    first, second = np.zeros((10, 10)), np.zeros((10, 10))
    first[0, :10], second[0, 5:], second[1, :5] = 1, 1, 1
    assert overlap(first, second, EVERYWHERE) == pytest.approx(5 / 15)
    assert np.isnan(overlap(first, np.zeros((10, 10)), EVERYWHERE))


def test_the_picture_says_which_of_the_two_marks_a_pixel():
    first, second = np.zeros((10, 10)), np.zeros((10, 10))
    first[0, :10], second[0, 5:], second[1, :5] = 1, 1, 1
    found = overlap_map(first, second, EVERYWHERE)
    assert (found[0, :5] == FIRST).all() and (found[0, 5:] == BOTH).all() and (found[1, :5] == SECOND).all()
    assert (found == NEITHER).sum() == 85


def test_unrelated_maps_overlap_as_much_as_chance_says():
    rng = np.random.default_rng(2)
    maps = [rng.random((400, 400)) for _ in range(2)]
    found = overlap(*maps, np.ones((400, 400), bool), 0.2)
    assert found == pytest.approx(overlap_by_chance(0.2), abs=0.01)  # 0.04 / 0.36


@pytest.mark.parametrize(
    ("heat", "head", "words"),
    [
        (np.zeros((3, 3)), EVERYWHERE, "scan's pixels"),
        (np.full((10, 10), np.nan), EVERYWHERE, "not finite"),
        (RISING, EVERYWHERE.astype(np.uint8), "bool"),
        (RISING, ~EVERYWHERE, "not empty"),
    ],
)
def test_what_cannot_be_compared_is_refused(heat, head, words):
    with pytest.raises(ValueError, match=words):
        agreement({"a": heat}, head)


def test_the_head_is_that_of_the_scan_and_all_of_a_scan_without_one():
    sample = phantom("glioma", 1).scan
    assert 0.2 < head_of(sample).mean() < 0.9
    assert head_of(Scan(np.zeros((40, 50), np.float32), "0" * 64)).all()


def test_the_sentence_names_the_pairs_that_agree_most_and_least():
    matrix = np.array([[1, 0.9, -0.2], [0.9, 1, 0.5], [-0.2, 0.5, 1]])
    sentence = agreement_sentence(matrix, ("A", "B", "C"), "the methods")
    assert "the methods agree partly" in sentence
    assert sentence.index("A and B (0.90)") < sentence.index("A and C (\N{MINUS SIGN}0.20)")
    pair = agreement_sentence(matrix[:2, :2], ("A", "B"), "the models")
    assert "A and B agree closely" in pair and "0.90" in pair and "the models" not in pair
    assert "Fewer than two" in agreement_sentence(np.array([[1, np.nan], [np.nan, 1]]), ("A", "B"), "the models")


def test_the_three_colours_keep_apart_in_lightness_or_hue_without_red_or_green_cones():
    # Machado et al. 2009, full deficiency: protan, deutan.
    protan = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    deutan = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    linear = np.array([(np.array(colour) / 255) ** 2.2 for colour in COLOURS.values()])
    for matrix in (protan, deutan):
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        assert min(np.abs(seen[i] - seen[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 0.25
