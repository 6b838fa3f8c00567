"""The choice of a set of scans, and what of two models can be compared on it."""

import streamlit as st

from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.tables import PREDICTIONS
from pages.components.performance.bundles import COLLECTIONS, Bundle, Key

_TITLES = {
    "test": ("All test scans", "Test scans without a near-duplicate in training"),
    "val": ("Validation scans", "Validation scans"),
}


def choose_scans(chosen: list[Bundle], *, external: bool = False) -> Key | None:
    """Return the user's set of scans, None where the first model has none; `external` offers other collections too."""
    keys = {title_of(key): key for key in keys_of(chosen[0], external=external)}
    return keys[st.selectbox("Scans", list(keys), key="scans", persist_state="session", width=420)] if keys else None


def show_problems(chosen: list[Bundle], key: Key | None) -> None:
    """Write which table is missing, and what of two models cannot be compared."""
    for one in chosen:
        if PREDICTIONS in one.problems:
            st.info(one.problems[PREDICTIONS])
    if key and len(chosen) > 1 and (sentence := comparable(*chosen, key)):
        st.caption(sentence)


def title_of(key: Key) -> str:
    """Return the name of a set of scans for the user."""
    split, subset = key
    if split in _TITLES:
        return _TITLES[split][subset == NO_NEAR_DUPLICATE]
    cohort = split.removeprefix("cohort ")
    without = " without a near-duplicate in training" * (subset == NO_NEAR_DUPLICATE)
    return f"{COLLECTIONS.get(cohort, cohort)}, test scans{without}"


def keys_of(bundle: Bundle, *, external: bool) -> list[Key]:
    """Return the sets of scans to choose from, the one without near-duplicates first."""
    own = [key for key in (("test", NO_NEAR_DUPLICATE), ("test", ALL_SCANS), ("val", ALL_SCANS)) if key in bundle.sets]
    return own + [key for key in bundle.sets if external and key[0].startswith("cohort ")]


def comparable(first: Bundle, second: Bundle, key: Key) -> str:
    """Return the sentence on what of two models cannot be compared on a set of scans, "" where all of it can."""
    if key not in second.sets:
        return f"{second.name} has no predictions for these scans: only {first.name} is drawn."
    differ = first.card.classes != second.card.classes
    a, b = set(first.sets[key].ids), set(second.sets[key].ids)
    if not differ and a == b:
        return ""
    scans = (
        "same test set"
        if a == b
        else f"test sets differ: {len(a & b):,} scans in common ({first.name}: {len(a):,}, {second.name}: {len(b):,})"
    )
    if not differ:
        return f"{scans[0].upper()}{scans[1:]}."
    labels = zip(first.card.names, first.card.classes, strict=True)
    shared = [name for name, label in labels if second.place_of(label, first.card.classes) is not None]
    classes = f"only {', '.join(shared)} can be compared" if shared else "no class can be compared"
    return (
        f"{first.name} and {second.name} have different classes: {classes}; means over the classes, confusion matrices "
        f"and accuracies are of different tasks. {scans[0].upper()}{scans[1:]}."
    )
