"""Files and folders that are written whole or not at all: a full disk or a kill leaves the old ones as they were."""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np


def write_whole(path: Path, content: str | bytes | Callable[[Path], object]) -> None:
    """Write a file: a text in UTF-8, bytes, or whatever a function saves at the path that it is given."""
    part = path.with_name(f".part.{path.name}")  # the suffix stays: Keras tells its format by it
    try:
        if callable(content):
            content(part)
        else:
            part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def replace_folder(part: Path, place: Path) -> Path:
    """Move the folder `part` to `place` and return it; an old folder goes only when the new one is in its place."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    try:
        part.replace(place)
    except OSError:
        if old.exists():
            old.replace(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return place


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as a packed .npz, whole or not at all: the same bytes for the same arrays.

    `np.savez_compressed` would write the date, too.
    """

    def save(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as file:
            for name, values in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy")
                member.compress_type = zipfile.ZIP_DEFLATED
                with file.open(member, "w") as stream:
                    np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)

    write_whole(path, save)
