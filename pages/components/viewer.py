"""A scan beside its heatmap, with the colour bar and how far to trust the map.

The pictures come first, the controls below them: on a phone, too, the scan is what is seen.
"""

from functools import partial

import streamlit as st

from explain import METHODS, Explanation, Rendering
from explain.captions import cautions, colour_meaning, convergence, fit_notes, scan_facts
from explain.evaluation.summary import MethodSummary, method_summary, summary_line, summary_text
from explain.render.smoothing import smoothing
from model_zoo import ModelCard, bundle_folder
from pages.components import scan_states
from pages.components.display import controls, rendering_chosen, take_rendering, windows_of
from pages.components.pickers import Open
from pages.components.rail import end_page
from pages.components.state import state, subject
from pages.viewer.component import show_pictures
from pages.viewer.pictures import Picture, described, facts_of_volume, window_key
from scans import Scan

GROUP = "explain"  # of the pictures on the Explain page: they are seen alike
_KEY = "viewer"
ELSEWHERE = "This slice is not explained yet."


def show_viewer(
    opened: Open,
    method: str,
    explanation: Explanation | None = None,
    card: ModelCard | None = None,
    predicted: str = "",
    note: str = "",
) -> None:
    """Draw the scan beside its overlay. The controls are the browser's: they run neither the page nor the model.

    `predicted` is the class that the model predicts. Without an `explanation`, `note` stands where the map will be.
    """
    _draw(subject(), opened, method, explanation, card, predicted, note)


@st.fragment
def _draw(
    drawn_for: tuple,
    opened: Open,
    method: str,
    explanation: Explanation | None,
    card: ModelCard | None,
    predicted: str,
    note: str,
) -> None:
    session, scan = state(), opened.scan
    if session.slice_moved or subject() != drawn_for:
        st.rerun()
    signed = METHODS[method].signed
    rendering = session.rendering = rendering_chosen(signed, scan, method)  # a report draws its maps alike
    place = {"place": opened.place, "count": max(1, len(opened.volume)), "follows": True}
    plain = Picture(scan, alt="The scan", lines=[" · ".join(scan_facts(scan))], **place)
    if explanation is None or card is None:
        mapped = Picture(scan, alt="The scan, without a map", note=note, **place)
    else:
        mapped = _mapped(scan, explanation, card, predicted, place)
    show_pictures(
        _KEY,
        [plain, mapped],
        group=GROUP,
        rendering=rendering,
        shown=session.map_shown,
        columns=2,
        readout=True,
        take=partial(_take, opened=opened, signed=signed, method=method),
        leads=True,
        controls=controls(signed, scan, method),
        bar={"unit": explanation.unit, "signed": signed, "several": False} if explanation else None,
        volume=facts_of_volume(opened.volume, opened.place),
        series=window_key(scan),
        windows=windows_of(scan),
        words={"map": "heatmap", "elsewhere": ELSEWHERE},
    )
    if explanation is not None and card is not None:
        texts = st.columns(2)
        _explain_quality(texts[0], explanation, card)
        _explain_colours(texts[1], scan, explanation, card, rendering)


def _mapped(scan: Scan, explanation: Explanation, card: ModelCard, predicted: str, place: dict) -> Picture:
    names = dict(zip(card.classes, card.names, strict=True))
    name, title = names[explanation.target], METHODS[explanation.method].title
    summary = _summary(explanation, card)
    trust = summary_line(summary) if summary else "not measured for this model"
    another = []
    if predicted and predicted != explanation.target:
        another = [f"The prediction is {names[predicted]}: this map explains another class."]
    return Picture(
        scan,
        explanation,
        alt=described(scan, explanation, title, name),
        title=f"{title} for {name}",
        lines=[f"Quality of such maps: {trust}."],
        warnings=[*another, *cautions(explanation, name)],
        smoothed=True,
        **place,
    )


def _take(view: dict, opened: Open, signed: bool, method: str) -> None:
    take_rendering(view, signed, opened.scan, method)
    opened.take_place(view.get("place"))


def show_scan(opened: Open, note: str = "") -> None:
    """Draw a scan that has no map, where it stays when the map comes."""
    show_viewer(opened, state().method, note=note)


def refuse_blank(opened: Open) -> None:
    """Draw the notes of a scan; of one with nothing to see also the sentence, and end the page there."""
    for note in opened.scan.all_notes:
        st.info(note)
    if opened.scan.not_assessable:
        scan_states.note(opened.scan, scan_states.WITHHELD)
        st.error(opened.scan.not_assessable)
        show_scan(opened)
        end_page()


def wait_for_series(opened: Open) -> None:
    """Where other slices of the scan's series are still being read, draw the scan alone and end the page there."""
    if not opened.complete:
        show_scan(opened, "The other files are being read.")
        st.caption("The other files are being read. The prediction follows when the whole series is there.")
        end_page()


def _explain_colours(column, scan: Scan, explanation: Explanation, card: ModelCard, rendering: Rendering) -> None:
    method, name = METHODS[explanation.method], card.names[card.classes.index(explanation.target)]
    column.caption(f"**{method.title}.** {method.measures} {method.pitfalls} [Paper]({method.paper}).")
    if not explanation.heat.any():
        return
    column.caption(colour_meaning(explanation, name, explanation.signed and rendering.against))
    if sentence := smoothing(scan, explanation.method).sentence(rendering.smoothing):
        column.caption(sentence)


def _explain_quality(column, explanation: Explanation, card: ModelCard) -> None:
    name = card.names[card.classes.index(explanation.target)]
    column.caption(f"**Explanation quality.** {summary_text(_summary(explanation, card), name)}")
    column.caption(" ".join([convergence(explanation), *fit_notes(explanation)]))


def _summary(explanation: Explanation, card: ModelCard) -> MethodSummary | None:
    folder, weights = bundle_folder(card.id), card.weights_sha256
    return method_summary(folder, weights, explanation.method, explanation.target, explanation.engine)
