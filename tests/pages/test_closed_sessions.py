"""Of a session that is over nothing stays, and the others keep all that is theirs."""

from pages.components.closed_sessions import forget_all_but
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
