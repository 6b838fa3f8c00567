"""The collections in their publishers' layouts, drawn from phantoms: what a data folder looks like."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from datasets.label_map import FOUR_OF_FIFTEEN
from datasets.layouts import PORTUGUESE
from scans import phantom

_EACH = 14  # scans a class: enough for a validation and a test part


def draw_collections(data: Path) -> Path:
    """Write all of them below `data`; every picture another phantom, every figshare tumour with its box."""
    for start, folder in ((0, "Training"), (100, "Testing")):
        for kind in ("glioma", "meningioma", "notumor", "pituitary"):
            _draw(data / "brain-tumor-mri-dataset" / folder / kind, kind, start)
    for kind in ("glioma", "meningioma", "pituitary", "notumor"):
        _draw(data / "figshare-brain-tumor" / kind, kind, 200, boxes=True)
    _draw(data / "dementia-mri" / "NonDemented", "notumor", 400)
    for start, (name, label) in zip(range(500, 10_000, 20), PORTUGUESE.items(), strict=False):
        folder = f"{name} {'T1' if label == 'normal' else 'T1C+'}"
        _draw(data / "brain-tumor-mri-images-44c" / folder, FOUR_OF_FIFTEEN.get(label, "pituitary"), start)
    return data


def _draw(folder: Path, kind: str, start: int, boxes: bool = False) -> None:
    folder.mkdir(parents=True)
    for index in range(_EACH):
        pixels, box = _phantom(kind, start + index)
        number = 20 * (start + index)  # neighbours within 20 would count as one patient
        cv2.imwrite(str(folder / f"{number}.png"), pixels)
        if boxes:
            (folder / f"{number}.txt").write_text(box)


@cache  # tests of several files draw the same 392
def _phantom(kind: str, seed: int) -> tuple[np.ndarray, str]:
    drawn = phantom(kind, seed, 96)
    return np.round(255 * drawn.scan.pixels).astype(np.uint8), _box(drawn.mask)


def _box(mask: np.ndarray) -> str:
    if not mask.any():
        return ""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    middle = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
    size = np.ptp(columns) + 1, np.ptp(rows) + 1
    return "0 " + " ".join(f"{value / len(mask):.6f}" for value in (*middle, *size)) + "\n"
