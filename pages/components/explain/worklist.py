"""The worklist: the model's prediction for each upload, and the way to each."""

import streamlit as st

from explain.prediction_text import percent
from model_zoo import Model, ModelCard
from pages.components.predictions import predictions
from pages.components.samples import open_scan
from pages.components.scan_table import middle_slices, prediction_cell, show_refused, thumbnail
from pages.components.state import renew, state, widget_key
from pages.components.uploads import entries

_TABLE = "worklist"
_MOST = 0.99  # is shown: beside "over 99 %" must not stand 1.00


def show_worklist(model: Model) -> None:
    """Draw the model's predictions for all uploads, the latest first; the least sure can be sorted to the top."""
    card, names = model.card, list(entries())
    scans, refused = middle_slices(names)
    rows = predictions([card], scans).rows
    session = state()
    if session.worklist_pick and session.worklist_pick != [session.scan, *names]:
        renew(_TABLE)  # its selected row is no longer the open scan
        session.worklist_pick = []
    key = widget_key(_TABLE)
    st.dataframe(
        [
            {
                "Scan": thumbnail(scan) if scan else None,
                "Name": name,
                "Prediction": prediction_cell(card, scan, p),
                "Second most likely": _second(card, p),
                "Probability": None if p is None else min(float(p.max()), _MOST),
            }
            for name, scan, (p,) in zip(names, scans, rows, strict=True)
        ],
        column_config={
            "Scan": st.column_config.ImageColumn(width="small"),
            "Probability": st.column_config.ProgressColumn(
                help=f"Of the predicted class. {model.calibration or 'Calibrated on validation scans.'}",
                format="%.2f",
                min_value=0.0,
                max_value=1.0,
            ),
        },
        hide_index=True,
        row_height=56,
        on_select=lambda: _open(key, names),
        selection_mode="single-row",
        key=key,
        alt="The model's prediction for each of the scans",
    )
    st.caption(
        "Select a row to open that scan; click a column to sort by it. Of a volume, the middle slice is classified, in "
        "the plane chosen. To sort the scans by the disagreement of several models, see Compare models."
    )
    show_refused(refused)


def _second(card: ModelCard, p) -> str:
    if p is None:
        return ""
    second = int(p.argsort()[-2])
    return f"{card.names[second]}, {percent(p[second])}"


def _open(key: str, names: list[str]) -> None:
    """Open the scan of the row that is selected in the table `key`, which may be drawn anew by now."""
    if rows := st.session_state[key].selection.rows:
        open_scan(names[rows[0]])
        state().worklist_pick = [names[rows[0]], *names]
