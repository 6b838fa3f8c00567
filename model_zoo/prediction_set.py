"""The prediction set of a model for a picture: the classes that cannot be ruled out, or none, with the reasons.

The gate decides whether anything is predicted. Then the model's own card decides how wide the set is: where the model
does badly on heads of this sequence or plane, or was measured on too few of them, or where the gate cannot name them,
the set is widened to the classes that cannot be ruled out at 95 %, and a sentence says why, with the figure.
"""

from dataclasses import dataclass

import numpy as np

from model_zoo.card import ModelCard, Score
from model_zoo.conformal import conformal_sets, in_words
from model_zoo.estimate import rounded_percent
from model_zoo.gate import ASPECTS, PLANE, SEQUENCE, UNKNOWN, GateResult
from scans import ScanError

USUAL, WIDE = 90, 95  # per cent: the levels of the set where nothing speaks against the model, and of a widened one
_GOOD = 0.8  # accuracy on a sequence or plane below which a set is widened
_FEWEST = 30  # scans that such an accuracy rests on
ANYWAY = "Predicted although the gate withholds it:"


class WithheldError(ScanError):
    """A prediction that is withheld; its sentence says what the picture seems to be, and what is accepted."""

    def __init__(self, result: GateResult) -> None:
        super().__init__(result.withheld)
        self.result = result


@dataclass(frozen=True)
class PredictionSet:
    """The classes that cannot be ruled out at `level` per cent, and why the set is wide.

    `classes` are class ids, the most probable first; () where none fits, and where the card has no thresholds.
    """

    classes: tuple[str, ...]
    level: int
    reasons: tuple[str, ...]

    def in_words(self, card: ModelCard) -> str:
        """Return the set as it is shown to a reader."""
        names = dict(zip(card.classes, card.names, strict=True))
        return in_words([names[label] for label in self.classes])


def require_gate(result: GateResult, *, anyway: bool = False) -> None:
    """Raise WithheldError where the gate withholds the prediction, unless it is asked for all the same."""
    if result.withheld and not anyway:
        raise WithheldError(result)


def prediction_set(card: ModelCard, p: np.ndarray, result: GateResult) -> PredictionSet:
    """Return a model's prediction set for probabilities (K,) of a picture that the gate has seen."""
    reasons = (f"{ANYWAY} {result.withheld}",) if result.withheld else doubts(card, result)
    level = WIDE if reasons else USUAL
    thresholds = card.conformal.get(str(level))
    if not thresholds:
        return PredictionSet((), level, reasons)
    inside = conformal_sets(np.asarray(p)[None], np.array([thresholds[label] for label in card.classes]))[0]
    ranked = np.argsort(-np.asarray(p), kind="stable")
    return PredictionSet(tuple(card.classes[k] for k in ranked if inside[k]), level, reasons)


def doubts(card: ModelCard, result: GateResult) -> tuple[str, ...]:
    """Return a sentence for the sequence and the plane of a head on which a model does badly or was hardly measured."""
    if not card.scores:
        return (f"{card.id} was never measured: how often it is right is not known.",)
    sentences = []
    therefore = "so the set of classes is widened." if card.conformal else "and it has no set of classes to widen."
    for fact, seen in ((SEQUENCE, result.sequence), (PLANE, result.plane)):
        name = ASPECTS[fact].get(seen, "")
        if seen == UNKNOWN:
            sentences.append(f"The {fact} of this scan is not one that Candor knows, {therefore}")
            continue
        score = measured_on(card, fact, seen)
        if score is None:
            sentences.append(f"{card.id} was measured on fewer than {_FEWEST} scans known to be {name}, {therefore}")
        elif score.estimate.value < _GOOD:
            where = (
                "its own test scans" if score.split == "test" else f"the {score.split.removeprefix('cohort ')} scans"
            )
            sentences.append(
                f"{card.id} is right on {rounded_percent(score.estimate.value)} % of {where} that are {name} "
                f"({score.estimate.scans:,} scans), {therefore}"
            )
    return tuple(sentences)


def measured_on(card: ModelCard, fact: str, seen: str) -> Score | None:
    """Return the accuracy on scans of a sequence or plane: of its own test, else the lowest of a collection."""
    scores = [
        score
        for score in card.scores
        if (score.name, score.subset) == ("accuracy", f"{fact} {seen}") and score.estimate.scans >= _FEWEST
    ]
    own = [score for score in scores if score.split == "test"]
    return min(own or scores, key=lambda score: score.estimate.value, default=None)
