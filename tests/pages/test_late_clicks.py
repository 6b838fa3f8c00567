"""A click on a part of the page that is gone redraws the page; tests/faults/test_app_process.py asks a running app."""

from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.fragment import MemoryFragmentStorage

from pages.components import late_clicks


def draw() -> None:
    """A part of a page."""


@pytest.fixture
def fragments() -> MemoryFragmentStorage:
    """The parts of a page that has one."""
    fragments = MemoryFragmentStorage()
    fragments.register("here", draw)
    return fragments


def test_a_part_that_goes_while_the_click_waits_is_drawn_with_the_page_and_any_other_by_itself(fragments):
    late_clicks._where_it_goes_while_the_click_waits(fragments)
    assert fragments.lookup("here") is draw and fragments.lookup("gone") is st.rerun


@pytest.mark.parametrize(
    ("fragment", "by_itself", "reaches"),
    [("here", False, "here"), ("here", True, "here"), ("gone", False, ""), ("gone", True, "gone"), ("", False, "")],
)
def test_a_click_on_a_part_that_is_gone_asks_for_the_page_and_a_part_that_runs_by_itself_does_not(
    fragments, fragment, by_itself, reaches
):
    asked = []
    session = SimpleNamespace(request_rerun=lambda state: asked.append(state.fragment_id))
    late_clicks._where_it_is_gone_before(fragments, session)
    session.request_rerun(ClientState(fragment_id=fragment, is_auto_rerun=by_itself))
    assert asked == [reaches]
