"""Of a session that is over nothing stays, and the others keep all that is theirs."""

import tomllib
from pathlib import Path

from pages.components.closed_sessions import EVERY, forget_all_but
from pages.components.state import STATES, PageState, Upload


def test_a_session_that_is_over_is_emptied_and_the_others_are_left_alone(monkeypatch):
    left, kept = PageState(user="a"), PageState(user="b")
    for each in (left, kept):
        each.uploads["a.png"] = Upload("1/", "1", "a.png", b"bytes", "digest")
        each.results["key"] = object()
    monkeypatch.setitem(STATES, "left", left)
    monkeypatch.setitem(STATES, "kept", kept)
    forget_all_but({*STATES} - {"left"})
    assert left.uploads == {} and left.results == {} and "left" not in STATES
    assert list(kept.uploads) == ["a.png"] and STATES["kept"] is kept


def test_nothing_is_done_where_every_session_is_alive():
    before = dict(STATES)
    forget_all_but(set(before) | {"another"})
    assert before == STATES


def test_the_memory_of_a_closed_session_is_back_within_half_a_minute():
    """At the latest with the look after the session's end."""
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
    assert config["server"]["disconnectedSessionTTL"] + EVERY <= 30


def test_streamlit_does_not_collect_garbage_after_each_run():
    """It would do so with Python's lock held."""
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
    assert config["runner"]["postScriptGC"] is False
