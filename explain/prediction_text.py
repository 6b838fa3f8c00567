"""A prediction in words, never more certain than it is."""

from collections.abc import Sequence

import numpy as np

_HIGH, _MODERATE = 0.9, 0.6  # probabilities of the predicted class


def percent(p: float) -> str:
    """Return a probability for display, but never a flat 0 or 100 %.

    >>> percent(0.97), percent(0.004), percent(1.0)
    ('97 %', 'under 1 %', 'over 99 %')
    """
    if p < 0.01:
        return "under 1 %"
    return "over 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def list_of_probabilities(names: Sequence[str], p: np.ndarray) -> str:
    """Return the probability of every class in words, for those who cannot see the chart; `p` is (K,)."""
    return ", ".join(f"{name} {percent(value)}" for name, value in zip(names, p, strict=True))


def confidence(p: float) -> str:
    """Return "High", "Moderate" or "Low" for the probability of the predicted class."""
    return "High" if p >= _HIGH else "Moderate" if p >= _MODERATE else "Low"


def confidence_sentence(names: Sequence[str], p: np.ndarray) -> str:
    """Return the confidence and the two most likely classes. `p` is (K,), summing to 1, in the order of `names`."""
    first, second = np.argsort(-p, kind="stable")[:2]
    return (
        f"{confidence(p[first])} confidence: {names[first]} {percent(p[first])}; second most likely: "
        f"{names[second]}, {percent(p[second])}."
    ).replace(" %", "\u00a0%")  # a line must not begin with the sign
