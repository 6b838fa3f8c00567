"""How far the maps in the grid agree, and what one of two marks that the other does not."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from explain import METHODS, Explanation
from explain.comparison.agreement import (
    BOTH,
    COLOURS,
    FIRST,
    SECOND,
    STRONGEST,
    agreement,
    agreement_sentence,
    head_of,
    overlap,
    overlap_by_chance,
    overlap_map,
)
from model_zoo import ModelCard
from pages.charts.compare import matrix
from pages.charts.style import CONFIG
from pages.components.compare.grid import GROUP
from pages.components.pickers import Open
from pages.components.state import state
from pages.viewer.component import show_pictures
from pages.viewer.pictures import Picture, Regions
from scans import Scan

_RANKS = (
    "Spearman's rank correlation within the head: 1 where both maps order the pixels alike, 0 where they have nothing "
    "to do with each other, below 0 where one is bright and the other dark. Evidence against a class counts as none."
)
_ACROSS = ("Between models", "Between methods")


def show_agreement(
    opened: Open,
    cards: Sequence[ModelCard],
    methods: Sequence[str],
    explanations: Mapping[tuple[str, str], Explanation],
) -> None:
    """Draw how far the maps agree, in numbers and as a picture of a pair. `explanations` goes by (model, method)."""
    st.subheader("Where the maps agree", anchor=False)
    if len(explanations) < 2:
        st.caption("This needs two maps or more.")
        return
    if note := _different_classes(cards, explanations):
        st.info(note)
    numbers, pair = st.columns([5, 4], gap="large")
    with numbers:
        _numbers(opened.scan, cards, methods, explanations)
    with pair:
        _pair(opened, explanations)
    st.caption(
        "Agreement is not proof: models trained on the same scans can share a mistake, and coarse maps agree more "
        "easily than fine ones."
    )


def _different_classes(cards: Sequence[ModelCard], explanations: Mapping[tuple[str, str], Explanation]) -> str:
    """Return the sentence for maps that explain different classes, "" where all explain the same."""
    names = {card.id: dict(zip(card.classes, card.names, strict=True)) for card in cards}
    targets = {model: names[model][explanation.target] for (model, _), explanation in explanations.items()}
    if len(set(targets.values())) == 1:
        return ""
    each = ", ".join(f"{name} by {model}" for model, name in targets.items())
    return (
        f"These maps explain classes of different names ({each}), so they are not directly comparable. Choose one "
        "class to explain for all models to compare like with like."
    )


def _numbers(
    scan: Scan, cards: Sequence[ModelCard], methods: Sequence[str], explanations: Mapping[tuple[str, str], Explanation]
) -> None:
    """Draw the rank correlations between models, or between methods."""
    session = state()
    across = st.segmented_control(
        "Compare",
        _ACROSS,
        default=_ACROSS[session.compare_across_methods],
        required=True,
        key="compare-across",
        help=_RANKS,
    )
    session.compare_across_methods = across == _ACROSS[1]
    ids, titles = [card.id for card in cards], {method: METHODS[method].title for method in methods}
    if across == _ACROSS[0]:
        groups = [(titles[m], "the models", [((i, m), i) for i in ids if (i, m) in explanations]) for m in methods]
    else:
        groups = [(i, "the methods", [((i, m), titles[m]) for m in methods if (i, m) in explanations]) for i in ids]
    for title, who, maps in groups:
        st.markdown(f"**{title}**")
        if len(maps) < 2:
            st.caption("There are not two maps to compare.")
            continue
        names = [name for _, name in maps]
        values = _matrix(
            tuple(_identity(explanations[at]) for at, _ in maps), scan, [explanations[at].heat for at, _ in maps]
        )
        st.write(agreement_sentence(values, names, who))
        if len(maps) > 2:
            st.plotly_chart(
                matrix(values, names, "Model" if who == "the models" else "Method"),
                key=f"compare-matrix-{title}",
                config=CONFIG | {"staticPlot": True},
                alt=f"Rank correlations of the maps, {title}: {agreement_sentence(values, names, who)}",
            )


def _pair(opened: Open, explanations: Mapping[tuple[str, str], Explanation]) -> None:
    """Draw where two maps, that the user chooses, mark the same."""
    labels = {f"{model} · {METHODS[method].title}": (model, method) for model, method in explanations}
    first = st.selectbox("Map A", list(labels), 0, key="compare-first", persist_state="session")
    second = st.selectbox("Map B", list(labels), 1, key="compare-second", persist_state="session")
    session = state()
    session.compare_share = st.slider(
        "Strongest part of the head (%)",
        5,
        30,
        session.compare_share or round(100 * STRONGEST),
        5,
        key="compare-share",
        help="Each map marks this part of the head's pixels, its strongest; more where several tie, fewer where it "
        "holds less evidence.",
    )
    share = session.compare_share / 100
    a, b = explanations[labels[first]], explanations[labels[second]]
    marked, shared = _overlap(_identity(a), _identity(b), share, opened.scan, a, b)
    words = {BOTH: "Both maps", FIRST: f"Only A: {first}", SECOND: f"Only B: {second}"}
    picture = Picture(
        opened.scan,
        alt=f"Where {first} and {second} mark the same",
        regions=Regions(marked, {part: (COLOURS[part], words[part]) for part in words}),
        place=opened.place,
        count=max(1, len(opened.volume)),
        follows=True,
    )
    elsewhere = {"elsewhere": "The maps of this slice are not compared yet."}
    show_pictures("compare-overlap", [picture], group=GROUP, shown=session.map_shown, words=elsewhere)
    if np.isnan(shared):
        st.write("One of the two maps holds no evidence for its class, so there is nothing to overlap.")
    else:
        st.write(
            f"Of what either marks, both mark {100 * shared:.0f}\u00a0%. Two unrelated maps would share about "
            f"{100 * overlap_by_chance(share):.0f}\u00a0%."
        )


@st.cache_data(scope="session", max_entries=4, show_spinner=False)
def _head(scan_key: str, _scan: Scan) -> np.ndarray:
    return head_of(_scan)


def _identity(explanation: Explanation) -> str:
    return json.dumps(explanation.manifest(), sort_keys=True)


@st.cache_data(scope="session", max_entries=32, show_spinner=False)
def _matrix(keys: tuple, _scan: Scan, _maps: list[np.ndarray]) -> np.ndarray:
    return agreement({str(place): heat for place, heat in enumerate(_maps)}, _head(_scan.key, _scan))


@st.cache_data(scope="session", max_entries=32, show_spinner=False)
def _overlap(
    first: str, second: str, share: float, _scan: Scan, _a: Explanation, _b: Explanation
) -> tuple[np.ndarray, float]:
    head = _head(_scan.key, _scan)
    return overlap_map(_a.heat, _b.heat, head, share), overlap(_a.heat, _b.heat, head, share)
