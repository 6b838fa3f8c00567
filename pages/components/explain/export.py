"""How does a reader take a reading home? Buttons that make a file when they are clicked, and not before."""

from collections.abc import Callable

import streamlit as st

from explain.render.export import archive
from explain.render.overlay import png
from explain.report.report_input import Reading, Style
from explain.report.secondary_capture import NO_DICOM, WHY_IDENTITY, is_dicom, page, secondary_capture
from pages.components.display import Look

_ABOUT = (
    "No file holds a patient’s name, unless you ask for it under DICOM. The map in the ZIP is in the pixels of the "
    "scan as uploaded. A file is made when its button is pressed, which takes a moment."
)


def style_of(look: Look, window: tuple[float, float]) -> Style:
    """Return how the maps of a report are drawn, as the reader drew the one on the screen."""
    return Style(
        opacity=look.opacity,
        threshold=look.threshold,
        contours=look.contours,
        against=bool(look.against),
        colour_map=look.colour_map,
        smooth=look.smooth,
        window=window,
    )


def offer_report(make: Callable[[], Reading], stem: str, data: bytes | None) -> None:
    """Draw the buttons. `make` returns the reading of this moment, with at least one map, the one on screen first.

    It is called in another thread, where there is no session: let it know all that it needs. `stem` begins the names
    of the files; `data` are the bytes that the scan was read from, None where there are none.

    Not to be drawn in the fragment of the sliders that change the picture, but beside it, with a `make` that looks up
    how the picture is drawn by now: Streamlit forgets a button's file with the run that drew it, and a click that
    comes before the browser knows of the next run is lost.
    """
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _button("Report (PDF)", lambda: _pdf(make()), f"{stem}.pdf", "application/pdf")
        _button("Report (HTML)", lambda: _html(make()), f"{stem}.html", "text/html")
        _button("Picture (PNG)", lambda: _picture(make()), f"{stem}.png", "image/png")
        _button("Map and manifest (ZIP)", lambda: _archive(make()), f"{stem}.zip", "application/zip")
        with st.popover("DICOM"):
            _offer_dicom(make, stem, data)
    st.caption(_ABOUT)


@st.fragment  # so that the box redraws itself and not the page
def _offer_dicom(make: Callable[[], Reading], stem: str, data: bytes | None) -> None:
    st.caption(
        "A Secondary Capture of the scan beside its map, with “not for diagnosis” in the picture. "
        + ("It keeps the study and refers to the series and the image." if is_dicom(data) else NO_DICOM)
    )
    identity = is_dicom(data) and st.checkbox("Copy the patient’s name and number", key="identity", help=WHY_IDENTITY)

    def made() -> bytes:
        reading = make()
        return secondary_capture(reading, reading.explanations[0], data, bool(identity))

    _button("Secondary Capture (DICOM)", made, f"{stem}.dcm", "application/dicom")


def _button(label: str, make: Callable[[], bytes], name: str, mime: str) -> None:
    # A key of its own: what is behind the button changes with every turn of a slider, the button stays the same.
    st.download_button(label, make, name, mime, on_click="ignore", key=f"take-{label}")


def _pdf(reading: Reading) -> bytes:
    from explain.report.pdf import pdf  # a page need not wait for fontTools

    return pdf(reading)


def _html(reading: Reading) -> bytes:
    from explain.report.html import html

    return html(reading).encode()


def _picture(reading: Reading) -> bytes:
    return png(page(reading, reading.explanations[0]))


def _archive(reading: Reading) -> bytes:
    first = reading.explanations[0]
    return archive(first, png(reading.drawn(first)[0]), reading.style.facts(reading.scan, first))
