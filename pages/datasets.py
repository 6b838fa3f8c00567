"""What is in the datasets, what leaks in them, and where do they come from?"""

import streamlit as st

from datasets.audit_tables import Findings, findings
from datasets.cards import DATASETS, data_folder
from datasets.mean_images import missing, parts, records_here
from datasets.records import DatasetError, Record
from model_zoo import ModelError, models
from pages.components.datasets.classes import show_classes, show_division
from pages.components.datasets.download import offer, tell_arrivals
from pages.components.datasets.examples import show_examples, show_means, show_sizes
from pages.components.datasets.near_duplicates import show_counts, show_pairs
from pages.components.datasets.source import show_source
from pages.components.navigation import require_frame

require_frame()


@st.cache_resource(max_entries=8, show_spinner=False)
def stored(task: str) -> Findings:
    return findings(DATASETS[task])


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Listing the scans…")
def listed(task: str, data: str, absent: tuple[str, ...]) -> list[Record]:
    """Return the records on this machine; `data` and `absent` are there to list anew when they change."""
    return records_here(DATASETS[task], data_folder())


def scans_here() -> list[Record]:
    """Return the records on this machine. Only the parts of the page that draw them wait for the listing."""
    try:
        return listed(card.task, str(data.resolve()), tuple(part.task for part in absent)) if here else []
    except DatasetError as error:
        st.error(str(error))
        return []


st.title("What are the models trained on?", anchor=False)
card = DATASETS[st.columns([2, 3])[0].selectbox("Dataset", list(DATASETS), key="dataset", bind="query-params")]
data, trained, found = data_folder(), [], Findings(card, (), {}, {})
absent = missing(card, data)
here = not absent or len(absent) < len(parts(card))
heading = st.container()
try:
    trained = [model for model in models().values() if model.task == card.task]
except ModelError as error:
    st.error(str(error))
try:
    found = stored(card.task)
except DatasetError as error:
    st.error(str(error))

heading.subheader(card.title, anchor=False)
size = f"{found.scans:,} scans in {len(card.classes)} classes. " if found.scans else ""
heading.caption(f"{size}Models trained on it: {', '.join(model.id for model in trained) or 'none in the zoo'}.")
tell_arrivals(list(DATASETS.values()))
if absent:
    whose = "Some images of this dataset are" if here else "The images of this dataset are"
    st.info(f"{whose} not on this machine: what is shown without them comes from the stored tables of its audit.")
    offer(absent)

classes, pictures, twins, source = st.tabs(
    ["Classes", "Pictures", "Twins", "Where it comes from"], key="part", bind="query-params"
)
if classes.open and found.rows:
    with classes:
        show_classes(found)
        if trained:
            show_division(trained)
if pictures.open:
    with pictures:
        means = None
        if records := scans_here():
            show_examples(card, records)
            means = show_means(card, records, data)
        show_sizes(found, means)
if twins.open:
    with twins:
        show_counts(found)
        show_pairs(card, data, here)
if source.open:
    with source:
        show_source(found, scans_here())
