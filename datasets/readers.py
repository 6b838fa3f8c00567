"""Readers for the folder layouts of the publishers, which give each file its label.

Every reader takes the dataset's folder and returns its records in a fixed order. Only picture files are
read; hidden folders (`.ipynb_checkpoints` is in one published set) are skipped. A file that cannot be used gets a
record with its fault, so that all of them can be named at once (`datasets/bad_files.py`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py

from datasets.annotations import UNREADABLE_MAT, boxes_around, boxes_beside
from datasets.cards import DATASETS, DatasetCard
from datasets.layouts import (
    BR35H,
    DEMENTIA,
    KAGGLE_SPLITS,
    PORTUGUESE,
    SEQUENCES_44C,
    is_hidden,
    numbered_mats,
    pictures_in,
)
from datasets.places import dataset_folder, zips_not_unpacked
from datasets.records import DatasetError, Record
from datasets.wording import named
from scans import ScanError

_FIGSHARE_LABELS = {1: "meningioma", 2: "glioma", 3: "pituitary"}


def read_records(card: DatasetCard, data: Path) -> list[Record]:
    """Return all records of a dataset below `data`, those that cannot be used with their fault.

    Raises DatasetError where a class is unknown, or absent from the set or from one of its published splits.
    """
    records = READERS[card.task](dataset_folder(card, data) if card.folder else data)
    require_every_class(card, data, records)
    return records


def require_every_class(card: DatasetCard, data: Path, records: Sequence[Record]) -> None:
    """Raise DatasetError where a class is absent from the records of a dataset, or from a split that was published."""
    if not all(record.label for record in records):
        return  # a broken file may be the one of the class that seems absent
    folder = dataset_folder(card, data) if card.folder else data
    published = {split for official in card.versions.values() for split in official if split != "all"}
    for split in ("", *sorted(published)):
        labels = [record.label for record in records if split in ("", record.split)]
        if empty := sorted(set(card.classes) - set(labels)):
            part = f"{folder}, {split} split," if split else str(folder)
            raise DatasetError(
                f"{part} holds {len(labels)} scans and none of class {', '.join(empty)}; "
                f"the layout of {card.source} is expected: {_way_to_the_rest(card, data)}"
            )


def _way_to_the_rest(card: DatasetCard, data: Path) -> str:
    if card.folder and (zips := zips_not_unpacked(card, data)):
        return f"unpack {named([*map(str, zips)])} into {data / card.folder}"
    return "put the missing folders back, or download the set again"


def read_kaggle4(folder: Path) -> list[Record]:
    """`Training/<class>/*.jpg` and `Testing/<class>/*.jpg`; the publisher's split is kept."""
    records = []
    for name, split in KAGGLE_SPLITS.items():
        for label, path in _files_by_folder(folder / name, {c: c for c in DATASETS["kaggle4"].classes}):
            records.append(Record(path.relative_to(folder).as_posix(), label, path, split=split))
    return records


def read_44c15(folder: Path) -> list[Record]:
    """`<Portuguese class> <sequence>/*`: the class is translated, the sequence kept."""
    names = {
        f"{portuguese} {sequence}": f"{label}|{sequence}"
        for portuguese, label in PORTUGUESE.items()
        for sequence in SEQUENCES_44C
    }
    records = []
    for name, path in _files_by_folder(folder, names):
        label, sequence = name.split("|")
        records.append(Record(path.relative_to(folder).as_posix(), label, path, sequence=sequence))
    return records


def read_figshare3(folder: Path) -> list[Record]:
    """`<n>.mat` (v7.3) as figshare serves them, or `<class>/<n>.jpg` with `<n>.txt` boxes beside it."""
    if mats := numbered_mats(folder):
        _require_each_once(mats, folder)
        return [_mat_record(path, folder) for path in mats]
    names = {c: c for c in DATASETS["figshare3"].classes} | {BR35H: ""}
    records = [
        _slice_record(path, folder, label)
        for label, path in _files_by_folder(folder, names)
        if label  # the no-tumour scans beside it are Br35H's, not figshare's
    ]
    return sorted(records, key=lambda record: record.number)


def read_br35h(folder: Path) -> list[Record]:
    """The no-tumour scans that lie beside figshare's (Br35H): `notumor/*`."""
    if numbered_mats(folder):  # beside figshare's own files, in folders of any name
        paths = pictures_in(folder / BR35H)
    else:
        names = {BR35H: BR35H} | dict.fromkeys(DATASETS["figshare3"].classes, "")
        paths = [path for label, path in _files_by_folder(folder, names) if label]
    return [Record(path.relative_to(folder).as_posix(), BR35H, path) for path in paths]


