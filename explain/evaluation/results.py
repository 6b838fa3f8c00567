"""The results of one model's evaluation, explanations.json: they follow from the rows of explanations.csv alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from explain.evaluation.estimates import estimate
from explain.evaluation.measures import MEASURES
from explain.evaluation.rows import TABLE, Row, read_rows
from explain.evaluation.sanity import STAGES, SURVIVES
from model_zoo import Estimate
from model_zoo.card_explanations import SUMMARY, version_of
from model_zoo.whole_files import write_whole

BY_CLASS, BY_SIZE, BY_PREDICTION = "class", "box size", "prediction"  # what the annotated scans are divided by
CORRECT, WRONG = "correct", "wrong"

_ALL_LAYERS = f"sanity {list(STAGES)[-1]}"


@dataclass(frozen=True)
class Stratum:
    """A part of the annotated scans, and the pointing game of a map on it: the share of hits, 0 to 1."""

    by: str  # BY_CLASS, BY_SIZE or BY_PREDICTION
    name: str
    pointing: Estimate


@dataclass(frozen=True)
class MethodResult:
    """What a method or a control scored on the annotated scans. `estimates` lack what was not measured."""

    control: bool
    estimates: dict[str, Estimate]  # by measure id
    strata: tuple[Stratum, ...] = ()
    fails_sanity: bool | None = None  # None: not checked
    seconds: float | None = None  # per map, median; None for a control
    evaluations: int | None = None  # of the model per map, median; None for a control
    version: int = 1  # of the method's formula


@dataclass(frozen=True, eq=False)
class Results:
    """What one model's explanations.csv comes to. Localisation counts annotated scans only."""

    model: str
    weights: str  # sha256
    scans: int  # annotated
    groups: int  # of related scans among them
    accuracy: float | None  # share of them that are predicted correctly; None without annotated scans
    box_share: float | None  # share of the scan that the box covers, median; None without annotated scans
    methods: dict[str, MethodResult]
    healthy_scans: int = 0  # scans without a tumour
    healthy: dict[str, dict[str, Estimate]] = field(default_factory=dict)  # estimates on these, by method


def summarised(rows: Sequence[Row], model: str, weights: str) -> Results:
    """Return the results of the rows: each method's measures with 95 % intervals over groups, and its strata.

    All rows are of the methods' formulas of today. Scans without a tumour have nothing to localise, and are counted
    apart as `healthy`.
    """
    annotated = [row for row in rows if row.box_share > 0]
    healthy = [row for row in rows if row.box_share == 0]
    names = list(dict.fromkeys(row.method for row in rows))
    strata = _strata(annotated)
    return Results(
        model=model,
        weights=weights,
        scans=len({row.id for row in annotated}),
        groups=len({row.group for row in annotated}),
        accuracy=round(float(np.mean([r.correct for r in annotated])), 4) if annotated else None,
        box_share=round(float(np.median([r.box_share for r in annotated])), 4) if annotated else None,
        methods={name: _result([r for r in annotated if r.method == name], strata) for name in names if annotated},
        healthy_scans=len({row.id for row in healthy}),
        healthy={name: _estimates([r for r in healthy if r.method == name]) for name in names if healthy},
    )


def _result(rows: Sequence[Row], strata: dict[str, dict[str, set[str]]]) -> MethodResult:
    control, estimates = rows[0].control, _estimates(rows)
    sanity = estimates.get(_ALL_LAYERS)
    return MethodResult(
        control=control,
        estimates=estimates,
        strata=tuple(
            Stratum(by, name, _pointing([row for row in rows if row.id in ids]))
            for by, parts in strata.items()
            for name, ids in parts.items()
            if any(row.id in ids for row in rows)
        ),
        fails_sanity=sanity and sanity.value > SURVIVES,
        seconds=None if control else round(float(np.median([row.seconds for row in rows])), 3),
        evaluations=None if control else int(np.median([row.evaluations for row in rows])),
        version=version_of(rows[0].method),
    )


def _estimates(rows: Sequence[Row]) -> dict[str, Estimate]:
    groups = [row.group for row in rows]
    values = {
        measure.id: estimate([row.measures.get(measure.id, np.nan) for row in rows], groups, measure.statistic)
        for measure in MEASURES.values()
        if rows
    }
    return {name: each for name, each in values.items() if each}


