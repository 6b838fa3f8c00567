"""Compare models: where several models and their maps agree about one scan, and where they do not."""

import streamlit as st

from explain import Request, methods_for
from explain.comparison.disagreement import disagreement, disagreement_sentence, headline
from explain.comparison.shared_classes import correspondences, shared_classes
from pages.charts.compare import probabilities, probabilities_in_words
from pages.charts.style import CONFIG
from pages.components.compare.agreement import show_agreement
from pages.components.compare.disagreement_table import DISAGREEMENT, show_disagreement_table
from pages.components.compare.grid import show_grid
from pages.components.compare.pickers import PREDICTED, choose_methods, choose_models, choose_target
from pages.components.gate import pass_gate
from pages.components.navigation import FRAME, require_frame
from pages.components.pickers import choose_scan, require_models
from pages.components.predictions import prediction_of, predictions, show_calibrations
from pages.components.rail import draw_rail, end_page
from pages.components.requests import cancel, draw_as_ready, release
from pages.components.samples import gallery
from pages.components.state import renew, state, widget_key
from pages.components.viewer import refuse_blank, wait_for_series

SECTION = "compare"
VIEWS = ("This scan", "All scans by disagreement")
TITLE = "Where do the models disagree?"
WORDS = (
    "Upload a brain MRI, or choose a sample: several models predict side by side, each with the maps of what "
    "influenced its prediction. With several scans, see which of them the models disagree about most."
)

require_frame()
session = state()


def show_one_scan() -> None:
    """Leave the table for the scan that was selected in it."""
    session.compare_table = False
    renew("compare-view")


with st.container(key=FRAME):
    rail, desk = st.columns([2, 7], gap="large")
with rail:
    opened = choose_scan(TITLE, WORDS)

with desk:
    view = st.segmented_control(
        "View",
        VIEWS,
        default=VIEWS[session.compare_table],
        required=True,
        key=widget_key("compare-view"),
        label_visibility="collapsed",
    )
    session.compare_table = view == VIEWS[1]
    axes = st.columns([5, 4, 4])
    with axes[0]:
        cards = choose_models(require_models())
    if not cards:
        st.info("Choose two models or more.")
        end_page()
    shared = shared_classes(cards)
    with axes[1]:
        methods = choose_methods()
    with axes[2]:
        target = choose_target(shared)
    if session.compare_table:
        release(SECTION)
        show_disagreement_table(cards, shared, show_one_scan)
        end_page()
    if opened is None:
        release(SECTION)
        gallery()
        end_page()
    scan = opened.scan
    refuse_blank(opened)
    wait_for_series(opened)
    pass_gate(opened)
    predicted = predictions(cards, [scan])
    row = predicted.rows[0]
    words, chart = st.columns([4, 6], gap="large", vertical_alignment="center")
    with words:
        st.subheader(headline(cards, shared, row), anchor=False)
        st.markdown(disagreement_sentence(disagreement(shared, row), len(cards)), help=DISAGREEMENT)
        show_calibrations(predicted)
        if sentences := correspondences(cards, shared):
            with st.expander("How their classes correspond"):
                for sentence in sentences:
                    st.caption(sentence)
        if opened.volume:
            st.caption(f"These are the predictions for slice {opened.place + 1} alone, not for the whole volume.")

    requests = {}
    for method in methods:
        for place, card in enumerate(cards):
            p = row[place]
            if p is None:
                continue
            index = int(p.argmax())
            if target != PREDICTED:
                index = shared.own_class(place, shared.classes.index(target), p)
            if index is not None and method in methods_for(card):
                model = predicted.models[card.id]
                requests[card.id, method] = Request(
                    model, scan, method, target=card.classes[index], prediction=prediction_of(model, scan)
                )

    def draw(statuses) -> None:
        show_grid(opened, cards, methods, requests, predicted.errors, statuses)
        if any(status.pending for status in statuses.values()):
            st.button("Cancel remaining", on_click=cancel, args=(SECTION,))
        elif any(status.state == "cancelled" for status in statuses.values()):
            st.button("Explain again", on_click=release, args=(SECTION,))
        show_agreement(
            opened, cards, methods, {name: status.result for name, status in statuses.items() if status.result}
        )

    if methods:
        draw_as_ready(requests, SECTION, draw)
    else:
        st.info("Choose a method to see the models' maps.")
    # Last, though it stands above: nobody should wait for the maps because of a chart.
    names, shares, held = shared.table(row)
    chart.plotly_chart(
        probabilities([card.id for card in cards], names, shares, held),
        config=CONFIG,
        alt=probabilities_in_words([card.id for card in cards], names, shares, held),
    )
    draw_rail()
