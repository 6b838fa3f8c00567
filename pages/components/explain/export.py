"""The export buttons: each makes its file when it is pressed, and not before."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from explain.render.export import archive
from explain.render.overlay import png
from explain.report import ReportInput
from explain.report.parametric_map import parametric_map
from explain.report.secondary_capture import NO_DICOM, WHY_IDENTITY, page, secondary_capture
from explain.report.structured_report import structured_report
from pages.components.audited import note_export
from pages.components.download import download_button
from pages.door.entrance import who
from scans import is_dicom

_ABOUT = (
    "No file holds a patient’s name, unless you ask for it under DICOM. The map in the ZIP is in the pixels of the "
    "scan as uploaded. A file is made when its button is pressed, which takes a moment."
)


def offer_exports(make: Callable[[], ReportInput], stem: str, digest: str, data: bytes | None) -> None:
    """Draw the buttons. `make` returns the report of this moment, with at least one map, the one on screen first.

    `stem` begins the names of the files; `digest` is that of the scan's file, `data` are its bytes, None where there
    are none.

    Not to be drawn in the fragment of the sliders that change the picture, but beside it, with a `make` that looks up
    how the picture is drawn by now.
    """
    noted = partial(_noted, make, who())
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        download_button("Report (PDF)", lambda: _pdf(noted("pdf")), f"{stem}.pdf", "application/pdf")
        download_button("Report (HTML)", lambda: _html(noted("html")), f"{stem}.html", "text/html")
        download_button("Picture (PNG)", lambda: _picture(noted("png")), f"{stem}.png", "image/png")
        download_button("Map and manifest (ZIP)", lambda: _archive(noted("zip")), f"{stem}.zip", "application/zip")
        with st.popover("DICOM"):
            _offer_dicom(noted, stem, digest, data)
    st.caption(_ABOUT)


@st.fragment  # so that the box redraws itself and not the page
def _offer_dicom(make: Callable[[], ReportInput], stem: str, digest: str, data: bytes | None) -> None:
    st.caption(
        "The scan beside its map as a picture, with “not for diagnosis” in it; the values of the map in the place of "
        "the scan; the prediction in codes and numbers. "
        + ("Each keeps the study and refers to the series and the image." if _is_dicom(data) else NO_DICOM)
    )
    identity = _is_dicom(data) and st.checkbox(  # of this file alone: the next one may be another patient's
        "Copy the patient’s name and number", key=f"identity-{digest}", help=WHY_IDENTITY
    )

    def capture() -> bytes:
        report = make()
        return secondary_capture(report, report.explanations[0], data, bool(identity))

    def values() -> bytes:
        report = make()
        return parametric_map(report, report.explanations[0], data, bool(identity))

    def prediction() -> bytes:
        return structured_report(make(), data, bool(identity))

    download_button("Secondary Capture (DICOM)", capture, f"{stem}.dcm", "application/dicom")
    download_button("Parametric Map (DICOM)", values, f"{stem}.map.dcm", "application/dicom")
    download_button("Structured Report (DICOM)", prediction, f"{stem}.sr.dcm", "application/dicom")


def _noted(make: Callable[[], ReportInput], user: str, kind: str = "dicom") -> ReportInput:
    """Return the report of this moment, once it is in the audit log as an export of a kind."""
    report = make()
    note_export(user, report, kind)
    return report


def _is_dicom(data: bytes | None) -> bool:
    return data is not None and is_dicom(data)


def _pdf(report: ReportInput) -> bytes:
    from explain.report.pdf import pdf  # a page need not wait for fontTools

    return pdf(report)


def _html(report: ReportInput) -> bytes:
    from explain.report.html import html

    return html(report).encode()


def _picture(report: ReportInput) -> bytes:
    return png(page(report, report.explanations[0]))


def _archive(report: ReportInput) -> bytes:
    first = report.explanations[0]
    return archive(first, png(report.drawing(first).picture), report.rendering.facts(report.scan, first))
