"""The tab of external validation: the models on the test scans of other collections."""

import streamlit as st

from model_zoo import Estimate, ModelCard
from model_zoo.imported import UNKNOWN_DATA
from model_zoo.scores import NO_NEAR_DUPLICATE
from model_zoo.tables import COHORTS
from pages.charts.matrices import across
from pages.charts.performance import dots
from pages.charts.style import CONFIG
from pages.components.performance.bundles import COLLECTIONS, Bundle

_MEASURE = "balanced accuracy"


def external_validation(chosen: list[Bundle], cards: dict[str, ModelCard]) -> None:
    """Draw the matrix of all models by collections, and the chosen models by collection and sequence."""
    for one in chosen:
        if COHORTS in one.problems:
            st.info(one.problems[COHORTS])
    st.subheader("Every model on every collection", anchor=False)
    rows = {name: [_cell(card, cohort) for cohort in COLLECTIONS] for name, card in cards.items()}
    rows = {name: cells for name, cells in rows.items() if any(cells)}
    if rows:
        st.plotly_chart(
            across(list(rows), list(COLLECTIONS.values()), list(rows.values()), [one.name for one in chosen]),
            config=CONFIG,
            alt="Balanced accuracy of every model on the test scans of every collection",
        )
        st.caption(
            "Balanced accuracy in per cent, on the test scans of each collection whose classes the model shares, "
            "without near-duplicates of scans that trained or chose the model. * The model was trained on the rest of "
            "that collection: only a value without a star is external validation. The Kaggle set and figshare hold "
            "each other's slices, so few of theirs are left. 44c is the only independent collection with tumours; "
            "Br35H and the dementia collection have heads without a tumour only, so theirs is the specificity."
        )
        if unknown := [name for name in rows if cards[name].task == UNKNOWN_DATA]:
            st.caption(
                f"Of an imported model whose training data nobody stated ({', '.join(unknown)}), no value is known to "
                "be external."
            )
    else:
        st.write("No card has a score on another collection.")
    lines = _lines(chosen)
    if lines:
        st.subheader("By collection and sequence", anchor=False)
        series = {one.name: [one.card.score(_MEASURE, *key) for key in lines.values()] for one in chosen}
        st.plotly_chart(
            dots(list(lines), series, measure="Balanced accuracy", what="Collection and sequence"),
            config=CONFIG,
            alt=f"Balanced accuracy by collection and sequence of {' and '.join(series)}",
        )


def _lines(chosen: list[Bundle]) -> dict[str, tuple[str, str]]:
    """Return label -> split and subset of every collection and sequence that one of the models has."""
    lines = {}
    for cohort, title in COLLECTIONS.items():
        split = f"cohort {cohort}"
        subsets = dict.fromkeys(score.subset for one in chosen for score in one.card.scores if score.split == split)
        lines |= {title: (split, NO_NEAR_DUPLICATE)} if NO_NEAR_DUPLICATE in subsets else {}
        sequences = [subset for subset in subsets if subset.startswith("sequence ")]
        lines |= {f"{title}, {subset.removeprefix('sequence ')}": (split, subset) for subset in sequences}
    return lines


def _cell(card: ModelCard, cohort: str) -> tuple[Estimate, bool] | None:
    """Return the balanced accuracy on a collection, and whether the model was trained on the rest of it."""
    estimate = card.score(_MEASURE, f"cohort {cohort}", NO_NEAR_DUPLICATE)
    return (estimate, cohort in _trained_on(card)) if estimate else None


def _trained_on(card: ModelCard) -> tuple[str, ...]:
    from train.recipe import recipe_of, trained_on

    try:
        return trained_on(recipe_of(card.recipe))
    except (ValueError, TypeError):  # a recipe of another Candor
        return ()
