"""What does the model say of each of the reader's scans? A table, and the way to each."""

import streamlit as st

from explain.prediction_text import percent
from model_zoo import ModelCard
from pages.components.compare.disagreement_table import said_in_short, slices_of, thumbnail
from pages.components.predictions import answers
from pages.components.uploads import files

_TABLE = "reading-list"


def draw_reading_list(card: ModelCard) -> None:
    """Draw the model's answers to all uploads, as they came; the least sure can be sorted to the top."""
    names = list(files())
    scans, _ = slices_of(names)
    said = answers([card], scans)
    st.dataframe(
        [
            {
                "Scan": thumbnail(scan) if scan else None,
                "Name": name,
                "Answer": said_in_short(card, scan, p),
                "Second choice": _second(card, p),
                "Probability": None if p is None else float(p.max()),
            }
            for name, scan, (p,) in zip(names, scans, said.answers, strict=True)
        ],
        column_config={
            "Scan": st.column_config.ImageColumn(width="small"),
            "Probability": st.column_config.ProgressColumn(
                help="Of the answer, calibrated on validation scans.", format="%.2f", min_value=0.0, max_value=1.0
            ),
        },
        hide_index=True,
        row_height=56,
        on_select=lambda: _open(names),
        selection_mode="single-row",
        key=_TABLE,
        alt="The model's answer to each of the scans",
    )
    st.caption(
        "Choose a row to open that scan; click a column to sort by it. Of a volume, the middle slice is asked about. "
        "To sort the scans by how far several models disagree, see Compare models."
    )


def _second(card: ModelCard, p) -> str:
    if p is None:
        return ""
    second = int(p.argsort()[-2])
    return f"{card.names[second]}, {percent(p[second])}"


def _open(names: list[str]) -> None:
    if rows := st.session_state[_TABLE].selection.rows:
        st.session_state["opened"] = names[rows[0]]
