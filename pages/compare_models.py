"""Where do several models agree about one scan, and where do they and their maps part?"""

import streamlit as st

from pages.parts.choose import require_models
from pages.parts.frame import require_frame

require_frame()
st.title("Where do the models disagree?", anchor=False)
cards = require_models()
