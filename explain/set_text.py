"""The prediction set in words: what the gate saw, which classes cannot be ruled out, and where that holds."""

from model_zoo import ModelCard
from model_zoo.gate import HEADS, PLANE, SEQUENCE, UNKNOWN, Look
from model_zoo.gate_scores import WITHHELD
from model_zoo.prediction_set import PredictionSet
from model_zoo.scores import NO_NEAR_DUPLICATE


def look_sentence(look: Look) -> str:
    """Return what the gate says of a picture.

    >>> look_sentence(Look("head", "axial", "T1C+", "enough", {}, 0.4, ""))
    'Seems to be one head in MRI, axial, T1 with contrast agent.'
    """
    facts = [HEADS[fact][seen] for fact, seen in ((PLANE, look.plane), (SEQUENCE, look.sequence)) if seen != UNKNOWN]
    unknown = [fact for fact, seen in ((PLANE, look.plane), (SEQUENCE, look.sequence)) if seen == UNKNOWN]
    parts = [HEADS["kind"][look.kind], *facts, *(f"{fact} not known" for fact in unknown)]
    return f"Seems to be {', '.join(parts)}."


def error_rates(card: ModelCard) -> str:
    """Return how often the gate errs on its test pictures."""
    wrongly, rightly = (card.score(WITHHELD, "test", subset) for subset in ("heads", "other pictures"))
    if not wrongly or not rightly:
        return ""
    return (
        f"Of {wrongly.scans:,} test scans of heads this check withholds {wrongly.percent(1)} wrongly; of "
        f"{rightly.scans:,} other test pictures it recognises {rightly.percent(1)}."
    )


def heading(card: ModelCard, possible: PredictionSet, predicted: int) -> str:
    """Return the prediction as a heading: the set of classes where it has more than one, else the predicted class."""
    return possible.in_words(card) if len(possible.classes) > 1 else card.names[predicted]


def set_sentence(card: ModelCard, possible: PredictionSet) -> str:
    """Return what the set of classes promises, and where that was not met; "" without a set."""
    if not possible.level or not card.conformal:
        return ""
    inside = possible.in_words(card) if possible.classes else "No class"
    verb = "is all that cannot be ruled out" if possible.classes else "fits well enough"
    sentence = f"{inside} {verb} at {possible.level}\u00a0%."
    met = {
        split.removeprefix("cohort "): estimate.value
        for split in dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort "))
        if (estimate := card.score(f"coverage of {possible.level} % sets", split, NO_NEAR_DUPLICATE))
    }
    missed = {name: value for name, value in met.items() if 100 * value < possible.level - 3}
    if missed:
        worst = min(missed, key=missed.get)
        sentence += (
            f" That holds for scans like those of the model's own collection; on the collection {worst} the true class "
            f"is in the set for {100 * missed[worst]:.0f}\u00a0% only."
        )
    return sentence
