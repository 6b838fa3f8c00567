"""Several models' maps by several methods side by side: one size, one window and one rendering for all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from explain import METHODS, Explanation, Rendering, Request, draw, methods_for, png
from explain.captions import cautions, progress_text
from explain.evaluation.summary import method_summary, summary_line
from explain.prediction_text import percent
from explain.render.rendering import shared_colour_bar
from model_zoo import ModelCard, bundle_folder
from pages.components.display import choose_rendering, choose_window
from pages.components.requests import Status
from pages.components.state import state
from scans import Scan

SIDE = 448  # pixels of a picture
NO_CLASS = "This model has no matching class to explain."
NO_GRADIENTS = "This model gives predictions alone: choose LIME, SHAP, occlusion or RISE to explain it."

_NARROWEST = 130  # pixels of a column, below which the grid scrolls
_QUALITY = "On annotated test scans of this class: how often the highest point of such a map lay in the tumour's box."


def show_grid(
    scan: Scan,
    cards: Sequence[ModelCard],
    methods: Sequence[str],
    requests: Mapping[tuple[str, str], Request],
    errors: Mapping[str, str],
    statuses: Mapping[tuple[str, str], Status],
) -> None:
    """Draw the scan beside its maps, a row per method and a column per model; below them the controls for all.

    `requests` and `statuses` go by (model, method). A model that is in `errors` has its sentence in its cells.
    """
    pictures, key, controls = st.container(), st.container(), st.container()
    signed = any(METHODS[method].signed for method in methods)
    with controls:
        # The colours of signed maps suit all of them, and one colour bar serves them.
        rendering = replace(choose_rendering(signed, what="heatmaps"), window=choose_window(scan))
    plain = Rendering(window=rendering.window)
    grid = pictures.grid(len(cards) + 1, min_column_width=_NARROWEST, wrap=False)
    for method in methods:
        about = f"{METHODS[method].measures} {METHODS[method].pitfalls}"
        with grid.cell():
            st.image(_picture(scan.key, plain, scan), alt="The scan", width="stretch", output_format="PNG")
            st.markdown(f"**{METHODS[method].title}**", help=about)
            st.caption("The scan; to its right, this method's map for each model.")
        for card in cards:
            with grid.cell():
                if card.id in errors:
                    st.markdown(f"**{card.id}**")
                    st.error(errors[card.id])
                else:
                    at = (card.id, method)
                    _cell(scan, card, method, requests.get(at), statuses.get(at), rendering)
    if state().map_shown:
        key.image(png(shared_colour_bar(rendering, signed)), alt="Colour bar", width=400, output_format="PNG")
        key.caption(
            "Every map has its own scale, from 0 to its own peak: equal colours are not equal evidence. Maps with one "
            "value per pixel are smoothed for the eye."
        )


def _cell(
    scan: Scan,
    card: ModelCard,
    method: str,
    request: Request | None,
    status: Status | None,
    rendering: Rendering,
) -> None:
    """Draw one picture of the grid, or what there is instead, and what it is."""
    title = METHODS[method].title
    explanation = status.result if status else None
    drawn = explanation if state().map_shown else None
    picture = _picture(request.key if drawn else scan.key, rendering, scan, drawn)
    alt = f"{card.id}, {title}: " + ("the scan under the heatmap" if explanation else "no map")
    st.image(picture, alt=alt, width="stretch", output_format="PNG")
    st.markdown(f"**{card.id}**")
    if request is None:
        st.caption(NO_CLASS if method in methods_for(card) else NO_GRADIENTS)
        return
    if explanation:
        quality = summary_line(method_summary(bundle_folder(card.id), card.weights_sha256, method, request.target))
        p = percent(explanation.probability).replace(" ", "\u00a0")
        st.caption(f"{title} · {request.target_name}, {p}  \n{quality}", help=_QUALITY)
        if sentences := cautions(explanation, request.target_name):
            st.caption(":material/warning: Interpret with caution", help=" ".join(sentences))
        return
    st.caption(f"{title} · {request.target_name}")
    _show_status(status, request)


def _show_status(status: Status, request: Request) -> None:
    if status.state == "cancelled":
        st.caption("Cancelled.")
    elif status.state == "failed":
        st.error(status.error)
    elif status.state == "running":
        st.progress(*progress_text(status.job.progress, status.job.seconds, request.seconds))
    elif status.state == "waiting":
        st.progress(0.0, f"Place {status.job.place} in the queue.")
    else:
        st.progress(0.0, status.error or "Queued.")


@st.cache_data(scope="session", max_entries=128, show_spinner=False)
def _picture(key: str, rendering: Rendering, _scan: Scan, _explanation: Explanation | None = None) -> bytes:
    """Return the scan under a map. `key` is that of the request, or of the scan where there is no map."""
    return png(draw(_scan, _explanation, rendering, side=SIDE).picture)
