"""The rendering of a scan and its map as one picture: settings with their defaults and controls, and `draw`."""

from dataclasses import asdict, dataclass, field, fields, replace

import numpy as np

from explain.explanation import Explanation
from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS
from explain.render.overlay import CONTOUR_LEVELS, colour_bar, gray, overlay, squared, strongest, with_sides
from explain.render.smoothing import smoothed, smoothing
from scans import Scan

SIDE = 640  # pixels of a picture: 190 per inch on paper
INK = "#8a949e"  # of the letters on a colour bar: legible on light and dark, for the bar has no background


@dataclass(frozen=True)
class Control:
    """How a user sets one field of a Rendering.

    `kind` is "percent" (a slider over `low` to `high` %, for a value in [0, 1]), "toggle", "choice" (of two `options`,
    False and True), "smoothing" or "colour map", whose ranges depend on the scan and the map.
    """

    label: str
    kind: str
    help: str = ""
    low: int = 0
    high: int = 100
    options: tuple[str, str] = ("", "")
    signed_only: bool = False  # only where the map holds evidence against the class


def _field(default, label: str, kind: str, **facts):
    return field(default=default, metadata={"control": Control(label, kind, **facts)})


@dataclass(frozen=True)
class Rendering:
    """The settings of a drawing. "" and None stand for what suits the map or the scan.

    Opacity and threshold are shares in [0, 1], `smoothing` is a standard deviation in the scan's unit (mm or pixels,
    see `explain.render.smoothing`), `window` a pair of shares of the scan's `span`.

    >>> Rendering(opacity=0.7).threshold
    0.15
    """

    against: bool = _field(True, "Show evidence against", "toggle", signed_only=True)
    contours: bool = _field(False, "Display", "choice", options=("Fill", "Contours"))
    opacity: float = _field(0.5, "Opacity (%)", "percent")
    threshold: float = _field(
        0.15, "Threshold (%)", "percent", high=90, help="Of the map's peak; weaker evidence is not drawn."
    )
    smoothing: float | None = _field(
        None,
        "Smoothing",
        "smoothing",
        help="Standard deviation of a Gaussian. It changes the picture only: the exported map is never smoothed.",
    )
    colour_map: str = _field(
        "",
        "Colour map",
        "colour map",
        help="Amber is distinct from the blue of evidence against for every kind of colour vision.",
    )
    window: tuple[float, float] | None = None
    side_letters: bool = True

    def colour_map_for(self, signed: bool) -> str:
        """Return the colour map to draw with: not the chosen one where that resembles the blue of evidence against."""
        if signed:
            return self.colour_map if self.colour_map in SIGNED_COLOUR_MAPS else SIGNED_COLOUR_MAPS[0]
        return self.colour_map if self.colour_map in (*COLOUR_MAPS, *SIGNED_COLOUR_MAPS) else COLOUR_MAPS[0]

    def sigma(self, scan: Scan, method: str) -> float:
        """Return the standard deviation of the smoothing, in the scan's unit."""
        return smoothing(scan, method).usual if self.smoothing is None else self.smoothing

    def for_several(self) -> "Rendering":
        """Return the rendering for maps of several methods: smoothing and signs were chosen for one of them."""
        return replace(self, smoothing=None, against=True)

    def facts(self, scan: Scan, explanation: Explanation) -> dict:
        """Return every setting as used for a map, ready for a manifest."""
        return asdict(self.resolved(scan, explanation))

    def resolved(self, scan: Scan, explanation: Explanation) -> "Rendering":
        """Return the rendering with every default that depends on the scan or the map filled in."""
        return replace(
            self,
            against=explanation.signed and self.against,
            colour_map=self.colour_map_for(explanation.signed),
            smoothing=self.sigma(scan, explanation.method),
            window=scan.window if self.window is None else self.window,
        )


CONTROLS: dict[str, Control] = {
    each.name: each.metadata["control"] for each in fields(Rendering) if "control" in each.metadata
}


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture, uint8 (side, side) without a map and (side, side, 3) with one.

    `colour_bar` is uint8 (h, w, 4), None without a map. `notes` are sentences to show beside the picture: what the
    settings hide or change.
    """

    picture: np.ndarray
    colour_bar: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def draw(
    scan: Scan,
    explanation: Explanation | None = None,
    rendering: Rendering = Rendering(),
    *,
    side: int = SIDE,
    ink: str = INK,
) -> Drawing:
    """Return the picture of a scan, with the map over it unless it is empty. `side` is in pixels.

    >>> from scans import phantom
    >>> draw(phantom("glioma", 1).scan, side=64).picture.shape
    (64, 64)
    """
    edges = scan.edges if rendering.side_letters else ("", "", "", "")
    plain = squared(scan.windowed(rendering.window), scan.spacing, side)
    if explanation is None:
        return Drawing(with_sides(gray(plain), edges))
    chosen, usual = rendering.resolved(scan, explanation), smoothing(scan, explanation.method)
    heat = smoothed(squared(explanation.heat, scan.spacing, side), chosen.smoothing / usual.side)
    peak = strongest(heat)
    if not peak:
        return Drawing(with_sides(gray(plain), edges))
    style = {
        "colour_map": chosen.colour_map,
        "threshold": chosen.threshold,
        "contours": chosen.contours,
        "against": chosen.against,
    }
    notes = [usual.sentence(chosen.smoothing)] if chosen.smoothing else []
    if hidden := _nothing_drawn(chosen, float((np.abs(heat) if chosen.against else heat).max() / peak)):
        notes.insert(0, hidden)
    return Drawing(
        with_sides(overlay(plain, heat, opacity=chosen.opacity, **style), edges),
        colour_bar(peak, explanation.unit, ink=ink, **style),
        tuple(notes),
    )


def _nothing_drawn(chosen: Rendering, highest: float) -> str:
    """Return the sentence for a map of which nothing is drawn, else ""; `highest` is a share of the peak."""
    if highest < chosen.threshold:
        return "Nothing is drawn: all evidence for the class is weaker than the threshold."
    if chosen.contours and not any(chosen.threshold <= share <= highest for share in CONTOUR_LEVELS):
        return "Nothing is drawn: the map reaches no contour above the threshold."
    return ""
