"""What the tables of several scans share: one slice per scan, its thumbnail, and a prediction in a cell."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from explain.prediction_text import percent
from model_zoo import ModelCard
from model_zoo.gate import check_picture
from pages.components.gate import withheld
from pages.components.samples import sample
from pages.components.small_pictures import small_picture
from pages.components.state import Entry, state
from pages.components.uploads import chosen_stack, entries, slices_of
from scans import BLANK_SLICE, HIDDEN_SLICE, MAX_FILES, SHEET, Scan, ScanError


def middle_slices(names: Sequence[str]) -> tuple[list[Scan | None], dict[str, str]]:
    """Return the middle slice of each scan named, None for a file that the plane refuses, and the sentence why."""
    scans, refused = [], {}
    for name in names:
        try:
            entry = entries().get(name)
            scans.append(_middle(entry.id, state().plane, chosen_stack(entry), entry) if entry else sample(name))
        except ScanError as error:
            scans.append(None)
            refused[name] = str(error)
    return scans, refused


@st.cache_resource(scope="session", max_entries=MAX_FILES, show_spinner=False)
def _middle(entry_id: str, plane: str, stack: str, _entry: Entry) -> Scan:
    """Return the middle slice of an entry, which lets go of the others."""
    slices = slices_of(_entry)
    middle = slices[len(slices) // 2]
    return replace(middle, pixels=middle.pixels.copy()) if middle.count > 1 else middle


def prediction_cell(card: ModelCard, scan: Scan | None, p: np.ndarray | None) -> str:
    """Return a model's prediction for one scan, probabilities (K,) or None, for a cell of a table."""
    if p is not None:
        best = int(p.argmax())
        marked = " (withheld by the gate)" if check_picture(scan).withheld else ""  # and predicted all the same
        return f"{card.names[best]}, {percent(p[best])}{marked}"
    if scan is None:
        return "see below"
    if not scan.not_assessable:
        return "withheld" if withheld(scan) else "no prediction"
    return {
        BLANK_SLICE: "blank slice",
        HIDDEN_SLICE: "hardly visible",
        SHEET: "several heads",
    }.get(scan.not_assessable, "not predicted")


def show_refused(refused: Mapping[str, str]) -> None:
    """Draw below such a table why a scan has no slice in the plane chosen."""
    for name, sentence in refused.items():
        st.text(name)  # a stranger's words: never Markdown
        st.error(sentence)


def thumbnail(scan: Scan) -> str:
    """Return a small picture of the scan as a data URI."""
    return _thumbnail(scan.key, scan)


@st.cache_data(scope="session", max_entries=2 * MAX_FILES, show_spinner=False)
def _thumbnail(key: str, _scan: Scan) -> str:
    return "data:image/png;base64," + b64encode(small_picture(_scan)).decode()