def _pointing(rows: Sequence[Row]) -> Estimate:
    return estimate([row.measures["pointing"] for row in rows], [row.group for row in rows])


def _strata(rows: Sequence[Row]) -> dict[str, dict[str, set[str]]]:
    """Return the ids of the annotated scans by class, by thirds of the box size, and by correctness.

    Every method is scored on the same scans. Parts without a scan are left out.
    """
    scans = list({row.id: row for row in rows}.values())
    if not scans:
        return {}
    low, high = np.quantile([scan.box_share for scan in scans], [1 / 3, 2 / 3])
    sizes = (f"under {100 * low:.1f} %", f"{100 * low:.1f} to {100 * high:.1f} %", f"{100 * high:.1f} % or more")

    def size_of(scan: Row) -> str:
        return sizes[int(np.searchsorted([low, high], scan.box_share, side="right"))]

    strata = {
        BY_CLASS: {name: {s.id for s in scans if s.truth == name} for name in sorted({s.truth for s in scans})},
        BY_SIZE: {name: {s.id for s in scans if size_of(s) == name} for name in sizes},
        BY_PREDICTION: {
            name: {s.id for s in scans if s.correct is correct} for name, correct in ((CORRECT, True), (WRONG, False))
        },
    }
    return {by: {name: ids for name, ids in parts.items() if ids} for by, parts in strata.items()}


def write_summary(folder: Path, model: str, weights: str) -> Results:
    """Write explanations.json from the table beside it and return it."""
    results = summarised(read_rows(folder / TABLE), model, weights)
    write_whole(folder / SUMMARY, json.dumps(as_json(results), indent=1) + "\n")
    return results


def as_json(results: Results) -> dict:
    """Return the results as explanations.json holds them: with the titles of its measures, without what is None."""
    methods = {}
    for name, result in results.methods.items():
        methods[name] = {"control": result.control} | ({} if result.control else {"version": result.version})
        methods[name] |= {measure: asdict(each) for measure, each in result.estimates.items()}
        medians = {
            "fails sanity": result.fails_sanity,
            "median seconds": result.seconds,
            "median evaluations": result.evaluations,
        }
        methods[name] |= {key: value for key, value in medians.items() if value is not None}
        strata: dict[str, dict] = {}
        for part in result.strata:
            strata.setdefault(part.by, {})[part.name] = asdict(part.pointing)
        methods[name]["pointing by"] = strata
    return {
        "model": results.model,
        "weights": results.weights,
        "scans": results.scans,
        "groups": results.groups,
        "accuracy": results.accuracy,
        "median box share": results.box_share,
        "measures": {measure.id: measure.short for measure in MEASURES.values()},
        "methods": methods,
        "healthy": {
            "scans": results.healthy_scans,
            "methods": {
                name: {measure: asdict(each) for measure, each in estimates.items()}
                for name, estimates in results.healthy.items()
            },
        },
    }


def from_json(stored: dict) -> Results:
    """Return the results that `as_json` wrote. Raises KeyError or TypeError on anything else."""
    return Results(
        model=stored["model"],
        weights=stored["weights"],
        scans=stored["scans"],
        groups=stored["groups"],
        accuracy=stored["accuracy"],
        box_share=stored["median box share"],
        methods={name: _result_of(values) for name, values in stored["methods"].items()},
        healthy_scans=stored["healthy"]["scans"],
        healthy={name: _estimates_of(values) for name, values in stored["healthy"]["methods"].items()},
    )


def _result_of(values: dict) -> MethodResult:
    return MethodResult(
        control=values["control"],
        estimates=_estimates_of(values),
        strata=tuple(
            Stratum(by, name, Estimate(**each))
            for by, parts in values["pointing by"].items()
            for name, each in parts.items()
        ),
        fails_sanity=values.get("fails sanity"),
        seconds=values.get("median seconds"),
        evaluations=values.get("median evaluations"),
        version=values.get("version", 1),
    )


def _estimates_of(values: dict) -> dict[str, Estimate]:
    return {measure: Estimate(**values[measure]) for measure in MEASURES if measure in values}
