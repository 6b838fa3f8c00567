"""Source, licence, credits, known defects and version of a dataset."""

import streamlit as st

from datasets.audit_tables import AuditTables, differences
from datasets.cards import DatasetCard, nearest_version
from datasets.mean_images import collections_of
from datasets.records import Record
from pages.components.datasets.examples import SPLIT_NAMES


def show_source(tables: AuditTables, records: list[Record]) -> None:
    """Draw source, licence, credits, defects and versions; `records` are those on this machine."""
    card = tables.card
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.subheader("Source, licence and credits", anchor=False)
        st.markdown(f"- Source: {card.source}\n- Licence: {card.licence}\n- Credits: {card.citation}")
        if card.pooled:
            st.markdown("\n".join(f"- {each.title}: {each.source}" for each in collections_of(card)))
        st.caption("Candor ships none of its scans: only names and numbers, and the models trained on it.")
    with right:
        st.subheader("Known defects", anchor=False)
        st.markdown("\n".join(f"- {defect}" for defect in card.defects))
    st.subheader("Version", anchor=False)
    _show_version(tables, records)


def _show_version(tables: AuditTables, records: list[Record]) -> None:
    card = tables.card
    versions = [f"Audited: {summary['version']}" for summary in tables.summaries.values()] if not card.pooled else []
    if records:
        versions.append(f"On this machine: {nearest_version(records, card)}")
    st.markdown("\n".join(f"- {version}." for version in versions))
    if card.versions:
        published = "; ".join(f"“{version}”" for version in card.versions)
        st.caption(f"Published versions: {published}. Scores on different versions are not comparable.")
    rows = differences(tables)
    if rows and tables.summaries:
        st.dataframe([_row(card, *row) for row in rows], hide_index=True, alt="Published and audited scans per class")


def _row(card: DatasetCard, split: str, label: str, published: int, audited: int) -> dict[str, object]:
    return {
        "Split": SPLIT_NAMES.get(split, "All"),
        "Class": card.classes[label],
        "Published": published,
        "Audited": audited,
        "Difference": audited - published,
    }
