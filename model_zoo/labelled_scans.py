"""A site's labelled scans: one folder of scans for each class, on disk or in a ZIP archive."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from model_zoo.card import ModelCard, ModelError
from model_zoo.gate import check_picture
from scans import Scan, ScanError, display_name, is_zip, printable, read, unpacked

File = tuple[str, str, Path | bytes]  # what messages call it, the folder that it is in, where its bytes are


def labelled_scans(folder: Path, card: ModelCard) -> list[tuple[Scan, str]]:
    """Return the scans in the class folders of `folder`, each with its class id.

    A class folder has the id or the display name of one of the model's classes. Raises ModelError that names the first
    folder of another name, and the first file that cannot be read or has more than one slice.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; it should hold one folder of scans for each class")
    subs = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    labels = _labels([sub.name for sub in subs], card, str(folder))
    files = [
        (printable(path), sub.name, path)
        for sub in subs
        for path in sorted(path for path in sub.iterdir() if path.is_file() and not path.name.startswith("."))
    ]
    return _read(files, labels, str(folder))


def labelled_archive(
    data: bytes, card: ModelCard, progress: Callable[[float], object] = lambda share: None
) -> list[tuple[Scan, str]]:
    """Return the scans in the class folders of a ZIP archive, as `labelled_scans` does; nothing is written to disk.

    The folder that a file lies in names its class, whatever folders that one lies in. `progress` gets the share that
    is read. Raises ModelError as `labelled_scans`, and ScanError on an archive that cannot be unpacked.
    """
    if not is_zip(data):
        raise ModelError("this file is no ZIP archive; pack one folder of scans for each class into one")
    members = [(name.replace("\\", "/").split("/"), content) for name, content in unpacked(data)]
    # In the order of the folders on disk, so that both ways give the same numbers to the last digit.
    members.sort(key=lambda member: member[0][-2:])
    if loose := next((parts[-1] for parts, _ in members if len(parts) < 2), ""):
        raise ModelError(
            f"the file {display_name(loose)} lies in no folder of the archive; put each scan into a folder named after "
            f"its class: {', '.join(card.classes)}"
        )
    labels = _labels(dict.fromkeys(parts[-2] for parts, _ in members), card, "the archive")
    files = [
        (f"the file {display_name(file)} in {display_name(folder)}", folder, content)
        for (*_, folder, file), content in members
    ]
    return _read(files, labels, "the archive", progress)


def _labels(folders: Iterable[str], card: ModelCard, place: str) -> dict[str, str]:
    """Return the class id of each folder. Raises ModelError that names the first which is no class."""
    known = {name.lower(): label for label, name in zip(card.classes, card.names, strict=True)}
    known |= {label.lower(): label for label in card.classes}
    for folder in folders:
        if folder.lower() not in known:
            raise ModelError(
                f"{place} has the folder {display_name(folder)!r}, which is no class of {card.id}: use "
                f"{', '.join(card.classes)}"
            )
    return {folder: known[folder.lower()] for folder in folders}


def _read(
    files: Sequence[File], labels: dict[str, str], place: str, progress: Callable[[float], object] = lambda share: None
) -> list[tuple[Scan, str]]:
    found, faults = [], []
    for number, (name, folder, source) in enumerate(files, 1):
        try:
            found.append((_one_slice(source), labels[folder]))
        except ScanError as error:
            faults.append(f"{name}: {error}")
        progress(number / len(files))
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise ModelError(f"{faults[0].rstrip('.')}{more}; move such files out of {place}")
    return found


def _one_slice(source: Path | bytes) -> Scan:
    scans = read(source)
    if len(scans) > 1:
        raise ScanError(f"it holds {len(scans)} slices, and a label is for one: export the slice alone")
    if scans[0].not_assessable:
        raise ScanError(scans[0].not_assessable)
    if withheld := check_picture(scans[0]).withheld:  # nothing is predicted from it later, either
        raise ScanError(withheld)
    return scans[0]
