"""The history of a training run, epoch by epoch: a bundle's history.csv."""

import csv
import io
from dataclasses import dataclass
from math import nan
from pathlib import Path

from model_zoo.card import ModelError
from model_zoo.whole_files import read_table

HISTORY = "history.csv"
LOSSES = ("logits_loss", "loss")  # a model that also learns where the lesion is sums its losses under the second name


@dataclass(frozen=True)
class History:
    """A training run, epoch by epoch. `columns` are those of the file, NaN where a cell is empty."""

    epochs: tuple[int, ...]
    columns: dict[str, tuple[float, ...]]
    phases: tuple[str, ...]  # "head" while the backbone was frozen, then "whole"; "" where there was one phase

    def loss(self) -> str:
        """Return the column of the loss of the classification, "" where none was kept."""
        return next((name for name in LOSSES if name in self.columns), "")

    def kept(self, best: float | None) -> int | None:
        """Return the epoch whose weights were kept: the card counts it within the last phase, from 1."""
        last = [epoch for epoch, phase in zip(self.epochs, self.phases, strict=True) if phase == self.phases[-1]]
        return last[int(best) - 1] if best and 1 <= best <= len(last) else None


def read_history(path: Path) -> History:
    """Read a bundle's history.csv, whatever columns its recipe left. Raises ModelError on any other table."""
    try:
        header, *lines = list(csv.reader(io.StringIO(read_table(path), newline=""))) or [[]]
        rows = [dict(zip(header, line, strict=True)) for line in lines]
        if not rows or "epoch" not in header:
            raise ValueError("it holds no epoch")
        epochs = tuple(int(row.pop("epoch")) for row in rows)
        phases = tuple(row.pop("phase", "") for row in rows)
        columns = {key: tuple(float(row[key] or nan) for row in rows) for key in rows[0]}
    except (OSError, ValueError, csv.Error) as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} cannot be read as the history of a training ({error}); "
            "restore the file or train the model again"
        ) from error
    return History(epochs, columns, phases)
