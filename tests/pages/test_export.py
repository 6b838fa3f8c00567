"""Does a reader get each file, made from what is on the screen, only when it is asked for?"""

import io
import zipfile
from threading import Thread

import numpy as np
import pytest
from pydicom import dcmread
from streamlit.testing.v1 import AppTest

from pages.components.display import Look
from pages.components.explain.export import style_of
from tests.explain.report.conftest import reading_of
from tests.good_files import dicom12, disc

LOOK = Look(True, False, True, 0.25, 0.5, 2.0, "magma")


def script(data, made, calls):
    import streamlit as st

    from pages.components.explain.export import offer_report

    def make():
        calls.append(1)
        return made

    st.download_button = lambda label, data, name, mime, **_: calls.append((label, data, name, mime))
    offer_report(make, "candor-x", data)


@pytest.fixture
def offered(monkeypatch):
    """Draw the buttons; return the app and what stands behind each button, by label."""
    import streamlit as st

    monkeypatch.setattr(st, "download_button", st.download_button)  # put back afterwards

    def offer(data):
        calls = []
        given = {"data": data, "made": reading_of(data), "calls": calls}
        app = AppTest.from_function(script, default_timeout=60, kwargs=given).run()
        assert not app.exception
        return app, calls

    return offer


def press(call) -> bytes:
    """Make a file as Streamlit does: in another thread, without a session."""
    found = []
    thread = Thread(target=lambda: found.append(call[1]()))
    thread.start()
    thread.join()
    return found[0]


def test_nothing_is_made_until_a_button_is_pressed_and_then_it_is_what_it_says(offered):
    _, calls = offered(dicom12(disc(), StudyInstanceUID="1.2.3"))
    names = [call[2] for call in calls]
    assert names == ["candor-x.pdf", "candor-x.html", "candor-x.png", "candor-x.zip", "candor-x.dcm"]
    pdf, html, png, archive, dicom = (press(call) for call in list(calls))
    assert pdf.startswith(b"%PDF-") and html.startswith(b"<!doctype html>") and png.startswith(b"\x89PNG")
    with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
        assert np.load(io.BytesIO(bundle.read("map.npy"))).shape == (64, 64)
    dataset = dcmread(io.BytesIO(dicom))
    assert dataset.StudyInstanceUID == "1.2.3" and not dataset.PatientName
    assert len([call for call in calls if call == 1]) == 5


def test_the_patient_s_name_goes_along_only_where_the_reader_ticks_the_box(offered):
    app, calls = offered(dicom12(disc()))
    calls.clear()
    app.checkbox(key="identity").check().run()
    assert dcmread(io.BytesIO(press(calls[-1]))).PatientName == "Muster^Erika"


def test_a_scan_that_is_no_dicom_gets_no_question_about_a_patient(offered):
    from tests.good_files import png

    app, calls = offered(png(disc()))
    assert not app.checkbox and any("no DICOM file" in caption.value for caption in app.caption)
    assert dcmread(io.BytesIO(press(calls[-1]))).StudyInstanceUID.startswith("2.25.")


def test_a_report_draws_its_map_as_the_reader_drew_it():
    style = style_of(LOOK, (0.1, 0.9))
    assert (style.opacity, style.threshold, style.smooth, style.colour_map) == (0.25, 0.5, 2.0, "magma")
    assert style.contours and not style.against and style.window == (0.1, 0.9)
