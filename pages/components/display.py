"""How is the map to be drawn, and through which window is the scan seen? The controls beside the pictures."""

from dataclasses import asdict, dataclass

import streamlit as st

from explain import COLOUR_MAPS, METHODS, Explanation
from explain.render.colours import SIGNED_COLOUR_MAPS
from explain.render.overlay import level_and_width, window_of
from explain.render.smoothing import STEP, smoothing
from scans import Scan

_DRAWN_AS = ("Fill", "Contours")
_WIDTH = 120  # pixels of a slider: all controls in one row of a laptop's screen
_SAFE = "Amber is told apart from the blue of evidence against by every kind of colour vision."
_KEEP = {"persist_state": "session"}  # what was set stays set while the next map is made


@dataclass(frozen=True)
class Look:
    """How the map is drawn; opacity and threshold in [0, 1], `smooth` in the scan's unit."""

    shown: bool
    against: bool
    contours: bool
    opacity: float
    threshold: float
    smooth: float
    colour_map: str

    def facts(self) -> dict:
        """Return all of it, ready for a manifest."""
        return asdict(self)


def choose_look(scan: Scan, explanation: Explanation) -> Look:
    """Draw the controls of the overlay and return what they say."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        shown, against, contours, opacity, threshold = choose_blend(explanation.signed)
        smooth = _choose_smoothing(scan, explanation.method)
        if explanation.signed:
            options, key, told = SIGNED_COLOUR_MAPS, "colour-map-signed", _SAFE
        else:
            options, key, told = COLOUR_MAPS, "colour-map", None
        colour_map = st.selectbox("Colours", options, format_func=str.title, key=key, help=told, width=_WIDTH, **_KEEP)
    return Look(shown, against, contours, opacity, threshold, smooth, colour_map)


def choose_blend(signed: bool, keys: str = "", what: str = "heatmap") -> tuple[bool, bool, bool, float, float]:
    """Draw what blends every map; return shown, evidence against, contours, and opacity and threshold in [0, 1].

    `keys` begins the names of the widgets; whether maps are shown is one and the same on all pages.
    """
    shown = st.session_state.setdefault("shown", True)
    with st.container(width="content", gap="xsmall"):
        st.button(
            f"{'Hide' if shown else 'Show'} the {what}",
            key=f"{keys}show-heatmap",
            on_click=lambda: st.session_state.update(shown=not shown),
            shortcut="H",
        )
        against = signed and st.toggle("Show evidence against", value=True, key=f"{keys}against", **_KEEP)
    drawn_as = st.segmented_control(
        "Drawn as",
        _DRAWN_AS,
        default=_DRAWN_AS[0],
        required=True,
        key=f"{keys}drawn-as",
        label_visibility="collapsed",
        **_KEEP,
    )
    opacity = st.slider("Opacity (%)", 0, 100, 50, 5, key=f"{keys}opacity", width=_WIDTH, **_KEEP)
    threshold = st.slider("Hide below (%)", 0, 90, 15, 5, key=f"{keys}threshold", width=_WIDTH, **_KEEP)
    return shown, against, drawn_as == _DRAWN_AS[1], opacity / 100, threshold / 100


def _choose_smoothing(scan: Scan, method: str) -> float:
    choice = smoothing(scan, method)
    kind = "fine" if METHODS[method].per_pixel else "coarse"
    return st.slider(
        f"Smooth ({choice.unit})",
        0.0,
        choice.most,
        choice.usual,
        STEP,
        format="%.1f",
        key=f"smooth-{kind}-{choice.unit}-{choice.side:.0f}",
        help="Of the picture only: a map of single pixels is a cloud of dots. The downloaded map is never smoothed.",
        width=_WIDTH,
        **_KEEP,
    )


def choose_window(scan: Scan) -> tuple[float, float]:
    """Return the window, as a part of [0, 1], that the reader set in the file's own values."""
    low, high = scan.span
    step = 1.0 if high - low > 64 else (high - low) / 256
    style = {"step": step, "format": "%.0f" if step == 1.0 else "%.4g"} | _KEEP
    start, keys = _start(scan), _keys(scan)

    def reset() -> None:
        for name, value in start.items():
            st.session_state[keys[name]] = value

    if keys["level"] not in st.session_state:
        reset()
    left, right, button = st.columns([5, 5, 3], vertical_alignment="bottom")
    width = left.slider("Window", min(step, start["width"]), high - low, key=keys["width"], **style)
    level = right.slider("Level", low, high, key=keys["level"], **style)
    button.button("Reset", on_click=reset, width="stretch")
    st.caption("Window and level change the picture only: the model is always given the file's own window.")
    return window_of(level, width, scan.span)


def window_chosen(scan: Scan) -> tuple[float, float]:
    """Return the window that the reader last set for this scan, where no control is drawn."""
    start, keys = _start(scan), _keys(scan)
    level, width = (st.session_state.get(keys[name], start[name]) for name in ("level", "width"))
    return window_of(level, width, scan.span)


def _start(scan: Scan) -> dict[str, float]:
    return dict(zip(("level", "width"), level_and_width(scan.window, scan.span), strict=True))


def _keys(scan: Scan) -> dict[str, str]:
    return {name: f"{name}-{scan.digest}-{scan.window}" for name in ("level", "width")}
