"""What lies in a dataset's folder and is not read: counted and told, so that no scan is passed over in silence."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.cards import DATASETS, DatasetCard
from datasets.layouts import BR35H, CLASS_FOLDERS, is_hidden, is_numbered_mat, is_picture, numbered_mats
from datasets.places import zips_not_unpacked
from datasets.records import Record
from datasets.wording import named

_SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # beside those whose name begins with a dot
_WITH_THE_SET = ("readme", "license", "licence", "cvind.mat")  # how the names of a publisher's other files begin


@dataclass(frozen=True)
class NotRead:
    """Files in a dataset's folder that are no records of it. A system's own files are not counted."""

    in_sub_folders: dict[str, int]  # folder below a class folder -> pictures in it
    elsewhere: dict[str, int]  # any other folder -> pictures in it
    other_kinds: dict[str, int]  # suffix -> files in class folders and below that are no pictures
    hidden: dict[str, int]  # folder -> pictures in it whose name, or that of a folder on their way, begins with a dot
    zips: tuple[Path, ...]  # of the set, not unpacked

    def __str__(self) -> str:
        """Say it in one line; "" where everything is read."""
        parts = [
            _counted(self.in_sub_folders, "picture{s} in sub-folders of class folders"),
            _counted(self.elsewhere, "picture{s} in other folders"),
            _counted(self.other_kinds, "file{s} of other kinds"),
            _counted(self.hidden, "hidden picture{s}"),
            f"{named([path.name for path in self.zips])}, to be unpacked" if self.zips else "",
        ]
        return ", ".join(part for part in parts if part)


def _counted(numbers: dict[str, int], what: str) -> str:
    """Return how many there are and the folders or suffixes of most of them; "" for none."""
    if not numbers:
        return ""
    whole = sum(numbers.values())
    most = sorted(numbers, key=lambda name: (-numbers[name], name))
    names = named(["the top folder" if name == "." else name for name in most])
    return f"{whole:,} {what.format(s='' if whole == 1 else 's')} ({names})"


def tell_not_read(records: Sequence[Record], data: Path) -> None:
    """Print one line to the standard error for each dataset below `data` of which something is not read.

    `records` are those that are read. Nothing is printed for phantoms.
    """
    read = Counter(record.path.relative_to(data).parts[0] for record in records if record.path)
    for card in DATASETS.values():
        if card.folder in read and (rest := str(not_read(card, data))):
            print(f"{card.folder}: {read[card.folder]:,} scans; not read: {rest}", file=sys.stderr)


def not_read(card: DatasetCard, data: Path) -> NotRead:
    """Count what the reader of a dataset passes over. Folders are listed, no file is read but the lists of zips.

    Pictures of another collection that lies in the same folder, Br35H's beside figshare's, are not counted.
    """
    folder = data / card.folder
    mats = {path.parent for path in numbered_mats(folder)} if card.task == "figshare3" else set()
    pictures = {folder / BR35H} if mats else {folder / name for name in CLASS_FOLDERS[card.task]}
    in_sub_folders, elsewhere, other_kinds, hidden = Counter(), Counter(), Counter(), Counter()
    for place, _, names in os.walk(folder):
        here = Path(place)
        below = here.relative_to(folder)
        in_class_folder = bool({here, *here.parents} & (mats | pictures))
        stems = {Path(name).stem for name in names if is_picture(name)}
        for name in names:
            is_scan = is_picture(name) or is_numbered_mat(name)
            if _is_of_the_system(name, below):
                continue
            if any(map(is_hidden, (*below.parts, name))):
                hidden[below.as_posix()] += is_scan
            elif here in mats:
                other_kinds[_kind(name)] += not (is_numbered_mat(name) or _comes_with_scans(name, stems))
            elif is_scan:
                elsewhere[below.as_posix()] += not in_class_folder
                in_sub_folders[below.as_posix()] += in_class_folder and here not in pictures
            elif in_class_folder:
                other_kinds[_kind(name)] += not _comes_with_scans(name, stems)
    counts = ({key: n for key, n in sorted(c.items()) if n} for c in (in_sub_folders, elsewhere, other_kinds, hidden))
    return NotRead(*counts, zips=tuple(zips_not_unpacked(card, data)))


def _is_of_the_system(name: str, folder: Path) -> bool:
    """True for what Windows and macOS add, such as ._1.jpg, which is no picture."""
    return name.lower() in _SYSTEM_FILES or name.startswith("._") or "__MACOSX" in folder.parts


def _comes_with_scans(name: str, stems: set[str]) -> bool:
    """True for boxes beside a picture, a zip, and what publishers add to a set."""
    file = Path(name)
    return (
        (file.suffix == ".txt" and file.stem in stems)
        or file.suffix.lower() == ".zip"
        or name.lower().startswith(_WITH_THE_SET)
    )


def _kind(name: str) -> str:
    return Path(name).suffix.lower() or "no suffix"
