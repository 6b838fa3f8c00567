"""python -m explain similar-index [MODEL ...]: the index of similar cases of each model, and how well it does.

Training scans of every collection that shares classes with the model, and the reference set, go into the index. The
test scans without a near-duplicate in training or validation are then searched: how many of five neighbours have the
right diagnosis goes into `similar_cases.csv`. The scores on the card leave out those that have a near-duplicate among
the scans that trained or chose the model (`cohorts.csv`).
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.bad_files import read_every
from datasets.cards import data_folder
from datasets.cohorts import POOLED_COHORTS, read_whole_cohort, split_cohorts
from datasets.label_map import common_label
from datasets.near_duplicates import Prints, find_near_duplicates, print_of
from datasets.records import DatasetError, Record, load
from datasets.view_labels import view_labels
from explain.similar.index import (
    SIMILAR_INDEX,
    SimilarIndex,
    axes_of,
    bits_apart,
    features_of,
    packed,
    reduced,
    write_index,
)
from explain.similar.reference import reference_cases, reference_scan, write_reference_set
from explain.similar.search import SAME, nearest
from model_zoo import Model, ModelError, bundle_folder, load_model, models
from model_zoo.gate import UNKNOWN
from model_zoo.tables import SIMILAR, SimilarRow, write_similar
from model_zoo.verify import recompute
from model_zoo.whole_files import refused_write
from scans import Scan, fit

_DIVISION = {"val": 0.1, "test": 0.2, "seed": 0, "block": 20}  # as recipes divide scans; cnn3-kaggle4 is older
_MOST = 8000  # scans of an index
_BATCH = 32


def main(arguments: list[str]) -> int:
    """Run the command. Returns 0, or 2 where a model or a collection is missing."""
    parser = argparse.ArgumentParser(prog="python -m explain similar-index", description=__doc__)
    parser.add_argument("models", metavar="MODEL", nargs="*", help="default: all")
    parser.add_argument("--data", type=Path, default=data_folder(), metavar="DIR")
    parser.add_argument("--reference", action="store_true", help="write the shipped reference set anew first")
    options = parser.parse_args(arguments)
    try:
        records, bits = split_scans(options.data)
        if options.reference:
            write_reference_set([record for record in records if record.cohort == "figshare"])
        for name in options.models or models():
            print(build(load_model(name, precision="f32"), records, bits))
    except (ModelError, DatasetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {refused_write(error)}", file=sys.stderr)
        return 2
    return 0


def split_scans(data: Path) -> tuple[list[Record], np.ndarray]:
    """Return the scans of every pooled collection, split, and their packed hashes in eight positions, (N, 8, 32)."""
    records = [record for name in POOLED_COHORTS for record in read_whole_cohort(name, data)]
    seen = view_labels()
    records = [replace(r, sequence=r.sequence or seen.get(r.id, {}).get("sequence", "")) for r in records]
    bits, thumbs = (
        np.stack(column) for column in zip(*read_every(records, lambda _, scan: print_of(scan)), strict=True)
    )
    records = split_cohorts(records, find_near_duplicates(Prints(bits, thumbs)), **_DIVISION)
    return records, packed(bits)


def build(model: Model, records: Sequence[Record], bits: np.ndarray) -> str:
    """Write index and table of one model, compute its card again, and return a line on both."""
    classes, folder = model.card.classes, bundle_folder(model.card.id)
    labels = [common_label(record.label, classes) for record in records]
    known = _spread([i for i, r in enumerate(records) if labels[i] and r.split == "train"], records, labels)
    shipped = [case for case in reference_cases() if common_label(case.label, classes)]
    raw = _features(model, [load(records[i]) for i in known] + [reference_scan(case.name) for case in shipped])
    axes, centre = axes_of(raw[: len(known)])
    index = SimilarIndex(
        model.card.weights_sha256,
        axes,
        centre,
        reduced(raw, axes, centre).astype(np.float16),
        np.concatenate([bits[known, 0], *(packed(print_of(reference_scan(c.name))[0])[:1] for c in shipped)]),
        np.array([records[i].id for i in known] + [case.name for case in shipped]),
        np.array([labels[i] for i in known] + [common_label(case.label, classes) for case in shipped]),
        np.array([records[i].cohort for i in known] + ["figshare"] * len(shipped)),
        np.array([records[i].sequence for i in known] + ["T1C+"] * len(shipped)),
        np.array([records[i].plane for i in known] + [case.plane for case in shipped]),
        np.array([records[i].group for i in known] + [case.group for case in shipped]),
        np.array([False] * len(known) + [True] * len(shipped)),
    )
    write_index(folder, index)
    rows = measured(model, index, records, bits)
    write_similar(folder / SIMILAR, rows)
    recompute(folder)
    size = (folder / SIMILAR_INDEX).stat().st_size
    return f"{model.card.id}: {len(index):,} scans in {size:,} bytes, searched for {len(rows):,} test scans"


def measured(model: Model, index: SimilarIndex, records: Sequence[Record], bits: np.ndarray) -> list[SimilarRow]:
    """Return how many of the neighbours of each test scan have its diagnosis; near-duplicates are not searched for."""
    labels = [common_label(record.label, model.card.classes) for record in records]
    asked = [i for i, r in enumerate(records) if labels[i] and r.split == "test" and not r.near_duplicate]
    queries = reduced(_features(model, [load(records[i]) for i in asked]), index.axes, index.centre)
    rows = []
    for i, feature in zip(asked, queries, strict=True):
        same = bits_apart(bits[i], index.bits) <= SAME
        found = nearest(feature, records[i].sequence or UNKNOWN, index, ~index.shipped, same)
        agreeing = sum(index.labels[place] == labels[i] for place in found)
        r = records[i]
        rows.append(SimilarRow(r.cohort, r.id, r.group, r.sequence, labels[i], agreeing, len(found)))
    return rows


def _spread(places: Sequence[int], records: Sequence[Record], labels: Sequence[str]) -> list[int]:
    """Return at most `_MOST` places: of large piles of one collection and class fewer."""
    piles: dict[tuple[str, str], list[int]] = {}
    for i in places:
        piles.setdefault((records[i].cohort, labels[i]), []).append(i)
    most = _MOST
    while sum(min(len(pile), most) for pile in piles.values()) > _MOST:
        most -= max(1, most // 50)
    chosen = [
        pile[j] for pile in piles.values() for j in np.linspace(0, len(pile) - 1, min(len(pile), most), dtype=int)
    ]
    return sorted(set(chosen))


def _features(model: Model, scans: Sequence[Scan]) -> np.ndarray:
    parts = []
    for start in range(0, len(scans), _BATCH):
        batch = np.stack([fit(scan, model.card.input)[0] for scan in scans[start : start + _BATCH]])
        parts.append(features_of(model, batch))
    return np.concatenate(parts)
