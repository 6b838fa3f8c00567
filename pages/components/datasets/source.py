"""Where does a dataset come from, on what terms, and how far is the copy that was audited from what was published?"""

import streamlit as st

from datasets.audit_tables import Findings, differences
from datasets.cards import DatasetCard, version_found
from datasets.mean_images import parts
from datasets.records import Record
from pages.components.datasets.examples import SPLIT_NAMES


def show_source(found: Findings, records: list[Record]) -> None:
    """Draw source, licence, credits, defects and versions; `records` are those on this machine."""
    card = found.card
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.subheader("Source, licence and credits", anchor=False)
        st.markdown(f"- Source: {card.source}\n- Licence: {card.licence}\n- Credits: {card.citation}")
        if card.pooled:
            st.markdown("\n".join(f"- {part.title}: {part.source}" for part in parts(card)))
        st.caption("Candor ships no scan of it: only names and numbers, and the models trained on it.")
    with right:
        st.subheader("Known defects", anchor=False)
        st.markdown("\n".join(f"- {defect}" for defect in card.defects))
    st.subheader("Version", anchor=False)
    _show_version(found, records)


def _show_version(found: Findings, records: list[Record]) -> None:
    card = found.card
    said = [f"Audited: {cohort['version']}" for cohort in found.summaries.values()] if not card.pooled else []
    if records:
        said.append(f"On this machine: {version_found(records, card)}")
    st.markdown("\n".join(f"- {sentence}." for sentence in said))
    if card.versions:
        known = "; ".join(f"“{version}”" for version in card.versions)
        st.caption(f"Published versions that Candor knows: {known}. Figures on different versions are not comparable.")
    rows = differences(found)
    if rows and found.summaries:
        st.dataframe([_row(card, *row) for row in rows], hide_index=True, alt="Scans published and found, by class")


def _row(card: DatasetCard, split: str, label: str, published: int, here: int) -> dict[str, object]:
    return {
        "Split": SPLIT_NAMES.get(split, "All"),
        "Class": card.classes[label],
        "Published": published,
        "Audited": here,
        "Difference": here - published,
    }
