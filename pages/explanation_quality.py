"""Explanation quality: localisation, faithfulness, stability and sanity of a model's maps."""

import streamlit as st

from explain.evaluation.store import evaluations
from pages.components.navigation import require_frame
from pages.components.pickers import choose_model, require_models
from pages.components.quality.breakdown import show_definitions, show_models, show_sanity, show_subgroups
from pages.components.quality.cases import SECTION, show_cases
from pages.components.quality.methods import show_data, show_methods, show_missing
from pages.components.requests import release

TABS = ("Methods", "By subgroup", "Sanity check", "Best and worst cases", "Models compared")

require_frame()
st.title("Explanation quality", anchor=False)
st.columns([3, 1])[0].write(
    "A heatmap always looks convincing. Here every method is evaluated on scans whose tumour radiologists annotated: "
    "is the map on the tumour, does the model use what it marks, and does it show what was learnt? Controls, maps "
    "that know nothing of the model, give each value its reference."
)
cards = require_models()
with st.columns([2, 3])[0]:
    card = choose_model(cards)
stored, broken = evaluations()
for sentence in broken:
    st.error(sentence)
evaluation = stored.get(card.id)
if evaluation is None:
    show_missing(card, [model for model in cards if model in stored])
    if stored:
        st.subheader("Evaluated models", anchor=False)
        show_models(stored, card)
else:
    show_data(evaluation, card)
    draw = (
        lambda: show_methods(evaluation),
        lambda: show_subgroups(evaluation, card),
        lambda: show_sanity(evaluation),
        lambda: show_cases(evaluation, card),
        lambda: show_models(stored, card),
    )
    tabs = st.tabs(TABS, key="quality", bind="query-params")
    if not tabs[3].open:
        release(SECTION)
    for tab, show in zip(tabs, draw, strict=True):
        if tab.open:
            with tab:
                show()
show_definitions()
