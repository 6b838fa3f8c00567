"""What leaks in a dataset? Twins in it, across its split and in other sets; copies; contradicting labels.

Writes three files of names and numbers, no pictures: `twins.csv`, one row a pair (each scan's nearest twin
in every split of every set, and every pair whose labels contradict each other), `scans.csv`, one row a
scan, and `summary.json`, which counts all of it.
"""

import csv
import io
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.cards import DATASETS, DatasetCard, counts, dataset_folder, version_found
from datasets.cohorts import COHORT_OF_TASK, COHORTS, read_cohort, read_task
from datasets.leakage import Facts, Twin, find_twins, look_at, rows_in_training, scans_with_twin, worth_showing
from datasets.near_duplicates import GROUP_RULES, POSITIONS, TWIN_RULES, grouped
from datasets.records import DatasetError, Record
from model_zoo.card import write_whole

AUDITS_FOLDER = Path(__file__).parent / "audits"
TWINS, SCANS, SUMMARY = "twins.csv", "scans.csv", "summary.json"
_SHOWN = 10  # contradicting pairs that are printed; the table has all


def audit(card: DatasetCard, data: Path, out: Path | None = None, *, across: bool = False) -> int:
    """Print and write what leaks in a dataset; with `across`, also what it shares with the others in `data`.

    The files go to `out`, `datasets/audits/<task>` if not given. Returns 0. Raises DatasetError where the set
    is not as published, and OSError where `out` cannot be written.
    """
    began = time.monotonic(), time.process_time()
    out = out or AUDITS_FOLDER / card.task
    records = [
        replace(record, cohort=record.cohort or COHORT_OF_TASK.get(card.task, card.task))
        for record in read_task(card, data)
    ]
    own = len(records)
    print(f"{card.title}\nversion: {version_found(records, card)}")
    for split, by_class in counts(records).items():
        print(f"{split:6} {sum(by_class.values()):6,}  " + "  ".join(f"{c} {n}" for c, n in by_class.items()))
    out.mkdir(parents=True, exist_ok=True)  # before the scans are read: an unwritable place is said at once
    records += others(card, data) if across else []

    prints, facts = look_at(records)
    twins = find_twins(records, prints, facts, own)
    close = [(t.i, t.j) for t in twins if t.j < own and any(t.bits <= b and t.correlation >= r for b, r in GROUP_RULES)]
    records[:own] = grouped(records[:own], np.array(close, int).reshape(-1, 2))
    summary = summarised(card, records, own, twins, facts)
    summary |= {
        "seconds": round(time.monotonic() - began[0], 1),
        "processor_seconds": round(time.process_time() - began[1], 1),
    }
    write_whole(out / TWINS, _csv(_TWIN_COLUMNS, map(_twin_row, worth_showing(twins, own))))
    write_whole(out / SCANS, _csv(_SCAN_COLUMNS, _scan_rows(records, own, twins, facts, across)))
    write_whole(out / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    _tell(summary, [twin for twin in twins if twin.contradicts])
    print(f"written: {out}/{TWINS}, {SCANS}, {SUMMARY}")
    return 0


def others(card: DatasetCard, data: Path) -> list[Record]:
    """Return the records of every other collection that is in `data`; those that are not are passed over."""
    found = []
    for name in COHORTS if not card.pooled else ():
        try:
            dataset_folder(DATASETS[COHORTS[name].task], data)
        except DatasetError:
            continue
        found += read_cohort(name, data) if name != COHORT_OF_TASK.get(card.task) else []
    return found


def summarised(
    card: DatasetCard, records: Sequence[Record], own: int, twins: Sequence[Twin], facts: Sequence[Facts]
) -> dict:
    """Return what `summary.json` holds, but for the time it took: counts of all pairs, not only of those shown."""
    ours = records[:own]
    inside = [twin for twin in twins if twin.j < own]
    found = counts(ours)
    in_training = rows_in_training(twins, own)
    leaked = Counter(record.label for i, record in enumerate(ours) if record.split == "test" and i in in_training)
    return {
        "task": card.task,
        "title": card.title,
        "version": version_found(ours, card),
        "scans": own,
        "counts": found,
        "groups": len({record.group for record in ours}),
        "twins": {
            "rules": [{"bits": bits, "correlation": correlation} for bits, correlation in TWIN_RULES],
            "pairs": len(inside),
            "scans": len(scans_with_twin(twins, own)),
            "by_position": _by_position(inside),
        },
        "leaked": {  # test scans with a twin in training
            "scans": sum(leaked.values()),
            "of": sum(found.get("test", {}).values()),
            "by_class": dict(leaked.most_common()),
        },
        "exact_copies": {
            "scans": len({row for twin in inside if twin.copy for row in (twin.i, twin.j)}),
            "to_spare": own - len({fact.sha256 for fact in facts[:own]}),
        },
        "contradictions": sum(twin.contradicts for twin in inside),
        "elsewhere": {name: _shared(name, records, own, twins) for name in _elsewhere(records, own)},
    }


def _elsewhere(records: Sequence[Record], own: int) -> list[str]:
    return list(dict.fromkeys(record.cohort for record in records[own:]))


def _shared(name: str, records: Sequence[Record], own: int, twins: Sequence[Twin]) -> dict:
    """Return what a set shares with the collection `name`."""
    pairs = [twin for twin in twins if twin.j >= own and twin.b.cohort == name]
    return {
        "scans": sum(record.cohort == name for record in records[own:]),
        "pairs": len(pairs),
        "scans_here": len({twin.i for twin in pairs}),
        "scans_there": len({twin.j for twin in pairs}),
        "by_position": _by_position(pairs),
        "contradictions": sum(twin.contradicts for twin in pairs),
    }


def _by_position(twins: Sequence[Twin]) -> dict[str, int]:
    found = Counter(twin.position for twin in twins)
    return {position: found[position] for position in POSITIONS if found[position]}


def _tell(summary: dict, contradicting: Sequence[Twin]) -> None:
    """Print what was found, and what to do about it."""
    twins, leaked, copies = summary["twins"], summary["leaked"], summary["exact_copies"]
    rules = " or ".join(f"at most {b} of 256 bits apart, pixels correlate by {r:g} or more" for b, r in TWIN_RULES)
    print(
        f"{summary['scans']:,} scans in {summary['groups']:,} groups; {twins['scans']:,} of them have a near-duplicate "
        f"({rules}), in {twins['pairs']:,} pairs: {_listed(twins['by_position']) or 'none'}"
    )
    if copies["scans"]:
        print(f"{copies['scans']:,} files are byte-identical to another; {copies['to_spare']:,} can go without loss")
    if leaked["of"]:
        print(
            f"{leaked['scans']:,} of {leaked['of']} test scans ({leaked['scans'] / leaked['of']:.0%}) have a twin in "
            f"training: {_listed(leaked['by_class']) or 'none'}"
        )
    if leaked["scans"]:
        print(f"  score the other {leaked['of'] - leaked['scans']:,} test scans apart: these flatter a model")
    elif twins["pairs"] and not leaked["of"]:
        print("  split by group, not by scan: a random split would put twins on both sides")
    for twin in contradicting[:_SHOWN]:
        print(f"contradicting labels: {twin.a.id} is {twin.a.label}, {twin.b.id} is {twin.b.label}")
    if contradicting:
        print(f"  look at each such pair ({len(contradicting)}), and drop or relabel: at most one label is right")
    for name, shared in summary["elsewhere"].items():
        print(
            f"{shared['scans_here']:,} scans have a twin among the {shared['scans']:,} of {name} "
            f"({shared['scans_there']:,} of them): {_listed(shared['by_position']) or 'none'}"
        )
        if shared["pairs"]:
            print(f"  leave these out before a model trained on one of the two is scored on {name} or here")


def _listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items())


