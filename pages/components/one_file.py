"""A field for one file that is no scan: labelled scans in an archive, a calibration."""

import streamlit as st

from pages.components.state import state
from pages.components.upload_bounds import why_dropped
from pages.components.uploads import drop_copies
from scans import MAX_BYTES


def one_file(label: str, ending: str, key: str, *, most: int = MAX_BYTES, about: str = "") -> bytes | None:
    """Draw a field for one file that is no scan, and return its bytes; only the field keeps them.

    `ending` is that of its name, `most` the bytes that it may have. What another file took the place of is removed from
    memory: the field of a page is a new one each time, and Streamlit would keep the file of the last until the end.
    """
    megabytes, held = max(1, most // 1_000_000), state().single_files
    sent = st.file_uploader(label, type=[ending], key=key, max_upload_size=megabytes, help=about or None)
    before = held.pop(label, None)
    if sent:
        held[label] = sent.file_id
    if before and before != held.get(label):
        drop_copies({before})
    if sent and (dropped := why_dropped(sent)):
        st.error(dropped)
        return None
    return sent.getvalue() if sent else None
