"""Which scans of a dataset are near-duplicates, which of them leak, and which contradict each other? Side by side."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from datasets.audit_tables import CHOICES, Findings, Pair, Side, leaks, pairs
from datasets.cards import DATASETS, DatasetCard
from datasets.cohorts import COHORT_TITLES
from datasets.records import DatasetError, Record
from pages.charts.datasets import leaking
from pages.charts.style import CONFIG
from pages.components.datasets.examples import SPLIT_NAMES, picture_of
from scans import display_name

_PAGE = 6  # pairs
_CLASSES = {label: name for card in DATASETS.values() for label, name in card.classes.items()}
_TWIN = (
    "A near-duplicate: a copy, a mirror image, a turned copy, or a slice so near that a reader would call them one. "
    "Found by a fingerprint of 256 bits of the head, and by how far its pixels agree."
)


@st.cache_resource(max_entries=8, show_spinner="Reading the stored pairs…")
def _pairs(task: str) -> tuple[Pair, ...]:
    return pairs(DATASETS[task])


def show_counts(found: Findings) -> None:
    """Draw how many scans have twins, leak, are copies or contradict each other, in a set and between sets."""
    card, leaked = found.card, leaks(found)
    if not found.summaries:
        return
    if not card.pooled:
        (summary,) = found.summaries.values()
        twins, copies = summary["twins"], summary["exact_copies"]
        boxes = st.columns(4)
        boxes[0].metric("Scans with a near-duplicate", _of(twins["scans"], found.scans), help=_TWIN)
        told = "A test scan with a near-duplicate among the training scans: a model can answer it from memory."
        test, whole = (sum(column) for column in zip(*leaked.values(), strict=True)) if leaked else (0, 0)
        boxes[1].metric("Test scans that leak", _of(test, whole) if whole else "no test split", help=told)
        boxes[2].metric("Byte-identical files", _of(copies["scans"], found.scans))
        told = "Pairs of near-duplicates in this set that carry different labels: at most one of the two is right."
        boxes[3].metric("Contradicting pairs", f"{summary['contradictions']:,}", help=told)
    if leaked:
        st.subheader("Test scans with a twin in training", anchor=False)
        st.plotly_chart(leaking(leaked, card.classes), config=CONFIG, key="leaks", alt="Leaking test scans by class")
        whose = "Kaggle's own test scans. " if card.pooled else ""
        st.caption(f"{whose}Candor's models are also scored on the test scans without a twin: see Model performance.")
    rows = [
        _shared(own, other, shared)
        for own, stored in found.summaries.items()
        for other, shared in stored["elsewhere"].items()
        if not card.pooled or list(COHORT_TITLES).index(own) < list(COHORT_TITLES).index(other)
    ]
    st.subheader("Shared with other collections", anchor=False)
    st.dataframe(rows, hide_index=True, alt="Scans that two collections share")


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.0f} %)" if whole else f"{part:,}"


def _shared(own: str, other: str, shared: Mapping) -> dict[str, object]:
    return {
        "Collection": COHORT_TITLES[own],
        "and": COHORT_TITLES[other],
        "Scans of the first with a twin in the second": shared["scans_here"],
        "Scans of the second with one in the first": shared["scans_there"],
        "Pairs": shared["pairs"],
        "of them mirrored or turned": shared["pairs"] - shared["by_position"].get("as is", 0),
        "Contradicting labels": shared["contradictions"],
    }


def show_pairs(card: DatasetCard, data: Path, here: bool) -> None:
    """Draw the pairs that the reader chooses, a page at a time; a table alone where the scans are not `here`."""
    st.subheader("The pairs", anchor=False)
    if card.task == "phantom4":
        st.write("Each phantom is drawn from a seed of its own; no seed of the test part is one of the training part.")
        return
    try:
        every = _pairs(card.task)
    except DatasetError as error:
        st.error(str(error))
        return
    kept = {title: [pair for pair in every if keeps(pair)] for title, keeps in CHOICES.items()}
    kept = {title: chosen for title, chosen in kept.items() if chosen}
    if not kept:
        st.write("No pair of near-duplicates was found.")
        return
    first = "Contradicting labels" if "Contradicting labels" in kept else "All"
    title = st.segmented_control(
        "Show",
        list(kept),
        default=first,
        required=True,
        format_func=lambda title: f"{title} ({len(kept[title]):,})",
        key=f"pairs-{card.task}",
    )
    chosen = kept[title]
    if here:
        undo = st.toggle(
            "Turn the right-hand scan back",
            key="undo",
            persist_state="session",
            help="Undoes the mirroring and turning in which the second scan equals the first.",
        )
        pages = -(-len(chosen) // _PAGE)
        page = st.pagination(pages, key=f"page-{card.task}-{title}") if pages > 1 else 1
        at = (page - 1) * _PAGE
        grid = st.grid(3, min_column_width=320, gap="small", border=True)
        for pair in chosen[at : at + _PAGE]:
            with grid.cell():
                _show_pair(pair, data, undo)
        st.caption(f"Pairs {at + 1:,} to {min(at + _PAGE, len(chosen)):,} of {len(chosen):,}.")
    if not here or st.toggle("Table of these pairs", key="pairs-table"):
        st.dataframe([_row(pair) for pair in chosen], hide_index=True, alt="Pairs of near-duplicates")
    st.caption(
        "Listed are each scan's nearest twin in every split of every collection, and every pair whose labels "
        "contradict each other; a cluster of copies has more pairs than these."
    )


def _show_pair(pair: Pair, data: Path, undo: bool) -> None:
    for column, side, position in zip(
        st.columns(2, wrap=False, gap="xsmall"), (pair.a, pair.b), ("as is", pair.position), strict=True
    ):
        with column:
            _show_side(side, data, position if undo else "as is")
    facts = [f"{pair.bits} of 256 bits apart", f"correlation {pair.correlation:.3f}"]
    position = "Same position" if pair.position == "as is" else f"The right one is {pair.position}"
    st.caption(" · ".join([position, *(["byte-identical files"] if pair.copy else facts)]))
    if pair.contradicts:
        st.badge("Labels contradict", color="orange")


def _show_side(side: Side, data: Path, position: str) -> None:
    path = data / side.id
    try:
        if path.is_file():
            picture = picture_of(Record(side.id, side.label, path), position=position)
            st.image(picture, alt=f"{_CLASSES[side.label]}, {_where(side)}", width="stretch", output_format="PNG")
        else:
            st.caption("Not in the copy on this machine.")
    except DatasetError:
        st.caption("This file cannot be read.")
    st.markdown(f"**{_CLASSES[side.label]}**  \n{_where(side)}")
    st.text(display_name(side.id))


def _where(side: Side) -> str:
    split = SPLIT_NAMES.get(side.split, "").lower()
    return f"{COHORT_TITLES[side.cohort]}, {split}" if split else COHORT_TITLES[side.cohort]


def _row(pair: Pair) -> dict[str, object]:
    return {
        "Class": _CLASSES[pair.a.label],
        "Where": _where(pair.a),
        "File": pair.a.id,
        "Twin's class": _CLASSES[pair.b.label],
        "Twin is in": _where(pair.b),
        "Twin's file": pair.b.id,
        "Position": pair.position,
        "Bits apart": pair.bits,
        "Correlation": pair.correlation,
        "Byte-identical": pair.copy,
        "Labels contradict": pair.contradicts,
    }
