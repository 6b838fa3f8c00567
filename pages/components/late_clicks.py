"""A click that reaches the server when the part of the page it belongs to is gone.

Streamlit 1.67 reruns the fragment of a click alone. Where the page was drawn anew meanwhile and its parts lie elsewhere
now, that fragment is not found: the click is dropped, or its value is taken and nothing is drawn, until the user does
something else. Here the whole page is drawn instead.
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
    _where_it_goes_while_the_click_waits(fragments)
    if Runtime.exists():
        with suppress(AttributeError):  # a newer Streamlit may keep its sessions elsewhere
            manager = Runtime.instance()._session_mgr
            _where_it_is_gone_before(fragments, manager.get_active_session_info(context.session_id).session)


def _where_it_goes_while_the_click_waits(fragments: FragmentStorage) -> None:
    """For the run before to end."""
    known = fragments.lookup

    def lookup(fragment: str) -> Callable[[], object]:
        return known(fragment) if fragments.contains(fragment) else st.rerun

    fragments.lookup = lookup


def _where_it_is_gone_before(fragments: FragmentStorage, session) -> None:
    request = session.request_rerun

    def request_rerun(asked: ClientState | None) -> None:
        # What a part asks for by itself, every few moments, is over with it.
        if asked and asked.fragment_id and not asked.is_auto_rerun and not fragments.contains(asked.fragment_id):
            asked.fragment_id = ""
        request(asked)

    session.request_rerun = request_rerun
