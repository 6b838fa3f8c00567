"""The prediction without a region of the scan, or from that region alone. The user draws the region."""

from dataclasses import replace

import streamlit as st

from explain import Explanation
from explain.counterfactual import Counterfactual, counterfactuals
from explain.counterfactual.erasure import MOST_LEFT
from explain.counterfactual.regions import as_table, strongest_region
from explain.prediction_text import percent
from explain.slice_probabilities import leading
from model_zoo import Model, ModelCard, ModelError
from pages.charts.style import CONFIG
from pages.charts.what_if import changes
from pages.components.state import Region, renew, state, subject, widget_key
from pages.viewer.component import show_pictures
from pages.viewer.pictures import Mark, Picture
from scans import Box, Scan, ScanError

_BOX = {"row": "Row", "column": "Column", "height": "Height", "width": "Width"}
_MOVE = {"down": "Shift down (px)", "right": "Shift right (px)"}
_NUMBER = 82  # pixels of a number's field: all four in a row on a phone, too
_GROUP = "what if"
_MOST = 6  # classes in the chart
_PICTURES = {
    "erase": "Region removed",
    "keep": "Region only, on a uniform grey head",
    "move": "Region moved",
}
_METHOD = (
    "Removed: replaced, with a margin, by tissue from where the surrounding looks most like its own, usually on the "
    "other side of the head, else by a smooth shade. “Contrast left” is how much of what stood out can still be seen; "
    f"above {percent(MOST_LEFT)} nothing is concluded. Region only: laid on a uniform grey head. Either could change a "
    "prediction anywhere, so the same is done to a control (dotted): the region mirrored to the other side of the "
    "head, else one about as far from its centre. The scan is shown in the file's own window, as the model gets it. "
    "All of this is evidence about the model, not about the patient."
)


def show_what_if(scan: Scan, model: Model, explanation: Explanation | None = None) -> None:
    """Let the user draw a box, and predict again; the sentences of the result are kept for a report.

    With an `explanation`, its strongest region can be taken for a start.
    """
    _draw(subject(), scan, model, explanation)


@st.fragment
def _draw(drawn_for: tuple, scan: Scan, model: Model, explanation: Explanation | None) -> None:
    if state().slice_moved or subject() != drawn_for:
        st.rerun()
    card = model.card
    left, right = st.columns([5, 6], gap="large")
    chart = left.container()
    with left:
        _choose_region(scan, explanation)
    region, results = _region(scan), []
    with right:
        if region.box is None:
            st.write(
                "Draw a box on the scan, or type where it lies: the model predicts again with that region removed, "
                "and from that region alone."
            )
        else:
            try:
                results = _counterfactuals((scan.key, model.prediction_key, region), scan, model)
                _show_results(results, card)
            except (ModelError, ScanError) as error:
                st.error(str(error))
    control = next((each.control.box for each in results if each.control), None)
    with chart:
        _show_scan(scan, region.box, control)
    state().counterfactuals[scan.key, model.prediction_key] = tuple(each.sentence for each in results)


def _show_scan(scan: Scan, box: Box | None, control: Box | None) -> None:
    """Draw the scan as the model gets it, with the region to be drawn, moved or resized on it."""
    lines = _outline(control) if control else ()
    picture = Picture(
        scan,
        alt="The scan, to draw a box on. Arrow keys move the box, with Shift they resize it; the numbers below do the "
        "same.",
        marks=[Mark("control", (lines,))] if control else (),
        own_window=True,
        boxed=True,
    )
    show_pictures(
        f"region-{scan.key}",
        [picture],
        group=_GROUP,
        readout=True,
        take=lambda view: _take_drawn(scan, view.get("box")),
        box=None if box is None else [box.top, box.left, box.height, box.width],
    )


def _outline(box: Box) -> tuple[tuple[float, float], ...]:
    return (box.top, box.left), (box.top, box.right), (box.bottom, box.right), (box.bottom, box.left)


