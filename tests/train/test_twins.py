"""Near-duplicates are found, mirror images included, and stay together."""

import numpy as np
import pytest

from scans import PHANTOM_KINDS, Scan, phantom
from train.records import Record
from train.twins import hash_scan, twin_pairs, with_groups, with_twins


def hashes_of(*pictures: np.ndarray) -> np.ndarray:
    return np.stack([hash_scan(Scan(picture, digest="")) for picture in pictures])


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    return phantom("glioma", 1, 200).scan.pixels


def pairs(a, b) -> set:
    return {tuple(pair) for pair in twin_pairs(a, b).tolist()}


def test_a_scan_a_copy_and_a_mirror_image_are_twins_and_another_head_is_not(head):
    other = phantom("notumor", 2, 200).scan.pixels
    rng = np.random.default_rng(0)
    noisy = np.clip(head + rng.normal(0, 0.01, head.shape), 0, 1).astype(np.float32)
    found = pairs(hashes_of(head), hashes_of(head, noisy, head[:, ::-1], other))
    assert found == {(0, 0), (0, 1), (0, 2)}


def test_a_scan_with_another_margin_is_still_a_twin(head):
    assert pairs(hashes_of(head), hashes_of(np.pad(head, ((10, 40), (25, 5))))) == {(0, 0)}


def test_a_scan_saved_at_another_size_is_nearer_than_any_other_head(head):
    """The crop moves by a pixel, so a resized copy is not always a twin; but it is no stranger either."""
    import cv2

    resized = [cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA) for side in (180, 150, 128)]
    others = [phantom(kind, 7, 200).scan.pixels for kind in PHANTOM_KINDS]
    assert len(twin_pairs(hashes_of(head), hashes_of(*resized), bits=28)) == 3
    assert len(twin_pairs(hashes_of(head), hashes_of(*others), bits=28)) == 0


def test_the_bits_counted_are_those_that_differ():
    a = np.ones((1, 2, 256), np.int8)
    six, seven = a.copy(), a.copy()
    six[0, :, :6], seven[0, :, :7] = -1, -1
    assert len(twin_pairs(a, six)) == 1 and len(twin_pairs(a, seven)) == 0
    assert len(twin_pairs(a, seven, bits=7)) == 1


def records(*labels: str, **fields) -> list[Record]:
    return [Record(f"r{i}", label, **fields) for i, label in enumerate(labels)]


def apart(number: int) -> np.ndarray:
    """Hashes so far apart that no two are twins."""
    rng = np.random.default_rng(0)
    return rng.choice(np.array([-1, 1], np.int8), (number, 2, 256))


def test_twins_of_twins_share_a_group():
    """Six bits lie between neighbours of the chain, twelve between its ends: still one group."""
    bits = apart(4)
    bits[1], bits[2] = bits[0], bits[0]
    bits[1, :, :6] *= -1
    bits[2, :, :12] *= -1
    groups = [record.group for record in with_groups(records("a", "a", "a", "a"), bits)]
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_slices_of_one_patient_share_a_group():
    grouped = with_groups(
        [Record("1", "a", patient="p"), Record("2", "a", patient="q"), Record("3", "b", patient="p")], apart(3)
    )
    assert grouped[0].group == grouped[2].group != grouped[1].group


def test_neighbouring_numbers_stand_in_for_patients_where_none_are_known():
    numbered = [Record(str(n), "a", number=n) for n in (1, 9, 10, 19, 20)]
    groups = [record.group for record in with_groups(numbered, apart(5), block=10)]
    assert groups[0] == groups[1] != groups[2] == groups[3] != groups[4]


def test_without_blocks_every_number_is_alone():
    numbered = [Record(str(n), "a", number=n) for n in (1, 2)]
    assert len({record.group for record in with_groups(numbered, apart(2))}) == 2


def test_only_test_scans_are_marked_and_validation_counts_as_seen():
    bits = apart(4)
    bits[2], bits[3] = bits[0], bits[1]
    marked = with_twins(
        [Record(s + str(i), "a", split=s) for i, s in enumerate(["train", "val", "test", "test"])], bits
    )
    assert [record.twin for record in marked] == [False, False, True, True]
    lonely = with_twins([Record("t", "a", split="train"), Record("u", "a", split="test")], apart(2))
    assert [record.twin for record in lonely] == [False, False]
