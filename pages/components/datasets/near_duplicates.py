"""Near-duplicates of a dataset, its leakage and its contradicting labels, side by side."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from datasets.audit_tables import PAIR_FILTERS, AuditTables, Pair, Side, leakage, read_pairs
from datasets.cards import DATASETS, DatasetCard
from datasets.cohorts import COHORT_TITLES
from datasets.records import DatasetError, Record
from pages.charts.datasets import leakage_by_class
from pages.charts.style import CONFIG
from pages.components.datasets.examples import SPLIT_NAMES, image_of
from scans import display_name

_PAGE = 6  # pairs
_CLASSES = {label: name for card in DATASETS.values() for label, name in card.classes.items()}
_NEAR_DUPLICATE = (
    "A copy, a mirror image, a turned copy, or a slice so close that a radiologist would call them one. Found by a "
    "256-bit fingerprint of the head and the correlation of its pixels."
)
_CONTRADICTING = "Contradicting labels"


@st.cache_resource(max_entries=8, show_spinner="Reading the stored pairs…")
def _pairs(task: str) -> tuple[Pair, ...]:
    return read_pairs(DATASETS[task])


def show_counts(tables: AuditTables) -> None:
    """Draw how many scans have near-duplicates, leak, are copies or have contradicting labels."""
    card, leaking = tables.card, leakage(tables)
    if not tables.summaries:
        return
    if not card.pooled:
        (summary,) = tables.summaries.values()
        _show_metrics(summary, tables.scans, leaking)
    if leaking:
        st.subheader("Test scans with a near-duplicate in training", anchor=False)
        chart = leakage_by_class(leaking, card.classes)
        st.plotly_chart(chart, config=CONFIG, key="leakage", alt="Test scans with a near-duplicate in training")
        scope = "Kaggle's own test scans. " if card.pooled else ""
        st.caption(f"{scope}The page “Model performance” also gives every score without these scans.")
    rows = [
        _shared(own, other, shared)
        for own, summary in tables.summaries.items()
        for other, shared in summary["other_collections"].items()
        if not card.pooled or list(COHORT_TITLES).index(own) < list(COHORT_TITLES).index(other)
    ]
    st.subheader("Shared with other collections", anchor=False)
    st.dataframe(rows, hide_index=True, alt="Near-duplicates between two collections")


def _show_metrics(summary: Mapping, scans: int, leaking: Mapping[str, tuple[int, int]]) -> None:
    near, copies = summary["near_duplicates"], summary["exact_copies"]
    test, whole = (sum(column) for column in zip(*leaking.values(), strict=True)) if leaking else (0, 0)
    inside = summary["contradicting_pairs"]
    across = sum(shared["contradicting_pairs"] for shared in summary["other_collections"].values())
    boxes = st.columns(4)
    boxes[0].metric("Scans with a near-duplicate", _of(near["scans"], scans), help=_NEAR_DUPLICATE)
    boxes[1].metric(
        "Leaking test scans",
        _of(test, whole) if whole else "no test split",
        help="Test scans with a near-duplicate in the training split: a model can predict these from memory.",
    )
    boxes[2].metric("Byte-identical files", _of(copies["scans"], scans))
    boxes[3].metric(
        f"Pairs with {_CONTRADICTING.lower()}",
        f"{inside + across:,}",
        help=f"Near-duplicates whose labels differ, so that at most one is right: {inside:,} pairs within this "
        f"dataset, {across:,} with other collections.",
    )


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.0f} %)" if whole else f"{part:,}"


def _shared(own: str, other: str, shared: Mapping) -> dict[str, object]:
    return {
        "Collection": COHORT_TITLES[own],
        "and": COHORT_TITLES[other],
        "Scans of the first with a near-duplicate in the second": shared["scans_here"],
        "Scans of the second with one in the first": shared["scans_there"],
        "Pairs": shared["pairs"],
        "of them mirrored or turned": shared["pairs"] - shared["by_position"].get("as is", 0),
        _CONTRADICTING: shared["contradicting_pairs"],
    }


def show_pairs(card: DatasetCard, data: Path, here: bool) -> None:
    """Draw the pairs that the user chooses, a page at a time; only a table where the scans are not `here`."""
    st.subheader("Pairs", anchor=False)
    if card.task == "phantom4":
        st.write("Each phantom has a seed of its own; training and test seeds do not overlap.")
        return
    try:
        every = _pairs(card.task)
    except DatasetError as error:
        st.error(str(error))
        return
    kept = {title: [pair for pair in every if keeps(pair)] for title, keeps in PAIR_FILTERS.items()}
    kept = {title: chosen for title, chosen in kept.items() if chosen}
    if not kept:
        st.write("No near-duplicates.")
        return
    title = st.segmented_control(
        "Show",
        list(kept),
        default=_CONTRADICTING if _CONTRADICTING in kept else "All",
        required=True,
        format_func=lambda title: f"{title} ({len(kept[title]):,})",
        key=f"pairs-{card.task}",
        persist_state="session",
    )
    chosen = kept[title]
    if here:
        _show_page(chosen, data, f"page-{card.task}-{title}")
    if not here or st.toggle("Table of these pairs", key="pairs-table", persist_state="session"):
        st.dataframe([_row(pair) for pair in chosen], hide_index=True, alt="Pairs of near-duplicates")
    st.caption(
        "Listed are each scan's nearest near-duplicate in every split of every collection, and every pair with "
        "contradicting labels; a cluster of copies has more pairs than these."
    )


def _show_page(pairs: list[Pair], data: Path, key: str) -> None:
    undo = st.toggle(
        "Turn the right-hand scan back",
        key="undo",
        persist_state="session",
        help="Undoes the mirroring and turning, so that both scans have the same position.",
    )
    pages = -(-len(pairs) // _PAGE)
    page = st.pagination(pages, key=key, persist_state="session") if pages > 1 else 1
    at = (page - 1) * _PAGE
    grid = st.grid(3, min_column_width=320, gap="small", border=True)
    for pair in pairs[at : at + _PAGE]:
        with grid.cell():
            _show_pair(pair, data, undo)
    st.caption(f"Pairs {at + 1:,} to {min(at + _PAGE, len(pairs)):,} of {len(pairs):,}.")


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
        st.badge(_CONTRADICTING, color="orange")


def _show_side(side: Side, data: Path, position: str) -> None:
    path = data / side.id
    try:
        if path.is_file():
            image = image_of(Record(side.id, side.label, path), position=position)
            st.image(image, alt=f"{_CLASSES[side.label]}, {_where(side)}", width="stretch", output_format="PNG")
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
        "Collection, split": _where(pair.a),
        "File": pair.a.id,
        "Near-duplicate's class": _CLASSES[pair.b.label],
        "Near-duplicate's collection, split": _where(pair.b),
        "Near-duplicate's file": pair.b.id,
        "Position": pair.position,
        "Bits apart": pair.bits,
        "Correlation": pair.correlation,
        "Byte-identical": pair.copy,
        _CONTRADICTING: pair.contradicts,
    }
