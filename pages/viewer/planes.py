"""Three linked planes of a volume: the slices as they were stored, and the two cuts across them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from explain import Explanation
from pages.viewer.packets import Packet, packet_of_voxels
from pages.viewer.pictures import facts_of_map, slices_key, window_key
from scans import Scan
from scans.grid import Grid, grid_of, reduced

# The patient's sides at left, right, top and bottom, as radiologists are used to them.
_SHOWN = {"axial": ("R", "L", "A", "P"), "coronal": ("R", "L", "S", "I"), "sagittal": ("A", "P", "S", "I")}
# Where a file gives no sides: how `scans.volumes` cuts it. Only the places of the cuts follow it, no letters.
_USUAL = {
    "axial": (("I", "S"), ("A", "P"), ("R", "L")),
    "coronal": (("P", "A"), ("S", "I"), ("R", "L")),
    "sagittal": (("L", "R"), ("S", "I"), ("A", "P")),
}
_NAMELESS = ("Slices as stored", "Cut along the rows", "Cut along the columns")
_KEPT = 2  # volumes of a session, 12 MB each before they are packed


@dataclass(frozen=True)
class Cut:
    """One plane: the axes of a Grid that become its depth, its rows and its columns, and which of them run backwards.

    `edges` are the patient's sides at left, right, top and bottom, "" where they are unknown.
    """

    title: str
    through: int
    down: int
    across: int
    backwards: tuple[bool, bool] = (False, False)  # down, across
    counted_back: bool = False  # its slices are counted from below, from behind or from the left, against the axis
    edges: tuple[str, str, str, str] = ("", "", "", "")


def cuts(grid: Grid) -> tuple[Cut, Cut, Cut]:
    """Return the slices as they were stored, and the two planes across them as radiologists are used to see them."""
    known = all(all(pair) for pair in grid.sides)
    sides = grid.sides if known else _USUAL[grid.plane or "axial"]
    (_, (top, bottom), (left, right)) = grid.sides
    own = Cut(grid.plane.title() or _NAMELESS[0], 0, 1, 2, edges=(left, right, top, bottom))
    planes = [own]
    for plane, shown in _SHOWN.items():
        axis = {letter: at for at, pair in enumerate(sides) for letter in pair}
        across, down = axis[shown[0]], axis[shown[2]]
        through = 3 - across - down
        if through == 0:  # the stored slices lie in this plane
            continue
        backwards = sides[down][0] != shown[2], sides[across][0] != shown[0]
        title = plane.title() if grid.plane else _NAMELESS[through]
        counted_back = sides[through][0] not in "IPL"
        edges = shown if known else ("", "", "", "")
        planes.append(Cut(title, through, down, across, backwards, counted_back, edges))
    return tuple(planes)


@dataclass(frozen=True, eq=False)
class PlanePicture:
    """One plane of a volume as the viewer is told of it: `explanation` is that of the scan, the slice at `place`."""

    cut: Cut
    lines: Sequence[str] = ()
    scan: Scan | None = None
    explanation: Explanation | None = None
    place: int = -1  # of the scan in its volume

    def facts(self) -> dict:
        """Return what the browser is told; to be called in a run of a page."""
        mapped = self.scan is not None and self.explanation is not None
        return {
            "kind": "plane",
            "cut": {
                "through": self.cut.through,
                "down": self.cut.down,
                "across": self.cut.across,
                "backwards": list(self.cut.backwards),
                "counted_back": self.cut.counted_back,
            },
            "edges": list(self.cut.edges),
            "map": facts_of_map(self.scan, self.explanation) if mapped else None,
            "place": self.place,
            "alt": f"{self.cut.title} plane",
            "title": self.cut.title,
            "lines": list(self.lines),
            "warnings": [],
            "note": "",
            "marks": [],
            "follows": False,
            "own_window": False,
            "boxed": False,
            "smoothed": True,
        }


def facts_of_voxels(volume: Sequence[Scan], grid: Grid, place: int, at: tuple[float, float]) -> dict:
    """Return a volume's voxels, reduced, and what places them; `at` is where the cross-hair begins: row and column.

    To be called in a run of a page.
    """
    key = voxels_key(volume)
    packet, shape, span = _packed(key, volume, grid)
    low, high = volume[place].grey_range
    return packet.facts() | {
        "volume": slices_key(volume),
        "shape": list(shape),
        "full": list(grid.shape),
        "sizes": list(grid.sizes),
        "mm": grid.in_mm,
        "sides": [list(pair) for pair in grid.sides],
        "layers": list(grid.layers),
        "origin": list(grid.origin),
        "steps": [list(step) for step in grid.steps],
        "span": list(span),
        "window": [(edge - span[0]) / (span[1] - span[0]) for edge in (low, high)],
        "window_key": window_key(volume[place]),
        "at": list(at),
    }


def voxels_key(volume: Sequence[Scan]) -> str:
    """Return what tells a volume's voxels, and where they lie, from others."""
    parts = "".join(
        f"{scan.pixels_sha256}{scan.span}{scan.spacing}{scan.apart}{scan.in_mm}{scan.edges}{scan.directions}{scan.corner}"
        f"{scan.position}"
        for scan in volume
    )
    return f"voxels-{hashlib.sha256(parts.encode()).hexdigest()[:32]}"


@st.cache_resource(scope="session", max_entries=4, show_spinner=False)
def grid_kept(key: str, _volume: Sequence[Scan]) -> Grid:
    """Return `grid_of` a volume, computed once. Raises ScanError."""
    return grid_of(_volume)


# Of this session, and few: the browser keeps them, too. Not cache_data, which would copy.
@st.cache_resource(scope="session", max_entries=_KEPT, show_spinner=False)
def _packed(key: str, _volume: Sequence[Scan], _grid: Grid) -> tuple[Packet, tuple, tuple[float, float]]:
    return packed(key, _volume, _grid)


def packed(key: str, volume: Sequence[Scan], grid: Grid) -> tuple[Packet, tuple, tuple[float, float]]:
    """Return the packet of a volume's voxels, their shape, and the stored values of their first and last step."""
    values, span = reduced(volume, grid)
    return packet_of_voxels(key, values), values.shape, span
