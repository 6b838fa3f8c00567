"""The app: `streamlit run app.py` imports this file and serves `app`; each run of a page executes it as a script.

As a script it frames the page: the title, the navigation, the line that no page goes without, and a last net.
"""

import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Timer

import streamlit as st

from explain.explanation import NOT_FOR_DIAGNOSIS
from explain.warm_up import explain_a_phantom, start_decoders
from model_zoo import ModelError
from pages.components.closed_sessions import watch_for_closed_sessions
from pages.components.late_clicks import redraw_for_late_clicks
from pages.components.navigation import pages
from pages.components.upload_bounds import bound_uploads
from pages.door.entrance import admit, arguments_of_app, show_visitor
from scans import ScanError

LAYOUT = Path(__file__).parent / "pages" / "components" / "client" / "page.css"
NOTICE = f"Candor is a research and teaching tool, not a medical device. {NOT_FOR_DIAGNOSIS}"

# A word with a spot of light in it; this blue-green can be read on black and on paper.
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 116 28" width="116" height="28" fill="#5b9bb0">'
    '<circle cx="14" cy="14" r="10.5" fill="none" stroke="#5b9bb0" stroke-width="2"/><circle cx="17" cy="11" r="4"/>'
    '<text x="33" y="20.5" font-family="system-ui, sans-serif" font-size="19" font-weight="600">Candor</text></svg>'
)


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Load decoders, TensorFlow and the first model once per process, in the background; watch and bound sessions."""
    start_decoders()
    watch_for_closed_sessions()
    bound_uploads()
    clock = Timer(0.5, _warm_up_models)  # the page paints first: the import holds Python's lock for seconds
    clock.daemon = True
    clock.start()


def _warm_up_models() -> None:
    _keep_keras_from_streamlit()
    with suppress(ModelError, ScanError):  # the page says so itself
        explain_a_phantom()


def _keep_keras_from_streamlit() -> None:
    """Let Keras keep its session, which Streamlit 1.67 clears after every run of a page and every look at a job.

    That wipes the state of a network that another thread is tracing, and TensorFlow's kernels with it.
    """
    import keras

    keras.backend.clear_session = lambda free_memory=True: None


@st.fragment(run_every=timedelta(days=7))
def _run_the_page_where_the_session_is_new() -> None:
    """Draw nothing: what is repeated lets the browser run the page again when it is back after its session's end.

    Streamlit 1.67 does so only where a part of the page is repeated. Else a page whose session ended while the computer
    slept, or the server was restarted, looks alive and takes no change. A browser's clocks run 24 days at most.
    """


def show_page() -> None:
    """Draw the frame, and the page in it."""
    st.set_page_config(page_title="Candor", layout="wide")
    page = st.navigation(pages(), position="top")
    st.session_state["framed"] = True
    st.logo(LOGO)
    warm_up()
    redraw_for_late_clicks()
    body, foot = st.container(), st.container()
    with foot:  # before the page runs: neither its stop nor its failure takes it away
        st.caption(NOTICE)
        show_visitor(admit())
        _run_the_page_where_the_session_is_new()
    with body:
        st.html(LAYOUT)
        try:
            page.run()
        except Exception:
            logging.getLogger("candor").exception("a page failed")
            st.error("Something went wrong in Candor itself, and nothing was kept. Reload the page and try again.")


if __name__ == "__main__":
    show_page()
else:
    app = st.App(__file__, **arguments_of_app())
