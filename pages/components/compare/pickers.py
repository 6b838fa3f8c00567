"""Which models and which methods are set side by side, and the evidence for which class is asked for?"""

import streamlit as st

from explain import METHODS
from explain.comparison.shared_classes import Shared
from model_zoo import ModelCard

MOST = 4  # models, and methods: sixteen small pictures
OWN = ""  # the class that each model itself gives

_MODELS, _METHODS = 3, ("gradcam", "occlusion")  # to begin with


def choose_models(cards: dict[str, ModelCard]) -> list[ModelCard]:
    """Return the cards of the models to compare, the reader's own first to begin with; the choice is in the address."""
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
    return st.multiselect(
        "Methods",
        list(METHODS),
        _METHODS,
        format_func=lambda name: METHODS[name].title,
        key="methods",
        max_selections=MOST,
        wrap=True,
        bind="query-params",
        help=f"Up to {MOST}. Maps of a pass or two, such as Grad-CAM, are there at once; others take seconds a model.",
    )


def choose_class(shared: Shared) -> str:
    """Return the class whose evidence is shown, by its id in `shared`, or OWN."""
    names = {OWN: "Each model's own answer"} | dict(zip(shared.classes, shared.names, strict=True))
    if st.session_state.get("compare-class") not in names:
        st.session_state["compare-class"] = OWN
    return st.selectbox(
        "Class to explain",
        list(names),
        format_func=names.get,
        key="compare-class",
        persist_state="session",
        help="One class for all, to compare maps that answer the same question. A model with several classes of that "
        "kind explains the likeliest of them.",
    )
