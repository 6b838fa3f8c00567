"""The stored evaluations of the zoo's models, read once and again when their files change."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from datasets.cards import scan_path
from datasets.records import Record
from explain.evaluation.cases import ANNOTATED
from explain.evaluation.results import SUMMARY, Results, from_json
from explain.evaluation.rows import TABLE, Row, read_rows
from model_zoo import Estimate, ModelError
from model_zoo.card_check import first_wrong_type
from model_zoo.card_explanations import version_of
from model_zoo.verify import bundle_folders
from model_zoo.zoo import MEASURED


@dataclass(frozen=True, eq=False)
class StoredEvaluation:
    """A bundle's explanations.json and the rows of explanations.csv beside it, without methods of another version."""

    folder: Path
    results: Results
    rows: tuple[Row, ...]

    @property
    def methods(self) -> list[str]:
        """The evaluated methods, in their order."""
        return [name for name, result in self.results.methods.items() if not result.control]

    @property
    def controls(self) -> list[str]:
        """The evaluated controls, in their order."""
        return [name for name, result in self.results.methods.items() if result.control]

    @property
    def best_localised(self) -> list[str]:
        """The methods with the best pointing game of those that do not fail the sanity check, of all where all fail."""
        methods = [name for name in self.methods if not self.results.methods[name].fails_sanity] or self.methods
        hits = {name: self.estimate(name, "pointing").value for name in methods}
        return [name for name, share in hits.items() if share == max(hits.values())]

    @property
    def shipped(self) -> bool:
        """True where the app offers the model, False where only its results are kept."""
        return self.folder.parent.name != MEASURED

    def estimate(self, method: str, measure: str) -> Estimate | None:
        """Return a measure of a method or a control over the annotated scans, None where it was not taken."""
        result = self.results.methods.get(method)
        return result.estimates.get(measure) if result else None

    def annotated(self, method: str) -> list[Row]:
        """Return a method's or a control's rows of the annotated scans."""
        return [row for row in self.rows if row.method == method and "pointing" in row.measures]


def read_evaluation(folder: Path) -> StoredEvaluation | None:
    """Return the evaluation of the bundle in `folder`, None without a method that was evaluated as it is today.

    Raises ModelError on a broken one.
    """
    if not (folder / SUMMARY).exists():
        return None
    try:
        stored = _read(folder, *((folder / name).stat().st_mtime_ns for name in (SUMMARY, TABLE)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"the evaluation of {folder.name} cannot be read ({error}): {SUMMARY} and {TABLE} must lie side by side "
            "as the evaluation wrote them; run it again"
        ) from error
    return stored if stored.methods else None


@lru_cache(maxsize=8)
def _read(folder: Path, *changed: int) -> StoredEvaluation:
    results = from_json(json.loads((folder / SUMMARY).read_text(encoding="utf-8")))
    if fault := first_wrong_type(results):
        raise ValueError(fault)
    rows = tuple(read_rows(folder / TABLE))
    if not results.scans:
        raise ValueError("it holds no annotated scan")
    annotated, healthy = (Counter(row.id for row in rows if (row.box_share > 0) is there) for there in (True, False))
    counted = len(annotated), len(healthy)
    if {row.method for row in rows} != set(results.methods) or counted != (results.scans, results.healthy_scans):
        raise ValueError("the summary was not made from the table")
    if set(annotated.values()) != {len(results.methods)} or len(set(healthy.values())) > 1:
        raise ValueError("the table lacks rows, or has some twice")
    methods = {name: result for name, result in results.methods.items() if result.version == version_of(name)}
    of_today = replace(
        results,
        methods=methods,
        healthy={name: estimates for name, estimates in results.healthy.items() if name in methods},
    )
    return StoredEvaluation(folder, of_today, tuple(row for row in rows if row.method in methods))


def evaluations() -> tuple[dict[str, StoredEvaluation], list[str]]:
    """Return every stored evaluation by the model's id, and a sentence for each that is broken.

    The zoo's own models come first, then those of which only the results are kept.
    """
    stored, broken = {}, []
    for folder in bundle_folders():
        try:
            evaluation = read_evaluation(folder)
        except ModelError as error:
            broken.append(str(error))
        else:
            stored |= {evaluation.results.model: evaluation} if evaluation else {}
    return stored, broken


def best_first(rows: Sequence[Row], measure: str, high_is_good: bool) -> list[Row]:
    """Return the rows that have the measure, the best first; ties are ordered by the evidence in the box."""
    measured = [row for row in rows if measure in row.measures]
    sign = -1 if high_is_good else 1
    return sorted(measured, key=lambda row: (sign * row.measures[measure], -row.measures.get("energy", 0), row.id))


def record_of(row: Row, data: Path) -> Record | None:
    """Return the scan of a row below the folder of datasets, None where it is not on this machine."""
    path = scan_path(row.id, data, ANNOTATED)
    return Record(row.id, row.truth, path, group=row.group) if path else None
