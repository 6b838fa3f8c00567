"""A scan beside its heatmap, with the colour bar and how far to trust the map.

The pictures come first, the controls below them: on a phone, too, the scan is what is seen.
"""

from dataclasses import replace

import streamlit as st

from explain import METHODS, Drawing, Explanation, Rendering, draw, png
from explain.captions import colour_meaning, convergence, fit_notes, scan_facts
from explain.evaluation.summary import method_summary, summary_text
from model_zoo import ModelCard, bundle_folder
from pages.components.display import choose_rendering, choose_window, window_chosen
from pages.components.pickers import Open
from pages.components.state import state
from scans import Scan


@st.fragment
def show_explanation(scan: Scan, explanation: Explanation, card: ModelCard) -> None:
    """Draw the scan beside its overlay. The controls draw anew; they do not run the model."""
    session = state()
    pictures = st.columns(2, wrap=False)  # beside each other on a phone, too
    bars, controls, texts = st.columns(2), st.container(), st.columns(2)
    with controls:
        rendering = choose_rendering(explanation.signed, scan, explanation.method)
        with st.columns(2)[0]:
            window = choose_window(scan)
    rendering = session.rendering = replace(rendering, window=window)  # a report draws its maps alike
    drawing = draw(scan, explanation if session.map_shown else None, rendering)
    _picture(pictures[0], png(draw(scan, rendering=rendering).picture), "The scan")
    _picture(pictures[1], png(drawing.picture), "The scan under the heatmap")
    bars[0].caption(" · ".join(scan_facts(scan)))
    if drawing.colour_bar is not None:
        _picture(bars[1], png(drawing.colour_bar), "Colour bar")
    _explain_colours(texts[1], explanation, card, rendering, drawing)
    _explain_method(texts[0], explanation, card)


def show_scan(scan: Scan) -> list:
    """Draw a scan that has no map, where it stays when the map comes; return the two columns."""
    columns = st.container().columns(2, wrap=False)  # Streamlit puts a fragment into a container, too
    _picture(columns[0], png(draw(scan, rendering=Rendering(window=window_chosen(scan))).picture), "The scan")
    columns[0].caption(" · ".join(scan_facts(scan)))
    return columns


def refuse_blank(scan: Scan) -> None:
    """Draw the notes of a scan; of one with nothing to see also the sentence, and end the page there."""
    for note in scan.all_notes:
        st.info(note)
    if scan.not_assessable:
        st.error(scan.not_assessable)
        show_scan(scan)
        st.stop()


def wait_for_series(opened: Open) -> None:
    """Where other slices of the scan's series are still being read, draw the scan alone and end the page there."""
    if not opened.complete:
        show_scan(opened.scan)
        st.caption("The other files are being read. The prediction follows when the whole series is there.")
        st.stop()


def _explain_colours(column, explanation: Explanation, card: ModelCard, rendering: Rendering, drawing: Drawing) -> None:
    name = card.names[card.classes.index(explanation.target)]
    if drawing.colour_bar is not None:
        column.caption(colour_meaning(explanation, name, explanation.signed and rendering.against))
    for note in drawing.notes:
        column.caption(note)


def _explain_method(column, explanation: Explanation, card: ModelCard) -> None:
    method, name = METHODS[explanation.method], card.names[card.classes.index(explanation.target)]
    summary = method_summary(bundle_folder(card.id), card.weights_sha256, method.id, explanation.target)
    column.caption(f"**Explanation quality.** {summary_text(summary, name)}")
    column.caption(" ".join([convergence(explanation), *fit_notes(explanation)]))
    column.caption(f"**{method.title}.** {method.measures} {method.pitfalls} [Paper]({method.paper}).")


def _picture(column, data: bytes, alt: str) -> None:
    column.image(data, alt=alt, width="stretch", output_format="PNG")
