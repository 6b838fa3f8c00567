"""Example scans and the mean image of each class of a dataset, and the sizes and brightness of its scans."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from datasets.audit_tables import AuditTables, brightness, percentiles, sizes
from datasets.cards import DatasetCard
from datasets.cohorts import COHORT_TITLES
from datasets.mean_images import PHANTOMS, SCANS, MeanImage, mean_images, sample
from datasets.near_duplicates import POSITIONS, positioned
from datasets.records import DatasetError, Record, load_annotated
from explain import png
from explain.queue import LIVE, Busy, Job
from explain.render.overlay import gray, overlay, squared
from pages.charts.datasets import brightness as brightness_chart
from pages.charts.datasets import proportional_from
from pages.charts.datasets import sizes as sizes_chart
from pages.charts.style import CONFIG
from pages.components.datasets.jobs import forget, submit

SPLIT_NAMES = {"train": "Training", "test": "Test"}
_ROW = 6  # examples per class
_SMALLEST = 112  # pixels: narrower than this a row breaks; two or three in a row on a phone
_DRAWN = 288  # pixels of an example, sharp on a screen with two pixels per point
_OUTLINE = {"opacity": 1.0, "threshold": 0.6, "contours": True}  # of a mask's three lines the one at three quarters


def image_of(record: Record, outline: bool = False, position: str = "as is") -> bytes:
    """Return a scan as PNG, in one of the POSITIONS of near-duplicates, with `outline` around an annotated lesion.

    Raises DatasetError on a file that cannot be read.
    """
    return _image((str(record.path), record.id, outline, position), record)


@st.cache_data(max_entries=600, ttl=3600, show_spinner=False)
def _image(key: tuple[str, str, bool, str], _record: Record) -> bytes:
    _, _, outline, position = key  # all that the image depends on: a record's pixels are those of its path
    scan, lesion = load_annotated(_record)
    plain = squared(scan.windowed(), scan.spacing, _DRAWN)
    if outline and lesion.any():
        return png(overlay(plain, squared(lesion.astype("float32"), scan.spacing, _DRAWN), **_OUTLINE))
    return png(gray(positioned(plain, POSITIONS.index(position))))


def show_examples(card: DatasetCard, records: Sequence[Record]) -> None:
    """Draw random scans of each class, others at each press of the button."""
    st.subheader("Examples of each class", anchor=False)
    sequences = sorted({record.sequence for record in records} - {""})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = _choose_sequence(card, sequences)
        key = f"examples-{card.task}"
        seed = st.session_state.setdefault(key, 0)
        st.button("Show others", on_click=st.session_state.update, args=({key: seed + 1},))
        annotated = [record for record in records if record.boxes or record.path is None]
        outline = bool(annotated) and st.toggle(
            "Outline the lesion" if annotated[0].path is None else "Show the radiologists' boxes",
            key=f"outline-{card.task}",
            persist_state="session",
        )
    examples = sample([r for r in records if chosen in ("All", r.sequence)], list(card.classes), _ROW, seed)
    for label, own in examples.items():
        st.markdown(f"**{card.classes[label]}**")
        grid = st.grid(_ROW, min_column_width=_SMALLEST, gap="xsmall")
        for number, record in enumerate(own, 1):
            with grid.cell():
                _show_example(card, record, number, outline)
    with st.expander("Files of these scans"):
        st.dataframe([_facts(card, record) for own in examples.values() for record in own], hide_index=True)


def _choose_sequence(card: DatasetCard, sequences: list[str]) -> str:
    if len(sequences) < 2:
        return "All"
    return st.segmented_control(
        "Sequence",
        ["All", *sequences],
        default="All",
        required=True,
        key=f"sequence-{card.task}",
        persist_state="session",
    )


def _show_example(card: DatasetCard, record: Record, number: int, outline: bool) -> None:
    try:
        image = image_of(record, outline)
    except DatasetError:
        st.caption("This file cannot be read.")
        return
    facts = [COHORT_TITLES.get(record.cohort, ""), record.sequence, SPLIT_NAMES.get(record.split, "")]
    st.image(image, alt=f"{card.classes[record.label]}, example {number}", width="stretch", output_format="PNG")
    if line := " · ".join(fact for fact in facts if fact):
        st.caption(line)


def _facts(card: DatasetCard, record: Record) -> dict[str, str]:
    return {
        "Class": card.classes[record.label],
        "Collection": COHORT_TITLES.get(record.cohort, ""),
        "Split": SPLIT_NAMES.get(record.split, ""),
        "Sequence": record.sequence,
        "File": record.id,
    }


def show_means(card: DatasetCard, records: Sequence[Record], data: Path) -> dict[str, MeanImage] | None:
    """Draw the mean image of each class, or the progress towards it; return the mean images once they are there."""
    st.subheader("Mean image of each class", anchor=False)
    key = f"mean images of {card.task} in {data}, {len(records)} scans"
    try:
        job = submit(key, lambda progress: _means(key, list(records), list(card.classes), progress))
    except Busy as error:
        st.info(str(error))
        return None
    if job.state in LIVE:
        _watch(job)
        return None
    if job.state != "done":
        st.error(str(job.error) if isinstance(job.error, DatasetError) else "The mean images could not be made.")
        st.button("Try again", key=f"again-means-{card.task}", on_click=forget, args=(key,))
        return None
    means: dict[str, MeanImage] = job.result
    grid = st.grid(_ROW, min_column_width=_SMALLEST, gap="xsmall")
    for label, mean in means.items():
        with grid.cell():
            name = card.classes[label]
            st.image(png(gray(mean.image)), alt=f"Mean image of {name}", width="stretch", output_format="PNG")
            st.caption(f"{name} ({mean.scans})")
    st.caption(
        f"The mean of up to {SCANS if records[0].path else PHANTOMS} random scans per class, each cropped to its head "
        "and scaled to the model's input. Where two means differ in outline, plane, brightness or burnt-in text rather "
        "than within the head, a model can tell the classes apart without using the lesion."
    )
    return means


@st.cache_resource(max_entries=8, show_spinner=False)
def _means(
    key: str, _records: list[Record], _classes: list[str], _progress: Callable[[float], None]
) -> dict[str, MeanImage]:
    """Return the mean images, made once for all sessions; `key` tells them apart."""
    return mean_images(_records, _classes, _progress)


@st.fragment(run_every=0.5)
def _watch(job: Job) -> None:
    if job.state not in LIVE:
        st.rerun()
    waiting = "Queued" if job.state == "waiting" else f"Averaging scans of each class: {100 * job.progress:.0f} %"
    st.progress(job.progress, waiting)


def show_sizes(tables: AuditTables, means: dict[str, MeanImage] | None) -> None:
    """Draw size and brightness of the scans, from the stored tables; for phantoms, from those in the mean images."""
    card, counts = tables.card, sizes(tables)
    spreads = brightness(tables) or {label: percentiles(mean.greys) for label, mean in (means or {}).items()}
    if not spreads:
        return
    st.subheader("Brightness and size", anchor=False)
    bright, large = st.columns([6, 5], gap="large") if len(counts) > 1 else (st.container(), st.container())
    with bright:
        st.plotly_chart(
            brightness_chart(spreads, card.classes),
            config=CONFIG,
            key=f"brightness-{card.task}",
            alt="Mean grey value of the scans of each class: median, quartiles, 5th and 95th percentile",
        )
        st.caption(
            "Boxes: median and quartiles of a class's scans. Whiskers: 5th to 95th percentile. The less two boxes "
            "overlap, the better a model can tell these classes apart from brightness alone."
        )
    with large:
        if len(counts) > 1:
            chart = sizes_chart(counts)
            st.plotly_chart(chart, config=CONFIG, key=f"sizes-{card.task}", alt="Width and height of the scans")
            least = proportional_from(counts)
            discs = "" if min(counts.values()) >= least else f" from {least:,} scans on; below, all discs are alike"
            st.caption(f"{len(counts):,} sizes; the area of a disc is proportional to the number of scans{discs}.")
        for (width, height), scans in counts.items() if len(counts) == 1 else ():
            st.caption(f"All {scans:,} audited scans are {width} × {height} pixels.")
        if tables.unlisted:
            names = ", ".join(COHORT_TITLES[cohort] for cohort, _ in tables.unlisted)
            st.caption(f"Without the {sum(tables.unlisted.values()):,} scans of {names}, which have no audit.")
