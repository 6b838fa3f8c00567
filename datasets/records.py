"""Records: the labelled scans of a dataset, not yet loaded, and how each is loaded."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.annotations import RelativeBox, annotated_boxes, boxes_in_pixels
from scans import Scan, ScanError, read
from scans.phantom import phantom


class DatasetError(ValueError):
    """A dataset that is missing, of another layout or unreadable: what is wrong and what to do."""


REMEDY = "Remove it or download the set again."


@dataclass(frozen=True)
class Record:
    """One labelled scan, not yet loaded. `id` is its path below the dataset's folder, or the phantom's name."""

    id: str
    label: str  # class id
    path: Path | None = None  # None: a phantom
    split: str = ""  # "train", "val", "test"; "" before splitting
    group: str = ""  # scans of one group stay in one split
    near_duplicate: bool = False  # a test scan with a near-duplicate, mirror images included, in train or val
    sequence: str = ""
    plane: str = ""  # "axial", "coronal", "sagittal"; "" where nobody said
    cohort: str = ""  # where several collections are pooled: the one it comes from
    patient: str = ""
    number: int = -1  # the publisher's running number, where neighbours are mostly one patient
    boxes: tuple[RelativeBox, ...] = ()  # around its lesions, as far as its reader knows them
    fault: str = ""  # why its boxes or its name cannot be used, or, without a label, the file itself: one sentence


def load(record: Record) -> Scan:
    """Return the scan of a record. Raises DatasetError that names the file."""
    if record.path is None:
        kind, seed = record.id.split("/")
        return phantom(kind, int(seed)).scan
    try:
        return read(record.path, sequence=record.sequence)[0]
    except (ScanError, OSError, KeyError) as error:
        reason = str(error) if isinstance(error, ScanError) else f"{getattr(error, 'strerror', None) or error}."
        raise DatasetError(f"{record.path} cannot be read: {reason} {REMEDY}") from error


def load_annotated(record: Record) -> tuple[Scan, np.ndarray]:
    """Return the scan and where its lesion is annotated, bool (H, W): all False without an annotation.

    A phantom's mask is exact; boxes are filled. Raises DatasetError that names a file which cannot be read.
    """
    if record.path is None:
        kind, seed = record.id.split("/")
        head = phantom(kind, int(seed))
        return head.scan, head.mask
    scan = load(record)
    try:
        boxes = record.boxes or annotated_boxes(record.path)
    except ScanError as error:
        raise DatasetError(str(error)) from error
    mask = np.zeros(scan.shape, bool)
    for box in boxes_in_pixels(boxes, scan.shape):
        mask[box.slices] = True
    return scan, mask


def fingerprint(records: Sequence[Record]) -> str:
    """Return the sha256 over id, label and split of every record: the same data, split the same way."""
    lines = sorted(f"{record.id}\t{record.label}\t{record.split}" for record in records)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
