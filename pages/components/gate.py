"""What the gate says of the open scan, and the way past it."""

import streamlit as st

from explain.set_text import error_rates, gate_sentence
from model_zoo import ModelError
from model_zoo.gate import GateResult, check_picture, load_gate
from model_zoo.prediction_set import ANYWAY
from pages.components import scan_states
from pages.components.audited import note_withheld
from pages.components.pickers import Open
from pages.components.rail import end_page
from pages.components.state import state
from pages.components.viewer import show_scan
from pages.door.entrance import is_engineer
from scans import Scan


def pass_gate(opened: Open) -> GateResult:
    """Draw what the gate says of the open scan and return it; where it withholds every prediction, end the page there.

    A prediction can be asked for all the same; whatever is made from it then says so.
    """
    session, scan = state(), opened.scan
    try:
        with st.spinner("Looking at what the picture shows…"):
            result = check_picture(scan)
    except ModelError as error:  # without its gate Candor predicts nothing
        st.error(str(error))
        show_scan(opened)
        end_page()
    if not result.withheld:
        st.caption(gate_sentence(result))
        if session.anyway:
            offer_anyway()
        return result
    message = st.container()  # above the switch, and drawn once its value is known
    offer_anyway()
    if not session.anyway:
        note_withheld(scan, result)
        scan_states.note(scan, scan_states.WITHHELD)
        message.error(result.withheld)
        message.caption(error_rates(load_gate().card))
        show_scan(opened)
        end_page()
    message.warning(f"{ANYWAY} {result.withheld}")
    return result


def offer_anyway() -> None:
    """Draw the switch with which an engineer predicts what the gate withholds: where it does, and while it is on."""
    session = state()
    session.anyway = is_engineer() and st.toggle(
        "Predict anyway",
        value=session.anyway,
        key="anyway",
        help="For engineers: what a model says of a picture that it was not made for. It holds for all scans. Every "
        "export and the tables of several scans mark what would have been withheld; that of a whole series does not.",
    )


def withheld(scan: Scan) -> bool:
    """Return whether nothing is predicted from a scan: because nothing can be seen, or the gate says so."""
    if scan.not_assessable:
        scan_states.note(scan, scan_states.WITHHELD)
        return True
    try:
        found = bool(check_picture(scan).withheld) and not state().anyway
    except ModelError:  # the page of the open scan says why
        return True
    if found:
        scan_states.note(scan, scan_states.WITHHELD)
    return found
