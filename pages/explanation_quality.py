"""Do a model's maps show the tumour, and does the model use what they show? The board."""

import streamlit as st

from explain.evaluation.store import boards
from pages.components.navigation import require_frame
from pages.components.pickers import choose_model, require_models
from pages.components.quality.breakdown import show_meanings, show_models, show_parts, show_sanity
from pages.components.quality.cases import show_cases
from pages.components.quality.methods import show_methods, tell, tell_missing

require_frame()
st.title("How far can the maps be trusted?", anchor=False)
st.columns([3, 1])[0].write(
    "A heatmap always looks convincing. Here every method is scored on slices whose tumour radiologists have boxed: "
    "does the map lie where the tumour is, does the model use what it marks, and does it show what was learnt? "
    "Maps that know nothing of the model, the controls, say what each figure is worth."
)
cards = require_models()
with st.columns([2, 3])[0]:
    card = choose_model(cards)
found, broken = boards()
for sentence in broken:
    st.error(sentence)
board = found.get(card.id)
if board is None:
    tell_missing(card, [model for model in cards if model in found])
    if found:
        st.subheader("The models that have a board", anchor=False)
        show_models(found, card)
else:
    tell(board, card)
    names = ["Methods", "Where they miss", "Sanity", "Best and worst cases", "Models side by side"]
    methods, parts, sanity, cases, models = st.tabs(names, key="board", bind="query-params")
    for tab, show in (
        (methods, lambda: show_methods(board)),
        (parts, lambda: show_parts(board, card)),
        (sanity, lambda: show_sanity(board)),
        (cases, lambda: show_cases(board, card)),
        (models, lambda: show_models(found, card)),
    ):
        if tab.open:
            with tab:
                show()
show_meanings()
