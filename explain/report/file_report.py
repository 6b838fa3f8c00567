"""The report of one file, made by whichever worker of an engine gets it: what `explain.engine` maps over a folder."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from explain.arguments import choose_slice, stem_of
from explain.engine import Engine
from explain.prediction import predict
from explain.report.folder import finished, key_of, name_of, write
from explain.report.report_input import report_of
from explain.request import Request, explain
from model_zoo import Model
from scans import MAX_BYTES, Scan, ScanError, dicom_file, read
from scans.pairs import read_pair
from scans.study import begins_dicom, read_beside, series_of, without_pixels


@dataclass(frozen=True, eq=False)
class File:
    """A file to report. `beside` is what the other slices of its series make of it, None where it has none.

    `date` is that of the report: a worker that does it again writes the same bytes.
    """

    path: Path  # absolute: workers have folders of their own
    beside: Scan | ScanError | None
    date: datetime


@dataclass(frozen=True, eq=False)
class FileReport:
    """How a file is reported. `reported` are the lines of the reports that were there before, by name."""

    model: Model
    out: Path  # absolute, and on a disk that all workers share
    methods: tuple[str, ...]
    formats: tuple[str, ...]
    settings: dict[str, str | int | float]  # of a request
    plane: str = "axial"
    stack: str = ""
    slice: int | None = None
    anyway: bool = False
    identity: bool = False
    file_names: bool = False
    reported: dict[str, dict] = field(default_factory=dict)

    def __call__(self, file: File) -> tuple[dict, bool] | ScanError:
        """Return the line of a file's report and whether it was made now, or why it has none.

        Raises ModelError on a model that cannot be used here, OSError where nothing can be written.
        """
        try:
            return self._report(file)
        except ScanError as error:
            return error

    def _report(self, file: File) -> tuple[dict, bool]:
        if isinstance(file.beside, ScanError):
            raise file.beside
        scans = read_beside(file.path, file.beside, plane=self.plane, stack=self.stack)
        scan, data = choose_slice(scans, self.slice), _bytes(file.path)
        facts = {
            "methods": list(self.methods),
            **self.settings,
            "scan": scan.key,
            "notes": list(scan.notes),  # of its series, too, which can grow
            "anyway": self.anyway,
            "identity": self.identity,
        }
        key = key_of(self.model.card, hashlib.sha256(data).hexdigest(), facts)
        stem = stem_of(file.path) if self.file_names else "scan"
        name, formats = name_of(stem, key), list(self.formats)
        if name in self.reported:
            if finished(self.out, self.reported[name], key, formats):
                return self.reported[name], False
            formats = list(dict.fromkeys([*self.reported[name]["formats"], *formats]))
        choices = self.settings | {"prediction": predict(self.model, scan, anyway=self.anyway)}
        requests = [Request(self.model, scan, method, **choices) for method in self.methods]
        report = report_of(requests, [explain(request) for request in requests], file.date)
        return write(self.out, report, dicom_file(scan, data), stem, key, formats, self.identity), True


def beside_others(engine: Engine, files: Iterable[Path], plane: str, stack: str) -> dict[Path, Scan | ScanError]:
    """Return what the slices of each series make of each other, by file: their one grey range, their notes.

    No pixels are kept: a worker reads those of its own file again.
    """
    dicom = [path for path in files if begins_dicom(path)]
    alike: dict[str, list[Path]] = {}
    if len(dicom) > 1:
        absolute = [path.absolute() for path in dicom]
        for path, series in zip(dicom, engine.map(partial(series_of, plane=plane, stack=stack), absolute), strict=True):
            if series and isinstance(series, str):
                alike.setdefault(series, []).append(path)
    several = [paths for paths in alike.values() if len(paths) > 1]
    found: dict[Path, Scan | ScanError] = {}
    read_together = partial(without_pixels, plane=plane, stack=stack)
    for paths, seen in zip(
        several, engine.map(read_together, ([p.absolute() for p in s] for s in several)), strict=True
    ):
        # a series that is too large for a worker gets the sentence that says so, and not a grey range of its own
        found |= {p: seen if isinstance(seen, ScanError) else seen.get(p.absolute()) for p in paths}
    return found


def _bytes(path: Path) -> bytes:
    """Return the bytes that `read` makes scans of: a file's, or those of a pair that it makes with the one beside it.

    Raises ScanError, by `read`, on what is too large, not a file or cannot be opened.
    """
    try:
        if path.is_file() and 0 < path.stat().st_size <= MAX_BYTES:
            data = path.read_bytes()
            return read_pair(path, data) or data
    except OSError:
        pass
    read(path)
    raise ScanError("This is a pipe or a device; save the scan as a file first.")
