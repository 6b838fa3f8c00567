"""How far do several models disagree about a scan?

The Jensen-Shannon divergence, Lin 1991, https://doi.org/10.1109/18.61115, of the models' probabilities, each model
counting the same: what the mean answer leaves open beyond what each model leaves open itself. In bits for two
models; divided by log2 N for N, so that 0 is always "the same probabilities" and 1 "each sure of another class".

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
    """How far the models that answered part over one scan."""

    bits: float | None  # 0 to 1; None where fewer than two models answered
    differ: bool  # True where two of them name classes that do not correspond
    answered: int  # models


def disagreement(shared: Shared, answers: Sequence[np.ndarray | None]) -> Disagreement:
    """Return how far models disagree; `answers` are their own probabilities (K,), None for one that did not answer.

    Each model's "other classes" are classes of its own here.
    """
    there = [model for model, p in enumerate(answers) if p is not None]
    if len(there) < 2:
        return Disagreement(None, False, len(there))
    shares = len(shared.classes)
    apart = np.zeros((len(there), shares + len(there)))
    for row, model in enumerate(there):
        sums = shared.gathered(model, answers[model])
        apart[row, :shares], apart[row, shares + row] = sums[:-1], sums[-1]
    named = {(at, model if at == shares else -1) for model in there for at in [shared.answer(model, answers[model])]}
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


def by_disagreement(found: Sequence[Disagreement]) -> list[int]:
    """Return the places of the scans, the most disputed first; those without a figure last, else as they came."""
    return sorted(range(len(found)), key=lambda k: (found[k].bits is None, -(found[k].bits or 0.0)))


def headline(cards: Sequence[ModelCard], shared: Shared, answers: Sequence[np.ndarray | None]) -> str:
    """Return who names what, as a headline: "2 answer Glioma, 1 answers Schwannoma"."""
    named = []
    for model, (card, p) in enumerate(zip(cards, answers, strict=True)):
        if p is not None:
            at = shared.answer(model, p)
            named.append(shared.names[at] if at < len(shared.names) else card.names[int(np.argmax(p))])
    counted = Counter(named).most_common()
    if not counted:
        return "No model answered"
    if len(counted) == 1:
        who = {1: "One model answers", 2: "Both models answer"}.get(len(named), f"All {len(named)} models answer")
        return f"{who} {named[0]}"
    if len(counted) == len(named):
        return f"{len(named)} models, {len(named)} answers: {', '.join(named)}"
    return ", ".join(f"{n} {'answers' if n == 1 else 'answer'} {name}" for name, n in counted)


def in_words(found: Disagreement, models: int) -> str:
    """Return one sentence on one scan; `models` is how many were asked."""
    if found.bits is None:
        return "Fewer than two models answered, so there is nothing to compare."
    if found.answered < models:
        who = f"The {found.answered} models that answered"
    elif found.differ:
        who = f"The {models} models"
    else:
        who = "Both models" if models == 2 else f"All {models} models"
    named = "do not name the same class" if found.differ else "name the same class"
    return f"{who} {named}; their probabilities disagree by {found.bits:.2f} of 1."
