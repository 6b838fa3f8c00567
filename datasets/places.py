"""Where a dataset lies: in its folder, or in another one, or still in a zip; what to do about it."""

import os
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from datasets.cards import DATASETS, DatasetCard
from datasets.layouts import (
    CLASS_FOLDERS,
    FIGSHARE_PART,
    holds_layout,
    is_hidden,
    layout_begins,
    numbered_mats,
    pictures_below,
    pictures_in,
)
from datasets.records import DatasetError
from datasets.wording import listing, named

_DEEPEST = 5  # folders below the data folder that are searched for a misplaced set
_MOST_FILES = 200_000  # that are looked at in this search: --data may be a whole disk


def dataset_folder(card: DatasetCard, data: Path) -> Path:
    """Return the folder of the set below `data`.

    Raises DatasetError with the way to get it where the set is not there, lies in another folder or in a zip, or has
    its pictures in sub-folders of its class folders.
    """
    folder = data / card.folder
    if holds_layout(card.task, folder):
        _require_pictures_in_class_folders(card, folder)
        return folder
    if advice := _misplaced(card, data) or _packed(card, data):
        raise DatasetError(f"{card.title} should be at {folder}, but {advice}")
    if folder.is_dir():
        return folder
    how = f"`python -m train download {card.task}`" if card.kaggle else f"download it from {card.source}"
    raise DatasetError(
        f"{card.title} is not at {folder}; point --data or $CANDOR_DATA at the folder that holds "
        f"{card.folder}/, or get it: {how}"
    )


def _require_pictures_in_class_folders(card: DatasetCard, folder: Path) -> None:
    """Raise DatasetError for the class folders that have pictures in their sub-folders only."""
    if card.task == "figshare3" and numbered_mats(folder):
        return
    lines = []
    for place in (folder / name for name in CLASS_FOLDERS[card.task]):
        if not pictures_in(place) and (below := pictures_below(place)):
            subs = sorted({path.parent.relative_to(place).as_posix() for path in below})
            lines.append(f"{place}: {len(below):,} in {named(subs)}")
    if lines:
        which = "a class folder" if len(lines) == 1 else f"{len(lines)} class folders"
        raise DatasetError(
            f"the pictures of {which} lie in sub-folders; move them up into the class folder itself:{listing(lines)}"
        )


def _misplaced(card: DatasetCard, data: Path) -> str:
    """Return where the set is instead and where to move it; "" where it is nowhere below `data`."""
    found = defaultdict(set)  # folder -> what in it is of the set
    others = [each.folder for each in DATASETS.values() if each.folder != card.folder]
    for parts in islice(_files_below(data, others), _MOST_FILES):
        start = layout_begins(card.task, parts)
        if start is not None:
            found[data.joinpath(*parts[:start])].add(parts[start])
    if not found:
        return ""
    place = min(found, key=lambda each: (len(each.parts), -len(found[each]), each))
    here, folder = data.resolve(), data / card.folder
    if place == data and here.name == card.folder:
        return f"{data} is the set itself: give the folder that holds it, {here.parent}, as --data or $CANDOR_DATA"
    entries = sorted(found[place], key=_natural)
    where = f"{named(entries)} {'lies' if len(entries) == 1 else 'lie'} in {place}"
    if place != data and not folder.exists():
        return f"{where}: rename {place} to {folder}"
    return f"{where}: move {'it' if len(entries) == 1 else 'them'} into {folder}"


def _natural(name: str) -> tuple[int, str]:
    """Return what sorts 2.mat before 10.mat."""
    stem = name.partition(".")[0]
    return (int(stem) if stem.isdecimal() else -1), name


def _files_below(data: Path, others: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the parts of each file's path below `data`; the folders `others` of other sets are passed over."""
    for place, folders, files in os.walk(data):
        below = Path(place).relative_to(data).parts
        passed_over = others if not below else ()
        folders[:] = sorted(name for name in folders if not is_hidden(name) and name not in passed_over)
        if len(below) >= _DEEPEST:
            folders.clear()
        yield from ((*below, name) for name in files)


@dataclass(frozen=True)
class _Zip:
    """A zip that holds scans of a set: the folder in it that the layout begins in, "" for its top."""

    path: Path
    top: str
    names: frozenset[str]  # of the scans in it
    nested: bool  # it holds the zips that hold the scans


def _packed(card: DatasetCard, data: Path) -> str:
    """Return which zips hold the set and where to unpack them; "" where there is none."""
    zips, damaged = _zips(card, data)
    folder = data / card.folder
    if not zips:
        again = f"download it again from {card.source}"
        return f"{damaged[0]}, which may hold it, is damaged or not complete: {again}" if damaged else ""
    zips = zips if card.task == "figshare3" else zips[:1]  # figshare's slices come in four
    names = named([str(each.path) for each in zips])
    it, its = ("it", f"{names} is a zip of it") if len(zips) == 1 else ("them", f"{names} are zips of it")
    if zips[0].nested:
        return f"{its}: unpack {it}, and the zips in {it}, into {folder}"
    top = "" if card.task == "figshare3" and any(name.endswith(".mat") for name in zips[0].names) else zips[0].top
    if top == card.folder:
        return f"{its}: unpack {it} into {data}"
    if top:
        return f"{its}: unpack {it}, and move what is in the folder {top} to {folder}"
    return f"{its}: unpack {it} into {folder}"


def zips_not_unpacked(card: DatasetCard, data: Path) -> list[Path]:
    """Return the zips of the set beside or in its folder of which no scan has been unpacked there."""
    zips, _ = _zips(card, data)
    if not zips:
        return []
    here = {name for *_, name in _files_below(data / card.folder, ())}
    return [each.path for each in zips if not each.nested and not each.names & here]


def _zips(card: DatasetCard, data: Path) -> tuple[list[_Zip], list[Path]]:
    """Return the zips in `data` and in the set's folder that hold scans of it, and damaged ones by names of its zips.

    Only the list of files in a zip is read.
    """
    places = [place for place in (data, data / card.folder) if place.is_dir()]
    paths = sorted(p for place in places for p in place.iterdir() if p.suffix.lower() == ".zip" and p.is_file())
    zips, damaged = [], []
    for path in paths:
        try:
            with zipfile.ZipFile(path) as file:
                parts = [PurePosixPath(name).parts for name in file.namelist() if name and not name.endswith("/")]
        except (zipfile.BadZipFile, OSError, ValueError):
            damaged += [path] if _is_named_like(card, path) else []
            continue
        scans = [(each, start) for each in parts if (start := layout_begins(card.task, each)) is not None]
        inner = card.task == "figshare3" and any(_is_figshare_part(each[-1]) for each in parts)
        if scans or inner:
            top = "/".join(scans[0][0][: scans[0][1]]) if scans else ""
            zips.append(_Zip(path, top, frozenset(each[-1] for each, _ in scans), nested=not scans))
    return zips, damaged


def _is_figshare_part(name: str) -> bool:
    return name.startswith(FIGSHARE_PART) and name.endswith(".zip")


def _is_named_like(card: DatasetCard, path: Path) -> bool:
    """True for a name that the publisher gives a zip of the set: Kaggle's are mostly called archive.zip."""
    if card.task == "figshare3" and _is_figshare_part(path.name):
        return True
    names = (card.folder, card.source.rpartition("/")[2], *(("archive",) if card.kaggle else ()))
    return path.name.startswith(names)
