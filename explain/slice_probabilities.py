"""A model's prediction for every slice of a series, where each class peaks, and how to read the course."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from datasets.label_map import HEALTHY
from explain.prediction_text import percent
from explain.refinement import Cancelled
from model_zoo import Model
from model_zoo.gate import check_picture
from scans import Scan

CHUNK = 8  # slices that the gate and the model see between two looks at `cancelled`
WARNING = (
    "The model was trained on single slices chosen because they show a tumour or a healthy brain, never on whole "
    "series. It predicts some class on every slice, the skull base and the vertex included: look for runs of "
    "neighbouring slices and ignore isolated peaks."
)


def series_key(scans: Sequence[Scan], model: Model) -> str:
    """Return the sha256, 64 digits, of all that the probabilities depend on: slices, plane, model, its input."""
    facts = [model.prediction_key, *(scan.key for scan in scans)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def by_slice(
    model: Model,
    scans: Sequence[Scan],
    progress: Callable[[float], object] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    anyway: bool = False,
) -> np.ndarray:
    """Return the probabilities, float32 (N, K), of N slices; NaN where nothing can be seen of one or it is withheld.

    `progress` gets a share in [0, 1]. Raises Cancelled, and ModelError on probabilities that are not finite.
    """
    p = np.full((len(scans), len(model.card.classes)), np.nan, np.float32)
    seen = [number for number, scan in enumerate(scans) if not scan.not_assessable]
    for start in range(0, len(seen), CHUNK):
        if cancelled():
            raise Cancelled
        part = seen[start : start + CHUNK]
        numbers = [number for number in part if anyway or not check_picture(scans[number]).withheld]
        if numbers:
            p[numbers] = model.finite(model.classify([scans[number] for number in numbers]))
        progress((start + len(part)) / len(seen))
    return p


def leading(p: np.ndarray, most: int) -> list[int]:
    """Return the `most` classes with the highest probability in any row of `p` (N, K), in the order of K."""
    peaks = np.nan_to_num(p).max(axis=0)
    return sorted(np.argsort(-peaks, kind="stable")[:most].tolist())


def peaks(p: np.ndarray, classes: Sequence[str], most: int = 4) -> dict[int, int]:
    """Return the slice with the highest probability of each tumour class: class index -> slice index, highest first.

    Of more than `most` such classes, those with the highest peaks. Healthy classes have none.
    """
    filled = np.nan_to_num(p)
    tumours = [k for k, name in enumerate(classes) if name not in HEALTHY]
    highest = sorted(tumours, key=lambda k: -filled[:, k].max())[:most]
    return {k: int(filled[:, k].argmax()) for k in highest}


def count_sentence(p: np.ndarray, names: Sequence[str]) -> str:
    """Return how many slices are predicted as which class, in a sentence or two."""
    blank = np.isnan(p).any(axis=1)
    counts = Counter(p[~blank].argmax(axis=1).tolist())
    parts = [f"{names[k]} on {number}" for k, number in counts.most_common()]
    classified, skipped = int((~blank).sum()), int(blank.sum())
    sentence = f"{classified} {'slice' if classified == 1 else 'slices'} classified"
    sentence += f": {_listed(parts)}." if parts else "."
    if skipped:
        which = f"{skipped} {'slice' if skipped == 1 else 'slices'}"
        sentence += f" Nothing is predicted from {which}, blank or withheld by the gate: gaps in the lines."
    return sentence


def course_sentence(p: np.ndarray, names: Sequence[str], drawn: Sequence[int]) -> str:
    """Return the text alternative of the chart: where the line of each class in `drawn` peaks."""
    filled = np.nan_to_num(p)
    lines = [f"{names[k]} peaks at slice {filled[:, k].argmax() + 1} with {percent(filled[:, k].max())}" for k in drawn]
    return f"Probability by slice, {len(p)} slices: {_listed(lines)}."


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def as_table(p: np.ndarray, names: Sequence[str], drawn: Sequence[int]) -> list[dict[str, str]]:
    """Return one row per slice, numbered from 1: the prediction, and the probability of each class in `drawn`."""
    rows = []
    for number, row in enumerate(p, 1):
        blank = bool(np.isnan(row).any())
        facts = {"Slice": str(number), "Prediction": "not predicted" if blank else names[row.argmax()]}
        rows.append(facts | {names[k]: "" if blank else percent(row[k]) for k in drawn})
    return rows
