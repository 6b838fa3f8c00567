"""How many scans has each class of a dataset, in which split, sequence or collection?"""

import streamlit as st

from datasets.audit_tables import DIVISIONS, Findings, class_counts
from datasets.cohorts import COHORT_TITLES
from model_zoo import ModelCard
from pages.charts.datasets import distribution
from pages.charts.style import CONFIG
from pages.components.datasets.examples import SPLIT_NAMES

_TITLES = {"split": "Split", "sequence": "Sequence", "cohort": "Collection"}
_UNITS = ["Counts", "Shares"]
_NAMES = SPLIT_NAMES | COHORT_TITLES


def show_classes(found: Findings) -> None:
    """Draw how many scans each class has, divided as the reader chooses."""
    card = found.card
    tables = {by: class_counts(found, by) for by in DIVISIONS}
    divisions = [by for by, groups in tables.items() if len(groups) > 1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = _choose_division(card.task, divisions, "cohort" if card.pooled else "")
        told = "Shares are of all scans of one colour: they add up to 100 %." if divisions else None
        unit = st.segmented_control("Show", _UNITS, default=_UNITS[0], required=True, key="unit", help=told)
    groups = {_NAMES.get(group, group[:1].upper() + group[1:]): numbers for group, numbers in tables[by].items()}
    chart = distribution(groups, card.classes, shares=unit == "Shares")
    st.plotly_chart(chart, config=CONFIG, key=f"distribution-{card.task}", alt="Scans of each class; a table follows")
    if len(tables["sequence"]) == 1 and found.summaries:
        (sequence,) = tables["sequence"]
        st.caption(f"Sequence: {sequence.removeprefix('sequence ')} for all scans.")
    with st.expander("The same as a table"):
        rows = [
            {"Class": name} | {group: numbers[label] for group, numbers in groups.items()}
            for label, name in card.classes.items()
        ]
        st.dataframe(rows, hide_index=True, alt="Scans of each class")


def _choose_division(task: str, divisions: list[str], first: str) -> str:
    if len(divisions) < 2:
        return divisions[0] if divisions else "split"
    return st.segmented_control(
        "Divided by",
        divisions,
        default=first or divisions[0],
        required=True,
        format_func=_TITLES.get,
        key=f"divided-by-{task}",
    )


def show_division(trained: list[ModelCard]) -> None:
    """Draw how the models that were trained on a dataset divide it."""
    parts = {"train": "Training", "val": "Validation", "test": "Test", "left out": "Left out"}
    rows = [
        {"Model": model.id} | {title: f"{model.scans.get(part, 0):,}" for part, title in parts.items()}
        for model in trained
    ]
    st.subheader("How the models divide it", anchor=False)
    st.table(rows, border="horizontal", hide_index=True)
    st.caption(
        "Scans that belong together stay in one part. Those left out would have trained a model, but are "
        "near-duplicates of scans by which it is chosen or scored."
    )
