"""The model's probabilities by slice of a volume or series, and the way to each slice."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from explain.prediction_text import percent
from explain.slice_probabilities import (
    WARNING,
    as_table,
    by_slice,
    count_sentence,
    course_sentence,
    leading,
    peaks,
    series_key,
)
from model_zoo import Model, ModelCard
from pages.charts.style import CONFIG
from pages.charts.whole_series import MOST, lines
from pages.components.audited import note_series
from pages.components.pickers import Open
from pages.components.requests import POLL, OtherWork, Status, cancel, collect, release
from pages.components.state import state

SECTION = "series"
_CHART = "series-chart"


def show_whole_series(opened: Open, model: Model) -> np.ndarray | None:
    """Draw the probabilities by slice, once the user asks for them; return them (N, K), None until they are there.

    A row of a blank slice is NaN.
    """
    session, slices = state(), len(opened.volume)
    classification = _classification(opened, model)
    requested = classification.key in session.results or classification.key in session.series_requested
    if not requested:
        release(SECTION)
        _offer(slices, classification)
        return None
    status = collect({SECTION: classification}, SECTION, at_once=session.at_once)[SECTION]
    if status.state == "done":
        note_series(model, opened.volume, classification.key)
        _draw(status.result, model.card, opened)
        return status.result
    if status.state in ("failed", "cancelled") or (status.error and not status.job):
        session.series_requested.discard(classification.key)
        release(SECTION)
        _offer(slices, classification)
        if status.error:
            st.error(status.error)
        return None
    _follow(classification, slices)
    return None


def _classification(opened: Open, model: Model) -> OtherWork:
    anyway = state().anyway

    def work(progress, cancelled) -> np.ndarray:
        return by_slice(model, opened.volume, progress, cancelled, anyway=anyway)

    return OtherWork(f"{series_key(opened.volume, model)}{':anyway' if anyway else ''}", work)


def _offer(slices: int, classification: OtherWork) -> None:
    st.write(
        f"The prediction above is for one slice. The model can classify all {slices}, to see where in the series it "
        "predicts what."
    )
    st.button(f"Classify all {slices} slices", on_click=state().series_requested.add, args=(classification.key,))


@st.fragment(run_every=POLL)
def _follow(classification: OtherWork, slices: int) -> None:
    status: Status = collect({SECTION: classification}, SECTION)[SECTION]
    if not status.job:
        st.rerun()
    if status.state == "waiting":
        st.progress(0.0, f"Queued: place {status.job.place} in the queue.")
    else:
        st.progress(status.job.progress, f"Classifying: {status.job.progress * slices:.0f} of {slices} slices.")
    st.button("Cancel", key="series-cancel", on_click=cancel, args=(SECTION,))


def _draw(p: np.ndarray, card: ModelCard, opened: Open) -> None:
    charted = leading(p, MOST)
    st.write(count_sentence(p, card.names))
    if state().anyway:
        st.caption("“Predict anyway” is on: slices that the gate withholds are classified, too.")
    st.plotly_chart(
        lines(p, card.names, charted, opened.place),
        key=_CHART,
        on_select=lambda: go_to_selected(st.session_state[_CHART], opened.go_to),
        selection_mode="points",
        config=CONFIG,
        alt=course_sentence(p, card.names, charted),
    )
    with st.container(horizontal=True, gap="small"):
        for k, place in peaks(p, card.classes).items():
            label = f"Go to slice {place + 1}: {card.names[k]}, {percent(p[place, k])}"
            st.button(label, key=f"series-peak-{k}", on_click=opened.go_to, args=(place,))
    st.caption("Click a slice to open it. The buttons lead to where a tumour class is most probable.")
    st.warning(WARNING)
    with st.expander("The same as a table"):
        st.dataframe(as_table(p, card.names, charted), hide_index=True, alt="Prediction and probabilities by slice")


def go_to_selected(selected, go_to: Callable[[int], None]) -> None:
    """Open the slice of a chart's selection; a second click on it takes the selection back, and opens none."""
    for point in selected.selection.points[:1]:
        go_to(int(point["x"]) - 1)
