"""Fetch from PACS: a search by an exact number, and the files of one series as uploads.

Nothing of it is drawn where no PACS is configured.
What is typed leaves the page with the search, and what the search found with the fetch: the files themselves are kept
as uploads are, and nothing else.
"""

from collections.abc import Callable

import streamlit as st

from dicomweb import PacsError, Server, server_from
from pages.components.state import PageState, renew, state, widget_key

_KINDS = {"accession": "Accession number", "patient": "Patient ID", "study": "Study UID"}
_HELP = "The whole number, without wildcards. It is not kept."


def offer_fetch(keep: Callable[[list[bytes]], None]) -> None:
    """Draw the search and the choice of a series; `keep` gets the files that were fetched."""
    st.secrets.load_if_toml_exists()  # which puts them into the environment
    try:
        server = server_from()
    except PacsError as error:
        st.error(str(error))
        return
    if server is None:
        return
    session = state()
    with st.popover("Fetch from PACS", width="stretch", key=widget_key("pacs")):
        if session.pacs_error:
            st.error(session.pacs_error)  # inside: what lies below is covered
        _search(server, session)
        if session.pacs_series:
            titles = [each.title for each in session.pacs_series]
            place = st.selectbox("Series", range(len(titles)), format_func=titles.__getitem__, key="pacs-series")
            if st.button("Fetch series", type="primary", key="pacs-fetch"):
                _fetch(server, session, place, keep)


def _search(server: Server, session: PageState) -> None:
    key = widget_key("pacs-number")
    with st.form("pacs-search", border=False):
        kind = st.selectbox("Search by", list(_KINDS), format_func=_KINDS.__getitem__, key="pacs-kind")
        number = st.text_input("Number", key=key, max_chars=64, help=_HELP, autocomplete="off")
        sought = st.form_submit_button("Search")
    if not sought:
        return
    from dicomweb.transfer import find_series  # a page need not wait for the libraries

    session.pacs_series, session.pacs_error = (), ""
    try:
        with st.spinner(f"Searching {server.name}"):
            session.pacs_series = tuple(find_series(server, **{kind: number}))
    except PacsError as error:
        session.pacs_error = str(error)
    del st.session_state[key]  # what was typed may name the patient
    renew("pacs-number")
    st.rerun()


def _fetch(server: Server, session: PageState, place: int, keep: Callable[[list[bytes]], None]) -> None:
    from dicomweb.transfer import fetch_series

    session.pacs_error = ""
    try:
        with st.spinner(f"Fetching from {server.name}"):
            files = fetch_series(server, session.pacs_series[place])
    except PacsError as error:
        session.pacs_error = str(error)
    else:
        keep(files)
        session.pacs_series = ()
        renew("pacs")  # a new one, which is closed: it would cover the choice of the scan
    st.rerun()
