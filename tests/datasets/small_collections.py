"""The collections in their publishers' layouts, small and quickly drawn: four phantoms, each moved a little.

And a slice as figshare itself serves it.
"""

from pathlib import Path

import cv2
import h5py
import numpy as np

from scans import phantom

EACH = 7  # scans a class and folder
FOLDERS = {  # folder -> kind of phantom; figshare's tumours have a box beside them
    **{
        f"brain-tumor-mri-dataset/{part}/{kind}": kind
        for part in ("Training", "Testing")
        for kind in ("glioma", "meningioma", "notumor", "pituitary")
    },
    **{f"figshare-brain-tumor/{kind}": kind for kind in ("glioma", "meningioma", "notumor", "pituitary")},
    "brain-tumor-mri-images-44c/Astrocitoma T1C+": "glioma",
    "brain-tumor-mri-images-44c/Meningioma T1C+": "meningioma",
    "brain-tumor-mri-images-44c/_NORMAL T1": "notumor",
    "dementia-mri/MildDemented": "notumor",
}


def draw_small_collections(data: Path) -> Path:
    """Write `<n>.png`, n from 1 to EACH, into every folder of FOLDERS; no two pictures are the same."""
    drawn = {kind: phantom(kind, 1, 64).scan.pixels for kind in ("glioma", "meningioma", "notumor", "pituitary")}
    for index, (name, kind) in enumerate(FOLDERS.items()):
        (data / name).mkdir(parents=True)
        for number in range(1, EACH + 1):
            moved = np.roll(drawn[kind], (index % 4, number), (0, 1)) * (1 - index / 50)
            cv2.imwrite(str(data / name / f"{number}.png"), np.round(255 * moved).astype(np.uint8))
            if name.startswith("figshare"):
                (data / name / f"{number}.txt").write_text("" if kind == "notumor" else "0 0.5 0.5 0.2 0.2\n")
    return data


def mat(path, label: int, patient: str) -> None:
    """Write one slice as figshare does: MATLAB v7.3, arrays transposed, text as codes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.arange(60 * 50, dtype=np.int16).reshape(60, 50)
    mask = np.zeros((60, 50), np.uint8)
    mask[12:24, 10:30] = 1
    with h5py.File(path, "w") as file:
        group = file.create_group("cjdata")
        group["image"], group["tumorMask"] = image.T, mask.T
        group["label"] = np.array([[float(label)]])
        group["PID"] = np.array([[ord(letter)] for letter in patient], np.uint16)
