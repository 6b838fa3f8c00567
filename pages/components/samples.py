"""The samples: phantoms that stand ready where nobody has uploaded a scan."""

import streamlit as st

from explain import Rendering, draw, png
from pages.components.small_pictures import small_picture
from pages.components.state import state
from scans import PHANTOM_SAMPLES, Scan, phantom

_THUMBNAIL = 164  # pixels: six in a row, two on a phone
_LESIONS = {
    "glioma": "glioma-like",
    "meningioma": "meningioma-like",
    "notumor": "no lesion",
    "pituitary": "pituitary-like",
}
SAMPLES = {
    f"Phantom {number}: {_LESIONS[kind]}": (kind, seed) for number, (kind, seed) in enumerate(PHANTOM_SAMPLES, 1)
}
SYNTHETIC = "Phantoms are synthetic heads with a lesion of known kind. Models trained on patients may misclassify them."


def address_of(name: str) -> str:
    """Return what stands for a sample in the address."""
    return name.partition(":")[0].lower().replace(" ", "-")


@st.cache_data(show_spinner=False)
def sample(name: str) -> Scan:
    """Return a phantom by its name in SAMPLES."""
    return phantom(*SAMPLES[name]).scan


def gallery() -> None:
    """Draw the samples; a click on one opens it."""
    with st.container(horizontal=True, gap="small"):
        for name in SAMPLES:
            with st.container(width=_THUMBNAIL, gap="xsmall"):
                st.image(_thumbnail(name), alt=name, width="stretch", output_format="PNG")
                st.button(name, on_click=open_scan, args=(name,), width="stretch")
    st.caption(SYNTHETIC)


def open_scan(name: str) -> None:
    """Open an entry or a sample by its name; to be called before the page is drawn, as a widget's callback is."""
    state().open(name)


@st.cache_data(show_spinner=False)
def sample_picture(name: str) -> bytes:
    """Return a phantom as a small picture, a PNG."""
    return small_picture(sample(name))


@st.cache_data(show_spinner=False)
def _thumbnail(name: str) -> bytes:
    return png(
        draw(sample(name), rendering=Rendering(window=(0.0, 1.0), side_letters=False), side=2 * _THUMBNAIL).picture
    )
