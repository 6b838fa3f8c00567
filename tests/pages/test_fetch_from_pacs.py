"""Fetch from PACS: there only where one is configured; its files are uploads like others; nothing typed is kept."""

from threading import Event

import pytest

from dicomweb import PacsError, Series, transfer
from explain.queue import BACKGROUND, LANES, Lane, Queue
from pages.components import fetch_from_pacs
from tests.dicomweb.test_orthanc import ACCESSION, SERIES, SLICES, STUDY, pacs  # noqa: F401  # a fixture
from tests.good_files import dicom12, disc, png
from tests.orthanc import MISSING, PASSWORD, USER, WHY
from tests.pages.conftest import errors, open_app, press, state_of, until_done, upload

NOWHERE = "http://127.0.0.1:1/dicom-web"


@pytest.fixture(autouse=True)
def tiny(in_tiny_zoo, monkeypatch):
    """The tiny zoo, and no PACS but the test's."""
    for name in ("CANDOR_DICOMWEB", "CANDOR_DICOMWEB_USER", "CANDOR_DICOMWEB_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def numbers(app) -> list:
    return [field for field in app.text_input if field.label == "Number"]


def search(app, number: str, kind: str = "accession"):
    app.selectbox(key="pacs-kind").select(kind)
    numbers(app)[0].set_value(number)
    return press(app, "Search")


def test_without_a_pacs_there_is_no_trace_of_it(app):
    app.run()
    assert not app.exception and not numbers(app) and not errors(app)


@pytest.mark.parametrize("address", ["no address", "https://candor:hush@pacs.example.org"])
def test_a_wrong_setting_is_one_sentence(app, monkeypatch, address):
    monkeypatch.setenv("CANDOR_DICOMWEB", address)
    app.run()
    (sentence,) = errors(app)
    assert not app.exception and "CANDOR_DICOMWEB" in sentence and "hush" not in sentence and not numbers(app)


def test_a_pacs_that_cannot_be_reached_is_one_sentence_and_what_was_typed_is_gone(app, monkeypatch):
    monkeypatch.setenv("CANDOR_DICOMWEB", NOWHERE)
    search(app.run(), "A7 4711")
    (sentence,) = errors(app)
    assert not app.exception and "127.0.0.1:1" in sentence
    assert numbers(app)[0].value == "" and "4711" not in repr(vars(state_of(app))) + repr(app.session_state)
    search(app, "A*")
    assert "*" in errors(app)[0] and len(errors(app)) == 1


def test_of_series_with_the_same_words_each_can_be_chosen(app, monkeypatch):
    """The localizers of two studies of one day, or of a PACS that sends no numbers."""
    monkeypatch.setenv("CANDOR_DICOMWEB", NOWHERE)
    app.run()
    state_of(app).pacs_series = tuple(
        Series("1.2", f"1.2.{k}", "20260101", "MR", "1", "localizer", 3) for k in range(3)
    )
    monkeypatch.setattr(fetch_from_pacs, "_begin", lambda series: chosen.append(series.uid))
    chosen = []
    app.run()
    for place in (1, 0, 2):
        app.selectbox(key="pacs-series").select(app.selectbox(key="pacs-series").options[place]).run()
        press(app, "Fetch series")
    assert chosen == ["1.2.1", "1.2.0", "1.2.2"]


@pytest.mark.slow
@pytest.mark.skipif(MISSING, reason=WHY)
def test_a_series_is_found_fetched_and_opened_as_an_upload(app, pacs, monkeypatch):  # noqa: F811
    server, _ = pacs
    monkeypatch.setenv("CANDOR_DICOMWEB", server.address)
    monkeypatch.setenv("CANDOR_DICOMWEB_USER", USER)
    monkeypatch.setenv("CANDOR_DICOMWEB_PASSWORD", PASSWORD)
    search(app.run(), STUDY, "study")
    titles = app.selectbox(key="pacs-series").options
    assert any("T1C+ axial" in title for title in titles) and not any("Muster" in title for title in titles)
    place = next(k for k, each in enumerate(state_of(app).pacs_series) if each.uid == SERIES)
    app.selectbox(key="pacs-series").select_index(place).run()
    until_done(press(app, "Fetch series"))
    session = state_of(app)
    assert not app.exception and list(session.uploads) == [f"PACS image {k}" for k in range(1, SLICES + 1)]
    assert session.scan.startswith(f"Series of {SLICES} slices") and session.pacs_series == ()
    assert not [box for box in app.selectbox if box.key == "pacs-series"]
    known = [session.scan, *session.entries, *(upload.name for upload in session.uploads.values())]
    assert not [word for word in (ACCESSION, STUDY, "Muster", "4711") if word in " ".join(known)]
    press(app, "Remove all")
    assert session.uploads == {}


@pytest.mark.slow
@pytest.mark.skipif(MISSING, reason=WHY)
def test_a_series_that_is_too_large_is_one_sentence_and_no_upload(app, pacs, monkeypatch):  # noqa: F811
    server, _ = pacs
    monkeypatch.setenv("CANDOR_DICOMWEB", server.address)
    monkeypatch.setenv("CANDOR_DICOMWEB_USER", USER)
    monkeypatch.setenv("CANDOR_DICOMWEB_PASSWORD", PASSWORD)
    search(app.run(), ACCESSION)
    monkeypatch.setattr(transfer, "MAX_FILES", SLICES - 1)
    until_done(press(app, "Fetch series"))
    assert len(errors(app)) == 1 and "smaller series" in errors(app)[0] and state_of(app).uploads == {}
    search(app, ACCESSION)  # which lets the sentence go
    assert errors(app) == []


class Slow:
    """Stands in for the transfer of a series: half of it comes, and the rest once it is let go or stopped."""

    def __init__(self, monkeypatch):
        self.begun, self.go, self.stopped = Event(), Event(), Event()
        monkeypatch.setattr(transfer, "fetch_series", self)

    def __call__(self, server, series, progress, cancelled) -> list[bytes]:
        progress(0.5)
        self.begun.set()
        while not self.go.wait(0.01):
            if cancelled():
                self.stopped.set()
                raise PacsError("This was stopped.")
        return [dicom12(disc(side), SeriesInstanceUID="1.2.3") for side in (64, 80)]


FOUND = Series("1.2", "1.2.3", "20260101", "MR", "4", "T1C+ axial", 2)


@pytest.fixture
def slow(monkeypatch) -> Slow:
    monkeypatch.setenv("CANDOR_DICOMWEB", NOWHERE)
    return Slow(monkeypatch)


@pytest.fixture
def fetching(slow):
    """A page on which a series is being fetched, half of which has come."""
    queue = Queue()
    app = open_app(queue, at_once=0.02, pacs_series=(FOUND,)).run()
    press(app, "Fetch series")
    assert slow.begun.wait(60)
    yield app.run()
    slow.go.set()


def stop_buttons(app) -> list:
    return [button for button in app.button if button.key == "pacs-stop"]


def test_a_fetch_shows_its_progress_and_the_page_can_be_used_meanwhile(fetching, slow):
    (bar,) = fetching.get("progress")
    assert bar.proto.value == 50 and "1 of 2 images" in bar.proto.text and stop_buttons(fetching)
    fetching.run()
    assert next(button for button in fetching.button if button.key == "pacs-fetch").disabled
    slow.go.set()
    until_done(fetching)
    session = state_of(fetching)
    assert len(session.uploads) == 2 and session.pacs_fetch is None and not stop_buttons(fetching)
    assert session.pacs_series == () and not any(isinstance(each, list) for each in session.results.values())


def test_a_fetch_that_is_stopped_ends_at_once_and_leaves_no_file_and_no_sentence(fetching, slow):
    stop_buttons(fetching)[0].click().run()
    assert slow.stopped.wait(60)
    until_done(fetching)
    session = state_of(fetching)
    assert not session.uploads and session.pacs_fetch is None and not errors(fetching)
    assert session.pacs_series == (FOUND,)  # to be fetched after all, or another one


def test_removing_all_stops_a_fetch_as_well(fetching, slow):
    upload(fetching, ("a.png", png(disc())))
    press(fetching, "Remove the file")
    assert slow.stopped.wait(60) and state_of(fetching).pacs_fetch is None


def test_a_fetch_goes_on_while_another_page_is_open(fetching, slow):
    fetching.switch_page("pages/about.py").run()
    assert not slow.stopped.wait(0.1) and state_of(fetching).pacs_fetch is not None
    slow.go.set()
    until_done(fetching.switch_page("pages/explain_scan.py").run())
    assert len(state_of(fetching).uploads) == 2


def test_a_fetch_waits_its_turn_where_others_fetch(slow):
    go, queue = Event(), Queue({**LANES, BACKGROUND: Lane(workers=1)})
    queue.submit("other", lambda progress, cancelled: go.wait(60), "somebody", lane=BACKGROUND)
    app = press(open_app(queue, at_once=0.02, pacs_series=(FOUND,)).run(), "Fetch series")
    (bar,) = app.get("progress")
    assert bar.proto.value == 0 and "place 1" in bar.proto.text
    go.set()
    slow.go.set()
    assert len(state_of(until_done(app)).uploads) == 2
