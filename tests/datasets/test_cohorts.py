"""Collections are split alike in every task, pooled without leakage, and share one label map."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from datasets.cards import DATASETS
from datasets.cohorts import (
    LEFT_OUT,
    POOLED_COHORTS,
    chosen_cohorts,
    of_cohorts,
    read_whole_cohort,
    split_cohorts,
)
from datasets.label_map import FOUR_OF_FIFTEEN, common_label
from datasets.near_duplicates import NearDuplicates, Prints, find_near_duplicates, with_groups
from datasets.records import DatasetError, Record
from datasets.splits import split
from tests.datasets.small_collections import EACH, draw_small_collections

FOUR = tuple(DATASETS["pooled4"].classes)
SHARES = {"val": 0.1, "test": 0.2, "seed": 0, "block": 0}


def prints(number: int, seed: int = 0) -> Prints:
    """Prints so far apart that no two are near-duplicates."""
    rng = np.random.default_rng(seed)
    bits = rng.choice(np.array([-1, 1], np.int8), (number, 8, 256))
    return Prints(bits, rng.integers(0, 255, (number, 32, 32)).astype(np.uint8))


def pool(*cohorts: str, each: int = 120) -> list[Record]:
    return [Record(f"{c}/{i}", "ab"[i % 2], cohort=c) for c in cohorts for i in range(each)]


def test_a_collection_is_split_alike_alone_and_in_a_pool():
    records, fingerprints = pool("x", "y"), prints(240)
    together = {r.id: r.split for r in split_cohorts(records, find_near_duplicates(fingerprints), **SHARES)}
    alone = split(
        with_groups(records[120:], find_near_duplicates(fingerprints[np.arange(120, 240)]).close_rows),
        val=0.1,
        test=0.2,
        seed=0,
    )
    assert {r.id: r.split for r in alone} == {r.id: together[r.id] for r in alone}


def test_a_training_scan_that_is_a_near_duplicate_of_another_collections_test_scan_is_left_out():
    records, fingerprints = pool("x", "y"), prints(240)
    plain = split_cohorts(records, find_near_duplicates(fingerprints), **SHARES)
    test = next(i for i, r in enumerate(plain) if r.cohort == "x" and r.split == "test")
    train = next(i for i, r in enumerate(plain) if r.cohort == "y" and r.split == "train")
    bits, thumbs = fingerprints.bits.copy(), fingerprints.thumbs.copy()
    bits[train], thumbs[train] = bits[test], thumbs[test]
    done = split_cohorts(records, find_near_duplicates(Prints(bits, thumbs)), **SHARES)
    assert done[train].split == LEFT_OUT
    assert [r.split for i, r in enumerate(done) if i != train] == [r.split for i, r in enumerate(plain) if i != train]


@pytest.mark.parametrize("splits", [("test", "test"), ("val", "train")])
def test_a_picture_in_two_collections_is_one_group_in_whatever_splits_it_lies(splits):
    """So that a bootstrap over groups takes it once; the groups and splits of all others stay."""
    records, fingerprints = pool("x", "y"), prints(240)
    plain = split_cohorts(records, find_near_duplicates(fingerprints), **SHARES)
    assert not {r.group for r in plain if r.cohort == "x"} & {r.group for r in plain if r.cohort == "y"}
    one = next(i for i, r in enumerate(plain) if r.cohort == "x" and r.split == splits[0])
    other = next(i for i, r in enumerate(plain) if r.cohort == "y" and r.split == splits[1])
    bits, thumbs = fingerprints.bits.copy(), fingerprints.thumbs.copy()
    bits[other], thumbs[other] = bits[one], thumbs[one]
    done = split_cohorts(records, find_near_duplicates(Prints(bits, thumbs)), **SHARES)
    assert done[one].group == done[other].group == plain[one].group
    assert [r.group for i, r in enumerate(done) if i != other] == [r.group for i, r in enumerate(plain) if i != other]
    assert [r.split for i, r in enumerate(done) if i != other] == [r.split for i, r in enumerate(plain) if i != other]


def further_apart(fingerprints: Prints, i: int, j: int) -> NearDuplicates:
    """Scan `i` made a near-duplicate of scan `j` by the pixels, nine bits apart: too far to share its group."""
    bits, thumbs = fingerprints.bits.copy(), fingerprints.thumbs.copy()
    bits[i], thumbs[i] = bits[j], thumbs[j]
    bits[i, :, :9] *= -1
    return find_near_duplicates(Prints(bits, thumbs))


@pytest.mark.parametrize("held_out", ["val", "test"])
def test_a_training_scan_that_is_a_further_near_duplicate_of_its_own_collections_held_out_scans_is_left_out(held_out):
    records, fingerprints = pool("x"), prints(120)
    plain = split_cohorts(records, find_near_duplicates(fingerprints), **SHARES)
    train, other = (next(i for i, r in enumerate(plain) if r.split == name) for name in ("train", held_out))
    done = split_cohorts(records, further_apart(fingerprints, train, other), **SHARES)
    assert done[train].split == LEFT_OUT and done[other].split == held_out
    assert sum(one != two for one, two in zip(done, plain, strict=True)) == 1
    grouped_only = split_cohorts(records, further_apart(fingerprints, train, other), **SHARES, close_only=True)
    assert grouped_only[train].split == "train"


def test_a_publishers_own_test_split_keeps_its_near_duplicates_in_training_and_gets_the_flag():
    records = [replace(r, split="test" if i >= 90 else "train") for i, r in enumerate(pool("x"))]
    fingerprints = prints(120)
    train = next(
        i
        for i, r in enumerate(split_cohorts(records, find_near_duplicates(fingerprints), **SHARES))
        if r.split == "train"
    )
    done = split_cohorts(records, further_apart(fingerprints, train, 100), **SHARES)
    assert done[train].split == "train"
    assert [i for i, r in enumerate(done) if r.near_duplicate] == [100]


def test_groups_of_two_collections_never_share_a_name():
    done = split_cohorts(pool("x", "y"), find_near_duplicates(prints(240)), **SHARES)
    groups = {c: {r.group for r in done if r.cohort == c} for c in "xy"}
    assert not groups["x"] & groups["y"]


@pytest.mark.parametrize(("own", "four"), sorted(FOUR_OF_FIFTEEN.items()))
def test_the_fifteen_classes_name_kinds_of_the_four(own, four):
    assert own in DATASETS["44c15"].classes and four in FOUR
    assert common_label(own, FOUR) == four


def test_a_class_that_a_model_lacks_has_no_common_label():
    assert common_label("schwannoma", FOUR) == "" and common_label("pituitary", ("glioma", "meningioma")) == ""


def test_a_class_of_its_own_is_not_folded_into_a_wider_one():
    fifteen = tuple(DATASETS["44c15"].classes)
    assert common_label("astrocytoma", fifteen) == "astrocytoma"
    assert common_label("notumor", fifteen) == "normal" and common_label("glioma", fifteen) == ""


@pytest.mark.parametrize("card", DATASETS.values(), ids=lambda card: card.task)
def test_the_card_of_all_cohorts_is_the_task_s_own(card):
    assert of_cohorts(card, "all") == card


@pytest.mark.parametrize(
    ("task", "cohorts", "title"),
    [
        ("pooled4", "kaggle,figshare,br35h", "Three pooled datasets (Kaggle, figshare, Br35H; four classes)"),
        ("pooled4", "kaggle, 44c", "Two pooled datasets (Kaggle, 44c; four classes)"),
        ("pooled13", "44c", "One pooled dataset (44c; thirteen classes)"),
    ],
)
def test_the_card_of_some_cohorts_names_no_others(task, cohorts, title):
    assert of_cohorts(DATASETS[task], cohorts) == replace(DATASETS[task], title=title)


def test_a_pool_without_br35h_is_refused_with_the_folder_of_its_scans(tmp_path):
    data = draw_small_collections(tmp_path)
    folder = data / "figshare-brain-tumor" / "notumor"
    assert len(read_whole_cohort("br35h", data)) == EACH
    shutil.rmtree(folder)
    with pytest.raises(DatasetError, match=f"Br35H is missing: .* into {folder}; .* leave br35h out of its cohorts"):
        read_whole_cohort("br35h", data)


def test_cohorts_are_chosen_by_name():
    assert chosen_cohorts("all") == list(POOLED_COHORTS) and chosen_cohorts("44c, kaggle") == ["44c", "kaggle"]
    with pytest.raises(ValueError, match="no cohort 'figshar' to train on; cohorts takes all, or some of kaggle"):
        chosen_cohorts("figshar")
    with pytest.raises(ValueError, match="no cohort 'dementia' to train on"):
        chosen_cohorts("dementia")


@pytest.mark.slow
def test_the_real_collections_have_no_leakage_into_a_pool(data_folder):
    """No training scan of the pool is a near-duplicate of a held-out scan, except in Kaggle's own official split."""
    from datasets.near_duplicates import near_duplicate_pairs
    from train.pipeline import gather
    from train.recipe import find_recipe

    recipe, _ = find_recipe("candor-pooled4")
    scans = gather(replace(recipe, limit=120), data_folder)
    used = np.array([r.split == "train" for r in scans.records])
    held = np.array([r.split in ("val", "test") for r in scans.records])
    train, out = np.flatnonzero(used), np.flatnonzero(held)
    for i, j, _ in near_duplicate_pairs(scans.prints[used], scans.prints[held]):
        one, other = scans.records[train[i]], scans.records[out[j]]
        assert one.cohort == other.cohort == "kaggle" and other.split == "test" and other.near_duplicate
