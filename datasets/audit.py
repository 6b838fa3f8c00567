"""Audit of a dataset: leakage across its split, near-duplicates in it and in other sets, contradicting labels.

It writes three files of names and numbers, no pictures: `near_duplicates.csv`, one row per pair (each scan's nearest
near-duplicate in every split of every set, and every pair of contradicting labels), `scans.csv`, one row per scan,
and `summary.json`, which counts all pairs.
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

from datasets.cards import DATASETS, DatasetCard, counts, nearest_version
from datasets.cohorts import COHORT_OF_TASK, COHORTS, read_cohort, read_task
from datasets.leakage import (
    FileFacts,
    NearDuplicatePair,
    counts_by_row,
    find_pairs,
    listed_pairs,
    read_fingerprints,
    rows_near_training,
)
from datasets.near_duplicates import GROUP_RULES, NEAR_DUPLICATE_RULES, POSITIONS, with_groups
from datasets.not_read import tell_not_read
from datasets.records import Record
from model_zoo.whole_files import write_whole

AUDITS_FOLDER = Path(__file__).parent / "audits"
PAIRS, SCANS, SUMMARY = "near_duplicates.csv", "scans.csv", "summary.json"
_PRINTED = 10  # contradicting pairs that are printed; the table has all


def audit(card: DatasetCard, data: Path, out: Path | None = None, *, across: bool = False) -> int:
    """Print and write the audit of a dataset; with `across`, also what it shares with the other sets below `data`.

    The files go to `out`, `datasets/audits/<task>` if not given. Returns 0. Raises DatasetError where the set
    is not as published, and OSError where `out` cannot be written.
    """
    start = time.monotonic(), time.process_time()
    out = out or AUDITS_FOLDER / card.task
    records = [
        replace(record, cohort=record.cohort or COHORT_OF_TASK.get(card.task, card.task))
        for record in read_task(card, data)
    ]
    own = len(records)
    print(f"{card.title}\nversion: {nearest_version(records, card)}")
    for split, by_class in counts(records).items():
        print(f"{split:6} {sum(by_class.values()):6,}  " + "  ".join(f"{c} {n}" for c, n in by_class.items()))
    out.mkdir(parents=True, exist_ok=True)  # before the scans are read: an unwritable folder fails at once
    records += others(card, data) if across else []
    tell_not_read(records, data)

    prints, facts = read_fingerprints(records)
    pairs = find_pairs(records, prints, facts, own)
    close = [(p.i, p.j) for p in pairs if p.j < own and any(p.bits <= b and p.correlation >= r for b, r in GROUP_RULES)]
    records[:own] = with_groups(records[:own], np.array(close, int).reshape(-1, 2))
    summary = summarise(card, records, own, pairs, facts)
    summary |= {
        "seconds": round(time.monotonic() - start[0], 1),
        "processor_seconds": round(time.process_time() - start[1], 1),
    }
    write_whole(out / PAIRS, _csv(_PAIR_COLUMNS, map(_pair_row, listed_pairs(pairs, own))))
    write_whole(out / SCANS, _csv(_SCAN_COLUMNS, _scan_rows(records, own, pairs, facts, len(records) > own)))
    write_whole(out / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    _print(summary, [pair for pair in pairs if pair.contradicts])
    print(f"written: {out}/{PAIRS}, {SCANS}, {SUMMARY}")
    return 0


def others(card: DatasetCard, data: Path) -> list[Record]:
    """Return the records of every other collection below `data`; print which are not there and so not compared."""
    records, gone = [], []
    for name in COHORTS if not card.pooled else ():
        if name != COHORT_OF_TASK.get(card.task):
            is_here = (data / DATASETS[COHORTS[name].task].folder).is_dir()
            found = read_cohort(name, data) if is_here else []
            records += found
            gone += [] if found else [name]
    if gone:
        print(f"not below {data}, so not compared: {', '.join(gone)}")
    return records


def summarise(
    card: DatasetCard,
    records: Sequence[Record],
    own: int,
    pairs: Sequence[NearDuplicatePair],
    facts: Sequence[FileFacts],
) -> dict:
    """Return what `summary.json` holds, except for the time it took: counts of all pairs, not only the listed ones."""
    ours = records[:own]
    inside = [pair for pair in pairs if pair.j < own]
    scans = counts(ours)
    leaking = rows_near_training(pairs, own)
    leakage = Counter(record.label for i, record in enumerate(ours) if record.split == "test" and i in leaking)
    return {
        "task": card.task,
        "title": card.title,
        "version": nearest_version(ours, card),
        "scans": own,
        "counts": scans,
        "groups": len({record.group for record in ours}),
        "near_duplicates": {
            "rules": [{"bits": bits, "correlation": correlation} for bits, correlation in NEAR_DUPLICATE_RULES],
            "pairs": len(inside),
            "scans": len(counts_by_row(pairs, own)),
            "by_position": _by_position(inside),
        },
        "leakage": {  # test scans with a near-duplicate in training
            "scans": sum(leakage.values()),
            "of": sum(scans.get("test", {}).values()),
            "by_class": dict(leakage.most_common()),
        },
        "exact_copies": {
            "scans": len({row for pair in inside if pair.copy for row in (pair.i, pair.j)}),
            "to_spare": own - len({fact.sha256 for fact in facts[:own]}),
        },
        "contradicting_pairs": sum(pair.contradicts for pair in inside),
        "other_collections": {
            name: _shared(name, records, own, pairs) for name in dict.fromkeys(r.cohort for r in records[own:])
        },
    }


def _shared(name: str, records: Sequence[Record], own: int, pairs: Sequence[NearDuplicatePair]) -> dict:
    """Return what a set shares with the collection `name`."""
    shared = [pair for pair in pairs if pair.j >= own and pair.b.cohort == name]
    return {
        "scans": sum(record.cohort == name for record in records[own:]),
        "pairs": len(shared),
        "scans_here": len({pair.i for pair in shared}),
        "scans_there": len({pair.j for pair in shared}),
        "by_position": _by_position(shared),
        "contradicting_pairs": sum(pair.contradicts for pair in shared),
    }


def _by_position(pairs: Sequence[NearDuplicatePair]) -> dict[str, int]:
    numbers = Counter(pair.position for pair in pairs)
    return {position: numbers[position] for position in POSITIONS if numbers[position]}


def _print(summary: dict, contradicting: Sequence[NearDuplicatePair]) -> None:
    """Print the result of an audit, and what to do about it."""
    near, leakage, copies = summary["near_duplicates"], summary["leakage"], summary["exact_copies"]
    rules = " or ".join(
        f"at most {b} of 256 bits apart, pixels correlate by {r:g} or more" for b, r in NEAR_DUPLICATE_RULES
    )
    print(
        f"{summary['scans']:,} scans in {summary['groups']:,} groups; {near['scans']:,} of them have a near-duplicate "
        f"({rules}), in {near['pairs']:,} pairs: {_listed(near['by_position']) or 'none'}"
    )
    if copies["scans"]:
        print(f"{copies['scans']:,} files are byte-identical to another; {copies['to_spare']:,} can go without loss")
    if leakage["of"]:
        print(
            f"{leakage['scans']:,} of {leakage['of']} test scans ({leakage['scans'] / leakage['of']:.0%}) have a "
            f"near-duplicate in training: {_listed(leakage['by_class']) or 'none'}"
        )
    if leakage["scans"]:
        print(f"  score the other {leakage['of'] - leakage['scans']:,} test scans separately: these flatter a model")
    elif near["pairs"] and not leakage["of"]:
        print("  split by group, not by scan: a random split would put near-duplicates on both sides")
    for pair in contradicting[:_PRINTED]:
        print(f"contradicting labels: {pair.a.id} is {pair.a.label}, {pair.b.id} is {pair.b.label}")
    if contradicting:
        print(f"  check each such pair ({len(contradicting)}), and drop or relabel: at most one label is right")
    for name, shared in summary["other_collections"].items():
        print(
            f"{shared['scans_here']:,} scans have a near-duplicate among the {shared['scans']:,} of {name} "
            f"({shared['scans_there']:,} of them): {_listed(shared['by_position']) or 'none'}"
        )
        if shared["pairs"]:
            print(f"  leave these out before a model trained on one of the two is scored on {name} or here")


def _listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items())


_PAIR_COLUMNS = tuple(f"{fact}_{side}" for side in "ab" for fact in ("id", "dataset", "split", "label")) + (
    "position",
    "bits_apart",
    "correlation",
    "exact_copy",
    "contradicts",
)
_SCAN_COLUMNS = (
    *("id", "label", "split", "sequence", "group"),
    *("near_duplicates", "near_duplicate_in_training", "near_duplicates_elsewhere"),
    *("width", "height", "mean_grey", "sha256"),
)


def _pair_row(pair: NearDuplicatePair) -> tuple:
    sides = [(r.id, r.cohort, r.split, r.label) for r in (pair.a, pair.b)]
    return (
        *sides[0],
        *sides[1],
        pair.position,
        pair.bits,
        f"{pair.correlation:.3f}",
        int(pair.copy),
        int(pair.contradicts),
    )


def _scan_rows(
    records: Sequence[Record],
    own: int,
    pairs: Sequence[NearDuplicatePair],
    facts: Sequence[FileFacts],
    across: bool,
) -> Iterable[tuple]:
    """Yield a row per scan; a cell is empty without a published split, or where other sets were not compared."""
    here, leaking = counts_by_row(pairs, own), rows_near_training(pairs, own)
    elsewhere = Counter(pair.i for pair in pairs if pair.j >= own)
    for i, (r, f) in enumerate(zip(records[:own], facts[:own], strict=True)):
        near = here[i], int(i in leaking) if r.split else "", elsewhere[i] if across else ""
        yield r.id, r.label, r.split, r.sequence, r.group, *near, f.width, f.height, f"{f.mean_grey:.3f}", f.sha256[:12]


def _csv(columns: Sequence[str], rows: Iterable[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()
