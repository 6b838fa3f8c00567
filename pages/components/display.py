"""The controls of a picture: how maps are drawn, and through which window the scan is seen."""

from dataclasses import replace

import streamlit as st

from explain import METHODS, Rendering
from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS
from explain.render.overlay import level_and_width, window_of
from explain.render.rendering import CONTROLS, Control
from explain.render.smoothing import STEP, smoothing
from pages.components.state import PageState, renew, state, widget_key
from scans import Scan

_WIDTH = 120  # pixels of a control: all in one row of a laptop's screen


def choose_rendering(signed: bool, scan: Scan | None = None, method: str = "", what: str = "heatmap") -> Rendering:
    """Draw the controls that hold for the maps on the page, and return what they say; the same on all pages.

    `signed`: some map holds evidence against its class. With a `scan` and a `method` the controls are those of one
    map, and include its smoothing.
    """
    session = state()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button(
            f"{'Hide' if session.map_shown else 'Show'} the {what}", key="show-map", on_click=_turn_map, shortcut="H"
        )
        for name, control in CONTROLS.items():
            if control.signed_only and not signed:
                continue
            if control.kind == "smoothing":
                if scan is not None:
                    session.rendering = replace(session.rendering, smoothing=_choose_smoothing(session, scan, method))
            elif control.kind == "colour map":
                several = scan is None  # one colour map for all, and those of signed maps suit every map
                colour_map = _choose_colours(session, signed or several)
                session.rendering = replace(session.rendering, colour_map=colour_map)
            else:
                value = _choose(name, control, getattr(session.rendering, name))
                session.rendering = replace(session.rendering, **{name: value})
    if scan is None:
        return replace(session.rendering, smoothing=None)
    return session.rendering


def _turn_map() -> None:
    state().map_shown = not state().map_shown


def _choose(name: str, control: Control, value: bool | float) -> bool | float:
    """Draw the control of one field, and return its value."""
    key, help_text = name.replace("_", "-"), control.help or None
    if control.kind == "toggle":
        return st.toggle(control.label, value, key=key, help=help_text)
    if control.kind == "choice":
        chosen = st.segmented_control(
            control.label,
            control.options,
            default=control.options[value],
            required=True,
            key=key,
            label_visibility="collapsed",
        )
        return chosen == control.options[1]
    percent = round(100 * value)
    return st.slider(control.label, control.low, control.high, percent, 5, key=key, width=_WIDTH, help=help_text) / 100


def _choose_smoothing(session: PageState, scan: Scan, method: str) -> float:
    choices, control = smoothing(scan, method), CONTROLS["smoothing"]
    kind = "pixel" if METHODS[method].per_pixel else "coarse"
    key = f"smoothing-{kind}-{choices.unit}-{choices.side:.0f}"
    session.smoothings[key] = st.slider(
        f"{control.label} ({choices.unit})",
        0.0,
        choices.most,
        session.smoothings.get(key, choices.usual),
        STEP,
        format="%.1f",
        key=key,
        help=control.help,
        width=_WIDTH,
    )
    return session.smoothings[key]


def _choose_colours(session: PageState, signed: bool) -> str:
    control, options = CONTROLS["colour_map"], SIGNED_COLOUR_MAPS if signed else COLOUR_MAPS
    session.colour_maps[signed] = st.selectbox(
        control.label,
        options,
        options.index(session.colour_maps.get(signed, options[0])),
        format_func=str.title,
        key="colour-map-signed" if signed else "colour-map",
        help=control.help if signed else None,
        width=_WIDTH,
    )
    return session.colour_maps[signed]


def choose_window(scan: Scan) -> tuple[float, float]:
    """Return the window, as a part of [0, 1], that the user set in the file's own values."""
    low, high = sorted(scan.span)
    step = 1.0 if high - low > 64 else (high - low) / 256
    style = {"step": step, "format": "%.0f" if step == 1.0 else "%.4g"}
    windows, key = state().windows, _window_key(scan)
    level, width = _level_and_width(scan)
    names = f"level-{key}", f"width-{key}"

    def reset() -> None:
        windows.pop(key, None)
        for name in names:
            renew(name)

    left, right, button = st.columns([5, 5, 3], vertical_alignment="bottom")
    # The window of a file, or of its series, may be wider than the values of a slice, and lie beside them.
    widest, lowest, highest = max(high - low, width), min(low, level), max(high, level)
    width = left.slider("Window", min(step, width), widest, width, key=widget_key(names[1]), **style)
    level = right.slider("Level", lowest, highest, level, key=widget_key(names[0]), **style)
    button.button("Reset", on_click=reset, width="stretch")
    st.caption("Window and level change the picture only: the model always gets the file's own window.")
    if (level, width) == level_and_width(scan.window, scan.span):
        windows.pop(key, None)
        return scan.window
    windows[key] = level, width
    return window_of(level, width, scan.span)


def window_chosen(scan: Scan) -> tuple[float, float]:
    """Return the window that the user last set for this scan, where no control is drawn."""
    return window_of(*_level_and_width(scan), scan.span) if _window_key(scan) in state().windows else scan.window


def _level_and_width(scan: Scan) -> tuple[float, float]:
    return state().windows.get(_window_key(scan), level_and_width(scan.window, scan.span))


def _window_key(scan: Scan) -> str:
    return f"{scan.digest}-{scan.stack}-{scan.window}"
