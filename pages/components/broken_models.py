"""The models that are left out because their card cannot be read: the others are served all the same."""

import streamlit as st

from model_zoo import broken_models


def tell_broken_models() -> bool:
    """Show a sentence for each model that is left out; return whether there is one."""
    broken = broken_models()
    for name, sentence in broken.items():
        st.error(f"{name} is left out: {sentence}")
    return bool(broken)
