"""What is in the datasets, what leaks in them, and where do they come from?"""

import streamlit as st

from pages.parts.choose import require_models
from pages.parts.frame import require_frame

require_frame()
st.title("What are the models trained on?", anchor=False)
cards = require_models()
