"""One sentence per counterfactual, which claims no more than the probabilities and the control show.

Logits here are float (K,), divided by the card's temperature. A prediction is "weaker" or "stronger" if its
probability changes by 10 points, or its odds against all other classes change threefold: near 100 % probabilities
hardly change, whatever happens.
"""

from collections.abc import Sequence

import numpy as np

from explain.prediction_text import percent

POINTS = 0.10  # of probability
TIMES = 3.0  # of the odds

_CONCLUSIONS = {
    "erase": {
        "changed": "the prediction of {name} depends on this region",
        "weaker": "the prediction of {name} partly depends on this region, but holds without it",
        "stronger": "this region was evidence against {name}",
        "same": "the prediction of {name} does not depend on this region",
    },
    "keep": {
        "changed": "this region alone is not enough for {name}",
        "weaker": "this region alone is enough for {name}, with lower confidence",
        "stronger": "this region alone is enough for {name}",
        "same": "this region alone is enough for {name}",
    },
    "move": {
        "changed": "the prediction of {name} depends on the position of this region",
        "weaker": "the prediction of {name} partly depends on the position of this region",
        "stronger": "the position of this region was evidence against {name}",
        "same": "the prediction of {name} does not depend on the position of this region",
    },
}
_WEAK = "so this is weak evidence about the region itself"


def sentence_of(
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

    `control` holds the logits after the same action on the mirrored region, None if that was not possible.
    """
    first, now = int(before.argmax()), int(after.argmax())
    odds = log_odds(after, first) - log_odds(before, first)
    p, q = (_share(log_odds(logits, first)) for logits in (before, after))
    change = f"{percent(p)} before, {percent(q)} after"
    if percent(p) == percent(q) and abs(odds) >= np.log(TIMES):
        change += f", odds {_times(abs(odds))} {'lower' if odds < 0 else 'higher'}"
    if now == first:
        prediction = f"the prediction stays {names[first]} ({change})"
    else:
        new = percent(_share(log_odds(after, now)))
        prediction = f"the prediction changes to {names[now]} ({new}) from {names[first]} ({change})"
    text = f"{_condition(action, 'mirrored ' if mirror else '', offset)}, {prediction}"
    return f"{text}." if mirror else f"{text}{_conclusion(action, names[first], before, after, control)}."


def verdict(action: str, before: np.ndarray, after: np.ndarray, control: np.ndarray | None) -> tuple[str, str]:
    """Return the effect of an action, as `effect` names it, and what the control says of it.

    "unneeded" if the effect does not claim that the region matters, else "missing", "specific", or "unspecific" if
    the same action on the mirrored region has as much effect.
    """
    own = effect(before, after)
    if own == ("changed" if action == "keep" else "same"):
        return own, "unneeded"
    if control is None:
        return own, "missing"
    mirrored = effect(before, control)
    if action == "keep":
        return own, "specific" if mirrored == "changed" else "unspecific"
    return own, "unspecific" if mirrored in (own, "changed") else "specific"


def effect(before: np.ndarray, after: np.ndarray) -> str:
    """Return "changed" if another class is predicted, else "weaker", "stronger" or "same"."""
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


def _conclusion(action: str, name: str, before: np.ndarray, after: np.ndarray, control: np.ndarray | None) -> str:
    own, checked = verdict(action, before, after, control)
    if checked == "unspecific":
        if action == "keep":
            return f", but the mirrored region alone gives the same prediction, {_WEAK}"
        return f", but the same change to the mirrored region has as much effect, {_WEAK}"
    missing = " (no control possible)" if checked == "missing" else ""
    return f": {_CONCLUSIONS[action][own].format(name=name)}{missing}"


def _condition(action: str, which: str, offset: tuple[int, int]) -> str:
    if action == "erase":
        return f"With the {which}region removed"
    if action == "keep":
        return f"With the {which}region alone"
    rows, columns = offset
    down = f"{abs(rows)} pixels {'down' if rows > 0 else 'up'}" if rows else ""
    right = f"{abs(columns)} pixels {'right' if columns > 0 else 'left'}" if columns else ""
    return f"With the {which}region moved {' and '.join(filter(None, (down, right)))}"


def _times(odds: float) -> str:
    return f"{np.exp(odds):.0f} times" if odds < np.log(1000) else "over 1000 times"
