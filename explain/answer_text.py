"""The answer in words: what the gate saw, which classes cannot be ruled out, and how far that holds elsewhere."""

from model_zoo import ModelCard
from model_zoo.answer import Answer
from model_zoo.gate import HEADS, PLANE, SEQUENCE, UNKNOWN, Look
from model_zoo.gate_scores import WITHHELD
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


def heading(card: ModelCard, answer: Answer, predicted: int) -> str:
    """Return the answer as a heading: the set of classes where it has more than one, else the predicted class."""
    return answer.in_words(card) if len(answer.classes) > 1 else card.names[predicted]


def set_sentence(card: ModelCard, answer: Answer) -> str:
    """Return what the set of classes promises, and where that was not met; "" without a set."""
    if not answer.level or not card.conformal:
        return ""
    inside = answer.in_words(card) if answer.classes else "No class"
    verb = "is all that cannot be ruled out" if answer.classes else "fits well enough"
    sentence = f"{inside} {verb} at {answer.level}\u00a0%."
    met = {
        split.removeprefix("cohort "): estimate.value
        for split in dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort "))
        if (estimate := card.score(f"coverage of {answer.level} % sets", split, NO_NEAR_DUPLICATE))
    }
    missed = {name: value for name, value in met.items() if 100 * value < answer.level - 3}
    if missed:
        worst = min(missed, key=missed.get)
        sentence += (
            f" That holds for scans like those of the model's own collection; on the collection {worst} the true class "
            f"is in the set for {100 * missed[worst]:.0f}\u00a0% only."
        )
    return sentence
