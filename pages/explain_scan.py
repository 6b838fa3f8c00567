"""What does a model say about this scan, and what did it look at? Choose, ask once, look."""

import numpy as np
import streamlit as st

from explain import Explanation, explain
from explain.verdict import bars, in_words
from model_zoo import Model, ModelError, load_model, models
from pages.parts.choose import choose_question, choose_scan, gallery
from pages.parts.frame import require_frame
from pages.parts.viewer import show, view
from scans import Scan, ScanError

require_frame()


@st.cache_resource(scope="session", max_entries=32, show_spinner=False)
def ask(
    scan: tuple[str, int, str], weights: str, target: str, method: str, engine: str, _scan: Scan, _model: Model
) -> Explanation:
    """Return the explanation, which holds the model's answer, too.

    What is asked is known by contents: `scan` is digest, slice and plane, `weights` their sha256. Never by
    an array, of which Streamlit's hash sees a sample only.
    """
    return explain(_model, _scan, method, target=target, engine=engine)


rail, desk = st.columns([2, 7], gap="large")
with rail:
    scan = choose_scan()
    try:
        cards = models()
    except ModelError as error:
        st.error(str(error))
        st.stop()
    if not cards:
        st.error("The zoo holds no model yet. Train one with `python -m train`, or restore the folder model_zoo.")
        st.stop()
    card, target, method, engine = choose_question(cards)

with desk:
    if scan is None:
        st.title("What did the model look at?", anchor=False)
        st.write(
            "Upload a brain MRI, or choose a sample. Candor gives the model's answer with its probabilities and "
            "lays over the scan, as you uploaded it, a map of the regions that spoke for that answer."
        )
        gallery()
        st.stop()
    for note in scan.notes:
        st.info(note)
    try:
        with st.spinner("Asking the model; the first time it has to be loaded…"):
            model = load_model(card.id)
            key = (scan.digest, scan.index, scan.plane)
            explanation = ask(key, card.weights_sha256, target, method, engine, scan, model)
    except (ModelError, ScanError) as error:
        st.error(str(error))
        show(scan)
        st.stop()

    p = np.array(explanation.probabilities)
    words, chart = st.columns([5, 6], gap="large", vertical_alignment="center")
    with words:
        st.subheader(f"The model's answer: {card.names[int(p.argmax())]}", anchor=False)
        st.write(in_words(card.names, p))
        if scan.count > 1:
            st.caption(f"This is the answer for slice {scan.index + 1} alone, not for the whole volume.")
    for warning in explanation.warnings:
        st.warning(warning)
    view(scan, explanation, card)
    # Last, though it stands above: the browser takes longest over the chart, and nobody should wait for the map.
    chart.plotly_chart(
        bars(card.names, p, card.classes.index(explanation.target)),
        config={"staticPlot": True, "displayModeBar": False},
        alt="Probability of each class",
    )
