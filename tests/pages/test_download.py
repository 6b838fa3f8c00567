"""A download is made once for each click, comes with the next drawing, and stays until the browser has it."""

import json
from base64 import b64decode

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import download
from tests.pages.conftest import state_of

KEY = "export-Report"


def script(calls, fails, now, seconds):
    from pages.components.download import download_button

    def make():
        calls.append(1)
        now[0] += seconds
        if fails:
            raise OSError("a path that is nobody's business")
        return b"%PDF-"

    download_button("Report", make, f"report-{len(calls)}.pdf", "application/pdf")


def start(calls, fails=False, now=None, seconds=0.0) -> AppTest:
    given = {"calls": calls, "fails": fails, "now": now or [0.0], "seconds": seconds}
    app = AppTest.from_function(script, default_timeout=60, kwargs=given).run()
    assert not app.exception
    return app


def drawn(app) -> dict:
    """What the button was given in the last run."""
    (component,) = app.get("bidi_component")
    return json.loads(component.proto.json)


def tell(app, **told) -> AppTest:
    """As the browser does: "wanted" is the time of the last click, "given" the last file that it has."""
    (component,) = app.get("bidi_component")
    states = app._tree.get_widget_states()
    states.widgets.add(id=component.proto.id, json_value=json.dumps(told))
    app._run(states)
    return app


def press(app, when: float, name: str = "report-0.pdf") -> AppTest:
    """As the browser's event does."""
    state_of(app).downloads[KEY] = {"id": "1", "asked": when, "name": name, "mime": "application/pdf"}
    return app.run()


@pytest.fixture
def now(monkeypatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(download, "monotonic", lambda: now[0])
    return now


def test_nothing_is_made_before_the_click(now):
    calls = []
    assert drawn(start(calls)) == {"label": "Report", "name": "report-0.pdf", "file": None} and not calls


def test_the_file_is_made_once_and_drawn_until_the_browser_has_it(now):
    calls = []
    app = press(start(calls), now[0])
    for _ in range(2):  # another run may replace the first before it was sent
        file = drawn(app)["file"]
        assert b64decode(file["bytes"]) == b"%PDF-" and file["name"] == "report-0.pdf" and file["id"] == "1"
        app.run()
    assert len(calls) == 1
    assert drawn(tell(app, given="1"))["file"] is None


def test_a_click_is_followed_once_and_a_second_one_while_the_first_file_is_on_its_way(now):
    calls = []
    app = tell(start(calls), wanted=1)
    first = drawn(app)["file"]["id"]
    tell(app, wanted=1)  # with what the user did next
    assert drawn(app)["file"]["id"] == first and len(calls) == 1
    tell(app, wanted=2, given=first)
    second = drawn(app)["file"]["id"]
    assert second != first and len(calls) == 2
    tell(app, wanted=2, given=second)
    assert drawn(app)["file"] is None and not state_of(app).downloads


def test_a_click_long_ago_brings_no_file(now):
    """The user left the page before it was made."""
    calls = []
    app = press(start(calls), now[0] - 61)
    assert drawn(app)["file"] is None and not calls and not state_of(app).downloads


def test_a_file_that_took_longer_to_make_than_it_is_kept_still_comes(now):
    """Similar cases may take a method's time each; the page may be drawn again meanwhile."""
    calls = []
    app = press(start(calls, now=now, seconds=75.0), now[0])
    for _ in range(2):
        assert drawn(app)["file"]["id"] == "1"
        app.run()
    assert len(calls) == 1


def test_a_file_that_cannot_be_made_is_one_sentence_without_the_reason(now):
    app = press(start([], fails=True), now[0])
    assert [error.value for error in app.error] == [download.FAILED] and not app.exception
    assert drawn(app)["file"].get("error") and "bytes" not in drawn(app)["file"]
    assert drawn(app.run())["name"] == "report-1.pdf"  # another scan: the error was not of it
    assert not app.error and not state_of(app).downloads


def test_a_file_that_was_asked_for_of_another_scan_is_not_made_of_this_one(now):
    calls = []
    app = press(start(calls), now[0], "report-of-another.pdf")
    assert drawn(app)["file"] is None and not calls and not state_of(app).downloads
