"""The input of a report: one scan, one model's prediction, its explanations and their rendering."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np

from explain.explanation import Explanation
from explain.methods import method_for, methods_for
from explain.render.rendering import INK, Drawing, Rendering, draw
from explain.request import Request
from explain.similar.search import SimilarCase
from explain.similar.strip import similar_strip
from model_zoo import ModelCard
from model_zoo.prediction_set import PredictionSet
from scans import Scan

DEFAULT_METHODS = ("gradcam", "occlusion")  # one reads the network's feature map, the other only its predictions


def methods_of_report(names: Sequence[str], card: ModelCard) -> list[str]:
    """Return the ids of the methods, each once, in the order given; for none the defaults that suit the model.

    Raises ModelError on an unknown method, and on one that cannot explain the model.
    """
    chosen = names or [name for name in DEFAULT_METHODS if name in methods_for(card)]
    return [method_for(name, card).id for name in dict.fromkeys(chosen)]


@dataclass(frozen=True, eq=False)
class ReportInput:
    """All that a report shows. Raises ValueError where the parts do not belong together."""

    scan: Scan
    card: ModelCard
    probabilities: tuple[float, ...]  # of every class, in the card's order
    explanations: tuple[Explanation, ...]  # empty where only the prediction is reported
    date: datetime  # given, so that the same input gives the same bytes
    rendering: Rendering = field(default_factory=Rendering)
    counterfactuals: tuple[str, ...] = ()  # one sentence per counterfactual
    request: Request | None = None  # behind its first map: its prediction set and its similar cases are shown

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(self.card.classes):
            raise ValueError(f"{len(self.probabilities)} probabilities for {len(self.card.classes)} classes")
        for explanation in self.explanations:
            if not explanation.belongs_to(self.scan, self.card.weights_sha256):
                raise ValueError("an explanation is of another scan, slice or model than the report")

    @cached_property
    def similar(self) -> tuple[list[SimilarCase], np.ndarray | None]:
        """The similar cases and the strip of their pictures, uint8 (h, w, 3); none without a request."""
        return similar_strip(self.request) if self.request else ([], None)

    @property
    def set(self) -> PredictionSet | None:
        """The classes that cannot be ruled out, and why they are many."""
        return self.request and self.request.prediction.set

    @property
    def calibration(self) -> str:
        """The site that the model was calibrated to, in a sentence; "" for its own calibration."""
        return self.request.model.calibration if self.request else ""

    @property
    def predicted(self) -> int:
        """The index of the predicted class."""
        return int(np.argmax(self.probabilities))

    def name_of(self, class_id: str) -> str:
        """Return the display name of a class."""
        return self.card.names[self.card.classes.index(class_id)]

    def drawing(self, explanation: Explanation | None = None, ink: str = INK) -> Drawing:
        """Return the scan, or the scan under a map with its colour bar, whose letters have the colour `ink`."""
        return draw(self.scan, explanation, self.rendering, ink=ink)


def report_of(
    requests: Sequence[Request],
    explanations: Sequence[Explanation],
    date: datetime,
    rendering: Rendering | None = None,
) -> ReportInput:
    """Return the report of the explanations of requests about one scan and model, in the same order."""
    first = requests[0]
    probabilities = tuple(map(float, first.prediction.probabilities))
    return ReportInput(
        first.scan, first.model.card, probabilities, tuple(explanations), date, rendering or Rendering(), request=first
    )
