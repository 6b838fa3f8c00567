"""The page's address: what a link says is opened, and what is open is in the link, by ids.

Never the name of a file: it may be a patient's, and addresses are kept and passed on.

The browser's Back and Forward put BACK into the address (`pages/door/start.js`). Without it a difference between the
address and the session would be ambiguous: the browser may just not have heard yet of what the user chose. Each step
has a BACK of its own, and is followed once: the browser repeats it until it has heard that it was.
"""

from collections.abc import Sequence

import streamlit as st

from explain import METHODS
from pages.components.state import COMPARED, PageState, renew, state

BACK = "back"


def follow_address(samples: dict[str, str]) -> None:
    """Open what a link says: in the first run of a session, and after Back and Forward. `samples` are ids and names."""
    session, asked = state(), st.query_params
    back = asked.get(BACK, "")
    returned = back not in ("", session.back_followed)
    if BACK in asked:
        del asked[BACK]
    if returned:
        session.back_followed = back
    elif session.address_followed:
        return
    session.address_followed = True
    sample = samples.get(asked.get("sample", ""))
    if sample is not None:
        session.open(sample)
    elif session.scan in samples.values() and returned:
        session.open(None)
    _follow_method(session, asked.get("method"), returned)
    _follow_methods(session, asked.get_all("methods"), returned)
    session.linked_class = asked.get("class", "")
    if not returned:
        session.linked_slice = asked.get("slice", "")


def _follow_method(session: PageState, method: str | None, returned: bool) -> None:
    if method in METHODS or returned:
        session.method = method if method in METHODS else next(iter(METHODS))
        if returned:  # the widget is there already
            renew("method")


def _follow_methods(session: PageState, methods: Sequence[str], returned: bool) -> None:
    known = tuple(method for method in dict.fromkeys(methods) if method in METHODS)
    if known or returned:
        session.compare_methods = known or COMPARED
        if returned:
            renew("methods")


def write_address(name: str, value: str | Sequence[str] | None) -> None:
    """Let the address say what is open; None or nothing takes the name out of it."""
    now = st.query_params.get_all(name)
    wanted = [] if not value else [value] if isinstance(value, str) else list(value)
    if wanted == now:
        return
    if wanted:
        st.query_params[name] = wanted
    else:
        del st.query_params[name]
