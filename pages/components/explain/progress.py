"""How is a reader told that a map is still to come, how far it is, and how to stop it?

What takes no longer than a blink is waited for. For all else the page is drawn without the map, and a fragment looks
at the job twice a second until the whole page can be drawn again.
"""

import streamlit as st

from explain import METHODS
from explain.captions import under_way
from pages.components.requests import POLL, Answer, Wanted, cancel, gather, leave
from pages.components.viewer import show

AT_ONCE = 0.7  # seconds: a map that comes sooner replaces the one before it without anything in between
ROOM = "map"


def ask(wanted: Wanted) -> Answer:
    """Return what is there of the one map that the page is about."""
    return gather({ROOM: wanted}, ROOM, at_once=AT_ONCE)[ROOM]


def wait(wanted: Wanted, answer: Answer) -> None:
    """Draw the scan, and beside it how far the explanation is, that it was cancelled, or that there is no room."""
    _, beside = show(wanted.scan)
    with beside:
        if answer.state == "cancelled":
            st.write("Cancelled.")
        elif answer.error:
            st.error(answer.error)
        else:
            _watch(wanted)
            return
        st.button("Explain again", on_click=leave, args=(ROOM,))


@st.fragment(run_every=POLL)
def _watch(wanted: Wanted) -> None:
    answer = gather({ROOM: wanted}, ROOM)[ROOM]
    if not answer.job:
        st.rerun()
    method = METHODS[wanted.choice.method]
    st.write(f"**{method.title}**")
    if answer.state == "waiting":
        st.progress(0.0, f"Waiting for other explanations: place {answer.job.place} in the queue.")
    else:
        st.progress(*under_way(answer.job.progress, answer.job.seconds, wanted.choice.seconds))
    st.button("Cancel", on_click=cancel, args=(ROOM,))
    st.caption("The map appears here as soon as it is stable, or when the time is over.")
