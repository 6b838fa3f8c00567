"""What does a model say about this scan, and what did it look at? Choose, ask once, look."""

import numpy as np
import streamlit as st

from explain.reading import doubts
from explain.verdict import bars, in_words
from model_zoo import Model, ModelError, load_model
from pages.parts.asking import Wanted, leave
from pages.parts.choose import choose_question, choose_scan, gallery, require_models
from pages.parts.frame import require_frame
from pages.parts.viewer import show, view
from pages.parts.waiting import ask, wait
from scans import Scan, ScanError

require_frame()


@st.cache_data(scope="session", max_entries=256, show_spinner=False)
def classify(scan: tuple[str, int, str], weights: str, _scan: Scan, _model: Model) -> np.ndarray:
    """Return the probabilities (K,). What is asked is known by contents: digest, slice, plane and the weights."""
    return _model.classify([_scan])[0]


rail, desk = st.columns([2, 7], gap="large")
with rail:
    scan = choose_scan()
    cards = require_models()
    card, choice = choose_question(cards)

with desk:
    if scan is None:
        leave()
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
            p = classify((scan.digest, scan.index, scan.plane), card.weights_sha256, scan, model)
        target = choice.target or card.classes[int(p.argmax())]
    except (ModelError, ScanError) as error:
        st.error(str(error))
        show(scan)
        st.stop()
    wanted = Wanted(model, scan, choice, target)
    answer = ask(wanted)
    explanation = answer.explanation

    words, chart = st.columns([5, 6], gap="large", vertical_alignment="center")
    with words:
        st.subheader(f"The model's answer: {card.names[int(p.argmax())]}", anchor=False)
        st.write(in_words(card.names, p))
        if scan.count > 1:
            st.caption(f"This is the answer for slice {scan.index + 1} alone, not for the whole volume.")
    warnings = st.container()
    if explanation is None:
        wait(wanted, answer)
    else:
        for doubt in doubts(explanation, card.names[card.classes.index(target)]):
            warnings.warning(doubt)
        view(scan, explanation, card)
    # Last, though it stands above: the browser takes longest over the chart, and nobody should wait for the map.
    chart.plotly_chart(
        bars(card.names, p, card.classes.index(target)),
        config={"staticPlot": True, "displayModeBar": False},
        alt="Probability of each class",
    )
