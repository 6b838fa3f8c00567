"""Do a model's maps show the tumour, and does the model use what they show? The board."""

import streamlit as st

from pages.parts.choose import require_models
from pages.parts.frame import require_frame

require_frame()
st.title("How far can the maps be trusted?", anchor=False)
cards = require_models()
