"""Training, validation and test splits: by group, stratified by class, from a seed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datasets.records import DatasetError, Record


def split(records: Sequence[Record], *, val: float, test: float, seed: int) -> list[Record]:
    """Return the records with `split` set; `val` and `test` are shares of the whole, 0 to 0.5.

    A publisher's own test split is kept as it is, and its training part is split. No group is in two
    of the splits made here. Raises DatasetError where a class is too small to be split.
    """
    records = list(records)
    if not any(record.split == "test" for record in records):
        records = _split_off(records, "test", test, seed)
    return _split_off(records, "val", val, seed + 1)


def _split_off(records: list[Record], name: str, share: float, seed: int) -> list[Record]:
    """Move about `share` of the records that have no other split than training into split `name`."""
    from sklearn.model_selection import StratifiedGroupKFold  # takes seconds to import; pages need not wait for it

    pool = [i for i, record in enumerate(records) if record.split in ("", "train")]
    if not pool:  # a set for external validation alone
        return records
    labels = np.array([records[i].label for i in pool])
    groups = np.array([records[i].group or records[i].id for i in pool])
    folds = max(2, round(1 / share * len(pool) / len(records)))
    few, label = min((len(set(groups[labels == label])), label) for label in set(labels.tolist()))
    if few < folds:
        raise DatasetError(
            f"class {label} has only {few} independent groups of scans, too few for a {name} share of {share:g}: "
            f"{folds} are needed; take a larger share or add scans"
        )
    folder = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    _, chosen = next(folder.split(labels, labels, groups))
    members = {pool[i] for i in chosen}
    rest = {i: "train" for i in pool}
    return [
        replace(record, split=name if i in members else rest.get(i, record.split)) for i, record in enumerate(records)
    ]
