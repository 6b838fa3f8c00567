"""What does the model say without a region of the scan, or shown that region alone? The reader draws it."""

import streamlit as st

from explain import Explanation, png
from explain.counterfactual import Counterfactual, counterfactuals
from explain.counterfactual.regions import beside_control, from_corners, strongest_region
from explain.render.overlay import gray, squared
from explain.slice_probabilities import leading
from model_zoo import Model, ModelCard, ModelError
from pages.charts.style import CONFIG
from pages.charts.what_if import board, changes
from scans import Box, Scan, ScanError

_BOX = {"row": "Row", "column": "Column", "height": "Height", "width": "Width"}
_MOVE = {"down": "Move down by", "right": "Move right by"}
_NUMBER = 82  # pixels of a number's field: all four in a row on a phone, too
_THUMBNAIL = 320  # pixels
_MOST = 6  # classes in the chart
_PICTURES = {
    "erase": "The region erased",
    "keep": "The region alone, on a head of one grey",
    "move": "The region moved",
}
_ASKED = (
    "Erased: filled from what surrounds it. Kept alone: laid on a head of one grey. Either could change an answer "
    "wherever it is done, so the same is done to the region mirrored to the other side of the head (dotted). The scan "
    "is in the file's own window, as the model is given it. All of it is evidence about the model, not the patient."
)


@st.fragment
def counterfactual(
    scan: Scan, model: Model, card: ModelCard, seen: dict, explanation: Explanation | None = None
) -> None:
    """Let the reader draw a box, and ask the model again; what is said then, a sentence a change, is noted in `seen`.

    With an `explanation`, its strongest region can be taken for a start.
    """
    left, right = st.columns([5, 6], gap="large")
    place = left.container()
    with left:
        _choose_region(scan, explanation)
    box, found = _box(scan), []
    with right:
        if box is None:
            st.write(
                "Draw a box on the scan, or type where it lies: the model is asked again with that region erased, "
                "and with that region alone."
            )
        else:
            try:
                found = _ask(scan, model)
                _answers(found, card)
            except (ModelError, ScanError) as error:
                st.error(str(error))
    mirror = next((each.control.box for each in found if each.control), None)
    with place:
        st.plotly_chart(
            board(scan, box, mirror),
            key=f"{_key(scan)}-board",
            on_select=lambda: _take_drawn(scan),
            selection_mode="box",
            config=CONFIG,
            alt="The scan, to draw a box on; the numbers below it do the same without a mouse",
        )
    seen["said"] = (scan.digest, scan.index, scan.plane, card.weights_sha256), [each.said for each in found]


def _ask(scan: Scan, model: Model) -> list[Counterfactual]:
    offset = tuple(st.session_state.get(_key(scan, name)) or 0 for name in _MOVE)
    question = (scan.digest, scan.index, scan.plane, model.card.weights_sha256, _box(scan), offset)
    return _found(question, scan, model)


# One is enough: pages are drawn again with the same box. Not cache_data, which would copy the pictures.
@st.cache_resource(scope="session", max_entries=1, show_spinner=False)
def _found(question: tuple, _scan: Scan, _model: Model) -> list[Counterfactual]:
    *_, box, offset = question
    actions = ("erase", "keep", "move") if any(offset) else ("erase", "keep")
    return counterfactuals(_model, _scan, Box(*box), actions=actions, offset=offset)


def _choose_region(scan: Scan, explanation: Explanation | None) -> None:
    """Draw the numbers that say where the box lies; one drawn on the scan has set them already."""
    with st.container(horizontal=True, gap="small"):
        if explanation is not None:
            region = strongest_region(scan, explanation)
            st.button(
                "Start from the map",
                on_click=_set,
                args=(scan, region),
                disabled=region is None,
                help="Puts the box around what speaks most for the class explained: that part of the map's highest "
                "5 % which holds its peak.",
            )
        st.button("Clear", on_click=_set, args=(scan, None), disabled=_box(scan) is None)
    rows, columns = scan.shape
    most = {"row": rows - 1, "column": columns - 1, "height": rows, "width": columns, "down": rows, "right": columns}
    with st.container(horizontal=True, gap="xsmall"):
        for name, label in _BOX.items():
            st.number_input(label, 0, most[name], None, 1, key=_key(scan, name), width=_NUMBER)
    with st.container(horizontal=True, gap="xsmall"):
        for name, label in _MOVE.items():
            st.number_input(label, -most[name], most[name], 0, 1, key=_key(scan, name), width=2 * _NUMBER)
    st.caption(
        "In pixels of the scan as uploaded, counted from 0 at its top left. Where one of the last two is not 0, the "
        "model is asked about the region moved, too."
    )


def _answers(found: list[Counterfactual], card: ModelCard) -> None:
    for each in found:
        st.write(each.said.replace(" %", "\u00a0%"))
    st.table(beside_control(found, card.names), hide_index=True, alt="Each change with what it did to the answer")
    before, after = found[0].probabilities_before, {each.action: each.probabilities_after for each in found}
    drawn = leading([before, *after.values()], _MOST)
    st.plotly_chart(
        changes(
            [card.names[k] for k in drawn],
            [before[k] for k in drawn],
            {action: [p[k] for k in drawn] for action, p in after.items()},
        ),
        config=CONFIG,
        alt="Probability of each class before and after; the table and the sentences say the same of the first answer",
    )
    if len(drawn) < len(card.classes):
        st.caption(f"The {len(drawn)} classes of {len(card.classes)} that were or became most probable.")
    for column, each in zip(st.columns(max(2, len(found)), wrap=False), found, strict=False):
        picture = png(gray(squared(each.picture.windowed(), each.picture.spacing, _THUMBNAIL)))
        alt = _PICTURES[each.action]
        column.image(picture, caption=alt, alt=alt, width="stretch", output_format="PNG")
    st.caption(_ASKED)


def _box(scan: Scan) -> Box | None:
    """Return the box that the four numbers say, None until each is given."""
    row, column, height, width = (st.session_state.get(_key(scan, name)) for name in _BOX)
    if None in (row, column, height, width):
        return None
    return Box(row, column, row + height, column + width)


def _set(scan: Scan, box: Box | None) -> None:
    numbers = (None,) * 4 if box is None else (box.top, box.left, box.height, box.width)
    for name, number in zip(_BOX, numbers, strict=True):
        st.session_state[_key(scan, name)] = number


def _take_drawn(scan: Scan) -> None:
    for drawn in st.session_state[f"{_key(scan)}-board"].selection.box[-1:]:
        _set(scan, from_corners(drawn["x"], drawn["y"], scan.shape))


def _key(scan: Scan, name: str = "") -> str:
    return f"region-{scan.digest}-{scan.plane}-{scan.index}-{name}".rstrip("-")
