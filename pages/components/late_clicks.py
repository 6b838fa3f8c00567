"""A click that reaches the server when its fragment, the part of the page that it would redraw, is gone.

Streamlit 1.67 reruns the fragment of a click alone. A page that was drawn anew meanwhile, with its parts elsewhere,
no longer has that fragment: Streamlit drops the click, or takes its value and draws nothing until the next action. Here
the whole page is drawn instead.
"""

from collections.abc import Callable
from contextlib import suppress

import streamlit as st
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime import Runtime
from streamlit.runtime.fragment import FragmentStorage
from streamlit.runtime.scriptrunner import get_script_run_ctx


def redraw_for_late_clicks() -> None:
    """Let this session draw the whole page for a fragment that it does not have; once in a session is enough."""
    context = get_script_run_ctx()
    fragments = context.fragment_storage
    if "lookup" in vars(fragments):
        return
    redraw_in_place_of_missing(fragments)
    if Runtime.exists():
        with suppress(AttributeError):  # a newer Streamlit may keep its sessions elsewhere
            manager = Runtime.instance()._session_mgr
            accept_requests_of_missing(fragments, manager.get_active_session_info(context.session_id).session)


def redraw_in_place_of_missing(fragments: FragmentStorage) -> None:
    """Rerun the page where a request finds its fragment gone once the run before it is over; Streamlit skips it."""
    known = fragments.lookup

    def lookup(fragment: str) -> Callable[[], object]:
        return known(fragment) if fragments.contains(fragment) else st.rerun

    fragments.lookup = lookup


def accept_requests_of_missing(fragments: FragmentStorage, session) -> None:
    """Take a request whose fragment is gone when it comes for one of the whole page; Streamlit drops it.

    Not a request that a fragment with `run_every` makes by itself: it ends with its fragment.
    """
    request = session.request_rerun

    def request_rerun(asked: ClientState | None) -> None:
        if asked and asked.fragment_id and not asked.is_auto_rerun and not fragments.contains(asked.fragment_id):
            asked.fragment_id = ""
        request(asked)

    session.request_rerun = request_rerun
