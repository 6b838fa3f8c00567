"""One sentence per counterfactual, which claims no more than the probabilities, the control and the removal show.

Logits here are float (K,), divided by the card's temperature. All limits of the words stand at the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explain.counterfactual.control import MIRRORED
from explain.counterfactual.erasure import MOST_LEFT
from explain.prediction_text import percent

# What a change does to the probability of the class that was predicted before. "changed": another class is predicted,
# or at most HALF of the probability is left. "weaker", "stronger": it changes by POINTS, or its odds against all other
# classes change TIMES as much, since near 100 % probabilities hardly change, whatever happens. "same": by less.
HALF = 0.5
POINTS = 0.10
TIMES = 3.0
# No conclusion is drawn where the control region has at least this share of the effect, in points and in log odds.
CONTROL_SHARE = 0.5

DEPENDS, PARTLY, AGAINST, INDEPENDENT, INCONCLUSIVE = "depends", "partly", "against", "independent", "inconclusive"
CONCLUSIONS = (DEPENDS, PARTLY, AGAINST, INDEPENDENT, INCONCLUSIVE)
_OF_EFFECT = {"changed": DEPENDS, "weaker": PARTLY, "stronger": AGAINST, "same": INDEPENDENT}
_WORDS = {
    "erase": {
        DEPENDS: "the prediction of {name} depends on this region",
        PARTLY: "the prediction of {name} partly depends on this region",
        AGAINST: "this region was evidence against {name}",
        INDEPENDENT: "the prediction of {name} does not depend on this region",
    },
    "keep": {
        DEPENDS: "this region alone is not enough for {name}",
        PARTLY: "this region alone is enough for {name}, with lower confidence",
        AGAINST: "this region alone is enough for {name}",
        INDEPENDENT: "this region alone is enough for {name}",
    },
    "move": {
        DEPENDS: "the prediction of {name} depends on the position of this region",
        PARTLY: "the prediction of {name} partly depends on the position of this region",
        AGAINST: "the position of this region was evidence against {name}",
        INDEPENDENT: "the prediction of {name} does not depend on the position of this region",
    },
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """Logits `before` and `after` a change of a region, or of a control region at a `place`.

    `contrast_left` is what removing the region left of its contrast, None where it had none or was not removed.
    """

    action: str
    before: np.ndarray
    after: np.ndarray
    offset: tuple[int, int] = (0, 0)
    place: str = ""
    contrast_left: float | None = None

    @property
    def removed(self) -> bool:
        """False where the region is still to be seen in the picture that should lack it."""
        return self.contrast_left is None or self.contrast_left <= MOST_LEFT


def sentence_of(
    names: Sequence[str], outcome: Outcome, control: Outcome | None = None, *, conclude: bool = False
) -> str:
    """Return the sentence on a change; with `conclude` it ends with what that, and the control, say of the model."""
    before, after = outcome.before, outcome.after
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
    conclusion = f": {_conclusion(names[first], outcome, control)}" if conclude else ""
    return f"{_condition(outcome)}, {prediction}{conclusion}."


def verdict(outcome: Outcome, control: Outcome | None) -> str:
    """Return the conclusion, one of CONCLUSIONS: INCONCLUSIVE where there is a reason against any other."""
    return INCONCLUSIVE if _objection(outcome, control) else _OF_EFFECT[effect(outcome.before, outcome.after)]


def effect(before: np.ndarray, after: np.ndarray) -> str:
    """Return "changed", "weaker", "stronger" or "same", by the limits at the top of this file."""
    first = int(before.argmax())
    odds, odds_after = log_odds(before, first), log_odds(after, first)
    points = _share(odds_after) - _share(odds)
    if int(after.argmax()) != first or _share(odds_after) <= HALF * _share(odds):
        return "changed"
    if abs(points) < POINTS and abs(odds_after - odds) < np.log(TIMES):
        return "same"
    return "weaker" if odds_after < odds else "stronger"


def _objection(outcome: Outcome, control: Outcome | None) -> str:
    """Return why nothing can be concluded, "" where something can."""
    if not outcome.removed:
        return f"{percent(min(1.0, outcome.contrast_left))} of the region's contrast to its surrounding is still there"
    own, kept = effect(outcome.before, outcome.after), outcome.action == "keep"
    if own == ("changed" if kept else "same"):
        return ""  # that the region matters is not claimed, so nothing has to be ruled out
    if control is None:
        return "no control region was possible"
    which = _region(control.place)
    if kept:
        alike = effect(control.before, control.after) != "changed"
        return f"{which} alone gives the same prediction" if alike else ""
    return f"the same change to {which} has a comparable effect" if _as_much(outcome, control) else ""


def _as_much(outcome: Outcome, control: Outcome) -> bool:
    """Return whether the control's effect is comparable: of the same sign and at least half as strong.

    Where both change the prediction it is, whatever the sign: another class can overtake while the first one rises.
    """
    first = int(outcome.before.argmax())
    if first not in (int(outcome.after.argmax()), int(control.after.argmax())):
        return True
    was, now, beside = (log_odds(logits, first) for logits in (outcome.before, outcome.after, control.after))
    shares = (
        (beside - was) / (now - was or np.inf),
        (_share(beside) - _share(was)) / (_share(now) - _share(was) or np.inf),
    )
    return min(shares) >= CONTROL_SHARE


def log_odds(logits: np.ndarray, index: int) -> float:
    """Return the natural logarithm of p / (1 - p) of one class, exact where p rounds to 1."""
    others = np.delete(np.asarray(logits, np.float64), index)
    return float(logits[index] - np.logaddexp.reduce(others))


def _share(odds: float) -> float:
    """Return the probability of natural log odds."""
    return float(np.exp(-np.logaddexp(0, -odds)))


def _conclusion(name: str, outcome: Outcome, control: Outcome | None) -> str:
    if objection := _objection(outcome, control):
        return f"inconclusive, as {objection}"
    return _WORDS[outcome.action][verdict(outcome, control)].format(name=name)


def _region(place: str) -> str:
    if not place:
        return "the region"
    return "the mirrored region" if place == MIRRORED else "another region of this size"


def _condition(outcome: Outcome) -> str:
    which = _region(outcome.place)
    if outcome.action == "erase":
        return f"With {which} removed"
    if outcome.action == "keep":
        return f"With {which} alone"
    rows, columns = outcome.offset
    down = f"{abs(rows)} pixels {'down' if rows > 0 else 'up'}" if rows else ""
    right = f"{abs(columns)} pixels {'right' if columns > 0 else 'left'}" if columns else ""
    return f"With {which} moved {' and '.join(filter(None, (down, right)))}"


def _times(odds: float) -> str:
    return f"{np.exp(odds):.0f} times" if odds < np.log(1000) else "over 1000 times"
