"""Cohorts: the collections that models are trained or validated on, split without leakage between them.

Each collection is split on its own, with its own labels, so that a scan is in the same split in every task. Then the
collections are put together, and a training scan that is a near-duplicate of a validation or test scan is left out:
the Kaggle set's gliomas are mostly mirrored figshare slices. Only a publisher's own test split keeps its
near-duplicates in training; its scans carry a flag instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from datasets.cards import DATASETS, DatasetCard
from datasets.layouts import BR35H
from datasets.near_duplicates import NearDuplicates, with_groups, with_near_duplicate_flag
from datasets.places import dataset_folder
from datasets.readers import (
    read_44c15,
    read_br35h,
    read_dementia,
    read_figshare3,
    read_kaggle4,
    read_records,
    require_every_class,
)
from datasets.records import DatasetError, Record
from datasets.splits import split
from datasets.view_labels import plane_of

LEFT_OUT = "left out"  # the split of a training scan that is a near-duplicate of a held-out one


@dataclass(frozen=True)
class Cohort:
    """One collection: its short title, the task whose card and folder it has, and its reader."""

    title: str
    task: str
    read: Callable[[Path], list[Record]]
    pooled: bool = True  # False: for external validation alone, never trained on


COHORTS: dict[str, Cohort] = {
    "kaggle": Cohort("Kaggle", "kaggle4", read_kaggle4),
    "figshare": Cohort("figshare", "figshare3", read_figshare3),
    "br35h": Cohort("Br35H", "figshare3", read_br35h),
    "44c": Cohort("44c", "44c15", read_44c15),
    "dementia": Cohort("Dementia", "dementia", read_dementia, pooled=False),
}
POOLED_COHORTS = tuple(name for name, cohort in COHORTS.items() if cohort.pooled)
COHORT_TITLES = {name: cohort.title for name, cohort in COHORTS.items()}
# task -> the cohort that it is: figshare's folder holds Br35H's scans too, which have no task of their own
COHORT_OF_TASK = {COHORTS[name].task: name for name in ("kaggle", "figshare", "44c", "dementia")}


def chosen_cohorts(names: str) -> list[str]:
    """Return the cohorts that a recipe trains on, "all" for every one. Raises ValueError listing what exists."""
    chosen = list(POOLED_COHORTS) if names == "all" else [name.strip() for name in names.split(",")]
    if unknown := set(chosen) - set(POOLED_COHORTS):
        known = ", ".join(POOLED_COHORTS)
        raise ValueError(f"no cohort {unknown.pop()!r} to train on; cohorts takes all, or some of {known}")
    return chosen


def of_cohorts(dataset: DatasetCard, cohorts: str) -> DatasetCard:
    """Return the card of a task, of a pooled one with the cohorts that a recipe trains on in its title."""
    if not dataset.pooled:
        return dataset
    titles = [COHORT_TITLES[name] for name in chosen_cohorts(cohorts)]
    number = ("One pooled dataset", "Two pooled datasets", "Three pooled datasets", "Four pooled datasets")
    classes = dataset.title.partition("; ")[2]
    return replace(dataset, title=f"{number[len(titles) - 1]} ({', '.join(titles)}; {classes}")


def read_cohort(name: str, data: Path) -> list[Record]:
    """Return the records of one collection, with its own labels; ids begin with the collection's folder."""
    cohort = COHORTS[name]
    folder = dataset_folder(DATASETS[cohort.task], data)
    found = []
    for record in cohort.read(folder):
        scan_id = f"{folder.name}/{record.id}"
        plane = record.plane or plane_of(f"{DATASETS[cohort.task].folder}/{record.id}")
        found.append(replace(record, id=scan_id, cohort=name, group="", plane=plane))
    return found


def read_whole_cohort(name: str, data: Path) -> list[Record]:
    """As `read_cohort`. Raises DatasetError where a class is absent: the split, and every score, would be another."""
    records, card = read_cohort(name, data), DATASETS[COHORTS[name].task]
    if COHORT_OF_TASK[card.task] == name:
        require_every_class(card, data, records)
    elif not records:
        raise DatasetError(
            f"{COHORTS[name].title} is missing: put its scans without a tumour into {data / card.folder / BR35H}; "
            f"the training of a pooled task can do without it: leave {name} out of its cohorts (--set cohorts=...)"
        )
    return records


def read_task(dataset: DatasetCard, data: Path, cohorts: str = "all") -> list[Record]:
    """Return the records of a task; those of a pooled task with the labels of their own collections."""
    if not dataset.pooled:
        records = read_records(dataset, data)
        return [replace(record, plane=record.plane or plane_of(f"{dataset.folder}/{record.id}")) for record in records]
    return [record for name in chosen_cohorts(cohorts) for record in read_whole_cohort(name, data)]


def split_cohorts(
    records: Sequence[Record],
    duplicates: NearDuplicates,
    *,
    val: float,
    test: float,
    seed: int,
    block: int,
    close_only: bool = False,
) -> list[Record]:
    """Return records of one or more cohorts with group, split and near-duplicate flag, each cohort split on its own.

    A training scan that is a near-duplicate of a validation or test scan gets the split "left out", except where its
    own publisher made the test split. `close_only`: only close near-duplicates are left out.
    """
    done = list(records)
    cohorts = np.array([record.cohort for record in records])
    for name in dict.fromkeys(cohorts.tolist()):
        mine = cohorts == name
        own = with_groups([records[i] for i in np.flatnonzero(mine)], duplicates.among(mine).close_rows, block)
        for i, record in zip(np.flatnonzero(mine), split(own, val=val, test=test, seed=seed), strict=True):
            done[i] = replace(record, group=f"{name} {record.group}" if name else record.group)
    is_in = np.array([record.split for record in done])
    published = np.array([record.split == "test" for record in records])
    i, j = (duplicates.close_rows if close_only else duplicates.rows).T
    leaking = (is_in[i] == "train") & np.isin(is_in[j], ("val", "test")) & ~(published[j] & (cohorts[i] == cohorts[j]))
    for row in set(i[leaking].tolist()):
        done[row] = replace(done[row], split=LEFT_OUT)
    return with_near_duplicate_flag(_grouped_across(done, duplicates), duplicates)


def _grouped_across(records: Sequence[Record], duplicates: NearDuplicates) -> list[Record]:
    """Return the records with one group where a close near-duplicate joins two, as it does across collections.

    A picture that lies in the test sets of two collections is one piece of evidence, not two. The split stays.
    """
    names, group = np.unique([record.group for record in records], return_inverse=True)
    i, j = group[duplicates.close_rows].T
    joined = coo_matrix((np.ones(len(i)), (i, j)), (len(names), len(names)))
    component = connected_components(joined, directed=False)[1]
    first = {part: name for name, part in zip(names[::-1].tolist(), component[::-1].tolist(), strict=True)}
    return [replace(r, group=first[part]) for r, part in zip(records, component[group].tolist(), strict=True)]
