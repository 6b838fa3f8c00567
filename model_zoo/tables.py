"""What do a bundle's tables hold, and how are they written and read?

Every figure of a card is computed from these files alone: predictions.csv (the model's own splits), cohorts.csv
(test sets of other collections), checks.csv ("does it cheat?") and sources.csv (can a probe tell where an image
came from?). Probabilities are held to six decimals in memory too, so a figure is the same before and after.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isclose
from pathlib import Path

from model_zoo.card import ModelError, write_whole

PREDICTIONS, COHORTS, CHECKS, SOURCES = "predictions.csv", "cohorts.csv", "checks.csv", "sources.csv"


@dataclass(frozen=True)
class Prediction:
    """One row of `predictions.csv`: a scan of an evaluated split and what the model gave it."""

    id: str
    group: str
    split: str
    twin: bool
    truth: str
    probabilities: tuple[float, ...]  # in the order of the card's classes
    sequence: str = ""  # T1, T1C+, T2; "" where nobody says

    def __post_init__(self):
        object.__setattr__(self, "probabilities", _six_decimals(self.probabilities))


@dataclass(frozen=True)
class CohortRow:
    """One row of `cohorts.csv`: a scan of another collection and what the model gave it."""

    cohort: str  # 44c, figshare, br35h, kaggle
    id: str
    group: str
    sequence: str
    twin: bool  # it has a near-duplicate in this model's training data
    truth: str  # one of the model's classes
    probabilities: tuple[float, ...]

    def __post_init__(self):
        object.__setattr__(self, "probabilities", _six_decimals(self.probabilities))


@dataclass(frozen=True)
class CheckRow:
    """One row of `checks.csv`: a scan, changed as the check says, and what the model gave it."""

    check: str  # "as is", "border only", ...
    id: str
    group: str
    truth: str
    probabilities: tuple[float, ...]

    def __post_init__(self):
        object.__setattr__(self, "probabilities", _six_decimals(self.probabilities))


@dataclass(frozen=True)
class SourceRow:
    """One row of `sources.csv`: where an image came from, and where a probe that never saw it says it came from."""

    id: str
    group: str
    truth: str
    answer: str


def write_predictions(path: Path, classes: Sequence[str], rows: Sequence[Prediction]) -> None:
    """Write the rows as CSV, one column `p_<class>` a class, whole or not at all."""
    _write(path, Prediction, classes, rows)


def read_predictions(path: Path, classes: Sequence[str]) -> list[Prediction]:
    """Read the rows; a file without a column `sequence` names none. Raises ModelError on any other table."""
    return _read(path, Prediction, classes, ("split", "id"))


def write_cohorts(path: Path, classes: Sequence[str], rows: Sequence[CohortRow]) -> None:
    """Write the rows as CSV, one column `p_<class>` a class, whole or not at all."""
    _write(path, CohortRow, classes, rows)


def read_cohorts(path: Path, classes: Sequence[str]) -> list[CohortRow]:
    """Read the rows. Raises ModelError on any other table."""
    return _read(path, CohortRow, classes, ("cohort", "id"))


def write_checks(path: Path, classes: Sequence[str], rows: Sequence[CheckRow]) -> None:
    """Write the rows as CSV, one column `p_<class>` a class, whole or not at all."""
    _write(path, CheckRow, classes, rows)


def read_checks(path: Path, classes: Sequence[str]) -> list[CheckRow]:
    """Read the rows. Raises ModelError on any other table."""
    return _read(path, CheckRow, classes, ("check", "id"))


def write_sources(path: Path, rows: Sequence[SourceRow]) -> None:
    """Write the rows as CSV, whole or not at all."""
    _write(path, SourceRow, (), rows)


def read_sources(path: Path) -> list[SourceRow]:
    """Read the rows. Raises ModelError on any other table."""
    return _read(path, SourceRow, (), ("truth", "id"))


def _six_decimals(p: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(x), 6) for x in p)


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind) if field.name != "probabilities"]


def _write(path: Path, kind: type, classes: Sequence[str], rows: Sequence) -> None:
    text, names = io.StringIO(), _names(kind)
    writer = csv.writer(text)
    writer.writerow([*names, *(f"p_{label}" for label in classes)])
    for row in rows:
        values = [int(row.twin) if name == "twin" else getattr(row, name) for name in names]
        p = [f"{x:.6f}" for x, _ in zip(getattr(row, "probabilities", ()), classes, strict=True)]
        writer.writerow(values + p)
    write_whole(path, text.getvalue())


def _read(path: Path, kind: type, classes: Sequence[str], key: tuple[str, str]) -> list:
    name = f"{path.parent.name}/{path.name}"
    remedy = "restore the file or measure the model again"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header, lines = next(reader, []), list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise ModelError(f"{name} cannot be read as a table ({error}); {remedy}") from error
    wanted = {*_names(kind), *(f"p_{label}" for label in classes)}
    if kind is Prediction and "sequence" not in header:  # the first bundles were written without it
        wanted.remove("sequence")
    if set(header) != wanted or len(header) != len(wanted):
        differing = ", ".join(sorted(set(header) ^ wanted)) or "one stands there twice"
        raise ModelError(f"{name} has other columns than its card's classes ask for ({differing}); {remedy}")
    rows, seen = [], set()
    for number, line in enumerate(lines, start=2):
        try:
            row = _row(header, line, kind, classes)
            scan = tuple(getattr(row, part) for part in key)
            if scan in seen:
                raise ValueError(f"the scan {scan[1]} of {scan[0]} stands there twice")
        except ValueError as error:
            raise ModelError(f"{name}, line {number}: {error}; {remedy}") from error
        seen.add(scan)
        rows.append(row)
    return rows


def _row(header: list[str], line: list[str], kind: type, classes: Sequence[str]):
    if len(line) != len(header):
        raise ValueError(f"{len(line)} values stand under {len(header)} columns")
    values: dict = dict(zip(header, line, strict=True))
    if "twin" in values:
        if values["twin"] not in ("0", "1"):
            raise ValueError(f"twin is {values['twin']!r}, not 0 or 1")
        values["twin"] = values["twin"] == "1"
    if classes:
        p = tuple(float(values.pop(f"p_{label}")) for label in classes)
        if not isclose(sum(p), 1, abs_tol=1e-3) or min(p) < 0:  # NaN and infinity are not close to 1 either
            raise ValueError(f"the probabilities do not sum to 1 but to {sum(p):g}, or one is below 0")
        if values["truth"] not in classes:
            raise ValueError(f"the truth {values['truth']!r} is none of the card's classes")
        values["probabilities"] = p
    return kind(**values)
