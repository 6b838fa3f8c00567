"""What does a model say about this scan, and what did it look at? Choose, ask once, look."""

from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np
import streamlit as st

from explain import METHODS, Explanation
from explain.cache import CACHE
from explain.captions import doubts
from explain.prediction_text import bars, in_words
from explain.report import Reading
from model_zoo import ModelCard
from pages.components.explain.all_methods import gallery_of_methods
from pages.components.explain.export import offer_report, style_of
from pages.components.explain.progress import ask, wait
from pages.components.explain.what_if import counterfactual
from pages.components.explain.whole_series import read_series
from pages.components.explain.worklist import draw_reading_list
from pages.components.navigation import require_frame
from pages.components.pickers import choose_question, choose_scan, gallery, go_to, place, require_models, slices
from pages.components.predictions import answers
from pages.components.requests import Wanted, leave
from pages.components.uploads import bytes_of, files
from pages.components.viewer import show, view
from scans import Scan

BLANK = "This slice is blank (every pixel has the same value); choose another slice."

require_frame()


def step_buttons(volume: list[Scan], method: str) -> None:
    """Draw the ways to the next slice and the next method, each with its key."""
    order = list(METHODS)
    following = order[(order.index(method) + 1) % len(order)]
    with st.container(horizontal=True, gap="small"):
        if volume:
            for label, key, step in (("Previous slice", "P", -1), ("Next slice", "N", 1)):
                away = not 0 <= place() + step < len(volume)
                st.button(label, on_click=go_to, args=(place() + step,), shortcut=key, disabled=away)
        st.button("Next method", on_click=lambda: st.session_state.update(method=following), shortcut="M")


def reading(scan: Scan, card: ModelCard, p: np.ndarray, explanation: Explanation, seen: dict) -> Reading:
    """Return what is on the screen at this moment; called when a button is pressed, outside of the session."""
    kept = (CACHE.get(key) for key in seen.get("maps", ()))
    of_this = (explanation.scan, explanation.slice, explanation.plane, explanation.weights, explanation.target)
    others = [
        found
        for found in kept
        if found and (found.scan, found.slice, found.plane, found.weights, found.target) == of_this
        if found.method != explanation.method
    ]
    of, said = seen.get("said", (None, []))
    said = said if of == (scan.digest, scan.index, scan.plane, card.weights_sha256) else []
    style = style_of(seen["look"], seen["window"])
    if others:  # how far to smooth and which signs to show was chosen for the one on the screen
        style = replace(style, smooth=None, against=True)
    now = datetime.now().astimezone()
    return Reading(scan, card, tuple(map(float, p)), (explanation, *others), now, style, tuple(said))


def stem(explanation: Explanation) -> str:
    """Return how the names of downloads begin: what was asked, and no name of a file."""
    asked = ("candor", explanation.model, explanation.method, explanation.target, explanation.scan[:8])
    return "-".join((*asked, f"{explanation.slice + 1}"))


rail, desk = st.columns([3, 9], gap="large")
with rail:
    scan = choose_scan()
    card, choice = choose_question(require_models())

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
    said = answers([card], [scan])
    if scan.blank or card.id in said.errors:
        st.error(said.errors.get(card.id, BLANK))
        show(scan)
        st.stop()
    model, p = said.models[card.id], said.answers[0][0]
    target = choice.target or card.classes[int(p.argmax())]
    wanted = Wanted(model, scan, choice, target)
    answer = ask(wanted)

    words, chart = st.columns([5, 6], gap="large", vertical_alignment="center")
    with words:
        st.subheader(f"The model's answer: {card.names[int(p.argmax())]}", anchor=False)
        st.write(in_words(card.names, p))
        if slices():
            st.caption(f"This is the answer for slice {place() + 1} alone, not for the whole volume.")
    seen: dict = st.session_state.setdefault("seen", {})  # how it is drawn and what was said, for a report
    warnings = st.container()
    if answer.explanation is None:
        wait(wanted, answer)
    else:
        for doubt in doubts(answer.explanation, card.names[card.classes.index(target)]):
            warnings.warning(doubt)
        view(scan, answer.explanation, card, seen)
    volume = slices()
    step_buttons(volume, choice.method)
    if answer.explanation:
        make = partial(reading, scan, card, p, answer.explanation, seen)
        offer_report(make, stem(answer.explanation), bytes_of(scan))
    names = [
        "What if?",
        "All methods",
        *(["Whole series"] if volume else []),
        *(["Worklist"] if len(files()) > 1 else []),
    ]
    parts = dict(zip(names, st.tabs(names, key="explain-part", on_change="rerun"), strict=True))
    if parts["All methods"].open:
        with parts["All methods"]:
            gallery_of_methods(scan, model, target, seen)
    else:
        leave("gallery")
    if parts["What if?"].open:
        with parts["What if?"]:
            counterfactual(scan, model, card, seen, answer.explanation)
    if volume and parts["Whole series"].open:
        with parts["Whole series"]:
            read_series(volume, model, card, go_to, current=place())
    if "Worklist" in parts and parts["Worklist"].open:
        with parts["Worklist"]:
            draw_reading_list(card)

    # Last, though it stands above: the browser takes longest over the chart, and nobody should wait for the map.
    chart.plotly_chart(
        bars(card.names, p, card.classes.index(target)),
        config={"staticPlot": True, "displayModeBar": False},
        alt="Probability of each class",
    )
