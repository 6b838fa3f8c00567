"""The models and methods that are compared, and the class whose evidence is explained."""

import streamlit as st

from explain import METHODS
from explain.comparison.shared_classes import Shared
from model_zoo import ModelCard
from pages.components.address import write_address
from pages.components.state import COMPARED, renew, state, widget_key

MOST = 4  # models, and methods: sixteen small pictures
PREDICTED = ""  # the class that each model itself predicts

_MODELS = 3  # to begin with


def choose_models(cards: dict[str, ModelCard]) -> list[ModelCard]:
    """Return the cards of the models to compare, the user's own first to begin with; the choice is in the address."""
    current = st.session_state.get("model")
    first = list(dict.fromkeys([current, *cards] if current in cards else cards))[:_MODELS]
    chosen = st.multiselect(
        "Models",
        list(cards),
        first,
        key="models",
        max_selections=MOST,
        wrap=True,
        bind="query-params",
        help=f"Up to {MOST}.",
    )
    return [cards[model_id] for model_id in chosen]


def choose_methods() -> list[str]:
    """Return the ids of the methods to compare; the choice is in the address."""
    session = state()
    session.compare_methods = tuple(
        st.multiselect(
            "Methods",
            list(METHODS),
            session.compare_methods[:MOST],
            format_func=lambda name: METHODS[name].title,
            key=widget_key("methods"),
            max_selections=MOST,
            wrap=True,
            help=f"Up to {MOST}. Maps of a pass or two, such as Grad-CAM, appear at once; others take seconds per "
            "model.",
        )
    )
    write_address("methods", session.compare_methods if session.compare_methods != COMPARED else None)
    return list(session.compare_methods)


def choose_target(shared: Shared) -> str:
    """Return the class whose evidence is explained, by its id in `shared`, or PREDICTED."""
    session = state()
    names = {PREDICTED: "Each model's prediction"} | dict(zip(shared.classes, shared.names, strict=True))
    linked, session.linked_class = session.linked_class, None
    if linked in names and linked != session.compare_target:
        session.compare_target = linked
        renew("compare-class")
    if session.compare_target not in names:  # the models chosen now do not share it
        session.compare_target = PREDICTED
        renew("compare-class")
    session.compare_target = st.selectbox(
        "Explain the evidence for",
        list(names),
        list(names).index(session.compare_target),
        format_func=names.get,
        key=widget_key("compare-class"),
        help="One class for all models, to compare maps of the same class. A model with several matching classes "
        "explains the likeliest of them.",
    )
    write_address("class", session.compare_target)
    return session.compare_target
