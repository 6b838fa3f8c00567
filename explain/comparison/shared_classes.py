"""The classes that several models have in common, and the probabilities that each model gives them.

44c's fifteen classes are gathered into those of the four-class collections (`datasets.label_map`) where the
models' lists differ. A class that no other model has stands with its own model's "other classes", which correspond
to no other model's: two models that each predict one of those do not agree.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.label_map import FOUR_OF_FIFTEEN
from model_zoo import ModelCard

OTHER_NAME = "Other classes"


@dataclass(frozen=True)
class Shared:
    """The classes that two or more of the models have. `places` gives each model's classes their places in `classes`.

    A place of `len(classes)` is "other classes". `held` is bool (models, classes): which model has which class.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]  # display names, in the same order
    places: tuple[tuple[int, ...], ...]  # for each model, for each of its classes in logit order
    held: np.ndarray

    def gathered(self, model: int, p: np.ndarray) -> np.ndarray:
        """Return probabilities (..., C + 1) over `classes` and the model's other classes, from its own (..., K)."""
        p = np.asarray(p, np.float64)
        sums = np.zeros((*p.shape[:-1], len(self.classes) + 1))
        for own, place in enumerate(self.places[model]):
            sums[..., place] += p[..., own]
        return sums

    def table(self, predictions: Sequence[np.ndarray | None]) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
        """Return the names of the classes, all models' probabilities, and which model has which class, for a chart.

        Probabilities are float (models, classes), NaN for a model without a prediction; the last is bool of that shape.
        The last class is "other classes" if a model has any.
        """
        rows = [
            np.full(len(self.classes) + 1, np.nan) if p is None else self.gathered(k, p)
            for k, p in enumerate(predictions)
        ]
        others = np.array([len(self.classes) in own for own in self.places])
        if not others.any():
            return self.names, np.array(rows)[:, :-1], self.held
        return (*self.names, OTHER_NAME), np.array(rows), np.column_stack([self.held, others])

    def predicted(self, model: int, p: np.ndarray) -> int:
        """Return the place of the model's own predicted class, of its probabilities (K,)."""
        return self.places[model][int(np.argmax(p))]

    def own_class(self, model: int, place: int, p: np.ndarray) -> int | None:
        """Return the model's most probable class, in logit order, at a place; None if it has none there."""
        own = [k for k, at in enumerate(self.places[model]) if at == place]
        return max(own, key=lambda k: p[k], default=None)


def shared_classes(cards: Sequence[ModelCard]) -> Shared:
    """Return the classes that two or more of the cards have, those that most have first. Raises ValueError for none."""
    if not cards:
        raise ValueError("no model to compare; choose two or more")
    same = len({frozenset(card.classes) for card in cards}) == 1
    common = [[c if same else FOUR_OF_FIFTEEN.get(c, c) for c in card.classes] for card in cards]
    count = Counter(c for classes in common for c in dict.fromkeys(classes))  # in the order they are met
    least = min(2, len(cards))
    classes = tuple(c for c, models in count.most_common() if models >= least)
    place = {c: at for at, c in enumerate(classes)}
    return Shared(
        classes,
        tuple(_name(c, cards) for c in classes),
        tuple(tuple(place.get(c, len(classes)) for c in own) for own in common),
        np.array([[c in own for c in classes] for own in common], bool).reshape(len(cards), len(classes)),
    )


def _name(class_id: str, cards: Sequence[ModelCard]) -> str:
    """Return the name that a card gives the class, else one made of its id."""
    names = (dict(zip(card.classes, card.names, strict=True)).get(class_id) for card in cards)
    return next(filter(None, names), class_id.capitalize())


def correspondences(cards: Sequence[ModelCard], shared: Shared) -> list[str]:
    """Return a sentence per model on its combined and missing classes; none if all models have the same classes."""
    sentences = []
    for model, (card, places) in enumerate(zip(cards, shared.places, strict=True)):
        parts = []
        for at, name in enumerate((*shared.names, OTHER_NAME)):
            own = [n for n, place in zip(card.names, places, strict=True) if place == at]
            if own and own != [name]:
                parts.append(f"{name} = {', '.join(own)}")
        lacking = [name for name, held in zip(shared.names, shared.held[model], strict=True) if not held]
        if lacking:
            parts.append(f"class not in this model: {', '.join(lacking)}")
        if parts:
            sentences.append(f"{card.id}: {'; '.join(parts)}.")
    return sentences
