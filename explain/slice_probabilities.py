"""What does a model say of every slice of a series, where does it say it most, and what is that worth?"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from datasets.label_map import HEALTHY
from explain.prediction_text import percent
from explain.refinement import Cancelled
from model_zoo import Model, ModelCard, ModelError
from scans import Scan

CHUNK = 8  # slices a call: as long as a cancel has to wait
WARNING = (
    "The model was trained on single slices, chosen because they show a tumour or a healthy brain, never on a whole "
    "series. It answers something on every slice, on the skull base and the vertex too: read the course over "
    "neighbouring slices, and no single peak."
)


def series_key(scans: Sequence[Scan], card: ModelCard) -> str:
    """Return the sha256, 64 hexadecimal digits, of what the answers depend on: slices, plane and weights."""
    told = [card.weights_sha256, *(f"{scan.digest} {scan.plane} {scan.index}" for scan in scans)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def by_slice(
    model: Model,
    scans: Sequence[Scan],
    progress: Callable[[float], object] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """Return the probabilities, float32 (N, K), of N slices; NaN where a slice is blank, for it is not asked about.

    `progress` gets a share in [0, 1]. Raises Cancelled, and ModelError on answers that are not finite.
    """
    p = np.full((len(scans), len(model.card.classes)), np.nan, np.float32)
    asked = [place for place, scan in enumerate(scans) if not scan.blank]
    for start in range(0, len(asked), CHUNK):
        if cancelled():
            raise Cancelled
        places = asked[start : start + CHUNK]
        p[places] = model.classify([scans[place] for place in places])
        if not np.isfinite(p[places]).all():
            raise ModelError(f"{model.card.id} gave numbers that are not finite; its weights may be broken")
        progress((start + len(places)) / len(asked))
    return p


def leading(p: np.ndarray, most: int) -> list[int]:
    """Return the `most` classes with the highest probability in any row of `p` (N, K), in the order of K."""
    peaks = np.nan_to_num(p).max(axis=0)
    return sorted(np.argsort(-peaks, kind="stable")[:most].tolist())


def peaks(p: np.ndarray, classes: Sequence[str], most: int = 4) -> dict[int, int]:
    """Return, for the classes of a lesion, the slice with the highest probability: class -> place, highest first.

    Of more than `most` such classes only those that rise highest.
    """
    seen = np.nan_to_num(p)
    lesions = [k for k, name in enumerate(classes) if name not in HEALTHY]
    highest = sorted(lesions, key=lambda k: -seen[:, k].max())[:most]
    return {k: int(seen[:, k].argmax()) for k in highest}


def count_sentence(p: np.ndarray, names: Sequence[str]) -> str:
    """Return how many slices get which answer, in a sentence or two."""
    blank = np.isnan(p).any(axis=1)
    answers = Counter(p[~blank].argmax(axis=1).tolist())
    parts = [f"{names[k]} on {number}" for k, number in answers.most_common()]
    asked = int((~blank).sum())
    sentence = (
        f"Of {asked} {'slice' if asked == 1 else 'slices'} asked about, the model says {_listed(parts or ['nothing'])}."
    )
    if blank.any():
        left_out = int(blank.sum())
        sentence += f" {left_out} blank {'slice was' if left_out == 1 else 'slices were'} left out: gaps in the lines."
    return sentence


def course_sentence(p: np.ndarray, names: Sequence[str], drawn: Sequence[int]) -> str:
    """Return what the lines of the classes `drawn` show, for those who cannot see them."""
    seen = np.nan_to_num(p)
    told = [f"{names[k]} peaks at slice {seen[:, k].argmax() + 1} with {percent(seen[:, k].max())}" for k in drawn]
    return f"Probability by slice, {len(p)} slices: {_listed(told)}."


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def as_table(p: np.ndarray, names: Sequence[str], drawn: Sequence[int]) -> list[dict[str, str]]:
    """Return a row a slice, the first being 1: the answer, and the probability of each class `drawn`."""
    rows = []
    for number, row in enumerate(p, 1):
        blank = bool(np.isnan(row).any())
        told = {"Slice": str(number), "Answer": "blank" if blank else names[row.argmax()]}
        rows.append(told | {names[k]: "" if blank else percent(row[k]) for k in drawn})
    return rows
