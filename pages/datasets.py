"""The Datasets page: classes, example scans, near-duplicates and source of each dataset."""

import streamlit as st

from datasets.audit_tables import AuditTables, read_audit
from datasets.cards import DATASETS, data_folder
from datasets.mean_images import collections_of, local_records, missing_collections
from datasets.records import DatasetError, Record
from model_zoo import models
from pages.components.broken_models import tell_broken_models
from pages.components.datasets.classes import show_classes, show_model_splits
from pages.components.datasets.download import show_arrivals, show_downloads
from pages.components.datasets.examples import show_examples, show_means, show_sizes
from pages.components.datasets.near_duplicates import show_counts, show_pairs
from pages.components.datasets.source import show_source
from pages.components.navigation import require_frame
from pages.door.entrance import require_engineer

require_frame()
require_engineer("Datasets")


@st.cache_resource(max_entries=8, show_spinner=False)
def audit_tables(task: str) -> AuditTables:
    return read_audit(DATASETS[task])


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Listing the scans…")
def listed_records(task: str, data: str, absent: tuple[str, ...]) -> list[Record]:
    """Return the records on this machine; they are listed again when `data` or `absent` change."""
    return local_records(DATASETS[task], data_folder())


def records_here() -> list[Record]:
    """Return the records on this machine. Only the tabs that draw them wait for the listing."""
    try:
        return listed_records(card.task, str(data.resolve()), tuple(each.task for each in absent)) if here else []
    except DatasetError as error:
        st.error(str(error))
        return []


st.title("Datasets", anchor=False)
card = DATASETS[st.columns([2, 3])[0].selectbox("Dataset", list(DATASETS), key="dataset", bind="query-params")]
data, tables = data_folder(), AuditTables(card, (), {}, {})
absent = missing_collections(card, data)
here = not absent or len(absent) < len(collections_of(card))
heading = st.container()
trained = [model for model in models().values() if model.task == card.task]
tell_broken_models()
try:
    tables = audit_tables(card.task)
except DatasetError as error:
    st.error(str(error))

heading.subheader(card.title, anchor=False)
classes = "1 class" if len(card.classes) == 1 else f"{len(card.classes)} classes"
size = f"{tables.scans:,} scans in {classes}. " if tables.scans else ""
heading.caption(f"{size}Models trained on it: {', '.join(model.id for model in trained) or 'none in the zoo'}.")
show_arrivals(list(DATASETS.values()))
if absent:
    which = "Some scans of this dataset are" if here else "The scans of this dataset are"
    st.info(f"{which} not on this machine. Counts and near-duplicates come from the stored audit tables.")
    show_downloads(absent)

classes, scans, near_duplicates, source = st.tabs(
    ["Classes", "Scans", "Near-duplicates", "Source"], key="part", bind="query-params"
)
if classes.open and tables.rows:
    with classes:
        show_classes(tables)
        if trained:
            show_model_splits(trained)
if scans.open:
    with scans:
        means = None
        if records := records_here():
            show_examples(card, records)
            means = show_means(card, records, data)
        show_sizes(tables, means)
if near_duplicates.open:
    with near_duplicates:
        show_counts(tables)
        show_pairs(card, data, here)
if source.open:
    with source:
        show_source(tables, records_here())