_TWIN_COLUMNS = tuple(f"{fact}_{side}" for side in "ab" for fact in ("id", "dataset", "split", "label")) + (
    "position",
    "bits_apart",
    "correlation",
    "exact_copy",
    "contradicts",
)
_SCAN_COLUMNS = (
    *("id", "label", "split", "sequence", "group", "twins", "twin_in_training", "twins_elsewhere"),
    *("width", "height", "mean_grey", "sha256"),
)


def _twin_row(twin: Twin) -> tuple:
    sides = [(r.id, r.cohort, r.split, r.label) for r in (twin.a, twin.b)]
    return (
        *sides[0],
        *sides[1],
        twin.position,
        twin.bits,
        f"{twin.correlation:.3f}",
        int(twin.copy),
        int(twin.contradicts),
    )


def _scan_rows(
    records: Sequence[Record], own: int, twins: Sequence[Twin], facts: Sequence[Facts], across: bool
) -> Iterable[tuple]:
    """Yield a row a scan; empty where there is nothing to say: no published split, other sets not looked at."""
    here, in_training = scans_with_twin(twins, own), rows_in_training(twins, own)
    elsewhere = Counter(twin.i for twin in twins if twin.j >= own)
    for i, (r, f) in enumerate(zip(records[:own], facts[:own], strict=True)):
        leak = int(i in in_training) if r.split else ""
        told = here[i], leak, elsewhere[i] if across else ""
        yield r.id, r.label, r.split, r.sequence, r.group, *told, f.width, f.height, f"{f.mean_grey:.3f}", f.sha256[:12]


def _csv(columns: Sequence[str], rows: Iterable[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()
