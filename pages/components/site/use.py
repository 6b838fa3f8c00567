"""The calibration that is in use in this session: from a file, or just made; and the way back to the model's own."""

import streamlit as st

from model_zoo import ModelCard, ModelError
from model_zoo.site_calibration import SiteCalibration, calibrated_card, in_a_sentence, read_calibration
from pages.components.audited import note_calibration
from pages.components.one_file import one_file
from pages.components.site.text import sentence_of
from pages.components.state import renew, state, widget_key

_FIELD = "calibration-file"
_MOST = 1_000_000  # bytes
_WHERE = (
    "This model’s predictions in this session use it, on every page and in every export. The performance and the "
    "explanation quality of the model are measured without it."
)


def choose_calibration(card: ModelCard) -> None:
    """Draw the field for a file, what keeps it from being used, and what is in use."""
    session = state()
    data = one_file(
        "Calibration (JSON)", "json", widget_key(_FIELD), most=_MOST, about="A file that this page or the command made."
    )
    if data is not None:
        try:
            calibration = read_calibration(data)
            use(card, calibration)
        except ModelError as error:
            st.error(sentence_of(str(error)))
        else:
            session.calibrations_shown[card.id] = calibration
            renew(_FIELD)  # taken: an empty field says so
            st.rerun()
    if calibration := session.calibrations.get(card.id):
        st.success(in_a_sentence(calibration))
        st.caption(_WHERE)
        st.button("Back to the model’s own calibration", on_click=remove, args=(card.id,))
    else:
        st.caption(f"{card.id} uses its own calibration, from the validation scans of its collections.")


def use(card: ModelCard, calibration: SiteCalibration) -> None:
    """Let a calibration hold in this session. Raises ModelError where it is another model's."""
    calibrated_card(card, calibration)
    state().calibrations[card.id] = calibration
    note_calibration(card, calibration)
    state().report_maps = ()  # their probabilities were others


def remove(model_id: str) -> None:
    """Let the model's own calibration hold again."""
    state().calibrations.pop(model_id, None)
    state().report_maps = ()
