"""The scans on which a method localises best and worst: the list, and the maps if the scans are on this machine."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import streamlit as st

from datasets.cards import data_folder
from datasets.records import DatasetError, Record, load_annotated
from explain import Explanation, Request
from explain.evaluation.measures import MEASURES, Measure
from explain.evaluation.rows import Row
from explain.evaluation.store import StoredEvaluation, best_first, record_of
from explain.prediction_text import percent
from explain.render.annotated import outline, peak_of
from model_zoo import ModelCard, ModelError, load_model
from pages.components.quality.methods import choose_measure, column, table_value, title
from pages.components.requests import Status, draw_as_ready, release
from pages.viewer.component import show_pictures
from pages.viewer.pictures import Mark, Picture
from scans import Scan, ScanError

SECTION = "cases"
_DRAWN = 3  # best, and as many worst
_QUICK = 0.5  # seconds per map during the evaluation, up to which six are made for the page
_SECONDS = 10.0  # time limit of a map
_LISTED = ("pointing", "energy", "lift", "iou", "insertion blur", "deletion blur")


def show_cases(evaluation: StoredEvaluation, card: ModelCard) -> None:
    """List every scan with its values for one method, and draw the best and the worst, or those selected."""
    method = st.columns([2, 3])[0].selectbox(
        "Method", evaluation.methods, format_func=title, key="method-cases", persist_state="session"
    )
    measure = choose_measure()
    rows = best_first(evaluation.annotated(method), measure.id, measure.high_is_good)
    if not rows:
        release(SECTION)
        st.info(f"{measure.title} was not measured for {title(method)}.")
        return
    place = st.container()
    st.subheader(f"All {len(rows):,} scans, best first", anchor=False)
    names = dict(zip(card.classes, card.names, strict=True))
    event = st.dataframe(
        [_line(row, measure, names) for row in rows],
        column_config=_columns(measure),
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"cases-{evaluation.results.model}-{method}-{measure.id}",
        alt=f"Every annotated scan with its values for {title(method)}",
    )
    st.caption(
        "Scans of a public dataset (https://doi.org/10.6084/m9.figshare.1512427). Click a column to sort by it; "
        f"select up to {2 * _DRAWN} rows to see them instead of the best and the worst."
    )
    picked = [rows[number] for number in event.selection.rows][: 2 * _DRAWN]
    with place:
        _draw(evaluation, card, method, measure, rows, picked, names)


def _line(row: Row, measure: Measure, names: dict[str, str]) -> dict:
    facts = {
        "scan": row.id,
        "truth": names.get(row.truth, row.truth),
        "predicted": names.get(row.predicted, row.predicted),
        "probability": 100 * row.probability,
        "box": 100 * row.box_share,
    }
    listed = dict.fromkeys((measure.id, *_LISTED))
    return facts | {name: table_value(MEASURES[name], row.measures.get(name)) for name in listed}


def _columns(measure: Measure) -> dict:
    config = st.column_config
    facts = {
        "scan": config.TextColumn("Scan", pinned=True),
        "truth": config.TextColumn("Reference label"),
        "predicted": config.TextColumn("Prediction"),
        "probability": config.NumberColumn("Probability", format="%.0f\u00a0%%", help="Of the predicted class."),
        "box": config.NumberColumn("Box", format="%.1f\u00a0%%", help="Share of the scan that the box covers."),
    }
    return facts | {name: column(MEASURES[name]) for name in (measure.id, *_LISTED)}


@dataclass(frozen=True, eq=False)
class _Case:
    """An annotated scan of the evaluation. Without a `request`, no map of it is drawn."""

    path: Path
    changed: int  # when the file was, in ns
    scan: Scan
    mask: np.ndarray  # bool (H, W), in the scan's pixels
    request: Request | None


def _draw(
    evaluation: StoredEvaluation,
    card: ModelCard,
    method: str,
    measure: Measure,
    rows: list[Row],
    picked: list[Row],
    names: dict,
) -> None:
    half = min(_DRAWN, max(1, len(rows) // 2))
    parts = {"Selected": picked} if picked else {"Best": rows[:half], "Worst": rows[len(rows) - half :][::-1]}
    records = {row.id: record_of(row, data_folder()) for part in parts.values() for row in part}
    if not any(records.values()):
        release(SECTION)
        st.info(
            "The scans are not on this machine, so they are listed but not drawn. Set `$CANDOR_DATA` to the folder "
            "that holds figshare-brain-tumor to see them."
        )
        return
    maps = _maps_available(evaluation, card, method)
    ring = " Ring: the map's highest point, which the pointing game counts." if maps else ""
    st.caption(f"White: the radiologist's box.{ring} Each map explains the predicted class.")
    with st.spinner("Loading the model and the scans…"):
        cases = {name: _case_or_error(record, card, method if maps else "") for name, record in records.items()}

    def draw(statuses: dict[str, Status]) -> None:
        for heading, part in parts.items():
            st.subheader(heading, anchor=False)
            for place, row in zip(st.columns(_DRAWN) * 2, part, strict=False):
                with place:
                    _draw_case(cases[row.id], row, statuses.get(row.id), measure, names)

    requests = {name: case.request for name, case in cases.items() if isinstance(case, _Case) and case.request}
    draw_as_ready(requests, SECTION, draw)


def _maps_available(evaluation: StoredEvaluation, card: ModelCard, method: str) -> bool:
    """Return whether the maps are quick enough to be made for the page; show the reason if they are not."""
    seconds = evaluation.results.methods[method].seconds or 0
    if evaluation.results.weights != card.weights_sha256:
        st.info(
            "The evaluation was run with other weights than the zoo's, so no map is drawn: it would not match the "
            "values."
        )
    elif seconds > _QUICK:
        st.info(
            f"{title(method)} took {seconds:.1f} s per map, too long for six at once: the scans are drawn without it. "
            "Upload one on the page “Explain a scan” to see its map."
        )
    else:
        return True
    return False


def _case_or_error(record: Record | None, card: ModelCard, method: str) -> _Case | str | None:
    """Return the case, the sentence on why it cannot be read, or None if it is not on this machine."""
    if record is None:
        return None
    try:
        return _case(str(record.path), record.path.stat().st_mtime_ns, card.weights_sha256, method, record, card)
    except (ModelError, DatasetError, ScanError, OSError) as error:
        return str(error)


# By the file, since the scans of figshare's own files have no digest. Not cache_data, which would copy the arrays.
@st.cache_resource(max_entries=64, show_spinner=False)
def _case(path: str, changed: int, weights: str, method: str, _record: Record, _card: ModelCard) -> _Case:
    scan, mask = load_annotated(_record)
    request = Request(load_model(_card.id), scan, method, seconds=_SECONDS) if method else None
    return _Case(_record.path, changed, scan, mask, request)


def _draw_case(case: _Case | str | None, row: Row, status: Status | None, measure: Measure, names: dict) -> None:
    if case is None:
        st.text(f"{row.id} is not on this machine.")
        return
    if isinstance(case, str):
        st.error(case)
        return
    explanation = status.result if status else None
    labels = f"{names.get(row.truth, row.truth)}, predicted as {names.get(row.predicted, row.predicted)}"
    alt = f"Scan with the annotated box{' under the map' if explanation else ''}"
    _show(case, row, explanation, f"{alt}. {labels}")
    st.text(row.id)
    if status and status.error:
        st.error(status.error)
    elif status and status.pending:
        st.caption(status.state.capitalize())
    st.caption(f"{labels} ({percent(row.probability)}). {_value(row, measure)}")


def _value(row: Row, measure: Measure) -> str:
    value = row.measures[measure.id]
    if measure.id == "pointing" and value in (0, 1):
        return f"Highest point {'inside' if value else 'outside'} the box."
    text = f"{100 * value:.0f}\u00a0%" if measure.share else f"{value:z.2f}"
    return f"{measure.title}: {text}."


def _show(case: _Case, row: Row, explanation: Explanation | None, alt: str) -> None:
    """Draw the scan with its box, and the map, of which only evidence for the class counts, with its highest point."""
    marks = [Mark(lines=outline(case.mask))]
    if explanation is not None:
        explanation = replace(explanation, heat=np.maximum(explanation.heat, 0), signed=False)
        if explanation.heat.any():
            marks.append(Mark(ring=tuple(peak_of(explanation.heat) + 0.5)))
    show_pictures(f"case-{row.id}", [Picture(case.scan, explanation, alt, marks=marks)], group=SECTION)
