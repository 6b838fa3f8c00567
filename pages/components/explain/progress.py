"""The one map that the Explain page is about: waited for, followed while it runs, cancelled, requested again.

What takes no longer than a blink is waited for. For all else the page is drawn without the map, and a fragment looks
at the job twice a second until the whole page can be drawn again.
"""

import streamlit as st

from explain import METHODS, Request
from explain.captions import progress_text
from pages.components.requests import POLL, Status, cancel, collect, release
from pages.components.state import state

SECTION = "map"


def status_of(request: Request) -> Status:
    """Return the status of the map that the page is about."""
    return collect({SECTION: request}, SECTION, at_once=state().at_once)[SECTION]


def show_progress(request: Request, status: Status) -> None:
    """Draw how far the explanation is, that it was cancelled, or that there is no room."""
    if status.state == "cancelled":
        st.write("Cancelled.")
    elif status.error:
        st.error(status.error)
    else:
        _follow(request)
        return
    st.button("Explain again", on_click=release, args=(SECTION,))


@st.fragment(run_every=POLL)
def _follow(request: Request) -> None:
    status = collect({SECTION: request}, SECTION)[SECTION]
    if not status.job:
        st.rerun()
    st.write(f"**{METHODS[request.method].title}**")
    if status.state == "waiting":
        st.progress(0.0, f"Queued: place {status.job.place} in the queue.")
    else:
        st.progress(*progress_text(status.job.progress, status.job.seconds, request.seconds))
    st.button("Cancel", on_click=cancel, args=(SECTION,))
    st.caption("The map appears as soon as it has converged, or at the time limit.")
