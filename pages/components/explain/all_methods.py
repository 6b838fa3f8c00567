"""Every method's map of one scan, how far each can be trusted, and whether they agree."""

import streamlit as st

from explain import METHODS, Request, methods_for
from explain.captions import fit_notes
from explain.comparison.agreement import agreement, agreement_sentence, head_of
from explain.evaluation.summary import method_summary, summary_line
from model_zoo import bundle_folder
from pages.charts.compare import matrix
from pages.charts.style import CONFIG
from pages.components.display import windows_of
from pages.components.pickers import show_method
from pages.components.requests import Status, cancel, draw_as_ready, release
from pages.components.state import state
from pages.components.viewer import GROUP
from pages.viewer.component import show_pictures
from pages.viewer.pictures import Picture, described
from scans import Scan

SECTION = "all methods"
_CARD = 210  # pixels per card: five in a row of a laptop's screen, one and a half on a phone


def show_all_methods(explained: Request) -> None:
    """Draw every method's map of the request's class, fast ones first, each as soon as it is finished."""
    session = state()
    st.caption(
        f"All maps explain {explained.target_name}, with default settings and the first seed, and are drawn as the map "
        "above. Under each: pointing game on annotated test scans, and the sanity check by weight randomisation."
    )
    requests = {
        method: Request(
            explained.model, explained.scan, method, target=explained.target, prediction=explained.prediction
        )
        for method in methods_for(explained.model.card)
    }
    session.all_maps_in_report = st.toggle(
        "Put all these maps into the report", session.all_maps_in_report, key="report-all"
    )
    session.report_maps = tuple(each.key for each in requests.values()) if session.all_maps_in_report else ()
    draw_as_ready(requests, SECTION, lambda statuses: _draw(statuses, requests))


def _draw(statuses: dict[str, Status], requests: dict[str, Request]) -> None:
    _show_progress(statuses)
    with st.container(horizontal=True, gap="small"):
        for method, status in statuses.items():
            with st.container(width=_CARD, gap="xsmall", key=f"card-{method}"):
                _card(requests[method], status)
    maps = {method: status.result.heat for method, status in statuses.items() if status.result}
    if len(maps) > 1 and not any(status.pending for status in statuses.values()):
        _show_agreement(maps, next(iter(requests.values())).scan)


def _show_progress(statuses: dict[str, Status]) -> None:
    states = [status.state for status in statuses.values()]
    finished = len(states) - sum(status.pending for status in statuses.values())
    if finished < len(states):
        running = next((method for method, status in statuses.items() if status.state == "running"), None)
        doing = f": {METHODS[running].title} is running" if running else ", queued"
        bar, button = st.columns([6, 1], vertical_alignment="center")
        bar.progress(finished / len(states), f"{finished} of {len(states)} maps finished{doing}.")
        button.button("Cancel", key="cancel-all-methods", on_click=cancel, args=(SECTION,), width="stretch")
    elif "cancelled" in states and st.button("Continue", on_click=release, args=(SECTION,)):
        st.rerun()  # all of the page: a fragment by itself would not look again


def _card(request: Request, status: Status) -> None:
    title, explanation = METHODS[request.method].title, status.result
    alt = described(request.scan, explanation, title, request.target_name)
    picture = Picture(request.scan, explanation, alt if explanation else "The scan, without a map")
    show_pictures(f"all-{request.method}", [picture], group=GROUP, windows=windows_of(request.scan))
    if st.button(title, key=f"show-{request.method}", on_click=show_method, args=(request.method,), width="stretch"):
        st.rerun()
    if status.error:
        st.error(status.error)
    elif not explanation:
        share = f", {100 * status.job.progress:.0f}\u00a0%" if status.state == "running" else ""
        st.caption(f"{status.state.capitalize()}{share}")
    else:
        card = request.model.card
        folder, weights = bundle_folder(card.id), card.weights_sha256
        summary = method_summary(folder, weights, request.method, request.target, request.engine)
        st.caption(" · ".join([summary_line(summary), *fit_notes(explanation)[:1], *explanation.warnings[:1]]))


def _show_agreement(maps: dict, scan: Scan) -> None:
    values = agreement(maps, head_of(scan))
    titles = [METHODS[method].title for method in maps]
    st.markdown("**Do the methods agree?**")
    st.write(agreement_sentence(values, titles, "the methods"))
    st.plotly_chart(
        matrix(values, titles, "Method"),
        config=CONFIG,
        key="agreement",
        alt="Rank correlation of each pair of methods' maps",
    )
    st.caption(
        "Rank correlation within the head: 1, both order its pixels alike; 0, no relation. Methods can agree and all "
        "be wrong: maps read off the same layer always resemble each other."
    )
