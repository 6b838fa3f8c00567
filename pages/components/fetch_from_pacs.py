"""Fetch from PACS: a search by an exact number, and the files of one series as uploads.

Nothing of it is drawn where no PACS is configured. A series is fetched in the queue, with its progress and a button
that ends it; other pages can be opened meanwhile. What is typed leaves the page with the search, and what the search
found with the fetch: the files themselves are kept as uploads are, and nothing else.
"""

from collections.abc import Callable
from secrets import token_hex

import streamlit as st

from dicomweb import PacsError, Series, Server, server_from
from explain.queue import BACKGROUND
from explain.refinement import Cancelled
from pages.components.requests import FETCHED, POLL, OtherWork, Status, collect, release
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
    if session.pacs_fetch:
        _collect(server, session, keep, session.at_once)
    if session.pacs_error:
        st.error(session.pacs_error)  # above: what lies below an open popover is covered
    with st.popover("Fetch from PACS", width="stretch", key=widget_key("pacs")):
        _search(server, session)
        if session.pacs_series:
            # Numbered: of several with the same words Streamlit would give the last, whichever was chosen.
            titles = [f"{number}. {each.title}" for number, each in enumerate(session.pacs_series, 1)]
            place = st.selectbox("Series", range(len(titles)), format_func=titles.__getitem__, key="pacs-series")
            st.button(
                "Fetch series",
                type="primary",
                key="pacs-fetch",
                disabled=session.pacs_fetch is not None,
                on_click=_begin,
                args=(session.pacs_series[place],),
            )
    if session.pacs_fetch:
        st.fragment(_follow, run_every=POLL)(server, keep)


def stop_fetching() -> None:
    """Give up the series that is being fetched."""
    state().pacs_fetch = None
    release(FETCHED)


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


def _begin(series: Series) -> None:
    session = state()
    session.pacs_error, session.pacs_fetch = "", (f"fetch {session.user} {token_hex(8)}", series)
    renew("pacs")  # a new popover, which is closed: it would cover the progress, and then the choice of the scan


def _follow(server: Server, keep: Callable[[list[bytes]], None]) -> None:
    """Draw the progress of the fetch and the button that ends it; run the page again once it is over."""
    session = state()
    status = _collect(server, session, keep, 0.0) if session.pacs_fetch else None
    if status is None or not session.pacs_fetch:
        st.rerun()
    elif status.state == "running":
        share = status.job.progress
        images = session.pacs_fetch[1].images
        of_all = f"{share * images:.0f} of {images} images" if images else f"{status.job.seconds:.0f} s"
        st.progress(share, f"Fetching: {of_all}")
    else:
        place = status.job.place if status.job else 0
        st.progress(0.0, status.error or f"Queued{f': place {place} in the queue' if place else ''}.")
    st.button("Stop fetching", key="pacs-stop", on_click=stop_fetching)


def _collect(server: Server, session: PageState, keep: Callable[[list[bytes]], None], at_once: float) -> Status:
    """Look after the fetch; once it is over, its files are uploads, or its error is what the popover says."""
    key, series = session.pacs_fetch
    wanted = {key: OtherWork(key, _work(server, series), BACKGROUND)}
    status = collect(wanted, FETCHED, limit=1, at_once=at_once)[key]
    if status.pending:
        return status
    stop_fetching()
    session.results.pop(key, None)  # the files are kept as uploads alone
    if status.state == "done":
        session.pacs_series = ()
        keep(status.result)
    else:
        session.pacs_error = status.error
    return status


def _work(server: Server, series: Series):
    def work(progress, cancelled) -> list[bytes]:
        from dicomweb.transfer import fetch_series

        try:
            return fetch_series(server, series, progress, cancelled)
        except PacsError:
            if cancelled():
                raise Cancelled from None
            raise

    return work
