"""Fetch from PACS: there only where one is configured; its files are uploads like others; nothing typed is kept."""

import pytest

from dicomweb import transfer
from tests.dicomweb.test_orthanc import ACCESSION, SERIES, SLICES, STUDY, pacs  # noqa: F401  # a fixture
from tests.orthanc import MISSING, PASSWORD, USER, WHY
from tests.pages.conftest import errors, press, state_of, until_done

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
    press(app, "Fetch series")
    assert len(errors(app)) == 1 and "smaller series" in errors(app)[0] and state_of(app).uploads == {}
    search(app, ACCESSION)  # which lets the sentence go
    assert errors(app) == []