def read_dementia(folder: Path) -> list[Record]:
    """`<class>/*.jpg`, or `train/<class>/*.jpg` and `test/<class>/*.jpg`: all without a tumour, all test scans."""
    parts = [folder / name for name in ("train", "test") if (folder / name).is_dir()]
    names = dict.fromkeys(DEMENTIA, "notumor")
    return [
        Record(path.relative_to(folder).as_posix(), label, path, split="test", sequence="T1", plane="axial")
        for part in parts or [folder]
        for label, path in _files_by_folder(part, names)
    ]


def read_phantom4(folder: Path) -> list[Record]:
    """Phantoms by name, `<kind>/<seed>`: nothing is read from disk. Test seeds are not training seeds."""
    counts = DATASETS["phantom4"].versions["seeded"]
    return [
        Record(f"{kind}/{seed + (0 if split == 'train' else 1_000_000)}", kind, split=split)
        for split in ("train", "test")
        for kind, number in counts[split].items()
        for seed in range(number)
    ]


READERS: dict[str, Callable[[Path], list[Record]]] = {
    "kaggle4": read_kaggle4,
    "figshare3": read_figshare3,
    "44c15": read_44c15,
    "dementia": read_dementia,
    "phantom4": read_phantom4,
}


def _files_by_folder(folder: Path, names: dict[str, str]) -> Iterable[tuple[str, Path]]:
    """Yield (name, picture) for each folder in `names`. Raises DatasetError on folders not in it."""
    if not folder.is_dir():
        raise DatasetError(
            f"there is no folder {folder}; it should hold {', '.join(names)}: check --data, or download the set again"
        )
    subs = sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    if unknown := [repr(sub.name) for sub in subs if sub.name not in names]:
        which, it = ("an unknown class folder", "it") if len(unknown) == 1 else ("unknown class folders", "them")
        raise DatasetError(
            f"{folder} has {which} {named(unknown, 10)}: rename {it} or move {it} out; expected {', '.join(names)}"
        )
    for sub in subs:
        for path in pictures_in(sub):
            yield names[sub.name], path


def _slice_record(path: Path, folder: Path, label: str) -> Record:
    """One figshare slice as a picture, with the boxes beside it; what is wrong with them or its name is its fault."""
    fault, boxes = "", ()
    try:
        boxes = boxes_beside(path)
    except ScanError as error:
        fault = str(error)
    if not path.stem.isdecimal():
        fault = f"{path} should be named by its slice's number, such as 1841.jpg; figshare numbers them"
    return Record(
        path.relative_to(folder).as_posix(),
        label,
        path,
        sequence="T1C+",
        number=int(path.stem) if path.stem.isdecimal() else -1,
        boxes=boxes,
        fault=fault,
    )


def _require_each_once(mats: Sequence[Path], folder: Path) -> None:
    """Raise DatasetError where slices lie twice below `folder`: unpacked in two places."""
    again = [(a, b) for a, b in pairwise(mats) if int(a.stem) == int(b.stem)]
    if again:
        first, second = (path.relative_to(folder) for path in again[0])
        raise DatasetError(
            f"{folder} holds {len(again):,} slices twice, such as {first} and {second}: keep one file of each"
        )


def _mat_record(path: Path, folder: Path) -> Record:
    """One figshare slice: label 1, 2, 3 = meningioma, glioma, pituitary; the box is that of `tumorMask`.

    A file that cannot be read has no label and a fault.
    """
    record = Record(path.relative_to(folder).as_posix(), "", path, sequence="T1C+", number=int(path.stem))
    try:
        with h5py.File(path) as file:
            data = file["cjdata"]
            label = int(data["label"][0, 0])
            patient = "".join(chr(int(code)) for code in data["PID"][:].ravel())
            boxes = boxes_around(data["tumorMask"][:].T)
        if label not in _FIGSHARE_LABELS:
            raise ValueError(f"its label is {label}")
    except UNREADABLE_MAT as error:
        return replace(
            record,
            fault=f"{path} is not a figshare slice (MATLAB v7.3 with cjdata/image, label, PID, tumorMask): {error}; "
            "download it again",
        )
    return replace(record, label=_FIGSHARE_LABELS[label], patient=patient, boxes=boxes)
