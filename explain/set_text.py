"""The prediction set in words: what the gate saw, which classes cannot be ruled out, and where that holds."""

from dataclasses import replace

from datasets.cohorts import COHORT_TITLES
from model_zoo import ModelCard
from model_zoo.conformal import in_every_set, in_words
from model_zoo.estimate import rounded_percent
from model_zoo.gate import ASPECTS, KIND, PLANE, SEQUENCE, UNKNOWN, GateResult
from model_zoo.gate_scores import WITHHELD
from model_zoo.prediction_set import PredictionSet
from model_zoo.scores import NO_NEAR_DUPLICATE

_SLACK = 3  # per cent that a coverage may lack before the page says so


def gate_sentence(result: GateResult) -> str:
    """Return what the gate says of a picture.

    >>> gate_sentence(GateResult("head", "axial", "T1C+", "enough", {}, 0.4, ""))
    'Seems to be one head in MRI, axial, T1 with contrast agent.'
    """
    parts = [ASPECTS[KIND][result.kind]]
    for aspect, seen in ((PLANE, result.plane), (SEQUENCE, result.sequence)):
        parts.append(f"{aspect} not known" if seen == UNKNOWN else ASPECTS[aspect][seen])
    return f"Seems to be {', '.join(parts)}."


def error_rates(card: ModelCard) -> str:
    """Return how often the gate errs on its test pictures."""
    wrongly, rightly = (card.score(WITHHELD, "test", subset) for subset in ("heads", "other pictures"))
    if not wrongly or not rightly:
        return ""
    return (
        f"Of {wrongly.scans:,} test scans of heads the gate withholds {wrongly.percent(1)} wrongly; of "
        f"{rightly.scans:,} other test pictures it withholds {rightly.percent(1)}."
    )


def heading(card: ModelCard, possible: PredictionSet, predicted: int) -> str:
    """Return the prediction as a heading: the set where it has more classes than the predicted one, else that class.

    Each class has a threshold of its own, so that the most probable one may be outside the set. A class that is in
    every set is no finding about this scan: it is named where it is the predicted one.
    """
    label = card.classes[predicted]
    always = in_every_set(card.conformal.get(str(possible.level), {}))
    found = replace(possible, classes=tuple(each for each in possible.classes if each == label or each not in always))
    return found.in_words(card) if len(found.classes) > 1 and label in found.classes else card.names[predicted]


def set_sentence(card: ModelCard, possible: PredictionSet, predicted: int) -> str:
    """Return what the set of classes promises, whether it lacks the predicted one, and where it was not met.

    At its end are the classes that are in the set of every scan. "" without a set.
    """
    if not card.conformal:
        return ""
    inside = possible.in_words(card) if possible.classes else "No class"
    verb = "is all that cannot be ruled out" if possible.classes else "fits well enough"
    sentence = f"{inside} {verb} at {possible.level}\u00a0%."
    if possible.classes and card.classes[predicted] not in possible.classes:
        sentence += (
            f" {card.names[predicted]}, the predicted class, is not in the set: its probability is lower than is usual "
            "for scans of that class."
        )
    name = f"coverage of {possible.level} % sets"
    splits = ["test", *dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort "))]
    met = {split: card.score(name, split, NO_NEAR_DUPLICATE) for split in splits}
    missed = {split: each.value for split, each in met.items() if each and 100 * each.value < possible.level - _SLACK}
    if missed:
        worst = min(missed, key=missed.get)
        where = "its own test scans" if worst == "test" else f"the collection {_title(worst)}"
        sentence += (
            f" That was not met everywhere: on {where} the true class is in the set for "
            f"{rounded_percent(missed[worst])}\u00a0% of the scans."
        )
    return sentence + _always(card, possible.level)


def _always(card: ModelCard, level: int) -> str:
    names = dict(zip(card.classes, card.names, strict=True))
    always = [names[label] for label in in_every_set(card.conformal.get(str(level), {}))]
    if not always:
        return ""
    verb, them = ("is", "it") if len(always) == 1 else ("are", "them")
    few = f"the labelled scans of {them} were not enough to rule {them} out"
    return f" {in_words(always, 'and')} {verb} in every set: {few}."


def _title(split: str) -> str:
    cohort = split.removeprefix("cohort ")
    return COHORT_TITLES.get(cohort, cohort)
