"""What is a reading? One scan, what one model said of it, the maps that were looked at, and how they were drawn."""

from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np

from explain.explanation import Explanation
from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS
from explain.render.overlay import colour_bar, gray, overlay, squared, strongest, with_sides
from explain.render.smoothing import smoothed, smoothing
from model_zoo import ModelCard
from scans import Scan

SIDE = 640  # pixels of a picture: 190 an inch on paper


@dataclass(frozen=True)
class Style:
    """How maps are drawn. Opacity and threshold in [0, 1]; what is "" or None is what suits the map or the scan."""

    opacity: float = 0.5
    threshold: float = 0.15
    contours: bool = False
    against: bool = True
    colour_map: str = ""
    smooth: float | None = None  # in mm or pixels, as `explain.render.smoothing` says; None: the usual
    window: tuple[float, float] | None = None  # part of [0, 1]; None: the file's own

    def colours_of(self, explanation: Explanation) -> str:
        """Return the colour map for an explanation: another than chosen where that does not suit its signs."""
        suited = SIGNED_COLOUR_MAPS if explanation.signed else COLOUR_MAPS
        return self.colour_map if self.colour_map in suited else suited[0]

    def sigma(self, scan: Scan, explanation: Explanation) -> float:
        """Return how far the map is smoothed, in the scan's unit."""
        return smoothing(scan, explanation.method).usual if self.smooth is None else self.smooth

    def facts(self, scan: Scan, explanation: Explanation) -> dict:
        """Return all of it as it was used for a map, ready for a manifest."""
        chosen = {"colour_map": self.colours_of(explanation), "smooth": self.sigma(scan, explanation)}
        return asdict(self) | chosen | {"window": scan.window if self.window is None else self.window}


@dataclass(frozen=True, eq=False)
class Reading:
    """All that a report tells. Raises ValueError where the parts do not belong together."""

    scan: Scan
    card: ModelCard
    probabilities: tuple[float, ...]  # of every class, in the card's order
    explanations: tuple[Explanation, ...]  # none, where only the answer is reported
    date: datetime  # when it was read: given, so that the same reading gives the same bytes
    style: Style = Style()
    counterfactuals: tuple[str, ...] = ()  # what the model said of changed scans, a sentence each

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(self.card.classes):
            raise ValueError(f"{len(self.probabilities)} probabilities for {len(self.card.classes)} classes")
        asked = self.scan.digest, self.scan.index, self.scan.plane, self.card.weights_sha256
        for found in self.explanations:
            if (found.scan, found.slice, found.plane, found.weights) != asked:
                raise ValueError("an explanation of another scan, slice or model than the reading's")

    @property
    def predicted(self) -> int:
        """The place of the class that the model gives."""
        return int(np.argmax(self.probabilities))

    def name_of(self, class_id: str) -> str:
        """Return the display name of a class."""
        return self.card.names[self.card.classes.index(class_id)]

    def plain(self) -> np.ndarray:
        """Return uint8 (SIDE, SIDE): the scan as it was seen, with the patient's sides."""
        seen = squared(self.scan.windowed(self.style.window), self.scan.spacing, SIDE)
        return with_sides(gray(seen), self.scan.edges)

    def drawn(self, explanation: Explanation, ink: str = "#8a949e") -> tuple[np.ndarray, np.ndarray | None]:
        """Return uint8 (SIDE, SIDE, 3), the overlay, and its colour bar (h, w, 4) with letters in `ink`.

        Where the map is empty there is no bar, and the picture is the plain scan.
        """
        heat = self._heat(explanation)
        peak = strongest(heat)
        if not peak:
            return np.repeat(self.plain()[..., None], 3, axis=-1), None
        how = {
            "colour_map": self.style.colours_of(explanation),
            "threshold": self.style.threshold,
            "contours": self.style.contours,
            "against": explanation.signed and self.style.against,
        }
        seen = squared(self.scan.windowed(self.style.window), self.scan.spacing, SIDE)
        picture = overlay(seen, heat, opacity=self.style.opacity, **how)
        return with_sides(picture, self.scan.edges), colour_bar(peak, explanation.unit, ink=ink, **how)

    def said_of_picture(self, explanation: Explanation) -> list[str]:
        """Return the sentences without which the picture of a map would mislead: smoothed, or all of it hidden."""
        said, heat = [], self._heat(explanation)
        if not self.style.against and strongest(heat) > 0 and heat.max() < self.style.threshold * strongest(heat):
            name = self.name_of(explanation.target)
            said.append(f"Nothing is drawn: all evidence for {name} is weaker than the threshold hides.")
        smooth = smoothing(self.scan, explanation.method).words(self.style.sigma(self.scan, explanation))
        return [*said, smooth] if smooth else said

    def _heat(self, explanation: Explanation) -> np.ndarray:
        share = self.style.sigma(self.scan, explanation) / smoothing(self.scan, explanation.method).side
        return smoothed(squared(explanation.heat, self.scan.spacing, SIDE), share)
