"""What do the scans of a dataset look like? Examples of each class, its mean picture, sizes and brightness."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from datasets.audit_tables import Findings, brightness, sizes, spread
from datasets.cards import DatasetCard
from datasets.cohorts import COHORT_TITLES
from datasets.mean_images import EACH, EACH_DRAWN, Mean, mean_pictures, some
from datasets.near_duplicates import POSITIONS, positioned
from datasets.records import DatasetError, Record, load_annotated
from explain import overlay, png
from explain.render.overlay import gray, squared
from pages.charts.datasets import brightness as brightness_chart
from pages.charts.datasets import sizes as sizes_chart
from pages.charts.style import CONFIG
from pages.components.datasets.work import started

SPLIT_NAMES = {"train": "Training", "test": "Test"}
_ROW = 6  # examples of a class
_SMALLEST = 112  # pixels: narrower than this a row breaks; two or three in a row on a phone
_DRAWN = 288  # pixels of an example, sharp on a screen of two pixels a point


_OUTLINE = {"opacity": 1.0, "threshold": 0.6, "contours": True}  # of a mask's three lines the one at three quarters


def picture_of(record: Record, outline: bool = False, position: str = "as is") -> bytes:
    """Return the picture of a scan as PNG, in one of the POSITIONS of near-duplicates, its lesion outlined if known.

    Raises DatasetError on a file that cannot be read.
    """
    return _picture((str(record.path), record.id, outline, position), record)


@st.cache_data(max_entries=600, ttl=3600, show_spinner=False)
def _picture(key: tuple[str, str, bool, str], _record: Record) -> bytes:
    _, _, outline, position = key  # all that the picture is made from: a record's pixels are those of its path
    scan, lesion = load_annotated(_record)
    plain = squared(scan.windowed(), scan.spacing, _DRAWN)
    if outline and lesion.any():
        return png(overlay(plain, squared(lesion.astype("float32"), scan.spacing, _DRAWN), **_OUTLINE))
    return png(gray(positioned(plain, POSITIONS.index(position))))


def show_examples(card: DatasetCard, records: Sequence[Record]) -> None:
    """Draw some scans of each class, others at each press of the button."""
    st.subheader("Some scans of each class", anchor=False)
    sequences = sorted({record.sequence for record in records} - {""})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = _choose_sequence(card, sequences)
        key = f"examples-{card.task}"
        seed = st.session_state.setdefault(key, 0)
        st.button("Show others", on_click=st.session_state.update, args=({key: seed + 1},))
        known = [record for record in records if record.boxes or record.path is None]
        outline = bool(known) and st.toggle(
            "Outline the lesion" if known[0].path is None else "Show the radiologists' boxes",
            key=f"outline-{card.task}",
        )
    found = some([r for r in records if chosen in ("All", r.sequence)], list(card.classes), _ROW, seed)
    for label, own in found.items():
        st.markdown(f"**{card.classes[label]}**")
        grid = st.grid(_ROW, min_column_width=_SMALLEST, gap="xsmall")
        for number, record in enumerate(own, 1):
            with grid.cell():
                _one(card, record, number, outline)
    shown = [record for own in found.values() for record in own]
    with st.expander("Files of these scans"):
        st.dataframe([_facts(card, record) for record in shown], hide_index=True)


def _choose_sequence(card: DatasetCard, sequences: list[str]) -> str:
    if len(sequences) < 2:
        return "All"
    return st.segmented_control(
        "Sequence", ["All", *sequences], default="All", required=True, key=f"sequence-{card.task}"
    )


def _one(card: DatasetCard, record: Record, number: int, outline: bool) -> None:
    try:
        data = picture_of(record, outline)
    except DatasetError:
        st.caption("This file cannot be read.")
        return
    facts = [COHORT_TITLES.get(record.cohort, ""), record.sequence, SPLIT_NAMES.get(record.split, "")]
    st.image(data, alt=f"{card.classes[record.label]}, example {number}", width="stretch", output_format="PNG")
    if said := " · ".join(fact for fact in facts if fact):
        st.caption(said)


def _facts(card: DatasetCard, record: Record) -> dict[str, str]:
    return {
        "Class": card.classes[record.label],
        "Collection": COHORT_TITLES.get(record.cohort, ""),
        "Split": SPLIT_NAMES.get(record.split, ""),
        "Sequence": record.sequence,
        "File": record.id,
    }


def show_means(card: DatasetCard, records: Sequence[Record], data: Path) -> dict[str, Mean] | None:
    """Draw the mean picture of each class, or how far it is; return them once they are there."""
    st.subheader("The mean picture of each class", anchor=False)
    work = started(
        ("means", card.task, str(data), len(records)), lambda told: mean_pictures(records, list(card.classes), told)
    )
    if not work.over.is_set():
        _watch(card, work)
        return None
    if work.error:
        st.error(str(work.error) if isinstance(work.error, DatasetError) else "The mean pictures could not be made.")
        return None
    means: dict[str, Mean] = work.result
    grid = st.grid(_ROW, min_column_width=_SMALLEST, gap="xsmall")
    for label, mean in means.items():
        with grid.cell():
            name = card.classes[label]
            st.image(png(gray(mean.picture)), alt=f"Mean picture of {name}", width="stretch", output_format="PNG")
            st.caption(f"{name} ({mean.scans})")
    st.caption(
        f"The mean of up to {EACH if records[0].path else EACH_DRAWN} scans a class, drawn at random, each cropped to "
        "its head and scaled as a model is given it. Where two means differ in outline, plane, brightness or labels "
        "rather than within the head, a model can tell the classes apart without looking at a lesion."
    )
    return means


@st.fragment(run_every=0.5)
def _watch(card: DatasetCard, work) -> None:
    if work.over.is_set():
        st.rerun()
    st.progress(work.progress, f"Averaging some scans of each class: {100 * work.progress:.0f} %")


def show_sizes(found: Findings, means: dict[str, Mean] | None) -> None:
    """Draw how large and how bright the scans are, from the stored tables; of phantoms from those averaged."""
    card, counted = found.card, sizes(found)
    spreads = brightness(found) or {label: spread(mean.greys) for label, mean in (means or {}).items()}
    if not spreads:
        return
    st.subheader("Brightness and size", anchor=False)
    bright, large = st.columns([6, 5], gap="large") if len(counted) > 1 else (st.container(), st.container())
    with bright:
        st.plotly_chart(
            brightness_chart(spreads, card.classes),
            config=CONFIG,
            key=f"brightness-{card.task}",
            alt="Mean grey value of the scans of each class: median, quartiles, 5th and 95th percentile",
        )
        st.caption(
            "Half of a class's scans lie within its box; the whiskers reach from the 5th to the 95th percentile. The "
            "less two boxes overlap, the more a model can tell of those classes from brightness alone."
        )
    with large:
        if len(counted) > 1:
            chart = sizes_chart(counted)
            st.plotly_chart(chart, config=CONFIG, key=f"sizes-{card.task}", alt="Width and height of the scans")
            st.caption(f"{len(counted):,} sizes; the area of a disc is the number of scans of that size.")
        for (width, height), scans in counted.items() if len(counted) == 1 else ():
            st.caption(f"All {scans:,} scans that were audited are {width} × {height} pixels.")
        if found.unlisted:
            names = ", ".join(COHORT_TITLES[cohort] for cohort, _ in found.unlisted)
            st.caption(f"Without the {sum(found.unlisted.values()):,} scans of {names}, which no table lists.")
