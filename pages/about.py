"""The About page: how to read predictions and maps, the methods, and the models with the accuracy of their cards."""

import streamlit as st

from explain import METHODS
from explain.audit import is_kept
from model_zoo import ModelCard, models
from pages.components.broken_models import tell_broken_models
from pages.components.navigation import require_frame

require_frame()

# title of a column -> split and subset of the card's accuracy
ACCURACIES = {
    "All test scans": ("test", "all scans"),
    "Test scans without a near-duplicate in training": ("test", "no near-duplicate in training"),
    "Validation scans": ("val", "all scans"),
}

st.title("About Candor", anchor=False)
text, _ = st.columns([3, 1])

text.markdown(
    """
Candor shows which regions of a scan influenced the prediction of a brain-MRI classifier, and measures how far that
map can be trusted. It is a research and teaching tool: **not a medical device, not for diagnosis, no regulatory
clearance.**

### How to read the prediction

- A gate looks at the picture first. From what is not one head in MRI nothing is predicted; the gate errs, too, and the
  page says how often.
- The model predicts one of its own classes and no others. Where it cannot rule out a second class, the page names both.
- The probabilities are calibrated on validation scans, or to your site where the page says so. A probability is not the
  probability that the patient has the disease: that also depends on who is examined.
- A prediction with high confidence can be wrong, above all on scans unlike those the model was trained on: another
  scanner, another sequence, another plane, an operated head, a synthetic one.

### How to read the map

- The map shows which regions raised the logit of **one class**, in **this model**. It is evidence about the model,
  not about the patient. A bright region is not a lesion outline, and a dark one is not healthy.
- Change the class to explain and compare. If the maps of two classes mark the same regions, they say little.
- A map outside the head, on a label or along the edge is a warning: the model may use a shortcut.
- Colours run from 0, no evidence, to the peak of that map. Each map has its own peak, so the colours of two scans
  cannot be compared. If a method shows evidence against the class, it is blue, on the same scale. Window and level
  change the picture on the screen, never the model's input.
"""
)

text.subheader("Methods", anchor=False)
for method in METHODS.values():
    text.markdown(f"**{method.title}** ([paper]({method.paper})). {method.measures} {method.pitfalls}")


def row(card: ModelCard) -> dict[str, str]:
    """Return one line of the table of models."""
    estimates = {title: card.score("accuracy", split, subset) for title, (split, subset) in ACCURACIES.items()}
    cells = {title: f"{e.percent()}, n = {e.scans:,}" if e else "not measured" for title, e in estimates.items()}
    return {"Model": card.id, "Classes": ", ".join(card.names)} | cells


text.subheader("Models and their accuracy", anchor=False)
cards = models()
with text:
    tell_broken_models()
if cards:
    st.table([row(card) for card in cards.values()], border="horizontal", hide_index=True)
    st.columns([3, 1])[0].caption(
        "Accuracy with its 95 % interval, resampled over groups of related scans. A near-duplicate shows the same "
        "picture as a scan that trained or chose the model: the accuracy without near-duplicates is the reliable one."
    )
for card in cards.values():
    with st.columns([3, 1])[0].expander(f"{card.title} ({card.id})"):
        st.markdown("\n".join(f"- {limit}" for limit in card.limits))
        st.caption(
            f"Dataset: {card.dataset}, version {card.dataset_version}. {card.parameters:,} parameters, "
            f"input {card.input.width} × {card.input.height} pixels. Licence: {card.licence}. "
            f"Weights sha256 {card.weights_sha256[:16]}…"
        )

log = (
    "This server keeps an audit log: who predicted, explained or exported what and when, by the digest of the scan's "
    "file, without the name of a patient or a file."
)
st.columns([3, 1])[0].markdown(
    f"""
### Privacy

No scan is stored. An upload stays in the memory of the server, as the file it is, and is dropped when you remove it or
your session ends. Of a DICOM file the pages show only the pixels and a few facts that identify nobody: modality,
spacing, orientation, window. A result names the patient only where you ask for it under *DICOM*.
{log if is_kept() else ""}

The app reports nothing to anyone, and loads from other servers only what you ask for: a series from a PACS where one
is set up, and a dataset from Kaggle on the page *Datasets*. Text burned into a picture is part of the picture: remove
it before you upload, and download only what you may keep.

### Sources and licences

Candor is free software under the Apache License 2.0. The licence of each model, and of the scans it was trained on,
is on its card above. Phantoms are synthetic and free of rights. Candor uses TensorFlow, Keras, OpenVINO,
tf-keras-vis, LIME, SHAP, scikit-image, scikit-learn, SciPy, Streamlit, Plotly, Matplotlib, OpenCV, Pillow,
pydicom, highdicom, dicomweb-client, nibabel, fpdf2 and Jinja.
"""
)
