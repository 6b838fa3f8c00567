"""Scans per class of a dataset, by split, sequence or collection."""

import streamlit as st

from datasets.audit_tables import GROUPINGS, AuditTables, class_counts
from datasets.cohorts import COHORT_TITLES
from model_zoo import ModelCard
from pages.charts.datasets import distribution
from pages.charts.style import CONFIG
from pages.components.datasets.examples import SPLIT_NAMES

_TITLES = {"split": "Split", "sequence": "Sequence", "cohort": "Collection"}
_UNITS = ["Counts", "Shares"]
_NAMES = SPLIT_NAMES | COHORT_TITLES


def show_classes(tables: AuditTables) -> None:
    """Draw how many scans each class has, grouped as the user chooses."""
    card = tables.card
    counts = {by: class_counts(tables, by) for by in GROUPINGS}
    groupings = [by for by, groups in counts.items() if len(groups) > 1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = _choose_grouping(card.task, groupings, "cohort" if card.pooled else "")
        note = "Shares of all scans of one colour; they add up to 100 %." if groupings else None
        unit = st.segmented_control(
            "Show", _UNITS, default=_UNITS[0], required=True, key="unit", persist_state="session", help=note
        )
    groups = {_NAMES.get(group, group[:1].upper() + group[1:]): numbers for group, numbers in counts[by].items()}
    chart = distribution(groups, card.classes, shares=unit == "Shares")
    st.plotly_chart(chart, config=CONFIG, key=f"distribution-{card.task}", alt="Scans per class; a table follows")
    if len(counts["sequence"]) == 1 and tables.summaries:
        (sequence,) = counts["sequence"]
        st.caption(f"Sequence: {sequence.removeprefix('sequence ')} for all scans.")
    with st.expander("Table"):
        rows = [
            {"Class": name} | {group: numbers[label] for group, numbers in groups.items()}
            for label, name in card.classes.items()
        ]
        st.dataframe(rows, hide_index=True, alt="Scans per class")


def _choose_grouping(task: str, groupings: list[str], first: str) -> str:
    if len(groupings) < 2:
        return groupings[0] if groupings else "split"
    return st.segmented_control(
        "Group by",
        groupings,
        default=first or groupings[0],
        required=True,
        format_func=_TITLES.get,
        key=f"group-by-{task}",
        persist_state="session",
    )


def show_model_splits(models: list[ModelCard]) -> None:
    """Draw how many scans of the dataset each of its models used for training, validation and test."""
    parts = {"train": "Training", "val": "Validation", "test": "Test", "left out": "Left out"}
    rows = [
        {"Model": model.id}
        | {title: f"{model.scans.get(part, 0):,}" if model.scans else "not known" for part, title in parts.items()}
        for model in models
    ]
    st.subheader("Splits of the models", anchor=False)
    st.table(rows, border="horizontal", hide_index=True)
    st.caption(
        "Related scans stay in one split. Scans left out are near-duplicates of validation or test scans; training on "
        "them would be leakage."
    )
