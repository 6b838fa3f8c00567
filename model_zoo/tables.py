"""The tables of a bundle, from which alone every score of its card is computed.

predictions.csv holds the model's own splits, cohorts.csv the test sets of other collections, shortcut_tests.csv the
shortcut and robustness tests, sources.csv the predictions of the source probe, similar_cases.csv how many of the most
similar known scans have the diagnosis of a test scan. Probabilities are rounded to six
decimals in memory too, so that a score is the same before and after a file is written.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from math import isclose
from pathlib import Path
from types import MappingProxyType

from model_zoo.card import ModelError
from model_zoo.whole_files import read_table, write_whole

PREDICTIONS, COHORTS, SHORTCUTS, SOURCES = "predictions.csv", "cohorts.csv", "shortcut_tests.csv", "sources.csv"
SIMILAR = "similar_cases.csv"
ALL_ROWS = ""  # in the counts of a table: all its rows, whatever they belong to
NOT_COUNTED: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class PredictionRow:
    """One row of `predictions.csv`: a scan of an evaluated split and the model's probabilities."""

    id: str
    group: str
    split: str
    near_duplicate: bool  # a scan that trained or chose the model shows the same picture
    truth: str
    probabilities: tuple[float, ...]  # in the order of the card's classes
    sequence: str = ""  # T1, T1C+, T2; "" where it is not known
    plane: str = ""  # axial, coronal, sagittal; "" where it is not known

    def __post_init__(self):
        object.__setattr__(self, "probabilities", _six_decimals(self.probabilities))


@dataclass(frozen=True)
class CohortRow:
    """One row of `cohorts.csv`: a test scan of another collection and the model's probabilities."""

    cohort: str  # 44c, figshare, br35h, kaggle
    id: str
    group: str
    sequence: str
    near_duplicate: bool  # a scan that trained or chose the model shows the same picture
    truth: str  # one of the model's classes
    probabilities: tuple[float, ...]
    plane: str = ""  # as the row above

    def __post_init__(self):
        object.__setattr__(self, "probabilities", _six_decimals(self.probabilities))


@dataclass(frozen=True)
class ShortcutRow:
    """One row of `shortcut_tests.csv`: a scan, changed as the test says, and the model's probabilities."""

    test: str  # "as is", "border only", ...
    id: str
    group: str
    truth: str
    probabilities: tuple[float, ...]

    def __post_init__(self):
        object.__setattr__(self, "probabilities", _six_decimals(self.probabilities))


@dataclass(frozen=True)
class SourceRow:
    """One row of `sources.csv`: the source of an image, and the prediction of a probe that was not fitted on it."""

    id: str
    group: str
    truth: str
    prediction: str


@dataclass(frozen=True)
class SimilarRow:
    """One row of `similar_cases.csv`: a test scan, and how many of its nearest known scans are of its class."""

    cohort: str
    id: str
    group: str
    sequence: str
    truth: str
    agreeing: int
    neighbours: int

    def __post_init__(self):
        object.__setattr__(self, "agreeing", int(self.agreeing))
        object.__setattr__(self, "neighbours", int(self.neighbours))
        if not 0 <= self.agreeing <= self.neighbours:
            raise ValueError(f"{self.agreeing} of {self.neighbours} neighbours agree")


def write_predictions(path: Path, classes: Sequence[str], rows: Sequence[PredictionRow]) -> None:
    """Write the rows as CSV, one column `p_<class>` per class, whole or not at all."""
    _write(path, PredictionRow, classes, rows)


def read_predictions(path: Path, classes: Sequence[str], rows: Mapping[str, int] = NOT_COUNTED) -> list[PredictionRow]:
    """Read the rows; `rows` says how many of which there must be. Raises ModelError on any other table."""
    return _read(path, PredictionRow, classes, ("split", "id"), rows)


def write_cohorts(path: Path, classes: Sequence[str], rows: Sequence[CohortRow]) -> None:
    """Write the rows as CSV, one column `p_<class>` per class, whole or not at all."""
    _write(path, CohortRow, classes, rows)


def read_cohorts(path: Path, classes: Sequence[str], rows: Mapping[str, int] = NOT_COUNTED) -> list[CohortRow]:
    """Read the rows; `rows` says how many of which there must be. Raises ModelError on any other table."""
    return _read(path, CohortRow, classes, ("cohort", "id"), rows)


def write_shortcut_tests(path: Path, classes: Sequence[str], rows: Sequence[ShortcutRow]) -> None:
    """Write the rows as CSV, one column `p_<class>` per class, whole or not at all."""
    _write(path, ShortcutRow, classes, rows)