# One is enough: pages are drawn again with the same box. Not cache_data, which would copy the pictures.
@st.cache_resource(scope="session", max_entries=1, show_spinner=False)
def _counterfactuals(key: tuple, _scan: Scan, _model: Model) -> list[Counterfactual]:
    region = key[-1]
    offset = region.down, region.right
    actions = ("erase", "keep", "move") if any(offset) else ("erase", "keep")
    return counterfactuals(_model, _scan, region.box, actions=actions, offset=offset, anyway=True)  # past the gate


def _choose_region(scan: Scan, explanation: Explanation | None) -> None:
    """Draw the numbers that say where the box lies; one drawn on the scan has set them already."""
    region = _region(scan)
    with st.container(horizontal=True, gap="small"):
        if explanation is not None:
            strongest = strongest_region(scan, explanation)
            st.button(
                "Box around the hottest region",
                key="strongest-region",
                on_click=_set,
                args=(scan, strongest),
                disabled=strongest is None,
                help="Around the strongest evidence for the explained class: the part of the map's highest 5 % that "
                "holds its peak.",
            )
        st.button("Clear", key="clear-region", on_click=_set, args=(scan, None), disabled=region.box is None)
    rows, columns = scan.shape
    most = {"row": rows - 1, "column": columns - 1, "height": rows, "width": columns, "down": rows, "right": columns}
    numbers = {}
    with st.container(horizontal=True, gap="xsmall"):
        for name, label in _BOX.items():
            value = getattr(region, name)
            numbers[name] = st.number_input(
                label, 0, most[name], value, 1, key=widget_key(_key(scan, name)), width=_NUMBER
            )
    with st.container(horizontal=True, gap="xsmall"):
        for name, label in _MOVE.items():
            numbers[name] = st.number_input(
                label, -most[name], most[name], getattr(region, name), 1, key=_key(scan, name), width=2 * _NUMBER
            )
    state().regions[scan.key] = Region(**numbers)
    st.caption(
        "In pixels of the scan as uploaded, counted from 0 at its top left. Where a shift is not 0, the model also "
        "predicts with the region moved."
    )


def _show_results(results: list[Counterfactual], card: ModelCard) -> None:
    for each in results:
        st.write(each.sentence.replace(" %", "\u00a0%"))
    st.table(as_table(results, card.names), hide_index=True, alt="Each change with its effect on the prediction")
    before, after = results[0].probabilities_before, {each.action: each.probabilities_after for each in results}
    charted = leading([before, *after.values()], _MOST)
    st.plotly_chart(
        changes(
            [card.names[k] for k in charted],
            [before[k] for k in charted],
            {action: [p[k] for k in charted] for action, p in after.items()},
        ),
        config=CONFIG,
        alt="Probability of each class before and after; the table and the sentences give the predicted class",
    )
    if len(charted) < len(card.classes):
        st.caption(f"The {len(charted)} classes of {len(card.classes)} that were or became most probable.")
    pictures = [
        Picture(each.picture, alt=_PICTURES[each.action], title=_PICTURES[each.action], own_window=True)
        for each in results
    ]
    show_pictures("what-if-results", pictures, group=_GROUP, columns=max(2, len(pictures)))
    st.caption(_METHOD)


def _region(scan: Scan) -> Region:
    return state().regions.get(scan.key, Region())


def _set(scan: Scan, box: Box | None) -> None:
    numbers = (None,) * 4 if box is None else (box.top, box.left, box.height, box.width)
    state().regions[scan.key] = replace(_region(scan), **dict(zip(_BOX, numbers, strict=True)))
    for name in _BOX:
        renew(_key(scan, name))


def _take_drawn(scan: Scan, drawn: object) -> None:
    """Take over the box that was drawn: its row, column, height and width."""
    if isinstance(drawn, list) and len(drawn) == 4 and all(isinstance(each, int) and each >= 0 for each in drawn):
        row, column, height, width = drawn
        if row + height <= scan.shape[0] and column + width <= scan.shape[1]:
            _set(scan, Box(row, column, row + height, column + width))


def _key(scan: Scan, name: str) -> str:
    return f"region-{scan.key}-{name}"
