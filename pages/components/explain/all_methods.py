"""What does every method show for this scan, how far can each be trusted here, and do they agree?"""

import streamlit as st

from explain import METHODS, png
from explain.captions import fit_notes
from explain.comparison.agreement import agreement, head_of, in_words
from explain.evaluation.summary import method_summary, summary_line
from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS
from explain.render.overlay import gray, overlay, squared, with_sides
from explain.render.smoothing import smoothed, smoothing
from model_zoo import Model, zoo_folder
from pages.charts.compare import matrix
from pages.charts.style import CONFIG
from pages.components.display import window_chosen
from pages.components.requests import Answer, Choice, Wanted, as_they_come, cancel, leave
from scans import Scan

ROOM = "gallery"
_SIDE = 320  # pixels of a picture
_SHOWN = 210  # pixels a card: five in a row of a laptop's screen, one and a half on a phone


def gallery_of_methods(scan: Scan, model: Model, target: str, seen: dict) -> None:
    """Draw every method's map of class `target`, quick ones first, each as soon as it is there.

    In `seen` it is noted which of them, by the keys of their questions, are to go into a report.
    """
    name = model.card.names[model.card.classes.index(target)]
    st.caption(
        f"All maps are of {name}, with the usual settings and the first seed. Under each: how often its brightest "
        "point met the tumour's box on marked test slices, and whether it changes, as it should, when the network "
        "forgets all it has learnt."
    )
    wanted = {method: Wanted(model, scan, Choice.usual(method), target) for method in METHODS}
    chosen = st.toggle("Put all these maps into the report", key="report-all", persist_state="session")
    seen["maps"] = [question.key for question in wanted.values()] if chosen else []
    as_they_come(wanted, ROOM, lambda answers: _draw(answers, scan, model, target))


def _draw(answers: dict[str, Answer], scan: Scan, model: Model, target: str) -> None:
    _progress(answers)
    with st.container(horizontal=True, gap="small"):
        for method, answer in answers.items():
            with st.container(width=_SHOWN, gap="xsmall", key=f"card-{method}"):
                _card(method, answer, scan, model, target)
    maps = {method: answer.explanation.heat for method, answer in answers.items() if answer.explanation}
    if len(maps) > 1 and not any(answer.pending for answer in answers.values()):
        _agreement(maps, scan)


def _progress(answers: dict[str, Answer]) -> None:
    states = [answer.state for answer in answers.values()]
    there = len(states) - sum(answer.pending for answer in answers.values())
    if there < len(states):
        running = next((method for method, answer in answers.items() if answer.state == "running"), None)
        told = f": {METHODS[running].title} is under way" if running else ", waiting for other readers' explanations"
        bar, button = st.columns([6, 1], vertical_alignment="center")
        bar.progress(there / len(states), f"{there} of {len(states)} maps are there{told}.")
        button.button("Cancel", key="cancel-gallery", on_click=cancel, args=(ROOM,), width="stretch")
    elif "cancelled" in states and st.button("Go on", on_click=leave, args=(ROOM,)):
        st.rerun()  # all of the page: a fragment by itself would not look again


def _card(method: str, answer: Answer, scan: Scan, model: Model, target: str) -> None:
    title = METHODS[method].title
    if answer.explanation:
        window = window_chosen(scan)
        st.image(_picture(answer, scan, window), alt=f"{title} over the scan", width="stretch", output_format="PNG")
    else:
        st.image(_plain(scan, window_chosen(scan)), alt="The scan, without a map", width="stretch", output_format="PNG")
    if st.button(title, key=f"show-{method}", on_click=_show, args=(method,), width="stretch", help="Show it large"):
        st.rerun()
    if answer.error:
        st.error(answer.error)
    elif not answer.explanation:
        share = f", {100 * answer.job.progress:.0f}\u00a0%" if answer.state == "running" else ""
        st.caption(f"{answer.state.capitalize()}{share}")
    else:
        found = method_summary(zoo_folder() / model.card.id, model.card.weights_sha256, method, target)
        told = [summary_line(found), *fit_notes(answer.explanation)[:1], *answer.explanation.warnings[:1]]
        st.caption(" · ".join(told))


def _show(method: str) -> None:
    st.session_state["method"] = method


def _picture(answer: Answer, scan: Scan, window: tuple[float, float]) -> bytes:
    explanation = answer.explanation
    key = (explanation.scan, explanation.slice, explanation.plane, explanation.weights, explanation.method)
    return _overlaid((*key, explanation.target, explanation.seed), window, scan, explanation)


@st.cache_data(scope="session", max_entries=64, show_spinner=False)
def _overlaid(key: tuple, window: tuple[float, float], _scan: Scan, _explanation) -> bytes:
    usual = smoothing(_scan, _explanation.method)
    heat = smoothed(squared(_explanation.heat, _scan.spacing, _SIDE), usual.usual / usual.side)
    plain = squared(_scan.windowed(window), _scan.spacing, _SIDE)
    colours = SIGNED_COLOUR_MAPS if _explanation.signed else COLOUR_MAPS
    return png(
        with_sides(
            overlay(plain, heat, opacity=0.5, threshold=0.15, colour_map=next(iter(colours)), against=True), _scan.edges
        )
    )


def _plain(scan: Scan, window: tuple[float, float]) -> bytes:
    return png(with_sides(gray(squared(scan.windowed(window), scan.spacing, _SIDE)), scan.edges))


def _agreement(maps: dict, scan: Scan) -> None:
    found = agreement(maps, head_of(scan))
    titles = [METHODS[method].title for method in maps]
    st.markdown("**Do the methods agree?**")
    st.write(in_words(found, titles, "the methods"))
    st.plotly_chart(
        matrix(found, titles), config=CONFIG, key="agreement", alt="Rank correlation of each two methods' maps"
    )
    st.caption(
        "Rank correlation within the head: 1, both order its pixels alike; 0, they have nothing to do with each other. "
        "Methods can agree and all be wrong: maps that are read off the same layer always resemble each other."
    )
