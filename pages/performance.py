"""How good is a model, on which scans, and does it cheat? Every figure from its bundle's own files."""

import streamlit as st

from pages.parts.choose import require_models
from pages.parts.frame import require_frame

require_frame()
st.title("How good is a model?", anchor=False)
cards = require_models()
