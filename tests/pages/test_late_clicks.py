"""A click whose fragment is gone redraws the page; tests/faults/test_app_process.py asks a running app."""

from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.fragment import MemoryFragmentStorage

from pages.components.late_clicks import accept_requests_of_missing, redraw_in_place_of_missing


def draw() -> None:
    """A fragment of a page."""


@pytest.fixture
def fragments() -> MemoryFragmentStorage:
    """The fragments of a page that has one."""
    fragments = MemoryFragmentStorage()
    fragments.register("here", draw)
    return fragments


def test_the_page_is_drawn_in_place_of_a_fragment_that_is_gone_and_any_other_fragment_by_itself(fragments):
    redraw_in_place_of_missing(fragments)
    assert fragments.lookup("here") is draw and fragments.lookup("gone") is st.rerun


@pytest.mark.parametrize(
    ("fragment", "by_itself", "reaches"),
    [("here", False, "here"), ("here", True, "here"), ("gone", False, ""), ("gone", True, "gone"), ("", False, "")],
)
def test_a_click_whose_fragment_is_gone_asks_for_the_page_and_a_fragment_that_runs_by_itself_does_not(
    fragments, fragment, by_itself, reaches
):
    asked = []
    session = SimpleNamespace(request_rerun=lambda state: asked.append(state.fragment_id))
    accept_requests_of_missing(fragments, session)
    session.request_rerun(ClientState(fragment_id=fragment, is_auto_rerun=by_itself))
    assert asked == [reaches]
