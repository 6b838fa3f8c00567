"""A calibration from the site's own labelled scans: what is asked for, and its progress in the queue."""

from hashlib import sha256
from time import monotonic

import streamlit as st

from explain.queue import SLOW
from explain.refinement import Cancelled
from model_zoo import ModelCard, ModelError, load_model
from model_zoo.labelled_scans import labelled_archive
from model_zoo.site_calibration import FEWEST, SiteCalibration, calibrate
from pages.components.one_file import one_file
from pages.components.requests import POLL, OtherWork, cancel, collect, release
from pages.components.site.text import sentence_of
from pages.components.state import state
from scans import ACCEPTED, MAX_BYTES, MAX_FILES, MAX_TOGETHER

SECTION = "site calibration"
_READING = 0.6  # share of the progress bar; the rest is for predicting
_LONGEST = 180  # seconds that one archive may hold up the queue
_HELP = (
    f"{ACCEPTED}; one slice in a file. At most {MAX_BYTES // 1_000_000} MB, and {MAX_FILES} files of "
    f"{MAX_TOGETHER // 1_000_000} MB together. It stays in memory for this session and is written nowhere."
)


def calibrate_here(card: ModelCard) -> None:
    """Draw the form, and the progress of what was requested; a calibration that is done is kept to be shown."""
    session = state()
    st.caption(_layout(card))
    with st.form("site-calibration", border=False):
        data = one_file("Labelled scans (ZIP)", "zip", "labelled-scans", about=_HELP)
        session.site = st.text_input(
            "Name of the site", session.site, max_chars=60, key="site-name", help="It stands beside every prediction."
        )
        submitted = st.form_submit_button("Calibrate", type="primary")
    site = session.site.strip()
    if submitted and (data is None or not site):
        st.error("Upload a ZIP archive of labelled scans first." if data is None else "Give the site a name.")
    if data is None or not site:
        release(SECTION)
        return
    work = _work(card, data, site)
    if submitted:
        release(SECTION)
        session.calibration_requested = work.key
    if session.calibration_requested != work.key:
        release(SECTION)
        return
    status = collect({SECTION: work}, SECTION, at_once=session.at_once)[SECTION]
    if status.state == "done":
        session.calibrations_shown[card.id], session.calibration_requested = status.result, ""
    elif status.error:
        st.error(sentence_of(status.error))
    elif status.state == "cancelled":
        st.write("Cancelled.")
    else:
        _follow(work)


def _layout(card: ModelCard) -> str:
    """Return how the archive must be made."""
    folders = ", ".join(card.classes[:-1]) + f" and {card.classes[-1]}"
    return (
        f"Pack one folder of scans for each class, named {folders}, into a ZIP archive: at least {FEWEST} scans of two "
        "classes, better 50 to 200, with 20 or more of each class. Take one slice of each patient: slices of one head "
        "are not independent."
    )


def _work(card: ModelCard, data: bytes, site: str) -> OtherWork:
    def work(progress, cancelled) -> SiteCalibration:
        started = monotonic()

        def advance(share: float) -> None:
            if cancelled():
                raise Cancelled
            if monotonic() - started > _LONGEST:
                raise ModelError(f"calibrating took longer than the {_LONGEST} s that are granted; send fewer scans")
            progress(share)

        found = labelled_archive(data, card, lambda share: advance(_READING * share))
        scans, labels = [scan for scan, _ in found], [label for _, label in found]
        return calibrate(
            load_model(card.id), scans, labels, site, lambda share: advance(_READING + (1 - _READING) * share)
        )

    parts = (card.id, card.weights_sha256, str(card.conformal), site, sha256(data).hexdigest())
    return OtherWork(" ".join(("calibration", *parts)), work, SLOW)


@st.fragment(run_every=POLL)
def _follow(work: OtherWork) -> None:
    status = collect({SECTION: work}, SECTION)[SECTION]
    if not status.job:
        st.rerun()
    if status.state == "waiting":
        st.progress(0.0, f"Queued: place {status.job.place} in the queue.")
    else:
        share = status.job.progress
        st.progress(share, f"{'Reading the scans' if share < _READING else 'Predicting'}: {100 * share:.0f}\u00a0%")
    st.button("Cancel", key="calibration-cancel", on_click=cancel, args=(SECTION,))
