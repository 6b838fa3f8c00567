"""The page of a site's own calibration: made from its labelled scans, kept in a file, and used in this session."""

import streamlit as st

from pages.components.navigation import require_frame
from pages.components.pickers import choose_model, require_models
from pages.components.site.make import calibrate_here
from pages.components.site.result import show_calibration
from pages.components.site.use import choose_calibration
from pages.components.state import state
from pages.door.entrance import require_engineer

require_frame()
require_engineer("Site calibration")

st.title("Site calibration", anchor=False)
cards = require_models()
st.columns([3, 1])[0].write(
    "A model’s probabilities and prediction sets are calibrated on scans of its own collections; at another hospital "
    "they promise nothing. 50 to 200 labelled scans of yours give the model a temperature and thresholds of your own."
)
with st.columns([4, 7])[0]:
    card = choose_model(cards)
make, use = st.columns(2, gap="large")
with make:
    st.subheader("Calibrate to your scans", anchor=False)
    calibrate_here(card)
with use:
    st.subheader("Use a calibration", anchor=False)
    choose_calibration(card)
shown = state().calibrations_shown.get(card.id)
if shown and shown.weights_sha256 == card.weights_sha256:  # the model may have been trained again
    show_calibration(card, shown)
