"""Explain a scan: a model's prediction, and the regions that influenced it."""

from datetime import datetime
from functools import partial

import streamlit as st

from explain import METHODS, Explanation, Request, methods_for
from explain.cache import CACHE
from explain.prediction_text import confidence_sentence, list_of_probabilities
from explain.render.export import file_stem
from explain.report import ReportInput
from explain.set_text import heading, set_sentence
from pages.charts.prediction import probability_bars
from pages.components.explain.all_methods import SECTION as ALL_METHODS
from pages.components.explain.all_methods import show_all_methods
from pages.components.explain.export import offer_exports
from pages.components.explain.planes import show_planes
from pages.components.explain.progress import show_progress, status_of
from pages.components.explain.similar import SECTION as SIMILAR
from pages.components.explain.similar import show_similar_cases
from pages.components.explain.what_if import show_what_if
from pages.components.explain.whole_series import show_whole_series
from pages.components.explain.worklist import show_worklist
from pages.components.gate import pass_gate
from pages.components.navigation import FRAME, PREDICTION, require_frame
from pages.components.pickers import choose_scan, choose_settings, require_models, show_method
from pages.components.predictions import prediction_of, predictions
from pages.components.rail import draw_rail, end_page
from pages.components.requests import release
from pages.components.samples import gallery
from pages.components.state import PageState, state
from pages.components.uploads import bytes_of, entries
from pages.components.viewer import refuse_blank, show_scan, show_viewer, wait_for_series

TITLE = "What did the model look at?"
WORDS = (
    "Upload a brain MRI, or choose a sample. Candor shows the model's prediction with its probabilities, and a heatmap "
    "of the regions that influenced it, drawn over your scan."
)

require_frame()


def next_method(method: str, order: list[str]) -> None:
    """Draw the way to the next method in `order`, with its key."""
    following = order[(order.index(method) + 1) % len(order)]
    st.button("Next method", on_click=show_method, args=(following,), shortcut="M")


def report_of(request: Request, explanation: Explanation, session: PageState) -> ReportInput:
    """Return what is on the screen at this moment; called when a button is pressed, outside of the session."""
    scan, weights = request.scan, request.model.card.weights_sha256
    kept = [each for key in session.report_maps if (each := CACHE.get(key))]
    others = tuple(
        each
        for each in kept
        if each.belongs_to(scan, weights) and each.target == explanation.target and each.method != explanation.method
    )
    rendering = session.rendering.for_several() if others else session.rendering
    return ReportInput(
        scan,
        request.model.card,
        tuple(map(float, request.prediction.probabilities)),
        (explanation, *others),
        datetime.now().astimezone(),
        rendering,
        session.counterfactuals.get((scan.key, request.model.prediction_key), ()),
        request,
    )


with st.container(key=FRAME):
    rail, desk = st.columns([3, 9], gap="large")
samples = desk.container()
with rail:
    opened = choose_scan(TITLE, WORDS)
if opened is None:
    release()
    with samples.container():
        gallery()
        with st.expander("Model and method", width=480):
            choose_settings(require_models())
    end_page()
samples.empty()  # before the work: nothing of another page lingers
with rail:
    card, method, settings = choose_settings(require_models())

with desk:
    scan = opened.scan
    refuse_blank(opened)
    wait_for_series(opened)
    gate = pass_gate(opened)
    predicted = predictions([card], [scan])
    if card.id in predicted.errors:
        st.error(predicted.errors[card.id])
        show_scan(opened)
        end_page()
    model = predicted.models[card.id]
    card, prediction = model.card, prediction_of(model, scan)
    request = Request(model, scan, method, prediction=prediction, **settings)
    status = status_of(request)
    explanation = status.result

    with st.container(key=PREDICTION):
        words, chart = st.columns([7, 5], gap="large", vertical_alignment="center")
    with words, st.container(gap="xxsmall"):
        st.subheader(f"Prediction: {heading(card, prediction.set, prediction.index)}", anchor=False)
        st.write(confidence_sentence(card.names, prediction.probabilities))
        for reason in () if gate.withheld else prediction.set.reasons:  # which stands above then
            st.write(reason)
        if sentence := set_sentence(card, prediction.set, prediction.index):
            st.caption(sentence)
        if model.calibration:
            st.caption(model.calibration)
        if opened.volume:
            st.caption(f"This is the prediction for slice {opened.place + 1} alone, not for the whole volume.")
    note = "" if explanation else f"The map of {METHODS[method].title} appears here."
    show_viewer(opened, method, explanation, card, card.classes[prediction.index], note)
    if explanation is None:
        show_progress(request, status)
    next_method(method, methods_for(card))
    if explanation:
        make = partial(report_of, request, explanation, state())
        offer_exports(make, file_stem(explanation), scan.digest, bytes_of(scan))
    names = [
        "What if?",
        "Similar cases",
        "All methods",
        *(["Three planes", "Whole series"] if opened.volume else []),
        *(["Worklist"] if len(entries()) > 1 else []),
    ]
    tabs = dict(zip(names, st.tabs(names, key="explain-part", on_change="rerun", bind="query-params"), strict=True))
    if tabs["All methods"].open:
        with tabs["All methods"]:
            show_all_methods(request)
    else:
        release(ALL_METHODS)
    if tabs["Similar cases"].open:
        with tabs["Similar cases"]:
            show_similar_cases(request)
    else:
        release(SIMILAR)
    if tabs["What if?"].open:
        with tabs["What if?"]:
            show_what_if(scan, model, explanation)
    if opened.volume and tabs["Three planes"].open:
        with tabs["Three planes"]:
            show_planes(opened, method, explanation)
    if opened.volume and tabs["Whole series"].open:
        with tabs["Whole series"]:
            show_whole_series(opened, model)
    if "Worklist" in tabs and tabs["Worklist"].open:
        with tabs["Worklist"]:
            show_worklist(model)

    # Last, though it stands above: the browser takes longest over the chart, and nobody should wait for the map.
    chart.plotly_chart(
        probability_bars(card.names, prediction.probabilities, request.target_index),
        config={"staticPlot": True, "displayModeBar": False},
        alt=f"Probability of each class: {list_of_probabilities(card.names, prediction.probabilities)}",
    )
    draw_rail()
