"""The page of a model's performance: every score follows from the files of its bundle."""

import streamlit as st

from pages.components.navigation import require_frame
from pages.components.performance.accuracy import accuracy
from pages.components.performance.bundles import bundle, cards_kept_for_their_results
from pages.components.performance.confusion import confusion_matrices
from pages.components.performance.curves import curves
from pages.components.performance.external_validation import external_validation
from pages.components.performance.prediction_sets import prediction_sets
from pages.components.performance.shortcut_tests import shortcut_tests
from pages.components.performance.training import training
from pages.components.pickers import choose_model, require_models

require_frame()

st.title("Model performance", anchor=False)
cards = require_models()
first, second, more = st.columns(3, vertical_alignment="bottom", gap="medium")
if more.toggle(
    "Results-only models",
    key="unshipped",
    bind="query-params",
    help="Also show models that were trained and scored, but are not offered for new scans; most come without weights.",
):
    others, problems = cards_kept_for_their_results()
    cards = cards | others | cards  # the shipped ones first, and theirs where an id stands in both
    for sentence in problems:
        st.warning(sentence)
with first:
    card = choose_model(cards)
name = next(name for name, other in cards.items() if other is card)
beside = second.selectbox(
    "Compare with",
    ["", *(other for other in cards if other != name)],
    format_func=lambda other: other or "No other model",
    key="with",
    bind="query-params",
)
chosen = [bundle(one, cards[one]) for one in (name, beside) if one]
st.caption(" ".join(f"**{one.name}**: {one.card.title}." for one in chosen))

# title of a tab -> what draws it for the chosen models, one or two; only the open one is computed
TABS = {
    "Accuracy": accuracy,
    "Confusion matrix": confusion_matrices,
    "Curves": curves,
    "External validation": lambda models: external_validation(models, cards),
    "Prediction sets": prediction_sets,
    "Shortcut tests": shortcut_tests,
    "Training and card": training,
}
for tab, draw in zip(st.tabs(list(TABS), key="show", bind="query-params"), TABS.values(), strict=True):
    if tab.open:
        with tab:
            draw(chosen)
