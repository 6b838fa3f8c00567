"""Which slice of which file is asked about, and under what name are its results kept?"""

from pathlib import Path

from scans import Scan, ScanError


def unique_stems(paths: list[Path]) -> list[tuple[Path, str]]:
    """Return each path with the name its results get: its stem, numbered where that is taken.

    A stem is cut at 180 bytes: a file system takes names of 255, and the method's name comes behind it.
    """
    taken: set[str] = set()
    named = []
    for path in paths:
        stem = path.name.removesuffix(".gz").rsplit(".", 1)[0] or path.name
        stem = stem.encode()[:180].decode(errors="ignore")
        label, number = stem, 1
        while label in taken:
            number += 1
            label = f"{stem}-{number}"
        taken.add(label)
        named.append((path, label))
    return named


def choose_slice(scans: list[Scan], index: int | None) -> Scan:
    """Return slice `index`, or the middle one. Raises ScanError where there is no such slice."""
    if index is None:
        return scans[len(scans) // 2]
    if not 0 <= index < len(scans):
        raise ScanError(f"There is no slice {index}; this file has slices 0 to {len(scans) - 1}.")
    return scans[index]
