"""The table of an evaluation, explanations.csv: one row per scan and method or control."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from explain.evaluation.measures import MEASURES
from model_zoo import ModelError
from model_zoo.whole_files import read_table, write_whole

TABLE = "explanations.csv"


@dataclass(frozen=True)
class Row:
    """What one method or control scored on one scan. `measures` lack what was not measured."""

    id: str
    group: str
    truth: str
    predicted: str  # the class explained
    probability: float  # of the predicted class
    box_share: float  # share of the scan that the box covers; 0 without a tumour
    method: str
    control: bool
    seconds: float
    evaluations: int
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def correct(self) -> bool:
        """True where the prediction is the reference label."""
        return self.predicted == self.truth


_FACTS = [f.name for f in fields(Row) if f.name != "measures"]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as CSV, whole or not at all; a measure that was not taken is left blank."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*_FACTS, *MEASURES])
    for row in rows:
        facts = [getattr(row, name) for name in _FACTS]
        cells = [int(v) if isinstance(v, bool) else f"{v:.6g}" if isinstance(v, float) else v for v in facts]
        writer.writerow(cells + [f"{row.measures[m]:.6g}" if m in row.measures else "" for m in MEASURES])
    write_whole(path, text.getvalue())


def read_rows(path: Path) -> list[Row]:
    """Read the rows. Raises ModelError on any other table."""
    try:
        lines = csv.DictReader(io.StringIO(read_table(path), newline=""))
        return [_row(line) for line in lines]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ModelError(f"{path} is not a table of evaluation results ({error}); run the evaluation again") from error


def _row(line: dict[str, str]) -> Row:
    facts = {name: line[name] for name in _FACTS}
    numbers = {name: float(facts[name]) for name in ("probability", "box_share", "seconds")}
    measures = {name: float(line[name]) for name in MEASURES if line[name] != ""}
    whole = {"control": facts["control"] == "1", "evaluations": int(facts["evaluations"])}
    return Row(**facts | numbers | whole, measures=measures)
