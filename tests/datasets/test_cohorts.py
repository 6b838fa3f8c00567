"""Collections are divided alike in every task, pooled without leaks, and speak one language of classes."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.cards import DATASETS
from datasets.cohorts import COHORTS, LEFT_OUT, chosen_cohorts, divided
from datasets.label_map import FOUR_OF_FIFTEEN, common_label
from datasets.near_duplicates import Prints, Twins, twins_among, with_groups
from datasets.records import Record
from datasets.splits import split

FOUR = tuple(DATASETS["pooled4"].classes)
SHARES = {"val": 0.1, "test": 0.2, "seed": 0, "block": 0}


def prints(number: int, seed: int = 0) -> Prints:
    """Prints so far apart that no two are twins."""
    rng = np.random.default_rng(seed)
    bits = rng.choice(np.array([-1, 1], np.int8), (number, 8, 256))
    return Prints(bits, rng.integers(0, 255, (number, 32, 32)).astype(np.uint8))


def pool(*cohorts: str, each: int = 120) -> list[Record]:
    return [Record(f"{c}/{i}", "ab"[i % 2], cohort=c) for c in cohorts for i in range(each)]


def test_a_collection_is_divided_alike_alone_and_in_a_pool():
    records, looks = pool("x", "y"), prints(240)
    together = {r.id: r.split for r in divided(records, twins_among(looks), **SHARES)}
    alone = split(with_groups(records[120:], twins_among(looks[np.arange(120, 240)])), val=0.1, test=0.2, seed=0)
    assert {r.id: r.split for r in alone} == {r.id: together[r.id] for r in alone}


def test_a_training_scan_that_is_a_twin_of_another_collections_test_scan_is_left_out():
    records, looks = pool("x", "y"), prints(240)
    plain = divided(records, twins_among(looks), **SHARES)
    test = next(i for i, r in enumerate(plain) if r.cohort == "x" and r.split == "test")
    train = next(i for i, r in enumerate(plain) if r.cohort == "y" and r.split == "train")
    bits, thumbs = looks.bits.copy(), looks.thumbs.copy()
    bits[train], thumbs[train] = bits[test], thumbs[test]
    done = divided(records, twins_among(Prints(bits, thumbs)), **SHARES)
    assert done[train].split == LEFT_OUT
    assert [r.split for i, r in enumerate(done) if i != train] == [r.split for i, r in enumerate(plain) if i != train]


def further_twins(looks: Prints, i: int, j: int) -> Twins:
    """Scan `i` made a twin of scan `j` by the pixels, nine bits apart: too far to share its group."""
    bits, thumbs = looks.bits.copy(), looks.thumbs.copy()
    bits[i], thumbs[i] = bits[j], thumbs[j]
    bits[i, :, :9] *= -1
    return twins_among(Prints(bits, thumbs))


@pytest.mark.parametrize("held_out", ["val", "test"])
def test_a_training_scan_that_is_a_further_twin_of_its_own_collections_held_out_scans_is_left_out(held_out):
    records, looks = pool("x"), prints(120)
    plain = divided(records, twins_among(looks), **SHARES)
    train, other = (next(i for i, r in enumerate(plain) if r.split == name) for name in ("train", held_out))
    done = divided(records, further_twins(looks, train, other), **SHARES)
    assert done[train].split == LEFT_OUT and done[other].split == held_out
    assert sum(one != two for one, two in zip(done, plain, strict=True)) == 1
    grouped_only = divided(records, further_twins(looks, train, other), **SHARES, close_only=True)
    assert grouped_only[train].split == "train"


def test_a_publishers_own_test_split_keeps_its_twins_in_training_and_they_are_marked():
    records = [replace(r, split="test" if i >= 90 else "train") for i, r in enumerate(pool("x"))]
    looks = prints(120)
    train = next(i for i, r in enumerate(divided(records, twins_among(looks), **SHARES)) if r.split == "train")
    done = divided(records, further_twins(looks, train, 100), **SHARES)
    assert done[train].split == "train"
    assert [i for i, r in enumerate(done) if r.twin] == [100]


def test_groups_of_two_collections_never_share_a_name():
    done = divided(pool("x", "y"), twins_among(prints(240)), **SHARES)
    groups = {c: {r.group for r in done if r.cohort == c} for c in "xy"}
    assert not groups["x"] & groups["y"]


@pytest.mark.parametrize(("own", "four"), sorted(FOUR_OF_FIFTEEN.items()))
def test_the_fifteen_classes_name_kinds_of_the_four(own, four):
    assert own in DATASETS["44c15"].classes and four in FOUR
    assert common_label(own, FOUR) == four


def test_a_class_that_a_model_does_not_know_has_no_common_label():
    assert common_label("schwannoma", FOUR) == "" and common_label("pituitary", ("glioma", "meningioma")) == ""


def test_a_class_of_its_own_is_not_folded_into_a_wider_one():
    fifteen = tuple(DATASETS["44c15"].classes)
    assert common_label("astrocytoma", fifteen) == "astrocytoma"
    assert common_label("notumor", fifteen) == "normal" and common_label("glioma", fifteen) == ""


def test_cohorts_are_chosen_by_name():
    assert chosen_cohorts("all") == list(COHORTS) and chosen_cohorts("44c, kaggle") == ["44c", "kaggle"]
    with pytest.raises(ValueError, match="no cohort 'figshar'; cohorts takes all, or some of kaggle"):
        chosen_cohorts("figshar")


def test_the_real_collections_leak_nothing_into_a_pool(data_folder):
    """No training scan of the pool is a twin of a held-out scan, but for the Kaggle set's own official split."""
    from datasets.near_duplicates import twin_pairs
    from train.pipeline import gather
    from train.recipe import find_recipe

    recipe, _ = find_recipe("candor-pooled4")
    scans = gather(replace(recipe, limit=120), data_folder)
    used = np.array([r.split == "train" for r in scans.records])
    held = np.array([r.split in ("val", "test") for r in scans.records])
    train, out = np.flatnonzero(used), np.flatnonzero(held)
    for i, j, _ in twin_pairs(scans.prints[used], scans.prints[held]):
        one, other = scans.records[train[i]], scans.records[out[j]]
        assert one.cohort == other.cohort == "kaggle" and other.split == "test" and other.twin
