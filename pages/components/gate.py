"""What the gate says of the open scan, and the way past it."""

import streamlit as st

from explain.set_text import error_rates, look_sentence
from model_zoo import ModelError
from model_zoo.gate import Look, load_gate, look_at
from model_zoo.prediction_set import ANYWAY
from pages.components.state import state
from pages.components.viewer import show_scan
from scans import Scan


def pass_gate(scan: Scan) -> Look:
    """Draw what the gate says of a scan and return it; where it withholds every prediction, end the page there.

    A prediction can be asked for all the same; whatever is made from it then says so.
    """
    session = state()
    try:
        look = look_at(scan)
    except ModelError as error:  # without its gate Candor predicts nothing
        st.error(str(error))
        show_scan(scan)
        st.stop()
    if not look.withheld:
        st.caption(look_sentence(look))
        return look
    message = st.container()  # above the switch, and drawn once its value is known
    session.anyway = st.toggle(
        "Predict anyway",
        value=session.anyway,
        key="anyway",
        help="For engineers: what a model says of a picture that it was not made for. Every export says that the "
        "prediction would have been withheld.",
    )
    if not session.anyway:
        message.error(look.withheld)
        message.caption(error_rates(load_gate().card))
        show_scan(scan)
        st.stop()
    message.warning(f"{ANYWAY} {look.withheld}")
    return look


def withheld(scan: Scan) -> bool:
    """Return whether nothing is predicted from a scan: because nothing can be seen, or the gate says so."""
    if scan.not_assessable:
        return True
    try:
        return bool(look_at(scan).withheld) and not state().anyway
    except ModelError:  # the page of the open scan says why
        return True
