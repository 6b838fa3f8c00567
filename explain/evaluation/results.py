"""What is in a bundle's explanations.csv, and what does it come to? One row a scan and method; means with intervals.

The summary, explanations.json, follows from the table alone: `summary` computes it again.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from explain.evaluation.estimates import estimate
from explain.evaluation.sanity import STAGES, SURVIVES
from explain.evaluation.score import Row
from model_zoo import ModelError
from model_zoo.card import write_whole

TABLE, SUMMARY = "explanations.csv", "explanations.json"

# measure -> statistic over scans; the lift has a long tail, and is compared by its median
MEASURES = {
    "pointing": "mean",
    "energy": "mean",
    "lift": "median",
    "head_lift": "median",
    "rank_accuracy": "mean",
    "iou": "mean",
    "insertion blur": "mean",
    "deletion blur": "mean",
    "insertion mean": "mean",
    "deletion mean": "mean",
    "road": "mean",
    "road morf": "mean",
    "road lerf": "mean",
    "seeds": "mean",
    "shifts and noise": "mean",
    **{f"sanity {stage}": "mean" for stage in STAGES},
}
_FACTS = [f.name for f in fields(Row) if f.name != "measures"]
_SIZES = ("small", "middle", "large")


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
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        return [_row(line) for line in lines]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ModelError(f"{path} cannot be read as a table of explanations ({error}); run the board again") from error


def _row(line: dict[str, str]) -> Row:
    facts = {name: line[name] for name in _FACTS}
    numbers = {name: float(facts[name]) for name in ("probability", "box_share", "seconds")}
    measures = {name: float(line[name]) for name in MEASURES if line[name] != ""}
    whole = {"control": facts["control"] == "1", "evaluations": int(facts["evaluations"])}
    return Row(**facts | numbers | whole, measures=measures)


def summary(rows: Sequence[Row]) -> dict:
    """Return what the rows come to: a method's measures with 95 % intervals over groups, and where it misses.

    Localisation counts scans with a marked tumour only; scans without one are counted apart, under "healthy".
    """
    tumours = [row for row in rows if row.box_share > 0]
    healthy = [row for row in rows if row.box_share == 0]
    methods = list(dict.fromkeys(row.method for row in rows))
    return {
        "scans": len({row.id for row in tumours}),
        "groups": len({row.group for row in tumours}),
        "right": round(float(np.mean([r.truth == r.answer for r in tumours])), 4) if tumours else None,
        "median share of the box": round(float(np.median([r.box_share for r in tumours])), 4) if tumours else None,
        "methods": {name: _method(name, tumours) for name in methods},
        "healthy": {
            "scans": len({row.id for row in healthy}),
            "methods": {name: _estimates([r for r in healthy if r.method == name]) for name in methods if healthy},
        },
    }


def _method(name: str, tumours: Sequence[Row]) -> dict:
    rows = [row for row in tumours if row.method == name]
    found: dict = {"control": rows[0].control} | _estimates(rows)
    if survived := found.get(f"sanity {list(STAGES)[-1]}"):
        found["fails sanity"] = survived["value"] > SURVIVES
    if not rows[0].control:
        found["seconds, median"] = round(float(np.median([row.seconds for row in rows])), 3)
        found["evaluations, median"] = int(np.median([row.evaluations for row in rows]))
    found["pointing, by"] = {what: _shares(parts) for what, parts in _parts(rows).items()}
    return found


def _estimates(rows: Sequence[Row]) -> dict:
    groups = [row.group for row in rows]
    found = {}
    for measure, statistic in MEASURES.items():
        values = np.array([row.measures.get(measure, np.nan) for row in rows])
        if made := estimate(values, groups, statistic) if len(values) else None:
            found[measure] = asdict(made)
    return found


def _parts(rows: Sequence[Row]) -> dict[str, dict[str, list[Row]]]:
    """Return the rows by class, by size of the box in thirds, and by whether the answer is right."""
    edges = np.quantile([row.box_share for row in rows], [1 / 3, 2 / 3])
    sizes = [_SIZES[int(np.searchsorted(edges, row.box_share, side="right"))] for row in rows]
    kinds = {
        "class": [row.truth for row in rows],
        "size of the box": sizes,
        "answer": ["right" if row.truth == row.answer else "wrong" for row in rows],
    }
    return {
        what: {name: [r for r, n in zip(rows, names, strict=True) if n == name] for name in sorted(set(names))}
        for what, names in kinds.items()
    }


def _shares(parts: dict[str, list[Row]]) -> dict[str, dict]:
    return {
        name: {"scans": len(rows), "pointing": round(float(np.mean([r.measures["pointing"] for r in rows])), 4)}
        for name, rows in parts.items()
    }


def write_summary(folder: Path, model: str, weights: str) -> dict:
    """Write explanations.json from the table beside it and return it."""
    found = {"model": model, "weights": weights} | summary(read_rows(folder / TABLE))
    write_whole(folder / SUMMARY, json.dumps(found, indent=1) + "\n")
    return found
