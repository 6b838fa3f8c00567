"""The pages, and the frame of `app.py` that none of them is seen without."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components.requests import enter_page
from pages.door.entrance import admit

# Keys of containers, by which pages/components/client/page.css lays them out.
FRAME = "rail-and-desk"  # of the two columns of a page
PREDICTION = "prediction"  # of what stands above the pictures of a scan
WELCOME = "welcome"  # of what a page without a scan says first

_FOLDER = Path(__file__).parents[1]


def pages() -> list:
    """Return the pages in the order of their links, the one to start with first.

    Their addresses are the names of their files, as those of Streamlit's own pages, which it looks for until
    `st.navigation` has run once in the process: any other would be told "not found" then.
    """
    return [
        st.Page(_FOLDER / "explain_scan.py", title="Explain a scan", default=True),
        st.Page(_FOLDER / "compare_models.py", title="Compare models"),
        st.Page(_FOLDER / "performance.py", title="Model performance"),
        st.Page(_FOLDER / "site_calibration.py", title="Site calibration"),
        st.Page(_FOLDER / "datasets.py", title="Datasets"),
        st.Page(_FOLDER / "explanation_quality.py", title="Explanation quality"),
        st.Page(_FOLDER / "about.py", title="About"),
    ]


def require_frame() -> None:
    """End the page for who is not signed in; release what the page before waited for.

    Called first by every page. One that runs on its own starts again through `app.py`.

    Streamlit takes each file in `pages/` for a page of its own until `st.navigation` has run once in the
    process: whoever opened /about first of all would see neither links nor the not-for-diagnosis line.
    """
    if "framed" not in st.session_state:
        st.session_state["framed"] = True
        st.navigation(pages(), position="top")
        st.rerun()
    admit()
    if context := get_script_run_ctx():
        enter_page(context.page_script_hash)
