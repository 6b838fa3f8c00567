"""Where in a series does the model say what? Its probabilities by slice, and the way to each slice."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from explain.job import LIVE, Job
from explain.prediction_text import percent
from explain.queue import QUEUE, Busy
from explain.slice_probabilities import WARNING, as_table, by_slice, counted, in_words, leading, peaks, series_key
from model_zoo import Model, ModelCard, ModelError
from pages.charts.style import CONFIG
from pages.charts.whole_series import MOST, lines
from pages.components.requests import POLL, connected, user
from scans import Scan

AT_ONCE = 0.7  # seconds: what comes sooner needs no progress bar
FAILED = "Reading the series failed inside Candor itself, and nothing was kept. Try again, or reload the page."

_CHART = "series-chart"
_KEPT = 16  # series whose numbers a session keeps, a few kB each


@dataclass
class _Readings:
    """What this session knows of series: probabilities (N, K) by key, and the one that is on its way or failed."""

    kept: dict[str, np.ndarray] = field(default_factory=dict)
    key: str = ""
    job: Job | None = None
    error: str = ""


def read_series(
    scans: Sequence[Scan], model: Model, card: ModelCard, choose: Callable[[int], None], *, current: int = 0
) -> np.ndarray | None:
    """Draw the probabilities by slice, once the reader asks for them; return them (N, K), None until they are there.

    `scans` are the slices in their order. `choose(place)` is called, before the page is drawn again, where the reader
    clicks on a slice; `current` is the place of the one shown. A row of a blank slice is NaN.
    """
    here, key = _readings(), series_key(scans, card)
    if here.key != key:
        leave()
        here.key = key
    _gather(here, AT_ONCE)
    if key in here.kept:
        _draw(here.kept[key], card, choose, current)
        return here.kept[key]
    if here.job:
        _watch(len(scans))
        return None
    st.write(
        f"The answer above is about one slice. The model can be asked about all {len(scans)}, to see where in the "
        "series it says what."
    )
    st.button(f"Read all {len(scans)} slices", on_click=_start, args=(scans, model))
    if here.error:
        st.error(here.error)
    return None


def leave() -> None:
    """Give up the series that is being read: the reader has turned to something else."""
    here = _readings()
    if here.job:
        QUEUE.cancel(here.job.key, user())
    here.job, here.error = None, ""


def _start(scans: Sequence[Scan], model: Model) -> None:
    here = _readings()
    here.error = ""
    try:
        here.job = QUEUE.submit(
            here.key, user(), lambda progress, cancelled: by_slice(model, scans, progress, cancelled), connected()
        )
    except Busy as error:
        here.error = str(error)


def _gather(here: _Readings, seconds: float = 0.0) -> None:
    """Wait for the job, at most `seconds`; where it is over, keep what came of it."""
    job = here.job
    if job is None:
        return
    job.wait(seconds)
    QUEUE.look(job.key, user())  # says that the reader is there
    if job.state in LIVE:
        return
    here.job = None
    if job.state == "done":
        here.kept[job.key] = job.result
        for old in list(here.kept)[:-_KEPT]:
            del here.kept[old]
    elif isinstance(job.error, ModelError):
        here.error = str(job.error)
    elif job.error is not None:
        logging.getLogger("candor").error("a series could not be read", exc_info=job.error)
        here.error = FAILED


@st.fragment(run_every=POLL)
def _watch(slices: int) -> None:
    here = _readings()
    _gather(here)
    job = here.job
    if job is None:
        st.rerun()
    if job.state == "waiting":
        st.progress(0.0, f"Waiting for other explanations: place {job.place} in the queue.")
    else:
        st.progress(job.progress, f"Asking the model: {job.progress * slices:.0f} of {slices} slices.")
    st.button("Cancel", key="series-cancel", on_click=leave)


def _draw(p: np.ndarray, card: ModelCard, choose: Callable[[int], None], current: int) -> None:
    drawn = leading(p, MOST)
    st.write(counted(p, card.names))
    st.plotly_chart(
        lines(p, card.names, drawn, current),
        key=_CHART,
        on_select=lambda: take_clicked(st.session_state[_CHART], choose),
        selection_mode="points",
        config=CONFIG,
        alt=in_words(p, card.names, drawn),
    )
    with st.container(horizontal=True, gap="small"):
        for k, place in peaks(p, card.classes).items():
            label = f"Go to slice {place + 1}: {card.names[k]}, {percent(p[place, k])}"
            st.button(label, key=f"series-peak-{k}", on_click=choose, args=(place,))
    st.caption("Click on a slice to see it. The buttons lead to where a class of tumour is most probable.")
    st.warning(WARNING)
    with st.expander("The same as a table"):
        st.dataframe(as_table(p, card.names, drawn), hide_index=True, alt="Answer and probabilities by slice")


def take_clicked(state, choose: Callable[[int], None]) -> None:
    """Choose the slice of a chart's selection; a second click on it takes the selection back, and chooses none."""
    for point in state.selection.points[:1]:
        choose(int(point["x"]) - 1)


def _readings() -> _Readings:
    return st.session_state.setdefault("series", _Readings())
