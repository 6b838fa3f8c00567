"""How maps are drawn and through which window scans are seen: what the viewer is told, and what it tells."""

from dataclasses import replace
from math import isfinite

from explain import METHODS, Rendering
from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS
from explain.render.overlay import level_and_width, window_of
from explain.render.rendering import CONTROLS
from explain.render.smoothing import STEP, smoothing
from pages.components.state import state
from pages.viewer.pictures import window_key
from scans import Scan

_SWITCHES, _SHARES = ("against", "contours"), ("opacity", "threshold")


def rendering_chosen(signed: bool, scan: Scan | None = None, method: str = "") -> Rendering:
    """Return the rendering that the user last set; the same on all pages.

    `signed`: some map holds evidence against its class. With a `scan` and a `method` it is that of one map, with its
    smoothing and its window; without, the colours suit every map.
    """
    session = state()
    options = colour_maps(signed or scan is None)
    chosen = replace(session.rendering, colour_map=session.colour_maps.get(signed or scan is None, options[0]))
    if scan is None:
        return replace(chosen, smoothing=None)
    usual = smoothing(scan, method).usual
    sigma = session.smoothings.get(_smoothing_key(scan, method), usual)
    return replace(chosen, smoothing=sigma, window=window_chosen(scan))


def controls(signed: bool, scan: Scan | None = None, method: str = "") -> dict[str, dict]:
    """Return the controls of the viewer by field of a Rendering, for what `rendering_chosen` returns."""
    made = {}
    for name, control in CONTROLS.items():
        facts = {"label": control.label, "help": control.help}
        if control.signed_only and not signed:
            continue
        if control.kind == "percent":
            made[name] = facts | {"kind": "range", "low": control.low, "high": control.high, "step": 1, "scale": 100}
        elif control.kind == "smoothing":
            if scan is not None:
                choices = smoothing(scan, method)
                made[name] = {
                    "label": f"{control.label} ({choices.unit})",
                    "help": control.help,
                    "kind": "range",
                    "low": 0,
                    "high": choices.most,
                    "step": STEP,
                    "scale": 1,
                    "usual": choices.usual,
                }
        elif control.kind == "colour map":
            made[name] = facts | {"kind": control.kind, "options": colour_maps(signed or scan is None)}
        else:
            made[name] = facts | {"kind": control.kind, "options": control.options}
    return made


def colour_maps(signed: bool) -> tuple[str, ...]:
    """Return the colour maps to choose from."""
    return SIGNED_COLOUR_MAPS if signed else COLOUR_MAPS


def take_rendering(view: dict, signed: bool, scan: Scan | None = None, method: str = "") -> None:
    """Keep what the user changed in a viewer: how maps are drawn, whether they are, and windows.

    A value that the viewer's controls do not offer is passed over.
    """
    session, changed = state(), view.get("rendering") or {}
    if isinstance(view.get("shown"), bool):
        session.map_shown = view["shown"]
    kept = {name: changed[name] for name in _SWITCHES if isinstance(changed.get(name), bool)}
    kept |= {name: float(changed[name]) for name in _SHARES if _number(changed.get(name), 0, 1)}
    session.rendering = replace(session.rendering, **kept)
    several = scan is None
    if changed.get("colour_map") in colour_maps(signed or several):
        session.colour_maps[signed or several] = changed["colour_map"]
    if scan is not None and _number(changed.get("smoothing"), 0, smoothing(scan, method).most):
        session.smoothings[_smoothing_key(scan, method)] = float(changed["smoothing"])
    if window := view.get("window"):
        key, *pair = window
        if len(pair) == 2 and all(map(_number, pair)) and pair[1] > 0:
            session.windows[key] = float(pair[0]), float(pair[1])
        elif not pair:
            session.windows.pop(key, None)


def windows_of(*scans: Scan) -> dict[str, tuple[float, float] | None]:
    """Return the window of each scan's series in stored values, None for the file's own."""
    return {window_key(scan): state().windows.get(window_key(scan)) for scan in scans}


def window_chosen(scan: Scan) -> tuple[float, float]:
    """Return the window that the user last set for a scan's series, as shares of its span, else the file's own."""
    chosen = state().windows.get(window_key(scan))
    if chosen is None or scan.span[0] == scan.span[1] or chosen == level_and_width(scan.window, scan.span):
        return scan.window
    return window_of(*chosen, scan.span)


def _number(value: object, low: float = -1e30, high: float = 1e30) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and low <= value <= high


def _smoothing_key(scan: Scan, method: str) -> str:
    choices = smoothing(scan, method)
    kind = "pixel" if method in METHODS and METHODS[method].per_pixel else "coarse"
    return f"smoothing-{kind}-{choices.unit}-{choices.side:.0f}"
