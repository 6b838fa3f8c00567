"""The publishers' folder layouts: which folder holds which class, and which files are scans."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from datasets.cards import DATASETS

# By suffix a file counts as a picture; when it is read, its first bytes decide.
PICTURES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

KAGGLE_SPLITS = {"Training": "train", "Testing": "test"}  # folder -> split

# Portuguese folder name -> class id of task 44c15
PORTUGUESE = {
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
SEQUENCES_44C = ("T1", "T1C+", "T2")

BR35H = "notumor"  # the folder beside figshare's classes with the scans of Br35H
FIGSHARE_PART = "brainTumorDataPublic_"  # how the names of figshare's four zips begin, and of the folders in them

DEMENTIA = ("NonDemented", "VeryMildDemented", "MildDemented", "ModerateDemented")  # none of them has a tumour

# task -> its class folders, as paths below the dataset's folder
CLASS_FOLDERS: dict[str, tuple[str, ...]] = {
    "kaggle4": tuple(f"{part}/{label}" for part in KAGGLE_SPLITS for label in DATASETS["kaggle4"].classes),
    "44c15": tuple(f"{name} {sequence}" for name in PORTUGUESE for sequence in SEQUENCES_44C),
    "figshare3": (*DATASETS["figshare3"].classes, BR35H),
    "dementia": tuple(f"{part}{name}" for part in ("train/", "test/", "") for name in DEMENTIA),
}


def is_hidden(name: str) -> bool:
    """True for a file or folder that a system or an editor made, such as .ipynb_checkpoints, and no publisher.

    >>> is_hidden(".DS_Store"), is_hidden("__MACOSX"), is_hidden("glioma")
    (True, True, False)
    """
    return name.startswith(".") or name in ("__MACOSX", "@eaDir")


def is_picture(name: str) -> bool:
    """True for a file that by its suffix, in small or large letters, is a picture."""
    return PurePosixPath(name).suffix.lower() in PICTURES


def is_numbered_mat(name: str) -> bool:
    """True for a slice of figshare, `<n>.mat`; cvind.mat, the authors' folds, has no scan and no number."""
    return PurePosixPath(name).suffix == ".mat" and PurePosixPath(name).stem.isdecimal()


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures that lie in `folder` itself, sorted; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if is_picture(path.name) and not is_hidden(path.name) and not path.is_dir()
    )


def pictures_below(folder: Path) -> list[Path]:
    """Return the pictures in the sub-folders of `folder`, hidden ones left out, sorted."""
    if not folder.is_dir():
        return []
    subs = sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    return [path for sub in subs for path in (*pictures_in(sub), *pictures_below(sub))]


def numbered_mats(folder: Path) -> list[Path]:
    """Return figshare's `<n>.mat` files at any depth below `folder`, by number.

    cvind.mat, the authors' folds, has no scan and no number for a name.
    """
    found = [path for path in folder.rglob("*.mat") if path.stem.isdecimal()]
    shown = [path for path in found if not any(map(is_hidden, path.relative_to(folder).parts))]
    return sorted(shown, key=lambda path: (int(path.stem), path))


def holds_layout(task: str, folder: Path) -> bool:
    """True where any class folder of the task is in `folder`, or any slice of figshare's below it."""
    if any((folder / name).is_dir() for name in CLASS_FOLDERS[task]):
        return True
    return task == "figshare3" and bool(numbered_mats(folder))


def layout_begins(task: str, parts: Sequence[str]) -> int | None:
    """Return which part of a file's path is the first of the layout; None for a file that is in no such layout.

    >>> layout_begins("kaggle4", ("archive", "Training", "glioma", "Tr-gl_0001.jpg"))
    1
    >>> layout_begins("figshare3", ("1512427", "brainTumorDataPublic_1-766", "1.mat"))
    1
    >>> layout_begins("figshare3", ("Training", "glioma", "Tr-gl_0001.jpg")) is None
    True
    """
    *folders, name = parts
    if any(map(is_hidden, parts)):
        return None
    if task == "figshare3":
        return _figshare_begins(folders, PurePosixPath(name))
    for start in range(len(folders)):
        if any("/".join(folders[start:end]) in CLASS_FOLDERS[task] for end in range(start + 1, len(folders) + 1)):
            return start
    return None


def _figshare_begins(folders: Sequence[str], file: PurePosixPath) -> int | None:
    """The same for figshare: `<n>.mat`, or a class folder with boxes; a picture in one could be of any dataset."""
    if file.suffix == ".mat" and file.stem.isdecimal():
        return len(folders) - (1 if folders and folders[-1].startswith(FIGSHARE_PART) else 0)
    boxes = file.suffix == ".txt" and file.stem.isdecimal()
    return len(folders) - 1 if boxes and folders and folders[-1] in DATASETS["figshare3"].classes else None
