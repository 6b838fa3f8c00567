"""On which scans may a model's maps be scored? Marked ones that it never trained on, from its own tables.

A bundle's predictions.csv and cohorts.csv say which test scans there are and which have a twin in training. Of
those, figshare's slices are marked by radiologists; the healthy heads beside them have nothing to point at.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.annotations import boxes_in_pixels, marks_beside, read_marked
from model_zoo import ModelCard, ModelError
from model_zoo.tables import COHORTS, PREDICTIONS, read_cohorts, read_predictions
from scans import Scan, phantom
from scans.phantom import KINDS

FOLDER = "figshare-brain-tumor"  # below --data
HEALTHY = ("notumor", "normal")  # class ids whose scans have no lesion
_FIRST_SEED = 920_000  # of phantoms; no model is trained on them
_FEWEST = 20  # an interval over fewer scans says nothing


@dataclass(frozen=True)
class Case:
    """One test scan without a twin in training: `id` as in the bundle's table, `truth` one of its classes."""

    id: str
    group: str
    truth: str
    path: Path | None  # None: the phantom that `id` names

    def read(self) -> tuple[Scan, np.ndarray]:
        """Return the scan and where its tumour is marked, bool (H, W). Raises ScanError."""
        if self.path is None:
            kind, seed = self.id.split("/")
            drawn = phantom(kind, int(seed))
            return drawn.scan, drawn.mask
        scan, marks = read_marked(self.path)
        mask = np.zeros(scan.shape, bool)
        for box in boxes_in_pixels(marks, scan.shape):
            mask[box.slices] = True
        return scan, mask


def phantom_cases(card: ModelCard, count: int) -> list[Case]:
    """Return `count` phantoms of the model's classes, whose lesions are known to the pixel.

    Raises ModelError where the model knows no phantom's class.
    """
    kinds = [kind for kind in KINDS if kind in card.classes]
    if not kinds:
        raise ModelError(f"{card.id} has none of the phantoms' classes ({', '.join(KINDS)})")
    names = [(kinds[i % len(kinds)], _FIRST_SEED + i) for i in range(count)]
    return [Case(f"{kind}/{seed}", f"{kind}/{seed}", kind, None) for kind, seed in names]


def cases(card: ModelCard, folder: Path, data: Path, count: int, healthy: int) -> list[Case]:
    """Return up to `count` marked cases and `healthy` healthy ones, spread over as many groups as there are.

    The same tables and numbers give the same cases. Raises ModelError where too few are marked.
    """
    found = list(_candidates(card, folder, data))
    marked = [case for case in found if case.truth not in HEALTHY and _is_marked(case.path)]
    if len(marked) < min(count, _FEWEST):
        raise ModelError(
            f"{card.id} has {len(marked)} marked test scans below {data / FOLDER} that it never trained on; at least "
            f"{_FEWEST} are needed: check --data, and that the bundle was judged (`python -m train judge {card.id}`)"
        )
    return _spread(marked, count) + _spread([case for case in found if case.truth in HEALTHY], healthy)


def _candidates(card: ModelCard, folder: Path, data: Path) -> Iterable[Case]:
    seen: set[Path] = set()
    rows = []
    if (folder / PREDICTIONS).exists():
        rows += [row for row in read_predictions(folder / PREDICTIONS, card.classes) if row.split == "test"]
    if (folder / COHORTS).exists():
        rows += read_cohorts(folder / COHORTS, card.classes)
    for row in rows:
        path = next((p for p in (data / row.id, data / FOLDER / row.id) if p.is_file()), None)
        if row.twin or path is None or FOLDER not in path.parts or path in seen:
            continue
        seen.add(path)
        yield Case(row.id, row.group, row.truth, path)


def _is_marked(path: Path) -> bool:
    return path.suffix == ".mat" or bool(marks_beside(path))


def _spread(found: list[Case], count: int) -> list[Case]:
    """Take one case of each group in turn, the groups in a drawn order, until there are `count`."""
    by_group = defaultdict(list)
    for case in found:
        by_group[case.group].append(case)
    names = sorted(by_group)
    order = [names[i] for i in np.random.default_rng(0).permutation(len(names))]
    chosen, turn = [], 0
    while len(chosen) < min(count, len(found)):
        chosen += [by_group[name][turn] for name in order if turn < len(by_group[name])]
        turn += 1
    return chosen[:count]
