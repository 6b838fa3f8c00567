"""How does a reader look at a scan and its heatmap? Side by side, with the key to the colours and how far to trust it.

The pictures come first, the controls below them: on a phone, too, the scan is what is seen.
"""

import numpy as np
import streamlit as st

from explain import METHODS, Explanation, colour_bar, overlay, png
from explain.captions import scan_facts, fit_notes, colour_meaning, convergence
from explain.evaluation.summary import method_summary, summary_text
from explain.render.overlay import gray, squared, strongest, with_sides
from explain.render.smoothing import smoothed, smoothing
from model_zoo import ModelCard, zoo_folder
from pages.components.display import Look, choose_look, choose_window, window_chosen
from scans import Scan


@st.fragment
def view(scan: Scan, explanation: Explanation, card: ModelCard, seen: dict) -> None:
    """Draw the scan beside its overlay, and note in `seen` how. The controls blend anew; they ask the model nothing."""
    pictures = st.columns(2, wrap=False)  # beside each other on a phone, too
    keys, controls, texts = st.columns(2), st.container(), st.columns(2)
    with controls:
        look = choose_look(scan, explanation)
        with st.columns(2)[0]:
            window = choose_window(scan)
    seen |= {"look": look, "window": window}
    original = _seen(scan, window)
    drawn, key, weak = _drawn(scan, explanation, window, look)
    _picture(pictures[0], png(original), "The scan")
    _picture(pictures[1], png(drawn), "The scan under the heatmap")
    keys[0].caption(" · ".join(scan_facts(scan)))
    if key is not None:
        _picture(keys[1], png(key), "Colour bar")
    _explain_colours(texts[1], scan, explanation, card, look, weak)
    _explain_method(texts[0], explanation, card)


def _drawn(
    scan: Scan, explanation: Explanation, window: tuple[float, float], look: Look
) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Return the overlay, its colour bar, and whether all evidence is too weak for the threshold."""
    heat = smoothed(squared(explanation.heat, scan.spacing), look.smooth / smoothing(scan, explanation.method).side)
    peak, plain = strongest(heat), squared(scan.windowed(window), scan.spacing)
    if not look.shown or not peak:
        return _seen(scan, window), None, False
    style = {
        "colour_map": look.colour_map,
        "threshold": look.threshold,
        "contours": look.contours,
        "against": look.against,
    }
    drawn = with_sides(overlay(plain, heat, opacity=look.opacity, **style), scan.edges)
    weak = not look.against and heat.max() < look.threshold * peak
    return drawn, colour_bar(peak, explanation.unit, **style), weak


def _explain_colours(column, scan: Scan, explanation: Explanation, card: ModelCard, look: Look, weak: bool) -> None:
    """Write what the colours mean."""
    name = card.names[card.classes.index(explanation.target)]
    if look.shown and explanation.heat.any():
        column.caption(colour_meaning(explanation, name, look.against))
    if weak:
        column.caption(f"Nothing is drawn: all evidence for {name} is weaker than what “Hide below” hides.")
    if smooth := look.shown and smoothing(scan, explanation.method).words(look.smooth):
        column.caption(smooth)


def _explain_method(column, explanation: Explanation, card: ModelCard) -> None:
    method, name = METHODS[explanation.method], card.names[card.classes.index(explanation.target)]
    found = method_summary(zoo_folder() / card.id, card.weights_sha256, method.id, explanation.target)
    column.caption(f"**Explanation quality.** {summary_text(found, name)}")
    column.caption(" ".join([convergence(explanation), *fit_notes(explanation)]))
    column.caption(f"**{method.title}.** {method.measures} {method.pitfalls} [The paper]({method.paper}).")


def show(scan: Scan) -> list:
    """Draw a scan that has no map, where it stays when the map comes; return the two columns."""
    columns = st.container().columns(2, wrap=False)  # Streamlit puts a fragment, as `view` is, into a container, too
    _picture(columns[0], png(_seen(scan, window_chosen(scan))), "The scan")
    columns[0].caption(" · ".join(scan_facts(scan)))
    return columns


def _seen(scan: Scan, window: tuple[float, float]) -> np.ndarray:
    return with_sides(gray(squared(scan.windowed(window), scan.spacing)), scan.edges)


def _picture(column, data: bytes, alt: str) -> None:
    column.image(data, alt=alt, width="stretch", output_format="PNG")
