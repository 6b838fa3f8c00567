"""Several models' maps by several methods side by side: one size, one window and one rendering for all."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from explain import METHODS, Rendering, Request, methods_for
from explain.captions import cautions, progress_text
from explain.evaluation.summary import method_summary, summary_line
from explain.prediction_text import percent
from model_zoo import ModelCard, bundle_folder
from pages.components.display import controls, rendering_chosen, take_rendering, windows_of
from pages.components.pickers import Open
from pages.components.requests import Status
from pages.components.state import state, subject
from pages.viewer.component import show_pictures
from pages.viewer.pictures import Picture, described, facts_of_scan, facts_of_volume, presets, window_key

GROUP = "compare"  # all pictures of the page are seen alike
NO_CLASS = "This model has no matching class to explain."
NO_GRADIENTS = "This model gives predictions alone: choose LIME, SHAP, occlusion or RISE to explain it."

_NARROWEST = 130  # pixels of a column, below which the grid scrolls
_QUALITY = (
    "On annotated test scans of this class, or of others where there are none of it: how often the highest point of "
    "such a map lay in the tumour's box."
)


def show_grid(
    opened: Open,
    cards: Sequence[ModelCard],
    methods: Sequence[str],
    requests: Mapping[tuple[str, str], Request],
    errors: Mapping[str, str],
    statuses: Mapping[tuple[str, str], Status],
) -> None:
    """Draw the scan beside its maps, a row per method and a column per model; below them the controls for all.

    `requests` and `statuses` go by (model, method). A model that is in `errors` has its sentence in its cells.
    """
    if state().slice_moved:
        st.rerun()
    signed = any(METHODS[method].signed for method in methods)
    rendering = rendering_chosen(signed)
    grid = st.grid(len(cards) + 1, min_column_width=_NARROWEST, wrap=False)
    for method in methods:
        about = f"{METHODS[method].measures} {METHODS[method].pitfalls}"
        with grid.cell():
            _draw(f"compare-{method}", _picture(opened, alt="The scan"), rendering)
            st.markdown(f"**{METHODS[method].title}**", help=about)
            st.caption("The scan; to its right, this method's map for each model.")
        for card in cards:
            with grid.cell():
                if card.id in errors:
                    st.markdown(f"**{card.id}**")
                    st.error(errors[card.id])
                else:
                    at = (card.id, method)
                    _cell(opened, card, method, requests.get(at), statuses.get(at), rendering)
    _show_controls(subject(), opened, signed)
    st.caption(
        "Every map has its own scale, from 0 to its own peak: equal colours are not equal evidence. Maps with one "
        "value per pixel are smoothed for the eye."
    )


@st.fragment  # a change of the rendering draws no map anew
def _show_controls(drawn_for: tuple, opened: Open, signed: bool) -> None:
    if state().slice_moved or subject() != drawn_for:
        st.rerun()
    scan = opened.scan
    show_pictures(
        "compare-controls",
        [],
        group=GROUP,
        rendering=rendering_chosen(signed),
        shown=state().map_shown,
        readout=True,
        take=partial(_take, opened=opened, signed=signed),
        leads=True,
        scan=facts_of_scan(scan) | {"presets": presets(scan)},
        controls=controls(signed),
        bar={"unit": "each map on its own scale", "signed": signed, "several": True},
        volume=facts_of_volume(opened.volume, opened.place),
        series=window_key(scan),
        windows=windows_of(scan),
        words={"map": "heatmaps"},
    )


def _take(view: dict, opened: Open, signed: bool) -> None:
    take_rendering(view, signed)
    opened.take_place(view.get("place"))


def _picture(opened: Open, **facts) -> Picture:
    return Picture(opened.scan, place=opened.place, count=max(1, len(opened.volume)), follows=True, **facts)


def _draw(key: str, picture: Picture, rendering: Rendering) -> None:
    words = {"map": "heatmaps", "elsewhere": "This slice is not explained yet."}
    show_pictures(key, [picture], group=GROUP, rendering=rendering, shown=state().map_shown, words=words)


def _cell(
    opened: Open,
    card: ModelCard,
    method: str,
    request: Request | None,
    status: Status | None,
    rendering: Rendering,
) -> None:
    """Draw one picture of the grid, or what there is instead, and what it is."""
    title = METHODS[method].title
    explanation = status.result if status else None
    words = described(opened.scan, explanation, title, request.target_name) if explanation and request else "no map"
    picture = _picture(opened, explanation=explanation, alt=f"{card.id}, {title}: {words}")
    _draw(f"compare-{card.id}-{method}", picture, rendering)
    st.markdown(f"**{card.id}**")
    if request is None:
        st.caption(NO_CLASS if method in methods_for(card) else NO_GRADIENTS)
        return
    if explanation:
        folder, weights = bundle_folder(card.id), card.weights_sha256
        quality = summary_line(method_summary(folder, weights, method, request.target, request.engine))
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
