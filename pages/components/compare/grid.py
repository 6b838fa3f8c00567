"""How do several models' maps by several methods look side by side? One size, one window and one look for all."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import streamlit as st

from explain import METHODS, Explanation, colour_bar, overlay, png
from explain.captions import cautions, progress_text
from explain.evaluation.summary import method_summary, summary_line
from explain.prediction_text import percent
from explain.render.colours import SIGNED_COLOUR_MAPS
from explain.render.overlay import gray, squared, with_sides
from explain.render.smoothing import smoothed, smoothing
from model_zoo import ModelCard, zoo_folder
from pages.components.display import choose_blend, choose_window
from pages.components.requests import Answer, Wanted
from scans import Scan

SIDE = 448  # pixels of a picture
NO_CLASS = "This model has no class that corresponds, so there is nothing to explain."

_NARROWEST = 130  # pixels of a column, below which the grid scrolls
_WIDTH = 150  # pixels of a slider
_KEEP = {"persist_state": "session"}
_TRUST = "On marked test slices of this class: how often the brightest point of such a map lay in the tumour's box."


@dataclass(frozen=True)
class Look:
    """How every map of the grid is drawn; opacity and threshold in [0, 1]."""

    shown: bool
    against: bool
    contours: bool
    opacity: float
    threshold: float
    colour_map: str


def choose_look(signed: bool) -> Look:
    """Draw the controls that hold for all maps, and return what they say. `signed`: some map keeps its sign."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        blend = choose_blend(signed, "compare-", "heatmaps")
        colour_map = st.selectbox(
            "Colours", SIGNED_COLOUR_MAPS, format_func=str.title, key="compare-colours", width=_WIDTH, **_KEEP
        )
    return Look(*blend, colour_map)


def draw_grid(
    scan: Scan,
    cards: Sequence[ModelCard],
    methods: Sequence[str],
    wanted: Mapping[tuple[str, str], Wanted],
    errors: Mapping[str, str],
    answers: Mapping[tuple[str, str], Answer],
) -> None:
    """Draw the scan beside its maps, a row a method and a column a model; below them the controls for all.

    `wanted` and `answers` go by (model, method). A model that is in `errors` has its sentence in its cells.
    """
    pictures, key, controls = st.container(), st.container(), st.container()
    with controls:
        look = choose_look(any(METHODS[method].signed for method in methods))
        window = choose_window(scan)
    plain = _plain(_id(scan), window, scan)
    grid = pictures.grid(len(cards) + 1, min_column_width=_NARROWEST, wrap=False)
    for method in methods:
        title, about = METHODS[method].title, f"{METHODS[method].measures} {METHODS[method].pitfalls}"
        with grid.cell():
            st.image(plain, alt="The scan", width="stretch", output_format="PNG")
            st.markdown(f"**{title}**", help=about)
            st.caption("The scan; to its right, what this method marks in each model.")
        for card in cards:
            at = (card.id, method)
            with grid.cell():
                if card.id in errors:
                    st.markdown(f"**{card.id}**")
                    st.error(errors[card.id])
                else:
                    _cell(scan, plain, card, method, wanted.get(at), answers.get(at), look, window)
    if look.shown:
        bar = colour_bar(
            1.0,
            "of each map's own peak",
            look.colour_map,
            look.threshold,
            contours=look.contours,
            against=look.against,
        )
        key.image(png(bar), alt="Colour bar", width=400, output_format="PNG")
        key.caption(
            "Every map has its own scale, from 0 to its own peak: equal colours are not equal evidence. Maps of single "
            "pixels are smoothed for the eye."
        )


def _cell(scan, plain: bytes, card: ModelCard, method: str, wanted, answer, look: Look, window) -> None:
    """Draw one picture of the grid, or what there is instead, and what it is."""
    title = METHODS[method].title
    explanation = answer.explanation if answer else None
    shown = plain
    if explanation and look.shown:
        shown = _drawn(wanted.key, window, astuple(look), scan, explanation)
    alt = f"{card.id}, {title}: " + ("the scan under the heatmap" if explanation else "no map")
    st.image(shown, alt=alt, width="stretch", output_format="PNG")
    st.markdown(f"**{card.id}**")
    if wanted is None:
        st.caption(NO_CLASS)
        return
    name = card.names[card.classes.index(wanted.target)]
    if explanation:
        measured = summary_line(method_summary(zoo_folder() / card.id, card.weights_sha256, method, wanted.target))
        p = percent(explanation.probability).replace(" ", "\u00a0")
        st.caption(f"{title} · {name}, {p}  \nOn the board: {measured}", help=_TRUST)
        if doubted := cautions(explanation, name):
            st.caption(":material/warning: Read with doubt", help=" ".join(doubted))
        return
    st.caption(f"{title} · {name}")
    _state(answer, wanted)


def _state(answer: Answer, wanted: Wanted) -> None:
    if answer.state == "cancelled":
        st.caption("Cancelled.")
    elif answer.state == "failed":
        st.error(answer.error)
    elif answer.state == "running":
        st.progress(*progress_text(answer.job.progress, answer.job.seconds, wanted.choice.seconds))
    elif answer.state == "waiting":
        st.progress(0.0, f"Place {answer.job.place} in the queue.")
    else:
        st.progress(0.0, answer.error or "To come.")


def _id(scan: Scan) -> tuple:
    return scan.digest, scan.index, scan.plane


@st.cache_data(scope="session", max_entries=8, show_spinner=False)
def _plain(scan: tuple, window: tuple[float, float], _scan: Scan) -> bytes:
    picture = gray(squared(_scan.windowed(window), _scan.spacing, SIDE))
    return png(with_sides(picture, _scan.edges))


@st.cache_data(scope="session", max_entries=128, show_spinner=False)
def _drawn(key: str, window: tuple[float, float], look: tuple, _scan: Scan, _explanation: Explanation) -> bytes:
    """Return the overlay. `key` is that of the question: all that the map depends on."""
    found = Look(*look)
    choice = smoothing(_scan, _explanation.method)
    heat = smoothed(squared(_explanation.heat, _scan.spacing, SIDE), choice.usual / choice.side)
    plain = squared(_scan.windowed(window), _scan.spacing, SIDE)
    drawn = overlay(
        plain,
        heat,
        opacity=found.opacity,
        colour_map=found.colour_map,
        threshold=found.threshold,
        contours=found.contours,
        against=found.against,
    )
    return png(with_sides(drawn, _scan.edges))
