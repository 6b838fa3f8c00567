"""The table of all uploads and samples by the disagreement of several models."""

from collections.abc import Callable, Sequence

import streamlit as st

from explain.comparison.disagreement import Disagreement, by_disagreement, disagreement
from explain.comparison.shared_classes import Shared
from model_zoo import ModelCard
from pages.components.gate import offer_anyway
from pages.components.predictions import predictions, show_calibrations
from pages.components.samples import SAMPLES, open_scan
from pages.components.scan_table import middle_slices, prediction_cell, show_refused, thumbnail
from pages.components.state import state
from pages.components.uploads import entries

_TABLE = "compare-table"
DISAGREEMENT = (
    "How much the models' probabilities differ: the Jensen-Shannon divergence, 0 where all are equal, 1 where each "
    "model is certain of another class. In bits for two models; divided by its maximum for more."
)


def show_disagreement_table(cards: Sequence[ModelCard], shared: Shared, opened: Callable[[], None]) -> None:
    """Draw the table, the strongest disagreement first. `opened()` is called when the user has selected a row."""
    session = state()
    st.subheader("Scans by disagreement", anchor=False)
    session.compare_samples = st.toggle("Include the samples", session.compare_samples, key="compare-samples")
    names = [*entries(), *(SAMPLES if session.compare_samples else ())]
    if not names:
        st.write("Upload several scans at once on the left, or include the samples: synthetic heads.")
        return
    if session.anyway:
        offer_anyway()
    scans, refused = middle_slices(names)
    predicted = predictions(cards, scans)
    for sentence in predicted.errors.values():
        st.error(sentence)
    show_calibrations(predicted)
    disagreements = [disagreement(shared, row) for row in predicted.rows]
    order = by_disagreement(disagreements)
    st.dataframe(
        [
            {
                "Scan": thumbnail(scans[k]) if scans[k] else None,
                "Disagreement": disagreements[k].bits,
                "Predictions": _agreement_cell(disagreements[k]),
                "Name": names[k],
                **{
                    card.id: prediction_cell(card, scans[k], p)
                    for card, p in zip(cards, predicted.rows[k], strict=True)
                },
            }
            for k in order
        ],
        column_config={
            "Scan": st.column_config.ImageColumn(width="small"),
            "Name": st.column_config.TextColumn(width=210),
            "Predictions": st.column_config.TextColumn(width=90, help="Whether the models predict matching classes."),
            "Disagreement": st.column_config.ProgressColumn(
                help=DISAGREEMENT, format="%.2f", min_value=0.0, max_value=1.0, width=130
            ),
        },
        hide_index=True,
        row_height=56,
        on_select=lambda: _open([names[k] for k in order], opened),
        selection_mode="single-row",
        key=_TABLE,
        alt="The scans with each model's prediction, the strongest disagreement first",
    )
    st.caption("Select a row to open that scan. Of a volume, the middle slice is classified, in the plane chosen.")
    show_refused(refused)


def _agreement_cell(of_scan: Disagreement) -> str:
    return "" if of_scan.bits is None else "differ" if of_scan.differ else "the same"


def _open(names: list[str], opened: Callable[[], None]) -> None:
    if rows := st.session_state[_TABLE].selection.rows:
        open_scan(names[rows[0]])
        opened()
