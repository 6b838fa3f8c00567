"""Near-duplicates are found, mirror images and turned copies included, and stay together."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.near_duplicates import (
    GROUP_RULES,
    POSITIONS,
    SIDE,
    Prints,
    bits_apart,
    correlations,
    find_near_duplicates,
    near_duplicate_pairs,
    positioned,
    print_of,
    with_groups,
    with_near_duplicate_flag,
)
from datasets.records import Record
from scans import PHANTOM_KINDS, Scan, phantom

EVERY = range(len(POSITIONS))
AS_IS, MIRRORED = POSITIONS.index("as is"), POSITIONS.index("mirrored")


def prints_of(*pictures: np.ndarray) -> Prints:
    bits, thumbs = zip(*(print_of(Scan(picture, digest="")) for picture in pictures), strict=True)
    return Prints(np.stack(bits), np.stack(thumbs))


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    return phantom("glioma", 1, 200).scan.pixels


def pairs(a: Prints, b: Prints, **settings) -> set:
    return {tuple(pair) for pair in near_duplicate_pairs(a, b, **settings).tolist()}


def test_a_scan_a_copy_and_a_mirror_image_are_near_duplicates_and_another_head_is_not(head):
    other = phantom("notumor", 2, 200).scan.pixels
    rng = np.random.default_rng(0)
    noisy = np.clip(head + rng.normal(0, 0.01, head.shape), 0, 1).astype(np.float32)
    found = pairs(prints_of(head), prints_of(head, noisy, head[:, ::-1], other))
    assert found == {(0, 0, AS_IS), (0, 1, AS_IS), (0, 2, MIRRORED)}


@pytest.mark.parametrize("position", EVERY, ids=POSITIONS)
def test_a_copy_in_any_position_is_a_near_duplicate_in_both_orders(head, position):
    """The position found is that in which the second equals the first; turned by 90° one way is 270° the other."""
    there = prints_of(positioned(head, position))
    back = {1: 3, 3: 1}.get(position, position)
    assert pairs(there, prints_of(head)) == {(0, 0, position)}
    assert pairs(prints_of(head), there) == {(0, 0, back)}


@pytest.mark.parametrize("position", EVERY, ids=POSITIONS)
def test_a_position_is_undone_by_the_one_that_pairs_are_searched_in(position):
    """Quarter turns undo each other; a mirror image undoes itself, turned or not: not by turning it back."""
    picture = np.arange(6).reshape(2, 3)
    undoing = [other for other in EVERY if np.array_equal(positioned(positioned(picture, position), other), picture)]
    assert undoing == [{1: 3, 3: 1}.get(position, position)]


def test_positions_are_what_their_names_say():
    """Worked out by hand: turns go against the clock, and mirroring comes before turning."""
    picture = np.array([[1, 2], [3, 4]])
    expected = {
        "as is": [[1, 2], [3, 4]],
        "turned by 90°": [[2, 4], [1, 3]],
        "turned by 180°": [[4, 3], [2, 1]],
        "turned by 270°": [[3, 1], [4, 2]],
        "mirrored": [[2, 1], [4, 3]],
        "mirrored and turned by 90°": [[1, 3], [2, 4]],
        "mirrored and turned by 180°": [[3, 4], [1, 2]],
        "mirrored and turned by 270°": [[4, 2], [3, 1]],
    }
    assert {name: positioned(picture, i).tolist() for i, name in enumerate(POSITIONS)} == expected


def test_many_pictures_are_positioned_as_one_is():
    many = np.random.default_rng(0).integers(0, 9, (5, 4, 3))
    for position in EVERY:
        np.testing.assert_array_equal(positioned(many, position), [positioned(one, position) for one in many])


def test_a_scan_with_another_margin_is_still_a_near_duplicate(head):
    assert pairs(prints_of(head), prints_of(np.pad(head, ((10, 40), (25, 5))))) == {(0, 0, AS_IS)}


def test_a_scan_saved_at_another_size_is_nearer_than_any_other_head(head):
    """The crop moves by a pixel, so a resized copy is not always a near-duplicate; but it is nearer than any other."""
    import cv2

    resized = [cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA) for side in (180, 150, 128)]
    others = [phantom(kind, 7, 200).scan.pixels for kind in PHANTOM_KINDS]
    assert len(near_duplicate_pairs(prints_of(head), prints_of(*resized), rules=((28, 0.85),))) == 3
    assert len(near_duplicate_pairs(prints_of(head), prints_of(*others), rules=((28, 0.85),))) == 0


def test_the_window_a_scan_asks_for_is_what_is_compared(head):
    """The same slice stored with head room, and a window that takes it away again."""
    faint = Scan(0.5 * head, digest="", window=(0.0, 0.5))
    bits, thumb = print_of(faint)
    assert pairs(Prints(bits[None], thumb[None]), prints_of(head)) == {(0, 0, AS_IS)}
    np.testing.assert_array_equal(thumb, prints_of(head).thumbs[0])


def ramp() -> np.ndarray:
    """A square that brightens from left to right, framed by air."""
    return np.pad(np.tile(np.linspace(0.2, 1, 128, dtype=np.float32), (128, 1)), 16)


def test_the_hash_of_a_ramp_is_known_beforehand():
    """Each cell is brighter than its left neighbour, but for those in the margin; mirrored or half turned, darker.

    Turned by a quarter, left and right neighbours are alike, which is no step up either.
    """
    bits = prints_of(ramp()).bits[0]
    up = {name for name, row in zip(POSITIONS, bits, strict=True) if (row == 1).mean() > 0.8}
    down = {name for name, row in zip(POSITIONS, bits, strict=True) if (row == -1).mean() > 0.8}
    assert up == {"as is", "mirrored and turned by 180°"} and up | down == set(POSITIONS)


def one(bits: np.ndarray, thumb: np.ndarray | None = None) -> Prints:
    """One made-up scan, its hash in every position the same."""
    thumb = np.random.default_rng(9).integers(0, 256, (32, 32)) if thumb is None else thumb
    return Prints(np.tile(bits.astype(np.int8), (1, 8, 1)), thumb[None].astype(np.uint8))


def flipped(number: int) -> np.ndarray:
    return np.where(np.arange(SIDE * SIDE) < number, -1, 1)


@pytest.mark.parametrize("number", [0, 1, 6, 7, 128, 256])
def test_the_bits_counted_are_those_that_differ(number):
    a, b = one(flipped(0)), one(flipped(number))
    assert bits_apart(a, b, np.array([[0, 0, AS_IS]])).tolist() == [number]
    assert len(near_duplicate_pairs(a, b, GROUP_RULES)) == (number <= 6)
    assert len(near_duplicate_pairs(a, b, ((number, 0.85),))) == 1


@pytest.mark.parametrize(("position", "back"), [(1, 3), (2, 2), (3, 1), (4, 4), (5, 5), (6, 6), (7, 7)])
def test_either_way_round_will_do(position, back):
    """The hash of `a` turned back matches `b`, but that of `b` turned does not match `a`: 6 bits, not 256."""
    thumb = np.random.default_rng(9).integers(0, 256, (32, 32))
    a, b = one(flipped(0), positioned(thumb, position)), one(flipped(256), thumb)
    a.bits[0, back] = -flipped(6)
    pair = [0, 0, position]
    assert near_duplicate_pairs(a, b).tolist() == [pair]
    assert bits_apart(a, b, np.array([pair])).tolist() == [6]


@pytest.mark.parametrize(
    ("bits", "noise", "near"),
    [(6, 0.3, True), (7, 0.3, False), (7, 0.1, True), (12, 0.1, True), (13, 0.1, False), (6, 2, False)],
)
def test_the_more_bits_differ_the_better_must_the_pixels_agree(bits, noise, near):
    """Noise of 0.3 standard deviations leaves a correlation of 0.96, of 0.1 one of 0.995, of 2 one of 0.45."""
    rng = np.random.default_rng(2)
    thumb, grain = rng.normal(128, 25, (32, 32)), rng.normal(0, 25, (32, 32))
    a, b = one(flipped(0), thumb), one(flipped(bits), np.clip(thumb + noise * grain, 0, 255))
    correlation = correlations(a, b, np.array([[0, 0, AS_IS]]))[0]
    assert correlation == pytest.approx((1 + noise**2) ** -0.5, abs=0.06)
    assert len(near_duplicate_pairs(a, b)) == near


def test_a_pair_is_named_in_the_position_that_keeps_the_first_rule():
    """Turned by a half the pixels fit a little better, but eight bits are apart; as is, six are: groups go by that."""
    thumb = np.random.default_rng(3).normal(128, 25, (32, 32))
    thumb = np.clip(thumb + positioned(thumb, 2) + np.random.default_rng(4).normal(0, 2, (32, 32)) - 128, 0, 255)
    a, b = one(flipped(0), thumb), one(flipped(8), positioned(thumb, 2))
    a.bits[0, 1:] = b.bits[0, 1:] = -1
    b.bits[0, 0], b.bits[0, 2] = flipped(6), flipped(8)
    alike = correlations(a, b, np.array([[0, 0, 0], [0, 0, 2]]))
    assert alike[1] > alike[0] > 0.98
    assert near_duplicate_pairs(a, b).tolist() == [[0, 0, 0]]


def test_equal_bits_with_other_pixels_are_no_near_duplicates():
    rng = np.random.default_rng(0)
    thumb, other = rng.integers(0, 256, (2, 32, 32))
    assert len(near_duplicate_pairs(one(flipped(0), thumb), one(flipped(0), other))) == 0
    assert len(near_duplicate_pairs(one(flipped(0), thumb), one(flipped(0), thumb))) == 1


def test_pixels_are_compared_in_the_position_that_fits_best():
    """Where the bits fit in every position, the pixels say which it is, and the pair is named once."""
    thumb = np.random.default_rng(0).integers(0, 256, (32, 32))
    for position in EVERY:
        found = near_duplicate_pairs(one(flipped(0), positioned(thumb, position)), one(flipped(0), thumb))
        assert found.tolist() == [[0, 0, position]]


def test_correlation_is_that_of_pearson_whatever_the_brightness():
    rng = np.random.default_rng(1)
    thumb, other = rng.integers(0, 128, (2, 32, 32))
    b = Prints(np.ones((4, 8, 256), np.int8), np.stack([thumb, 2 * thumb, 255 - thumb, other]).astype(np.uint8))
    rows = np.array([[0, j, AS_IS] for j in range(4)])
    expected = [1, 1, -1, np.corrcoef(thumb.ravel(), other.ravel())[0, 1]]
    np.testing.assert_allclose(correlations(one(flipped(0), thumb), b, rows), expected, atol=1e-5)


def test_a_flat_picture_correlates_with_nothing():
    flat = one(flipped(0), np.full((32, 32), 7))
    assert correlations(flat, flat, np.array([[0, 0, AS_IS]])).tolist() == [0]


def test_prints_are_indexed_like_the_scans_they_are_of():
    prints = apart(5)
    assert len(prints) == 5 and len(prints[np.array([True, False, True, False, False])]) == 2
    chosen = prints[[4, 1]]
    np.testing.assert_array_equal(chosen.bits, prints.bits[[4, 1]])
    np.testing.assert_array_equal(chosen.thumbs, prints.thumbs[[4, 1]])


def test_no_scans_have_no_near_duplicates():
    assert (
        near_duplicate_pairs(apart(3), apart(3)[:0]).shape
        == near_duplicate_pairs(apart(3)[:0], apart(3)).shape
        == (0, 3)
    )


def test_more_scans_than_are_compared_at_once_find_the_same_pairs(monkeypatch):
    prints = apart(7)
    prints = prints[[0, 1, 2, 3, 4, 5, 6, 2, 6]]
    whole = pairs(prints, prints)
    monkeypatch.setattr("datasets.near_duplicates._ROWS", 2)
    assert (
        pairs(prints, prints) == whole == {(i, j, 0) for i in range(9) for j in range(9) if original(i) == original(j)}
    )


def original(row: int) -> int:
    return {7: 2, 8: 6}.get(row, row)


def records(*labels: str, **fields) -> list[Record]:
    return [Record(f"r{i}", label, **fields) for i, label in enumerate(labels)]


def apart(number: int) -> Prints:
    """Prints so far apart that no two are near-duplicates."""
    rng = np.random.default_rng(0)
    bits = rng.choice(np.array([-1, 1], np.int8), (number, 8, 256))
    return Prints(bits, rng.integers(0, 256, (number, 32, 32)).astype(np.uint8))


def test_near_duplicates_of_near_duplicates_share_a_group():
    """Six bits lie between neighbours of the chain, twelve between its ends: still one group."""
    prints = apart(4)[[0, 0, 0, 3]]
    prints.bits[1, :, :6] *= -1
    prints.bits[2, :, :12] *= -1
    close = pairs(prints, prints, rules=GROUP_RULES)
    assert close >= {(0, 1, 0), (1, 2, 0)} and (0, 2, 0) not in close
    groups = [
        record.group for record in with_groups(records("a", "a", "a", "a"), find_near_duplicates(prints).close_rows)
    ]
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_a_turned_copy_shares_the_group_of_its_original(head):
    prints = prints_of(head, phantom("notumor", 2, 200).scan.pixels, positioned(head, 2), positioned(head, 5))
    groups = [
        record.group for record in with_groups(records("a", "b", "a", "a"), find_near_duplicates(prints).close_rows)
    ]
    assert groups[0] == groups[2] == groups[3] != groups[1]


def test_slices_of_one_patient_share_a_group():
    grouped = with_groups(
        [Record("1", "a", patient="p"), Record("2", "a", patient="q"), Record("3", "b", patient="p")],
        find_near_duplicates(apart(3)).close_rows,
    )
    assert grouped[0].group == grouped[2].group != grouped[1].group


def test_neighbouring_numbers_stand_in_for_patients_where_none_are_known():
    numbered = [Record(str(n), "a", number=n) for n in (1, 9, 10, 19, 20)]
    groups = [record.group for record in with_groups(numbered, find_near_duplicates(apart(5)).close_rows, block=10)]
    assert groups[0] == groups[1] != groups[2] == groups[3] != groups[4]


def test_without_blocks_every_number_is_alone():
    numbered = [Record(str(n), "a", number=n) for n in (1, 2)]
    assert len({record.group for record in with_groups(numbered, find_near_duplicates(apart(2)).close_rows)}) == 2


def test_only_test_scans_get_the_flag_and_validation_counts_as_training():
    prints = apart(4)[[0, 1, 0, 1]]
    flagged = with_near_duplicate_flag(
        [Record(s + str(i), "a", split=s) for i, s in enumerate(["train", "val", "test", "test"])],
        find_near_duplicates(prints),
    )
    assert [record.near_duplicate for record in flagged] == [False, False, True, True]
    lonely = with_near_duplicate_flag(
        [Record("t", "a", split="train"), Record("u", "a", split="test")], find_near_duplicates(apart(2))
    )
    assert [record.near_duplicate for record in lonely] == [False, False]


def test_a_scan_left_out_of_training_does_not_count_as_training():
    two = [Record("t", "a", split="left out"), Record("u", "a", split="test")]
    duplicates = find_near_duplicates(apart(2)[[0, 0]])
    assert not with_near_duplicate_flag(two, duplicates)[1].near_duplicate
    assert with_near_duplicate_flag([replace(two[0], split="train"), two[1]], duplicates)[1].near_duplicate


def test_the_pairs_among_some_scans_are_those_found_in_them_alone():
    prints = apart(5)[[0, 1, 0, 2, 1, 0]]
    prints.bits[5, :, :9] *= -1
    chosen = np.array([True, False, True, True, False, True])
    part, anew = find_near_duplicates(prints).among(chosen), find_near_duplicates(prints[chosen])
    assert part.rows.tolist() == anew.rows.tolist() and part.close.tolist() == anew.close.tolist()
    assert not part.close.all()
    assert find_near_duplicates(prints).of(np.arange(6) == 4).tolist() == [False, True, False, False, True, False]
