"""The viewer as a component of a page, made of the modules of the folder `client`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS
from explain.render.rendering import Rendering
from pages.viewer.in_browser import browser_component
from pages.viewer.packets import COLOUR_NAMES, packet_of_colours
from pages.viewer.pictures import Picture
from pages.viewer.planes import PlanePicture

_CLIENT = Path(__file__).parent / "client"
# Each after those that it needs.
_MODULES = (
    "dom",
    "planes",
    "data",
    "resample",
    "paint",
    "group",
    "annotations",
    "pane",
    "pointer",
    "controls",
    "viewer",
)


_component = browser_component(
    "candor_viewer",
    *((_CLIENT / f"{name}.js").read_text() for name in _MODULES),
    css=(_CLIENT / "viewer.css").read_text(),
)


def show_pictures(
    key: str,
    pictures: Sequence[Picture | PlanePicture],
    *,
    group: str,
    rendering: Rendering | None = None,
    shown: bool = True,
    columns: int = 1,
    readout: bool = False,
    take: Callable[[dict], None] | None = None,
    **facts: Any,
) -> None:
    """Draw pictures that are linked with all others of the `group`.

    `take` is called with what the user changed: "rendering", "shown", "window", "place", "box". Other `facts`:
    `leads`, true for the one viewer of a group that holds its controls and tells the server of all changes;
    `controls`, by field of a Rendering; `bar` (unit, signed, several) for a colour bar; `volume`, `voxels` of three
    planes, `series`, `windows`, `box`, `words`.
    """
    data = {
        "group": group,
        "pictures": [picture.facts() for picture in pictures],
        "rendering": _facts_of_rendering(rendering or Rendering()),
        "shown": shown,
        "columns": columns,
        "readout": readout,
        "colours": packet_of_colours().facts() | {"names": COLOUR_NAMES},
        "colour_maps": {"plain": COLOUR_MAPS, "signed": SIGNED_COLOUR_MAPS},
        "applied": _applied(key),
    }
    usual = {"leads": False, "controls": {}, "bar": None, "volume": None, "voxels": None}
    usual |= {"series": "", "windows": {}, "words": {}}
    _component(
        key=key,
        data=data | usual | facts,
        on_view_change=lambda: take(st.session_state[key]["view"]) if take else None,
    )


def _applied(key: str) -> dict | None:
    """Return which of the browser's changes the page knows of."""
    view = (st.session_state.get(key) or {}).get("view")
    return {"by": view.get("by"), "count": view.get("count")} if isinstance(view, dict) else None


def _facts_of_rendering(rendering: Rendering) -> dict:
    names = ("against", "contours", "opacity", "threshold", "smoothing", "colour_map")
    return {name: getattr(rendering, name) for name in names}
