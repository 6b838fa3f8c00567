"""How is a counterfactual said, in one sentence that claims no more than was seen?

Logits here are float (K,), divided by the card's temperature. An answer is "weaker" or "stronger" where its
probability moves by 10 points, or its odds against all other classes change threefold: near 100 % probabilities
hardly move, whatever happens.
"""

from collections.abc import Sequence

import numpy as np

from explain.prediction_text import percent

POINTS = 0.10  # of probability
TIMES = 3.0  # of the odds

_CONCLUSIONS = {
    "erase": {
        "changed": "its answer rests on this region",
        "weaker": "its answer leans on this region, but holds without it",
        "stronger": "this region spoke against its answer",
        "same": "its answer does not rest on this region",
    },
    "keep": {
        "changed": "this region alone is not enough for its answer",
        "weaker": "this region alone is enough for its answer, if a weaker one",
        "stronger": "this region alone is enough for its answer",
        "same": "this region alone is enough for its answer",
    },
    "move": {
        "changed": "its answer depends on where this region lies",
        "weaker": "its answer leans on where this region lies",
        "stronger": "where this region lay spoke against its answer",
        "same": "its answer does not depend on where this region lies",
    },
}
_UNSAID = "so this says little about the region itself"


def said_of(
    action: str,
    names: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    *,
    offset: tuple[int, int] = (0, 0),
    mirror: bool = False,
    control: np.ndarray | None = None,
) -> str:
    """Return the sentence on logits `before` and `after` an action. That of a mirrored region draws no conclusion.

    `control` holds the logits after the same was done to the mirrored region, None where that could not be.
    """
    first, now = int(before.argmax()), int(after.argmax())
    odds = log_odds(after, first) - log_odds(before, first)
    p, q = (_share(log_odds(logits, first)) for logits in (before, after))
    figures = f"{percent(p)} before, {percent(q)} after"
    if percent(p) == percent(q) and abs(odds) >= np.log(TIMES):
        figures += f", its odds {_times(abs(odds))} {'lower' if odds < 0 else 'higher'}"
    if now == first:
        answer = f"the model still says {names[first]} ({figures})"
    else:
        new = percent(_share(log_odds(after, now)))
        answer = f"the model says {names[now]} ({new}) and no longer {names[first]} ({figures})"
    what = f"{_done(action, 'mirrored ' if mirror else '', offset)}, {answer}"
    return f"{what}." if mirror else f"{what}{_conclusion(action, before, after, control)}."


def effect(before: np.ndarray, after: np.ndarray) -> str:
    """Return "changed" where another class is given, else "weaker", "stronger" or "same"."""
    first = int(before.argmax())
    if int(after.argmax()) != first:
        return "changed"
    odds, odds_after = log_odds(before, first), log_odds(after, first)
    points = _share(odds_after) - _share(odds)
    if abs(points) < POINTS and abs(odds_after - odds) < np.log(TIMES):
        return "same"
    return "weaker" if odds_after < odds else "stronger"


def log_odds(logits: np.ndarray, index: int) -> float:
    """Return the natural logarithm of p / (1 - p) of one class, exact where p rounds to 1."""
    others = np.delete(np.asarray(logits, np.float64), index)
    return float(logits[index] - np.logaddexp.reduce(others))


def _share(odds: float) -> float:
    """Return the probability of natural log odds."""
    return float(np.exp(-np.logaddexp(0, -odds)))


def _conclusion(action: str, before: np.ndarray, after: np.ndarray, control: np.ndarray | None) -> str:
    seen = effect(before, after)
    told = f": {_CONCLUSIONS[action][seen]}"
    claimed = seen != ("changed" if action == "keep" else "same")  # that the region matters, which a control may deny
    if not claimed:
        return told
    if control is None:
        return f"{told}, as far as can be said without a control"
    beside = effect(before, control)
    if action == "keep":
        return told if beside == "changed" else f", but so it does for the mirrored region alone, {_UNSAID}"
    as_much = beside in (seen, "changed")
    return f", but the same done to the mirrored region does as much, {_UNSAID}" if as_much else told


def _done(action: str, which: str, offset: tuple[int, int]) -> str:
    if action == "erase":
        return f"With the {which}region erased"
    if action == "keep":
        return f"Shown the {which}region alone"
    rows, columns = offset
    down = f"{abs(rows)} pixels {'down' if rows > 0 else 'up'}" if rows else ""
    right = f"{abs(columns)} pixels {'right' if columns > 0 else 'left'}" if columns else ""
    return f"With the {which}region moved {' and '.join(filter(None, (down, right)))}"


def _times(odds: float) -> str:
    return f"{np.exp(odds):.0f} times" if odds < np.log(1000) else "over 1000 times"
