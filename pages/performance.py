"""How good is a model, on which scans, and does it cheat? Every figure from its bundle's own files."""

import streamlit as st

from pages.components.navigation import require_frame
from pages.components.performance.accuracy import accuracy, confusions, curves
from pages.components.performance.bundles import bundle, cards_without_weights
from pages.components.performance.external_validation import cheating, elsewhere
from pages.components.performance.training import training
from pages.components.pickers import choose_model, require_models

require_frame()

# title of a tab -> what draws it: of the models chosen, one or two, among all cards. Only the open one is computed.
TABS = {
    "Accuracy": accuracy,
    "Confusions": confusions,
    "Curves": curves,
    "Other collections": elsewhere,
    "Does it cheat?": cheating,
    "Training and card": training,
}

st.title("How good is a model?", anchor=False)
cards = require_models()
first, second, more = st.columns([4, 4, 3], vertical_alignment="bottom", gap="medium")
if more.toggle(
    "Also models not shipped",
    key="unshipped",
    bind="query-params",
    help="Systems that were trained and scored, and whose weights are no part of Candor: they cannot be asked anew.",
):
    others, problems = cards_without_weights()
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

for tab, draw in zip(st.tabs(list(TABS), key="show", bind="query-params"), TABS.values(), strict=True):
    if tab.open:
        with tab:
            draw(chosen, cards)
