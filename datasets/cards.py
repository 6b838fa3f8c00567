"""Cards of the datasets: source, licence, classes, published counts and known defects, one card per task.

A card holds what one should know before trusting a score measured on a dataset. The readers for the publishers'
folder layouts are in `datasets/readers.py`.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.records import DatasetError, Record

Counts = dict[str, dict[str, int]]  # split -> class id -> number of scans


@dataclass(frozen=True)
class DatasetCard:
    """Where a dataset comes from, how many scans it has, and its known defects."""

    task: str
    title: str
    folder: str  # below --data; "" for phantoms, which are not read from disk
    classes: dict[str, str]  # class id -> display name, in logit order
    versions: dict[str, Counts]  # version -> official counts; split "all" without a published split
    kaggle: str  # handle for kagglehub, "" where it is not on Kaggle
    source: str
    licence: str
    citation: str
    defects: tuple[str, ...]
    pooled: bool = False  # several collections together, see datasets/cohorts.py


_FOUR = {
    "glioma": "Glioma",
    "meningioma": "Meningioma",
    "notumor": "No tumour",
    "pituitary": "Pituitary tumour",
}

_POOLED = {
    "folder": "",
    "versions": {},
    "kaggle": "",
    "source": "the Kaggle, figshare, Br35H and 44c collections, each from its publisher",
    "licence": "those of the four collections: CC0 on Kaggle, CC BY 4.0 (figshare), as stated on Kaggle (Br35H, 44c)",
    "citation": "Masoud Nickparvar; Jun Cheng; Ahmed Hamada; Fernando Feltrin",
    "defects": (
        "The collections overlap: training scans that are near-duplicates of another's held-out scans are left out.",
        "No patient ids but neighbouring numbers (figshare): slices of one patient may be on both sides.",
        "Scans without a tumour come from other sources than those with one, except in 44c.",
        "No contrast-enhanced scan without a tumour: the sequence gives the class away.",
        "Some scans of Br35H and Kaggle labelled as no tumour show a plain lesion: see datasets/doubtful_labels.csv.",
    ),
    "pooled": True,
}

DATASETS: dict[str, DatasetCard] = {
    "kaggle4": DatasetCard(
        task="kaggle4",
        title="Brain Tumor MRI Dataset (Kaggle, four classes)",
        folder="brain-tumor-mri-dataset",
        classes=_FOUR,
        versions={
            "7,023 images": {
                "train": {"glioma": 1321, "meningioma": 1339, "notumor": 1595, "pituitary": 1457},
                "test": {"glioma": 300, "meningioma": 306, "notumor": 405, "pituitary": 300},
            },
            "7,200 images": {
                "train": {"glioma": 1400, "meningioma": 1400, "notumor": 1400, "pituitary": 1400},
                "test": {"glioma": 400, "meningioma": 400, "notumor": 400, "pituitary": 400},
            },
        },
        kaggle="masoudnickparvar/brain-tumor-mri-dataset",
        source="https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
        licence="CC0 on Kaggle; the figshare part is CC BY 4.0",
        citation="Masoud Nickparvar, Brain Tumor MRI Dataset, Kaggle 2021; from figshare 1512427, SARTAJ, Br35H",
        defects=(
            "Test scans have near-duplicates among the training scans, mirror images included.",
            "No patient ids: slices of one patient are on both sides of the official split.",
            "The scans without a tumour come almost wholly from another source than those with one.",
            "Its gliomas are mostly mirrored figshare slices: neither set is an external test set for the other.",
            "Kaggle now serves a 7,200-image version with augmented test files under the same name.",
            "CTs lie among its scans, mostly of heads without a tumour: see datasets/view_labels.csv.",
            "Some scans labelled as no tumour show a plain lesion: see datasets/doubtful_labels.csv.",
        ),
    ),
    "figshare3": DatasetCard(
        task="figshare3",
        title="Brain tumor dataset (figshare 1512427, three classes)",
        folder="figshare-brain-tumor",
        classes={"glioma": "Glioma", "meningioma": "Meningioma", "pituitary": "Pituitary tumour"},
        versions={"3,064 slices": {"all": {"glioma": 1426, "meningioma": 708, "pituitary": 930}}},
        kaggle="",
        source="https://figshare.com/articles/dataset/brain_tumor_dataset/1512427",
        licence="CC BY 4.0",
        citation="Jun Cheng, brain tumor dataset, figshare 2017, doi:10.6084/m9.figshare.1512427",
        defects=(
            "Neighbouring slices of one patient look alike: a random split by slice is too optimistic.",
            "The JPEG copy carries no patient ids; neighbouring numbers stand in for them.",
            "No scan without a tumour: a model trained on it predicts a tumour for every head.",
            "Contrast-enhanced T1 only.",
        ),
    ),
    "44c15": DatasetCard(
        task="44c15",
        title="Brain Tumor MRI Images 44 Classes (Kaggle, read as 15 classes)",
        folder="brain-tumor-mri-images-44c",
        classes={
            "astrocytoma": "Astrocytoma",
            "carcinoma": "Carcinoma (metastasis)",
            "ependymoma": "Ependymoma",
            "ganglioglioma": "Ganglioglioma",
            "germinoma": "Germinoma",
            "glioblastoma": "Glioblastoma",
            "granuloma": "Granuloma",
            "medulloblastoma": "Medulloblastoma",
            "meningioma": "Meningioma",
            "neurocytoma": "Neurocytoma",
            "normal": "Normal",
            "oligodendroglioma": "Oligodendroglioma",
            "papilloma": "Papilloma",
            "schwannoma": "Schwannoma",
            "tuberculoma": "Tuberculoma",
        },
        versions={},
        kaggle="fernando2rad/brain-tumor-mri-images-44c",
        source="https://www.kaggle.com/datasets/fernando2rad/brain-tumor-mri-images-44c",
        licence="as stated on Kaggle; teaching-case images collected from the web",
        citation="Fernando Feltrin, Brain Tumor MRI Images 44 Classes, Kaggle 2022",
        defects=(
            "Web teaching cases: several slices of one case, with no case ids.",
            "No contrast-enhanced normal scans: the sequence gives the class away.",
            "File sizes, crops and annotations differ from case to case.",
        ),
    ),
    "dementia": DatasetCard(
        task="dementia",
        title="Alzheimer's Dataset (Kaggle, heads without a tumour)",
        folder="dementia-mri",
        classes={"notumor": "No tumour"},
        versions={"6,400 images": {"test": {"notumor": 6400}}},
        kaggle="tourist55/alzheimers-dataset-4-class-of-images",
        source="https://www.kaggle.com/datasets/tourist55/alzheimers-dataset-4-class-of-images",
        licence="as stated on Kaggle",
        citation="Sarvesh Dubey, Alzheimer's Dataset (4 class of images), Kaggle 2019",
        defects=(
            "Only for external validation of classifiers: none is trained on it, so every scan counts as a test scan.",
            "candor-gate, which is no classifier of tumours, is trained on a part of it.",
            "No scan with a tumour: it measures specificity alone.",
            "Axial T1, the brain extracted and registered: unlike any other collection here.",
            "No patient ids, and neighbouring numbers may be one patient.",
        ),
    ),
    "pooled4": DatasetCard(
        task="pooled4",
        title="Four pooled datasets (Kaggle, figshare, Br35H, 44c; four classes)",
        classes=_FOUR,
        **_POOLED,
    ),
    "pooled13": DatasetCard(
        task="pooled13",
        title="Four pooled datasets (Kaggle, figshare, Br35H, 44c; thirteen classes)",
        classes=_FOUR
        | {
            "carcinoma": "Carcinoma (metastasis)",
            "ganglioglioma": "Ganglioglioma",
            "germinoma": "Germinoma",
            "granuloma": "Granuloma",
            "medulloblastoma": "Medulloblastoma",
            "neurocytoma": "Neurocytoma",
            "papilloma": "Papilloma",
            "schwannoma": "Schwannoma",
            "tuberculoma": "Tuberculoma",
        },
        **_POOLED,
    ),
    "phantom4": DatasetCard(
        task="phantom4",
        title="Phantom heads (made here, four classes)",
        folder="",
        classes=_FOUR,
        versions={"seeded": {"train": dict.fromkeys(_FOUR, 400), "test": dict.fromkeys(_FOUR, 100)}},
        kaggle="",
        source="scans/phantom.py",
        licence="Apache-2.0, as the rest of Candor",
        citation="Candor's phantom: synthetic heads with lesions at known places",
        defects=("Not patients: a model trained on it says nothing about any.",),
    ),
}


def dataset_card(task: str) -> DatasetCard:
    """Return the card of `task`. Raises DatasetError that names the known tasks."""
    try:
        return DATASETS[task]
    except KeyError:
        raise DatasetError(f"no task {task!r}; Candor knows {', '.join(sorted(DATASETS))}") from None


def counts(records: Sequence[Record]) -> Counts:
    """Return how many scans each split has of each class."""
    table: Counts = {}
    for (split, label), number in sorted(Counter((r.split or "all", r.label) for r in records if r.label).items()):
        table.setdefault(split, {})[label] = number
    return table


def nearest_version(records: Sequence[Record], card: DatasetCard) -> str:
    """Return which published version these records are, or how far they are from the nearest.

    Scores on different versions are not comparable, so this goes on every model card.
    """
    table = counts(records)
    best, best_distance = "", None
    for version, official in card.versions.items():
        pairs = [(official[s][c], table.get(s, {}).get(c, 0)) for s in official for c in official[s]]
        distance = sum(abs(published - here) for published, here in pairs)
        if distance == 0:
            return version
        if best_distance is None or distance < best_distance:
            missing = sum(max(0, published - here) for published, here in pairs)
            extra = sum(max(0, here - published) for published, here in pairs)
            best, best_distance = f"{version}, {missing} of them missing, {extra} more than published", distance
    return best or f"{len(records):,} images; no published counts to compare with"


def data_folder() -> Path:
    """Return the folder that holds the datasets where no other is given: $CANDOR_DATA, else ./data."""
    return Path(os.environ.get("CANDOR_DATA") or "data")


def scan_path(scan_id: str, data: Path, task: str = "") -> Path | None:
    """Return the file of a record below `data`, or below the folder of its `task` there; None where it is not here.

    Ids of a pooled task begin with the collection's folder, those of a single dataset do not. An id never leads out
    of `data`.
    """
    if ".." in Path(scan_id).parts or Path(scan_id).is_absolute():
        return None
    folders = (data, data / DATASETS[task].folder) if task else (data,)
    return next((path for folder in folders if (path := folder / scan_id).is_file()), None)
