"""How does a reader look at a scan and its heatmap? Side by side, with window, level and overlay at hand."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from explain import COLOUR_MAPS, METHODS, Explanation, colour_bar, overlay, png
from explain.export import archive, caption, sheet
from explain.overlay import gray, level_and_width, squared, window_of, with_sides
from model_zoo import ModelCard
from scans import Scan

_DRAWN_AS = ("Fill", "Contours")


@dataclass(frozen=True)
class _Look:
    """How the map is drawn; all shares in [0, 1]."""

    shown: bool
    contours: bool
    opacity: float
    threshold: float
    colour_map: str


@st.fragment
def view(scan: Scan, explanation: Explanation, card: ModelCard) -> None:
    """Draw the scan beside its overlay. The controls blend anew; they ask the model nothing."""
    look = _choose_look()
    pictures = st.columns(2, wrap=False)  # beside each other on a phone, too
    legends, bench = st.columns(2), st.columns(2)
    with bench[0]:
        window = _choose_window(scan)
    picture, heat = squared(scan.windowed(window), scan.spacing), squared(explanation.heat, scan.spacing)
    original = with_sides(gray(picture), scan.edges)
    drawn, key = original, None
    if look.shown and explanation.peak > 0:
        style = {"colour_map": look.colour_map, "threshold": look.threshold, "contours": look.contours}
        drawn = with_sides(overlay(picture, heat, opacity=look.opacity, **style), scan.edges)
        key = colour_bar(explanation.peak, explanation.unit, **style)
    drawn_png = png(drawn)
    pictures[0].image(png(original), alt="The scan", width="stretch", output_format="PNG")
    pictures[1].image(drawn_png, alt="The scan under the heatmap", width="stretch", output_format="PNG")
    _explain_colours(legends, scan, explanation, card, key)
    with bench[1]:
        st.caption("Downloads hold no name and no file name; the map is in the pixels of the scan as uploaded.")
        names = dict(zip(card.classes, card.names, strict=True))
        lines = caption(explanation, names, card.title, METHODS[explanation.method].title)
        stem = f"candor-{card.id}-{explanation.target}-{explanation.scan[:8]}-{explanation.slice + 1}"
        # Made at once, not on demand: Streamlit drops a click on a picture that a slider has just outdated.
        _download("Picture (PNG)", png(sheet(original, drawn, key, lines)), f"{stem}.png", "image/png")
        _download("Map and manifest (ZIP)", archive(explanation, drawn_png), f"{stem}.zip", "application/zip")


def _explain_colours(
    columns: list, scan: Scan, explanation: Explanation, card: ModelCard, key: np.ndarray | None
) -> None:
    """Write under the scan what it is, and under the overlay what its colours mean."""
    left, right = columns
    name, method = card.names[card.classes.index(explanation.target)], METHODS[explanation.method]
    left.caption(facts(scan))
    left.caption(f"{method.title}. {method.measures} {method.misleads}")
    if key is not None:
        right.image(png(key), alt="Colour bar", width="stretch", output_format="PNG")
        right.caption(f"0: no evidence for {name}. Peak: the strongest in this scan; every map has its own scale.")


def show(scan: Scan) -> None:
    """Draw a scan that has no explanation."""
    left, _ = st.columns(2)
    picture = with_sides(gray(squared(scan.windowed(), scan.spacing)), scan.edges)
    left.image(png(picture), alt="The scan", width="stretch", output_format="PNG")
    left.caption(facts(scan))


def _download(label: str, data: bytes, name: str, mime: str) -> None:
    st.download_button(label, data, name, mime, on_click="ignore", width="stretch")


def _choose_look() -> _Look:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        shown = st.toggle("Heatmap", value=True, key="shown")
        drawn_as = st.segmented_control(
            "Drawn as",
            _DRAWN_AS,
            default=_DRAWN_AS[0],
            required=True,
            key="drawn-as",
            label_visibility="collapsed",
        )
        opacity = st.slider("Opacity (%)", 0, 100, 50, 5, key="opacity", width=190)
        threshold = st.slider("Hide below (% of peak)", 0, 90, 15, 5, key="threshold", width=190)
        colour_map = st.selectbox("Colours", COLOUR_MAPS, format_func=str.title, key="colour-map", width=130)
    return _Look(shown, drawn_as == _DRAWN_AS[1], opacity / 100, threshold / 100, colour_map)


def _choose_window(scan: Scan) -> tuple[float, float]:
    """Return the window, as a part of [0, 1], that the reader set in the file's own values."""
    low, high = scan.span
    step = 1.0 if high - low > 64 else (high - low) / 256
    style = {"step": step, "format": "%.0f" if step == 1.0 else "%.4g"}
    start = dict(zip(("level", "width"), level_and_width(scan.window, scan.span), strict=True))
    keys = {name: f"{name}-{scan.digest}-{scan.window}" for name in start}

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


def facts(scan: Scan) -> str:
    """Return what is known of a scan and tells nobody's name."""
    rows, columns = scan.shape
    known = [f"{columns} × {rows} pixels"]
    if scan.spacing != (1.0, 1.0):
        known.append(f"{scan.spacing[1]:.2f} × {scan.spacing[0]:.2f} mm")
    known += [fact for fact in (scan.modality, scan.sequence, scan.plane) if fact]
    if scan.count > 1:
        known.append(f"slice {scan.index + 1} of {scan.count}")
    return " · ".join(known)
