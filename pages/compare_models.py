"""Where do several models agree about one scan, and where do they and their maps part?"""

import streamlit as st

from explain.comparison.disagreement import disagreement, headline, in_words
from explain.comparison.shared_classes import correspondences, shared_classes
from pages.charts.compare import probabilities
from pages.charts.style import CONFIG
from pages.components.compare.agreement import draw_agreement
from pages.components.compare.disagreement_table import BITS, draw_worklist
from pages.components.compare.grid import draw_grid
from pages.components.compare.pickers import OWN, choose_class, choose_methods, choose_models
from pages.components.navigation import require_frame
from pages.components.pickers import choose_scan, gallery, require_models
from pages.components.predictions import answers
from pages.components.requests import Choice, Wanted, as_they_come, cancel, leave
from pages.components.viewer import show

ROOM = "compare"
ONE, ALL = "This scan", "All scans by disagreement"

require_frame()
rail, desk = st.columns([2, 7], gap="large")
with rail:
    scan = choose_scan()

with desk:
    head = st.container()
    st.session_state.setdefault("compare-view", ONE)  # no default of the widget's own: choosing a row sets it, too
    shown = st.segmented_control(
        "View", (ONE, ALL), required=True, key="compare-view", label_visibility="collapsed", persist_state="session"
    )
    axes = st.columns([5, 4, 4])
    with axes[0]:
        cards = choose_models(require_models())
    if not cards:
        head.title("Where do the models disagree?", anchor=False)
        st.info("Choose two models or more.")
        st.stop()
    shared = shared_classes(cards)
    with axes[1]:
        methods = choose_methods()
    with axes[2]:
        explained = choose_class(shared)
    if shown == ALL:
        leave(ROOM)
        draw_worklist(cards, shared, lambda: st.session_state.update({"compare-view": ONE}))
        st.stop()
    if scan is None:
        leave(ROOM)
        head.title("Where do the models disagree?", anchor=False)
        st.write(
            "Upload a brain MRI, or choose a sample: several models answer side by side, each with the maps of what "
            "raised its answer. With several scans, see which of them the models disagree about most."
        )
        gallery()
        st.stop()
    for note in scan.notes:
        st.info(note)
    if scan.blank:
        st.error("This slice is blank (every pixel has the same value); choose another slice.")
        show(scan)
        st.stop()
    said = answers(cards, [scan])
    found = disagreement(shared, said.answers[0])
    words, chart = st.columns([4, 6], gap="large", vertical_alignment="center")
    with words:
        st.subheader(headline(cards, shared, said.answers[0]), anchor=False)
        st.markdown(in_words(found, len(cards)), help=BITS)
        if said_of := correspondences(cards, shared):
            with st.expander("How their classes correspond"):
                for sentence in said_of:
                    st.caption(sentence)
        if scan.count > 1:
            st.caption(f"These are the answers for slice {scan.index + 1} alone, not for the whole volume.")

    wanted = {}
    for method in methods:
        for place, card in enumerate(cards):
            p = said.answers[0][place]
            if p is None:
                continue
            target = (
                int(p.argmax()) if explained == OWN else shared.own_class(place, shared.classes.index(explained), p)
            )
            if target is not None:
                choice = Choice.usual(method, card.classes[target])
                wanted[card.id, method] = Wanted(said.models[card.id], scan, choice, card.classes[target])

    def draw(answers) -> None:
        draw_grid(scan, cards, methods, wanted, said.errors, answers)
        if any(answer.pending for answer in answers.values()):
            st.button("Cancel what is still to come", on_click=cancel, args=(ROOM,))
        elif any(answer.state == "cancelled" for answer in answers.values()):
            st.button("Explain again", on_click=leave, args=(ROOM,))
        draw_agreement(scan, cards, methods, {name: a.explanation for name, a in answers.items() if a.explanation})

    if methods:
        as_they_come(wanted, ROOM, draw)
    else:
        st.info("Choose a method to see the models' maps.")
    # Last, though it stands above: nobody should wait for the maps because of a chart.
    chart.plotly_chart(
        probabilities([card.id for card in cards], *shared.table(said.answers[0])),
        config=CONFIG,
        alt="Probability that each model gives to each class",
    )