def read_shortcut_tests(path: Path, classes: Sequence[str], rows: Mapping[str, int] = NOT_COUNTED) -> list[ShortcutRow]:
    """Read the rows; `rows` says how many of which there must be. Raises ModelError on any other table."""
    return _read(path, ShortcutRow, classes, ("test", "id"), rows)


def write_sources(path: Path, rows: Sequence[SourceRow]) -> None:
    """Write the rows as CSV, whole or not at all."""
    _write(path, SourceRow, (), rows)


def read_sources(path: Path, rows: Mapping[str, int] = NOT_COUNTED) -> list[SourceRow]:
    """Read the rows; `rows` are those that it must have, by "". Raises ModelError on any other table."""
    return _read(path, SourceRow, (), ("truth", "id"), rows)


def write_similar(path: Path, rows: Sequence[SimilarRow]) -> None:
    """Write the rows as CSV, whole or not at all."""
    _write(path, SimilarRow, (), rows)


def read_similar(path: Path) -> list[SimilarRow]:
    """Read the rows. Raises ModelError on any other table."""
    return _read(path, SimilarRow, (), ("cohort", "id"))


def _six_decimals(p: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(x), 6) for x in p)


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind) if field.name != "probabilities"]


def _write(path: Path, kind: type, classes: Sequence[str], rows: Sequence) -> None:
    text, names = io.StringIO(), _names(kind)
    writer = csv.writer(text)
    writer.writerow([*names, *(f"p_{label}" for label in classes)])
    for row in rows:
        values = [int(row.near_duplicate) if name == "near_duplicate" else getattr(row, name) for name in names]
        p = [f"{x:.6f}" for x, _ in zip(getattr(row, "probabilities", ()), classes, strict=True)]
        writer.writerow(values + p)
    write_whole(path, text.getvalue())


def _read(
    path: Path, kind: type, classes: Sequence[str], key: tuple[str, str], counted: Mapping[str, int] = NOT_COUNTED
) -> list:
    name = f"{path.parent.name}/{path.name}"
    remedy = "restore the file or measure the model again"
    try:
        reader = csv.reader(io.StringIO(read_table(path), newline=""))
        header, lines = next(reader, []), list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise ModelError(f"{name} cannot be read as a table ({error}); {remedy}") from error
    columns = {*_names(kind), *(f"p_{label}" for label in classes)}
    later = {field.name for field in fields(kind) if field.default is not MISSING}  # tables of older models lack them
    if not columns - later <= set(header) <= columns or len(header) != len(set(header)):
        differing = ", ".join(sorted((set(header) ^ columns) - later)) or "a column is there twice"
        raise ModelError(f"{name} has other columns than its card's classes need ({differing}); {remedy}")
    rows, scans = [], set()
    for number, line in enumerate(lines, start=2):
        try:
            row = _row(header, line, kind, classes)
            scan = tuple(getattr(row, part) for part in key)
            if scan in scans:
                raise ValueError(f"the scan {scan[1]} of {scan[0]} is there twice")
        except ValueError as error:
            raise ModelError(f"{name}, line {number}: {error}; {remedy}") from error
        scans.add(scan)
        rows.append(row)
    found = Counter(getattr(row, key[0]) for row in rows) + Counter({ALL_ROWS: len(rows)})
    for part, number in counted.items():
        if found[part] != number:
            of = f" of {part}" if part else ""
            raise ModelError(f"{name} has {found[part]:,} rows{of}, its card counts {number:,}; {remedy}")
    return rows


def _row(header: list[str], line: list[str], kind: type, classes: Sequence[str]):
    if len(line) != len(header):
        raise ValueError(f"{len(line)} values for {len(header)} columns")
    values: dict = dict(zip(header, line, strict=True))
    if "near_duplicate" in values:
        if values["near_duplicate"] not in ("0", "1"):
            raise ValueError(f"near_duplicate is {values['near_duplicate']!r}, not 0 or 1")
        values["near_duplicate"] = values["near_duplicate"] == "1"
    if classes:
        p = tuple(float(values.pop(f"p_{label}")) for label in classes)
        if not isclose(sum(p), 1, abs_tol=1e-3) or min(p) < 0:  # NaN and infinity are not close to 1 either
            raise ValueError(f"the probabilities do not sum to 1 but to {sum(p):g}, or one is below 0")
        if values["truth"] not in classes:
            raise ValueError(f"the truth {values['truth']!r} is not one of the card's classes")
        values["probabilities"] = p
    return kind(**values)
