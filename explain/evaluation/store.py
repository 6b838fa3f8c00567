"""Which models have a board, and what stands in it? Read once, and again only when its files change."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from datasets.cards import scan_path
from datasets.records import Record
from explain.evaluation.cases import ANNOTATED
from explain.evaluation.estimates import estimate
from explain.evaluation.results import MEASURES, SUMMARY, TABLE, read_rows
from explain.evaluation.score import Row
from model_zoo import Estimate, ModelError
from model_zoo.verify import bundle_folders


@dataclass(frozen=True, eq=False)
class Board:
    """A model's explanations.json as it was written, `found`, and the rows of explanations.csv beside it."""

    folder: Path
    found: dict
    rows: tuple[Row, ...]

    @property
    def methods(self) -> list[str]:
        """The methods scored, in their order."""
        return [name for name, values in self.found["methods"].items() if not values["control"]]

    @property
    def controls(self) -> list[str]:
        """The controls scored, in their order."""
        return [name for name, values in self.found["methods"].items() if values["control"]]

    def figure(self, method: str, measure: str) -> Estimate | None:
        """Return a measure of a method or a control over the marked scans, None where it was not taken."""
        known = self.found["methods"].get(method, {}).get(measure)
        return Estimate(**known) if known else None

    def marked(self, method: str) -> list[Row]:
        """Return a method's or a control's rows of the scans with a marked tumour."""
        return [row for row in self.rows if row.method == method and "pointing" in row.measures]


def read_board(folder: Path) -> Board | None:
    """Return the board of the bundle in `folder`, None where it was not run. Raises ModelError on a broken one."""
    if not (folder / SUMMARY).exists():
        return None
    try:
        return _read(folder, *((folder / name).stat().st_mtime_ns for name in (SUMMARY, TABLE)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"the board of {folder.name} cannot be read ({error}): {SUMMARY} and {TABLE} must lie side by side as "
            "the board wrote them; run it again"
        ) from error


@lru_cache(maxsize=8)
def _read(folder: Path, *changed: int) -> Board:
    board = Board(folder, json.loads((folder / SUMMARY).read_text(encoding="utf-8")), tuple(read_rows(folder / TABLE)))
    for name in ("model", "weights", "groups", "right", "median share of the box"):
        board.found[name]  # a summary without it fails here, not in the middle of a page
    if not board.found["scans"]:
        raise ValueError("it holds no marked scan")
    if {row.method for row in board.rows} != set(board.found["methods"]):
        raise ValueError("the table is not the one that the summary was made from")
    for name in board.methods + board.controls:
        board.found["methods"][name]["pointing, by"]
        for measure in MEASURES:
            board.figure(name, measure)
    return board


def boards() -> tuple[dict[str, Board], list[str]]:
    """Return the board of every bundle that has one, by the model's id, and a sentence for each that is broken.

    The zoo's own come first, then those of systems whose weights are not shipped.
    """
    found, broken = {}, []
    for folder in bundle_folders():
        try:
            board = read_board(folder)
        except ModelError as error:
            broken.append(str(error))
        else:
            found |= {board.found["model"]: board} if board else {}
    return found, broken


@dataclass(frozen=True)
class Part:
    """A share of the marked slices, `name` by `what`, and in how many of them a map's brightest point is in the box."""

    what: str
    name: str
    pointing: Estimate


@lru_cache(maxsize=256)
def parts(board: Board, method: str) -> tuple[Part, ...]:
    """Return the pointing game of a method or a control by class, by size of the box and by answer."""
    by_id = {row.id: row for row in board.marked(method)}
    found = []
    for what, names in _parts_of(board).items():
        for name, ids in names.items():
            rows = [by_id[each] for each in ids if each in by_id]
            if rows:
                values = np.array([row.measures["pointing"] for row in rows])
                found.append(Part(what, name, estimate(values, [row.group for row in rows])))
    return tuple(found)


@lru_cache(maxsize=8)
def _parts_of(board: Board) -> dict[str, dict[str, list[str]]]:
    """Return the ids of the marked slices in each part; every method is scored on the same."""
    rows = list({row.id: row for row in board.rows if "pointing" in row.measures}.values())
    if not rows:
        return {}
    low, high = np.quantile([row.box_share for row in rows], [1 / 3, 2 / 3])
    edges = (
        f"under {100 * low:.1f}\u00a0%",
        f"{100 * low:.1f} to {100 * high:.1f}\u00a0%",
        f"{100 * high:.1f}\u00a0% or more",
    )
    size = {row.id: edges[int(np.searchsorted([low, high], row.box_share, side="right"))] for row in rows}
    classes = sorted({row.truth for row in rows})
    return {
        "class": {name: [row.id for row in rows if row.truth == name] for name in classes},
        "size of the box": {name: [row.id for row in rows if size[row.id] == name] for name in edges},
        "answer": {
            name: [row.id for row in rows if (row.truth == row.answer) is right]
            for name, right in (("right", True), ("wrong", False))
        },
    }


def best_first(rows: Sequence[Row], measure: str, high_is_good: bool) -> list[Row]:
    """Return the rows that have the measure, the best first; where they tie, by the evidence in the box."""
    known = [row for row in rows if measure in row.measures]
    sign = -1 if high_is_good else 1
    return sorted(known, key=lambda row: (sign * row.measures[measure], -row.measures.get("energy", 0), row.id))


def case_of(row: Row, data: Path) -> Record | None:
    """Return the scan of a row, where it lies below the folder of datasets; None where it is not on this machine."""
    path = scan_path(row.id, data, ANNOTATED)
    return Record(row.id, row.truth, path, group=row.group) if path else None
