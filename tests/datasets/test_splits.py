"""No group stands on two sides, every class is on each, and a seed decides."""

from collections import Counter
from dataclasses import replace

import pytest

from datasets.records import DatasetError, Record
from datasets.splits import split


def pool(published: bool) -> list[Record]:
    """600 scans of three classes in groups of three; a publisher's test split of 150 if asked for."""
    records = [Record(str(i), "abc"[i % 3], group=f"g{i // 9}-{i % 3}") for i in range(600)]
    if published:
        return [replace(r, split="test" if i >= 450 else "train") for i, r in enumerate(records)]
    return records


@pytest.mark.parametrize("published", [True, False])
def test_no_group_stands_in_two_of_the_splits_made_here(published):
    done = split(pool(published), val=0.1, test=0.2, seed=0)
    sides = {}
    for record in done:
        if not (published and record.split == "test"):
            sides.setdefault(record.group, set()).add(record.split)
    assert all(len(splits) == 1 for splits in sides.values())


@pytest.mark.parametrize("published", [True, False])
def test_shares_are_of_the_whole_and_every_class_is_everywhere(published):
    done = split(pool(published), val=0.1, test=0.2, seed=0)
    sizes = Counter(record.split for record in done)
    assert sizes["val"] / 600 == pytest.approx(0.1, abs=0.03)
    assert sizes["test"] / 600 == pytest.approx(0.25 if published else 0.2, abs=0.03)
    by_class = Counter((record.split, record.label) for record in done)
    for name in ("train", "val", "test"):
        numbers = [by_class[name, label] for label in "abc"]
        assert max(numbers) < 1.3 * min(numbers)


def test_the_publisher_s_test_split_is_kept():
    before = pool(True)
    after = split(before, val=0.1, test=0.2, seed=0)
    assert {r.id for r in after if r.split == "test"} == {r.id for r in before if r.split == "test"}


def test_a_seed_decides():
    chosen = [[r.split for r in split(pool(False), val=0.1, test=0.2, seed=seed)] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_a_class_in_too_few_groups_is_refused_with_the_number():
    records = [Record(str(i), "a", group=f"g{i}") for i in range(50)] + [Record("x", "b", group="gx")]
    with pytest.raises(DatasetError, match="class b has only 1 independent groups"):
        split(records, val=0.1, test=0.2, seed=0)
