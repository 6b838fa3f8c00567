"""What is Candor, what can its pictures say, and how good are its models? Every number comes from a card."""

import streamlit as st

from explain import METHODS
from model_zoo import ModelCard, ModelError, models
from pages.components.navigation import require_frame

require_frame()

# title of a column -> split and subset of the card's accuracy
MEASURES = {
    "Official test scans": ("test", "all scans"),
    "Test scans without a twin in training": ("test", "no twin in training"),
    "Validation scans": ("val", "all scans"),
}

st.title("About Candor", anchor=False)
text, _ = st.columns([3, 1])

text.markdown(
    """
Candor shows what a brain-MRI classifier looked at, and says how far that picture can be trusted. It is a research
and teaching tool: **not a medical device, not for diagnosis, cleared by no authority.**

### How to read the answer

- The model chooses among its own classes and no others. Shown a healthy knee, it still names one of them.
- A probability says how the model divides its belief among those classes, after a calibration on validation scans.
  It is not the probability that the patient has the disease: that also depends on who is being examined.
- A sure answer can be wrong, above all on scans unlike those the model was trained on: another scanner, another
  sequence, another plane, an operated head, a synthetic one.

### How to read the map

- The map answers one question: which regions raised the score of **one class**, in **this model**. It is evidence
  about the model, not about the patient. A bright region is not a lesion outline, and a dark one is not healthy.
- Change the class to explain and compare. If two classes light up the same regions, the map says little.
- A map outside the head, on a label or along the edge is a warning: the model may have learned a short cut.
- Colours run from 0, no evidence, to the peak of that map. Each map has its own peak, so the colours of two scans
  cannot be compared. Where a method keeps evidence against the class, it is blue, on the same scale. Window and level
  change the picture that you see, never what the model is given.
"""
)

text.subheader("Methods", anchor=False)
for method in METHODS.values():
    text.markdown(f"**{method.title}** ([paper]({method.paper})). {method.measures} {method.pitfalls}")


def row(card: ModelCard) -> dict[str, str]:
    """Return one line of the table of models."""
    found = {title: card.score("accuracy", split, subset) for title, (split, subset) in MEASURES.items()}
    scores = {title: f"{f.percent()}, n = {f.scans}" if f else "not measured" for title, f in found.items()}
    return {"Model": card.id, "Classes": ", ".join(card.names)} | scores


text.subheader("Models and their accuracy", anchor=False)
try:
    cards = models()
except ModelError as error:
    cards = {}
    text.error(str(error))
if cards:
    st.table([row(card) for card in cards.values()], border="horizontal", hide_index=True)
    st.columns([3, 1])[0].caption(
        "Share of scans called right, with its 95 % interval, resampled over groups of related scans. A twin is a "
        "near-duplicate of a scan that trained or chose the model: the figure without twins is the more honest one."
    )
for card in cards.values():
    with st.columns([3, 1])[0].expander(f"{card.title} ({card.id})"):
        st.markdown("\n".join(f"- {limit}" for limit in card.limits))
        st.caption(
            f"Dataset: {card.dataset}, version {card.dataset_version}. {card.parameters:,} weights, "
            f"input {card.input.width} × {card.input.height} pixels. Licence: {card.licence}. "
            f"Weights sha256 {card.weights_sha256[:16]}…"
        )

st.columns([3, 1])[0].markdown(
    """
### Privacy

Nothing is stored. An upload stays in the memory of the server for your session and is dropped with it. Of a DICOM
file only the pixels and a few facts that identify nobody are kept: modality, spacing, orientation, window. Nothing is
reported to anyone, and the page loads nothing from other servers. Text burned into a picture is part of the picture:
remove it before you upload, and download only what you may keep.

### Sources and licences

Candor is free software under the Apache License 2.0. The licence of each model, and of the scans it was trained on,
is on its card above. Phantoms are drawn by Candor and belong to nobody. Candor stands on TensorFlow, Keras, OpenVINO,
tf-keras-vis, LIME, SHAP, scikit-image, scikit-learn, SciPy, Streamlit, Plotly, Matplotlib, OpenCV, Pillow,
pydicom,
highdicom, nibabel, fpdf2 and Jinja.
"""
)
