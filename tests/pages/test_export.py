"""The export buttons: each file is made from what is on the screen, and only when its button is pressed."""

import io
import json
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from threading import Thread

import numpy as np
import pytest
from pydicom import dcmread
from streamlit.testing.v1 import AppTest

from explain import Rendering
from explain.cache import CACHE
from pages.components.state import Upload
from tests.explain.report.conftest import report_of
from tests.good_files import dicom12, disc, png
from tests.pages.conftest import SAMPLE, change_view, method_of, open_app, predicted_class, state_of, viewers

FILES = ["candor-x.pdf", "candor-x.html", "candor-x.png", "candor-x.zip"]
CAPTURE, MAP, REPORT = DICOM = ["candor-x.dcm", "candor-x.map.dcm", "candor-x.sr.dcm"]


def script(data, report, calls):
    import streamlit as st

    from pages.components.explain.export import offer_exports

    def make():
        calls.append(1)
        return report

    offer_exports(make, "candor-x", st.session_state.get("file", "of the first patient"), data)


@pytest.fixture
def buttons(monkeypatch) -> dict:
    """What stands behind each download button of the last run, by the name of its file."""
    from pages.components.explain import export

    buttons = {}
    monkeypatch.setattr(export, "download_button", lambda label, data, name, mime: buttons.update({name: data}))
    return buttons


@pytest.fixture
def offer(buttons):
    """Draw the buttons for a file; return the app and a list that gets a 1 for each report that is made."""

    def offer(data):
        calls = []
        given = {"data": data, "report": report_of(data), "calls": calls}
        app = AppTest.from_function(script, default_timeout=60, kwargs=given).run()
        assert not app.exception
        return app, calls

    return offer


def made(button) -> bytes:
    """Make a file as Streamlit does: in another thread, without a session."""
    results = []
    thread = Thread(target=lambda: results.append(button()))
    thread.start()
    thread.join()
    return results[0]


def texts_in(value: object, seen: set[int]) -> Iterator[str]:
    """Yield all text and bytes that can be reached from a value, but through nothing of `seen`, which grows."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, str | bytes):
        yield value if isinstance(value, str) else value.decode("latin-1")
    elif isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from texts_in(each, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from texts_in(each, seen)
    elif type(value).__module__.partition(".")[0] in ("pages", "explain", "model_zoo", "scans", "dicomweb"):
        yield from texts_in(list(vars(value).values()), seen)


def manifest_of(data: bytes) -> dict:
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        return json.loads(bundle.read("manifest.json"))


def test_nothing_is_made_until_a_button_is_pressed_and_each_file_is_of_its_type(offer, buttons):
    _, calls = offer(dicom12(disc(), StudyInstanceUID="1.2.3"))
    assert list(buttons) == FILES + DICOM and not calls
    pdf, html, picture, archive = (made(buttons[name]) for name in FILES)
    assert pdf.startswith(b"%PDF-") and html.startswith(b"<!doctype html>") and picture.startswith(b"\x89PNG")
    with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
        assert np.load(io.BytesIO(bundle.read("map.npy"))).shape == (64, 64)
    datasets = [dcmread(io.BytesIO(made(buttons[name]))) for name in DICOM]
    assert [each.SOPClassUID.name for each in datasets] == [
        "Secondary Capture Image Storage",
        "Parametric Map Storage",
        "Enhanced SR Storage",
    ]
    assert all(each.StudyInstanceUID == "1.2.3" and not each.PatientName for each in datasets)
    assert len(calls) == len(FILES + DICOM)


@pytest.mark.parametrize("name", DICOM)
def test_the_patient_s_name_is_copied_only_where_the_user_ticks_the_box(offer, buttons, name):
    app, _ = offer(dicom12(disc()))
    app.checkbox[0].check().run()
    assert dcmread(io.BytesIO(made(buttons[name]))).PatientName == "Muster^Erika"
    app.session_state["file"] = "of the next patient"
    app.run()
    assert not app.checkbox[0].value and not dcmread(io.BytesIO(made(buttons[name]))).PatientName


def test_a_scan_that_is_no_dicom_has_no_name_to_copy_and_its_results_share_a_study(offer, buttons):
    app, _ = offer(png(disc()))
    assert not app.checkbox
    studies = {dcmread(io.BytesIO(made(buttons[name]))).StudyInstanceUID for name in DICOM}
    assert len(studies) == 1 and studies.pop().startswith("2.25.")


def test_the_session_keeps_nothing_of_the_patient_after_an_export(in_tiny_zoo, queue, buttons):
    app = open_app(queue)
    name = "IM0001"
    data = dicom12(disc(), StudyInstanceUID="1.2.826.0.1.3680043.10.77", SeriesInstanceUID="1.2.826.0.1.3680043.10.78")
    session = state_of(app)
    upload = Upload("u/", "u", name, data, sha256(data).hexdigest())
    session.uploads[name], session.arrived = upload, frozenset({upload.id})
    app.run()
    for each in (button for file, button in buttons.items() if file.endswith(".dcm")):
        assert b"1.2.826.0.1.3680043.10.77" in made(each)
    kept = " ".join(texts_in([session, queue._jobs, CACHE._kept], {id(upload.data)}))
    assert upload.scan and upload.digest in kept
    assert [word for word in ("Muster", "4711", "19640812", "3680043.10.7") if word in kept] == []


def test_an_export_draws_its_map_as_the_user_drew_it(in_tiny_zoo, queue, buttons):
    chosen = Rendering(against=False, contours=True, opacity=0.25, threshold=0.5)
    app = open_app(queue, scan=SAMPLE, rendering=chosen, colour_maps={False: "magma"}).run()
    key = viewers(app)["viewer"]["pictures"][0]["scan"]["window_key"]
    change_view(app, rendering={"smoothing": 2.0}, window=[key, 0.25, 0.5])
    app.run()
    assert predicted_class(app)
    (archive,) = (button for name, button in buttons.items() if name.endswith(".zip"))
    change_view(app, count=2, rendering={"opacity": 0.75})  # the button, drawn before, makes what is on the screen now
    picture, session = manifest_of(made(archive))["picture"], state_of(app)
    assert (picture["contours"], picture["opacity"], picture["threshold"]) == (True, 0.75, 0.5)
    assert (picture["smoothing"], picture["colour_map"], picture["against"]) == (2.0, "magma", False)
    assert picture["window"] == list(session.rendering.window) != [0.0, 1.0]


def test_a_report_of_several_maps_suits_them_all(in_tiny_zoo, empty_cache, queue, buttons, monkeypatch):
    from pages.components.explain import export

    reports = []
    monkeypatch.setattr(export, "_html", reports.append)
    app = open_app(queue, scan=SAMPLE).run()
    change_view(app, rendering={"smoothing": 2.0})
    method_of(app).select("layercam").run()
    (html,) = (button for name, button in buttons.items() if name.endswith(".html") and "layercam" in name)
    made(html)
    session = state_of(app)
    session.report_maps = tuple(empty_cache._kept)
    made(html)
    alone, several = reports
    assert [each.method for each in alone.explanations] == ["layercam"]
    assert [each.method for each in several.explanations] == ["layercam", "gradcam"]
    assert alone.rendering == session.rendering and several.rendering == session.rendering.for_several()
