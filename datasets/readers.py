"""Readers for the folder layouts of the publishers, which give each file its label.

Every reader takes the dataset's folder and returns its records in a fixed order. Only picture files are
read; hidden folders (`.ipynb_checkpoints` is in one published set) are skipped.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import h5py

from datasets.annotations import RelativeBox, boxes_around, boxes_beside
from datasets.cards import DATASETS, DatasetCard, dataset_folder
from datasets.records import DatasetError, Record
from scans import ScanError

_PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}

# Portuguese folder name -> class id of task 44c15
_PORTUGUESE = {
    "Astrocitoma": "astrocytoma",
    "Carcinoma": "carcinoma",
    "Ependimoma": "ependymoma",
    "Ganglioglioma": "ganglioglioma",
    "Germinoma": "germinoma",
    "Glioblastoma": "glioblastoma",
    "Granuloma": "granuloma",
    "Meduloblastoma": "medulloblastoma",
    "Meningioma": "meningioma",
    "Neurocitoma": "neurocytoma",
    "_NORMAL": "normal",
    "Oligodendroglioma": "oligodendroglioma",
    "Papiloma": "papilloma",
    "Schwannoma": "schwannoma",
    "Tuberculoma": "tuberculoma",
}


def read_records(card: DatasetCard, data: Path) -> list[Record]:
    """Return all records of a dataset below `data`.

    Raises DatasetError where a class is unknown, or absent from the set or from one of its published splits.
    """
    folder = dataset_folder(card, data) if card.folder else data
    records = READERS[card.task](folder)
    published = {split for official in card.versions.values() for split in official if split != "all"}
    for split in ("", *sorted(published)):
        labels = [record.label for record in records if split in ("", record.split)]
        if empty := sorted(set(card.classes) - set(labels)):
            part = f"{folder}, {split} split," if split else str(folder)
            raise DatasetError(
                f"{part} holds {len(labels)} scans and none of class {', '.join(empty)}; "
                f"the layout of {card.source} is expected: put the missing folders back, or download the set again"
            )
    return records


def read_kaggle4(folder: Path) -> list[Record]:
    """`Training/<class>/*.jpg` and `Testing/<class>/*.jpg`; the publisher's split is kept."""
    records = []
    for name, split in (("Training", "train"), ("Testing", "test")):
        for label, path in _files_by_folder(folder / name, {c: c for c in DATASETS["kaggle4"].classes}):
            records.append(Record(path.relative_to(folder).as_posix(), label, path, split=split))
    return records


def read_44c15(folder: Path) -> list[Record]:
    """`<Portuguese class> <sequence>/*`: the class is translated, the sequence kept."""
    names = {
        f"{portuguese} {sequence}": f"{label}|{sequence}"
        for portuguese, label in _PORTUGUESE.items()
        for sequence in ("T1", "T1C+", "T2")
    }
    records = []
    for name, path in _files_by_folder(folder, names):
        label, sequence = name.split("|")
        records.append(Record(path.relative_to(folder).as_posix(), label, path, sequence=sequence))
    return records


def read_figshare3(folder: Path) -> list[Record]:
    """`<n>.mat` (v7.3) as figshare serves them, or `<class>/<n>.jpg` with `<n>.txt` boxes beside it."""
    mats = sorted((p for p in folder.rglob("*.mat") if p.stem.isdigit()), key=lambda p: int(p.stem))
    if mats:  # cvind.mat, the authors' folds, has no scan and no number for a name
        return [_mat_record(path, folder) for path in mats]
    names = {c: c for c in DATASETS["figshare3"].classes} | {"notumor": ""}
    records = []
    for label, path in _files_by_folder(folder, names):
        if label:  # the no-tumour scans beside it are Br35H's, not figshare's
            records.append(
                Record(
                    path.relative_to(folder).as_posix(),
                    label,
                    path,
                    sequence="T1C+",
                    number=_number(path),
                    boxes=_boxes(path),
                )
            )
    return sorted(records, key=lambda record: record.number)


def read_br35h(folder: Path) -> list[Record]:
    """The no-tumour scans that lie beside figshare's (Br35H): `notumor/*`."""
    names = {"notumor": "notumor"} | dict.fromkeys(DATASETS["figshare3"].classes, "")
    return [
        Record(path.relative_to(folder).as_posix(), label, path)
        for label, path in _files_by_folder(folder, names)
        if label
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
    "phantom4": read_phantom4,
}


def _files_by_folder(folder: Path, names: dict[str, str]) -> Iterable[tuple[str, Path]]:
    """Yield (name, picture) for each folder in `names`. Raises DatasetError on a folder not in it."""
    if not folder.is_dir():
        raise DatasetError(
            f"there is no folder {folder}; it should hold {', '.join(names)}: check --data, or download the set again"
        )
    for sub in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
        if sub.name not in names:
            raise DatasetError(
                f"{folder} has an unknown class folder {sub.name!r}: rename it or move it out; "
                f"expected {', '.join(names)}"
            )
        for path in sorted(sub.iterdir()):
            if path.suffix.lower() in _PICTURES and not path.name.startswith("."):
                yield names[sub.name], path


def _number(path: Path) -> int:
    if not path.stem.isdigit():
        raise DatasetError(f"{path} should be named by its slice's number, such as 1841.jpg; figshare numbers them")
    return int(path.stem)


def _boxes(path: Path) -> tuple[RelativeBox, ...]:
    try:
        return boxes_beside(path)
    except ScanError as error:
        raise DatasetError(str(error)) from error


def _mat_record(path: Path, folder: Path) -> Record:
    """One figshare slice: label 1, 2, 3 = meningioma, glioma, pituitary; the box is that of `tumorMask`."""
    try:
        with h5py.File(path) as file:
            data = file["cjdata"]
            label = {1: "meningioma", 2: "glioma", 3: "pituitary"}[int(data["label"][0, 0])]
            patient = "".join(chr(int(code)) for code in data["PID"][:].ravel())
            mask = data["tumorMask"][:].T
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{path} is not a figshare slice (MATLAB v7.3 with cjdata/image, label, PID, tumorMask): {error}; "
            "download it again"
        ) from error
    return Record(
        path.relative_to(folder).as_posix(),
        label,
        path,
        sequence="T1C+",
        patient=patient,
        number=int(path.stem),
        boxes=boxes_around(mask),
    )
