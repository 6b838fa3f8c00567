"""Disagreement of several models about a scan.

The Jensen-Shannon divergence, Lin 1991, https://doi.org/10.1109/18.61115, of the models' probabilities, each model
counting the same: what the mean prediction leaves open beyond what each model leaves open itself. In bits for two
models; divided by log2 N for N, so that 0 is always "the same probabilities" and 1 "each certain of another class".

The limit: models that agree can be wrong together, above all those trained on the same scans.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explain.comparison.shared_classes import Shared
from model_zoo import ModelCard


@dataclass(frozen=True)
class Disagreement:
    """How much the models' predictions for one scan differ."""

    bits: float | None  # 0 to 1; None with fewer than two predictions
    differ: bool  # True if two of them predict classes that do not correspond
    models: int  # with a prediction


def disagreement(shared: Shared, predictions: Sequence[np.ndarray | None]) -> Disagreement:
    """Return how much models disagree; `predictions` are their own probabilities (K,), None for a model without one.

    Each model's "other classes" are classes of its own here.
    """
    there = [model for model, p in enumerate(predictions) if p is not None]
    if len(there) < 2:
        return Disagreement(None, False, len(there))
    shares = len(shared.classes)
    apart = np.zeros((len(there), shares + len(there)))
    for row, model in enumerate(there):
        sums = shared.gathered(model, predictions[model])
        apart[row, :shares], apart[row, shares + row] = sums[:-1], sums[-1]
    named = {
        (at, model if at == shares else -1) for model in there for at in [shared.predicted(model, predictions[model])]
    }
    return Disagreement(divergence(apart), len(named) > 1, len(there))


def divergence(p: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence of N rows of probabilities (N, C), over log2 N: 0 to 1.

    Raises ValueError for fewer than two rows, and for rows that do not add up to 1.
    """
    p = np.asarray(p, np.float64)
    if p.ndim != 2 or len(p) < 2:
        raise ValueError(f"a disagreement needs two rows of probabilities or more; they have shape {p.shape}")
    if not np.allclose(p.sum(axis=1), 1, atol=1e-3) or p.min() < 0:
        raise ValueError("each row of probabilities must add up to 1, and none be below 0")
    open_together, open_each = _entropy(p.mean(axis=0)), np.mean([_entropy(row) for row in p])
    return float(np.clip((open_together - open_each) / np.log2(len(p)), 0, 1))


def _entropy(p: np.ndarray) -> float:
    """Return the entropy of probabilities (C,) in bits."""
    some = p[p > 0]
    return float(-(some * np.log2(some)).sum())


def by_disagreement(scans: Sequence[Disagreement]) -> list[int]:
    """Return the places of the scans, the most disputed first; those without a value last, else in their order."""
    return sorted(range(len(scans)), key=lambda k: (scans[k].bits is None, -(scans[k].bits or 0.0)))


def headline(cards: Sequence[ModelCard], shared: Shared, predictions: Sequence[np.ndarray | None]) -> str:
    """Return the predictions as a headline: "2 predict Glioma, 1 predicts Schwannoma"."""
    named = []
    for model, (card, p) in enumerate(zip(cards, predictions, strict=True)):
        if p is not None:
            at = shared.predicted(model, p)
            named.append(shared.names[at] if at < len(shared.names) else card.names[int(np.argmax(p))])
    counted = Counter(named).most_common()
    if not counted:
        return "No prediction"
    if len(counted) == 1:
        who = {1: "One model predicts", 2: "Both models predict"}.get(len(named), f"All {len(named)} models predict")
        return f"{who} {named[0]}"
    if len(counted) == len(named):
        return f"{len(named)} models, {len(named)} predictions: {', '.join(named)}"
    return ", ".join(f"{n} {'predicts' if n == 1 else 'predict'} {name}" for name, n in counted)


def disagreement_sentence(disagreement: Disagreement, models: int) -> str:
    """Return one sentence on one scan; `models` is how many were to predict."""
    if disagreement.bits is None:
        return "Fewer than two predictions to compare."
    if disagreement.models < models:
        who = f"The {disagreement.models} models with a prediction"
    elif disagreement.differ:
        who = f"The {models} models"
    else:
        who = "Both models" if models == 2 else f"All {models} models"
    verb = "predict different classes" if disagreement.differ else "predict the same class"
    return f"{who} {verb}; disagreement {disagreement.bits:.2f} (Jensen-Shannon, 0 to 1)."
