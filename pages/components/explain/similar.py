"""Similar cases: known scans that the model finds most like the open one, with their diagnoses and the same map."""

import streamlit as st

from datasets.cohorts import COHORT_TITLES
from explain import METHODS, Explanation, Request
from explain.similar.known import (
    NOT_THE_PATIENT,
    credit,
    diagnoses_sentence,
    known_cases,
    none_sentence,
    precision_sentence,
    request_for,
)
from explain.similar.search import SimilarCase
from model_zoo import ModelError
from pages.components.requests import Status, draw_as_ready, release
from pages.viewer.component import show_pictures
from pages.viewer.pictures import Picture, described
from scans import ScanError

SECTION = "similar cases"
_CARD = 172  # pixels per case: five in a row of a laptop's screen


def show_similar_cases(explained: Request) -> None:
    """Draw the similar cases of the open scan, and under each the same map of it, as soon as it is finished."""
    card = explained.model.card
    try:
        cases = _cases(card.weights_sha256, explained.scan.key, explained)
    except (ModelError, ScanError) as error:
        st.error(str(error))
        return
    if not cases:
        release(SECTION)
        st.info(none_sentence(card))
        return
    st.write(diagnoses_sentence(card, cases))
    predicted = card.classes[explained.prediction.index]
    st.caption(f"{NOT_THE_PATIENT} {precision_sentence(card, predicted, cases)}")
    requests = {}
    for place, case in enumerate(cases):
        try:
            requests[place] = request_for(explained, case)
        except (ModelError, ScanError) as error:
            st.error(str(error))
    names = dict(zip(card.classes, card.names, strict=True))
    draw_as_ready(requests, SECTION, lambda statuses: _draw(statuses, requests, cases, names))
    if sentence := credit(cases):
        st.caption(sentence)


def _draw(
    statuses: dict[int, Status], requests: dict[int, Request], cases: list[SimilarCase], names: dict[str, str]
) -> None:
    with st.container(horizontal=True, gap="small"):
        for place, status in statuses.items():
            case, request = cases[place], requests[place]
            with st.container(width=_CARD, gap="xsmall"):
                _show(place, request, status.result)
                st.markdown(f"**{names[case.label]}**")
                facts = [COHORT_TITLES.get(case.cohort, case.cohort), case.sequence, case.plane]
                st.caption(f"{' · '.join(fact for fact in facts if fact)} · distance {case.distance:.3f}")
                if status.error:
                    st.error(status.error)


def _show(place: int, request: Request, explanation: Explanation | None) -> None:
    words = described(request.scan, explanation, METHODS[request.method].title, request.target_name)
    pictures = [
        Picture(request.scan, alt="A similar case"),
        Picture(
            request.scan, explanation, f"A similar case. {words}" if explanation else "A similar case, without a map"
        ),
    ]
    show_pictures(f"similar-{place}", pictures, group=SECTION)


@st.cache_resource(scope="session", max_entries=8, show_spinner="Searching similar cases…")
def _cases(weights: str, scan_key: str, _request: Request) -> list[SimilarCase]:
    return known_cases(_request.model, _request.scan, _request.prediction)
