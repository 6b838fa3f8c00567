"""The annotated cases on which a model's maps are evaluated: test scans from its own tables, without near-duplicates.

A bundle's predictions.csv and cohorts.csv list its test scans and which of them have a near-duplicate in training. Of
these, radiologists annotated figshare's slices; healthy scans have nothing to localise.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from datasets.annotations import has_annotation
from datasets.cards import DATASETS, scan_path
from datasets.label_map import HEALTHY
from datasets.records import Record
from model_zoo import ModelCard, ModelError
from model_zoo.scores import rows_of
from model_zoo.tables import COHORTS, PREDICTIONS, read_cohorts, read_predictions
from scans.phantom import KINDS

ANNOTATED = "figshare3"  # the task whose scans radiologists annotated; Br35H's healthy scans are in its folder
_FIRST_SEED = 920_000  # of phantoms; no model is trained on them
_FEWEST = 20  # an interval over fewer scans is meaningless


def phantom_cases(card: ModelCard, count: int) -> list[Record]:
    """Return `count` phantoms of the model's classes, whose lesions are known to the pixel.

    Raises ModelError if the model has no phantom's class.
    """
    kinds = [kind for kind in KINDS if kind in card.classes]
    if not kinds:
        raise ModelError(f"{card.id} has none of the phantoms' classes ({', '.join(KINDS)})")
    names = [(kinds[i % len(kinds)], _FIRST_SEED + i) for i in range(count)]
    return [Record(f"{kind}/{seed}", kind, group=f"{kind}/{seed}") for kind, seed in names]


def cases(card: ModelCard, folder: Path, data: Path, count: int, healthy: int) -> list[Record]:
    """Return up to `count` annotated cases and `healthy` healthy ones, spread over as many groups as possible.

    The same tables and numbers give the same cases. Raises ModelError if too few are annotated.
    """
    candidates = list(_candidates(card, folder, data))
    annotated = [case for case in candidates if case.label not in HEALTHY and has_annotation(case.path)]
    if len(annotated) < min(count, _FEWEST):
        raise ModelError(
            f"{card.id} has {len(annotated)} annotated test scans below {data / DATASETS[ANNOTATED].folder} without a "
            f"near-duplicate in training; at least {_FEWEST} are needed: check --data, and that the bundle was "
            f"evaluated (`python -m train judge {card.id}`)"
        )
    return _spread(annotated, count) + _spread([case for case in candidates if case.label in HEALTHY], healthy)


def _candidates(card: ModelCard, folder: Path, data: Path) -> Iterable[Record]:
    yielded: set[Path] = set()
    rows = []
    if (folder / PREDICTIONS).exists():
        table = read_predictions(folder / PREDICTIONS, card.classes, rows_of(card, PREDICTIONS))
        rows += [row for row in table if row.split == "test"]
    if (folder / COHORTS).exists():
        rows += read_cohorts(folder / COHORTS, card.classes, rows_of(card, COHORTS))
    for row in rows:
        path = scan_path(row.id, data, ANNOTATED)
        if row.near_duplicate or path is None or DATASETS[ANNOTATED].folder not in path.parts or path in yielded:
            continue
        yielded.add(path)
        yield Record(row.id, row.truth, path, group=row.group)


def _spread(candidates: list[Record], count: int) -> list[Record]:
    """Take one case of each group in turn, the groups in a fixed random order, until there are `count`."""
    by_group = defaultdict(list)
    for case in candidates:
        by_group[case.group].append(case)
    names = sorted(by_group)
    order = [names[i] for i in np.random.default_rng(0).permutation(len(names))]
    chosen, turn = [], 0
    while len(chosen) < min(count, len(candidates)):
        chosen += [by_group[name][turn] for name in order if turn < len(by_group[name])]
        turn += 1
    return chosen[:count]
