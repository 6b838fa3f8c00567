"""Pictures as the viewer is sent them: a scan, its map, marks, and the words beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explain import Explanation
from explain.captions import measured_of
from explain.render.overlay import level_and_width, strongest
from explain.render.smoothing import smoothing
from pages.viewer.packets import KEPT, packet_of_labels, packet_of_map, packet_of_scan
from scans import Scan

_AUTO = (0.5, 99.5)  # percentiles
_CT = {"Brain (CT)": (40.0, 80.0), "Subdural (CT)": (75.0, 215.0), "Bone (CT)": (600.0, 2800.0)}  # level, width in HU
_NEARBY = 64_000_000  # bytes of pixels of other slices that are sent ahead
_AHEAD = KEPT - 50  # slices: a cache that is smaller than what each run reads in turn never holds what is asked for
_ENDS = {"R": "right", "L": "left", "A": "front", "P": "back", "S": "top", "I": "bottom"}


@dataclass(frozen=True)
class Mark:
    """Lines over a picture: closed ones through (row, column), pixel 0 reaching from 0 to 1, or a ring at a pixel.

    `style` is "annotation" or "control".
    """

    style: str = "annotation"
    lines: tuple[tuple[tuple[float, float], ...], ...] = ()
    ring: tuple[float, float] | None = None

    def facts(self) -> dict:
        """Return what the browser is told."""
        return {"style": self.style, "lines": self.lines, "ring": self.ring}


@dataclass(frozen=True, eq=False)
class Regions:
    """Parts of a scan in colours: uint8 `labels` (H, W), and red, green, blue and the words of each label."""

    labels: np.ndarray
    parts: Mapping[int, tuple[tuple[int, int, int], str]]
    opacity: float = 0.6  # the scan stays visible

    def facts(self, spacing: tuple[float, float]) -> dict:
        """Return what the browser is told; to be called in a run of a page."""
        rows, columns = self.labels.shape
        parts = [{"label": label, "ink": ink} for label, (ink, _) in self.parts.items()]
        return packet_of_labels(self.labels).facts() | {
            "rows": rows,
            "columns": columns,
            "spacing": list(spacing),
            "parts": parts,
            "opacity": self.opacity,
        }


@dataclass(frozen=True, eq=False)
class Picture:
    """A scan, under its map or in regions where there are any.

    `alt` is the text alternative, `title`, `lines` and `warnings` stand below the picture, `note` in it. One that
    `follows` shows other slices while the user steps through the series; one with its `own_window` that of the
    file only; one that is `boxed` lets the user draw a region; one that is `smoothed` follows the page's smoothing,
    others that of their method.
    """

    scan: Scan
    explanation: Explanation | None = None
    alt: str = ""
    title: str = ""
    lines: Sequence[str] = ()
    warnings: Sequence[str] = ()
    note: str = ""
    marks: Sequence[Mark] = ()
    follows: bool = False
    own_window: bool = False
    boxed: bool = False
    smoothed: bool = False
    place: int = 0
    count: int = 1
    regions: Regions | None = None

    def facts(self) -> dict:
        """Return what the browser is told; to be called in a run of a page."""
        return {
            "kind": "map" if self.explanation else "regions" if self.regions else "scan",
            "scan": facts_of_scan(self.scan, self.place, self.count) | {"presets": presets(self.scan)},
            "map": None if self.explanation is None else facts_of_map(self.scan, self.explanation),
            "regions": self.regions.facts(self.scan.spacing) if self.regions else None,
            "legend": [{"ink": ink, "words": words} for ink, words in self.regions.parts.values()]
            if self.regions
            else [],
            "alt": self.alt,
            "title": self.title,
            "lines": list(self.lines),
            "warnings": list(self.warnings),
            "note": self.note,
            "marks": [mark.facts() for mark in self.marks],
            "follows": self.follows,
            "own_window": self.own_window,
            "boxed": self.boxed,
            "smoothed": self.smoothed,
        }


def facts_of_scan(scan: Scan, place: int = 0, count: int = 1, *, sent: bool = True) -> dict:
    """Return the facts of a slice, the `place`-th of `count`; its pixels too, unless they are not `sent`."""
    rows, columns = scan.shape
    return (packet_of_scan(scan).facts() if sent else {"key": "", "kind": "uint16", "url": ""}) | {
        "rows": rows,
        "columns": columns,
        "spacing": list(scan.spacing),
        "mm": scan.in_mm,
        "span": list(scan.span),
        "window": list(scan.window),
        "window_key": window_key(scan),
        "edges": list(scan.edges),
        "corner": list(scan.corner),
        "directions": list(scan.directions),
        "place": place,
        "count": count,
    }


def facts_of_map(scan: Scan, explanation: Explanation) -> dict:
    """Return the facts of a map, with the smoothing that is usual for its method."""
    peak = strongest(explanation.heat)
    rows, columns = explanation.heat.shape
    return packet_of_map(explanation.heat, peak).facts() | {
        "rows": rows,
        "columns": columns,
        "spacing": list(scan.spacing),
        "peak": peak,
        "signed": explanation.signed,
        "sigma": smoothing(scan, explanation.method).usual,
    }


def facts_of_volume(volume: Sequence[Scan], place: int) -> dict | None:
    """Return the slices of a series, with the pixels of as many as there is room for, the nearest first."""
    if len(volume) < 2:
        return None
    near, room = set(), _NEARBY
    for at in sorted(range(len(volume)), key=lambda at: abs(at - place))[:_AHEAD]:
        room -= 2 * volume[at].pixels.size
        if room < 0:
            break
        near.add(at)
    slices = [facts_of_scan(scan, at, len(volume), sent=at in near) for at, scan in enumerate(volume)]
    shared = {name: value for name, value in slices[0].items() if all(each[name] == value for each in slices)}
    own = [{name: value for name, value in each.items() if name not in shared} for each in slices]
    return {"key": slices_key(volume), "place": place, "shared": shared, "slices": own}


def window_key(scan: Scan) -> str:
    """Return what tells a series from others: a window that is chosen holds for all its slices."""
    return f"{scan.series or scan.digest or scan.pixels_sha256}-{scan.stack}"


def slices_key(volume: Sequence[Scan]) -> str:
    """Return what tells these slices from others: of another series or plane, or fewer of a series still being read."""
    return f"{window_key(volume[0])}-{volume[0].plane}-{len(volume)}"


def presets(scan: Scan) -> list[dict]:
    """Return the windows to choose from: name, level and width in stored values; `own` is that of the file."""
    low, high = np.percentile(scan.pixels, _AUTO)
    windows = {
        "Default": scan.window,
        "Auto": (float(low), float(high)) if high > low else (0.0, 1.0),
        "Full range": (0.0, 1.0),
    }
    level, width = level_and_width(windows["Auto"], scan.span)
    pairs = {name: level_and_width(window, scan.span) for name, window in windows.items()}
    pairs["High contrast"] = (level, width / 2)
    if scan.modality == "CT":
        pairs |= _CT
    return [
        {"name": name, "level": float(pair[0]), "width": float(pair[1]), "own": name == "Default"}
        for name, pair in pairs.items()
    ]


def described(scan: Scan, explanation: Explanation | None, method: str = "", name: str = "") -> str:
    """Return the text alternative: what is drawn, and where the map of a `method` for the class `name` is strongest."""
    if explanation is None:
        return "The scan"
    words = f"{method} for {name}, over the scan."
    if not explanation.heat.max() > 0:
        return f"{words} There is no {measured_of(explanation.method, name)}."
    row, column = np.unravel_index(explanation.heat.argmax(), explanation.heat.shape)
    rows, columns = explanation.heat.shape
    across, down = column / columns, row / rows
    part = " ".join(word for word in (_third(down, "upper", "lower"), _third(across, "left", "right")) if word)
    left, right, top, bottom = scan.edges
    sides = [
        _ENDS[letter]
        for share, first, last in ((across, left, right), (down, top, bottom))
        if (letter := first if share < 1 / 3 else last if share > 2 / 3 else "") in _ENDS
    ]
    patient = f", towards the patient's {' and '.join(sides)}" if sides else ""
    return f"{words} Its peak is at row {row}, column {column}: {part or 'middle'} part of the picture{patient}."


def _third(share: float, first: str, last: str) -> str:
    return first if share < 1 / 3 else last if share > 2 / 3 else ""
