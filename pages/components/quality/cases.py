"""On which slices is a map placed best, and on which worst? The list, and the slices themselves where they are here."""

import streamlit as st

from datasets.cards import data_folder
from datasets.records import DatasetError, Record, load_annotated
from explain import Request, explain, png
from explain.evaluation.measures import EXPLAINED, Measure
from explain.evaluation.score import Row
from explain.evaluation.store import Board, best_first, case_of
from explain.prediction_text import percent
from explain.render.boxes import marked
from model_zoo import ModelCard, ModelError, load_model
from pages.components.quality.methods import choose_measure, column, in_figures, title
from scans import ScanError

_DRAWN = 3  # best, and as many worst
_QUICK = 0.5  # seconds a map, on the board, up to which six are made while the reader waits
_LISTED = ("pointing", "energy", "lift", "iou", "insertion blur", "deletion blur")


def show_cases(board: Board, card: ModelCard) -> None:
    """List every slice with its figures for one method, and draw the best and the worst, or those selected."""
    method = st.columns([2, 3])[0].selectbox(
        "Method", board.methods, format_func=title, key="method-cases", persist_state="session"
    )
    measure = choose_measure()
    rows = best_first(board.marked(method), measure.id, measure.high_is_good)
    if not rows:
        st.info(f"{measure.title} was not measured for {title(method)}.")
        return
    place = st.container()
    st.subheader(f"All {len(rows):,} slices, best first", anchor=False)
    names = dict(zip(card.classes, card.names, strict=True))
    event = st.dataframe(
        [_line(row, measure, names) for row in rows],
        column_config=_columns(measure),
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"cases-{board.found['model']}-{method}-{measure.id}",
        alt=f"Every marked slice with its figures for {title(method)}",
    )
    st.caption(
        "Slices of a public dataset (https://doi.org/10.6084/m9.figshare.1512427). Click a column to sort by it; "
        f"select up to {2 * _DRAWN} rows to see them instead of the best and the worst."
    )
    picked = [rows[number] for number in event.selection.rows][: 2 * _DRAWN]
    with place:
        _draw(board, card, method, measure, rows, picked, names)


def _line(row: Row, measure: Measure, names: dict[str, str]) -> dict:
    facts = {
        "slice": row.id,
        "truth": names.get(row.truth, row.truth),
        "answer": names.get(row.answer, row.answer),
        "probability": 100 * row.probability,
        "box": 100 * row.box_share,
    }
    listed = dict.fromkeys((measure.id, *_LISTED))
    return facts | {name: in_figures(EXPLAINED[name], row.measures.get(name)) for name in listed}


def _columns(measure: Measure) -> dict:
    config = st.column_config
    facts = {
        "slice": config.TextColumn("Slice", pinned=True),
        "truth": config.TextColumn("Tumour"),
        "answer": config.TextColumn("The model's answer"),
        "probability": config.NumberColumn("Probability", format="%.0f\u00a0%%", help="Of the answer."),
        "box": config.NumberColumn("Box", format="%.1f\u00a0%%", help="The box's share of the slice."),
    }
    return facts | {name: column(EXPLAINED[name]) for name in (measure.id, *_LISTED)}


def _draw(
    board: Board, card: ModelCard, method: str, measure: Measure, rows: list[Row], picked: list[Row], names: dict
) -> None:
    half = min(_DRAWN, max(1, len(rows) // 2))
    parts = {"Selected": picked} if picked else {"Best": rows[:half], "Worst": rows[len(rows) - half :][::-1]}
    here = {row.id: case_of(row, data_folder()) for part in parts.values() for row in part}
    if not any(here.values()):
        st.info(
            "The slices themselves are not on this machine, so they are listed and not drawn. Point `$CANDOR_DATA` at "
            "the folder that holds figshare-brain-tumor to see them."
        )
        return
    maps = _maps(board, card, method)
    ring = " The ring is the map's brightest point, which the pointing game counts." if maps else ""
    st.caption(f"White: the box that radiologists marked.{ring} The map explains the model's own answer.")
    with st.spinner("Making the maps; the first time the model has to be loaded…"):
        for heading, shown in parts.items():
            st.subheader(heading, anchor=False)
            for place, row in zip(st.columns(_DRAWN) * 2, shown, strict=False):
                with place:
                    _draw_case(here[row.id], row, card, method if maps else "", measure, names)


def _maps(board: Board, card: ModelCard, method: str) -> bool:
    """Return whether maps can be made while the reader waits; say why where they cannot."""
    seconds = board.found["methods"][method].get("seconds, median", 0)
    if board.found["weights"] != card.weights_sha256:
        st.info(
            "The figures are of other weights than those in the zoo now, so no map is drawn that would not fit them."
        )
    elif seconds > _QUICK:
        st.info(
            f"{title(method)} took {seconds:.1f} s a map, too long for six at once: the slices are drawn without it. "
            "Upload one on the page “Explain a scan” to see its map."
        )
    else:
        return True
    return False


def _draw_case(case: Record | None, row: Row, card: ModelCard, method: str, measure: Measure, names: dict) -> None:
    if case is None:
        st.text(f"{row.id} is not on this machine.")
        return
    try:
        data = _picture(str(case.path), case.path.stat().st_mtime_ns, card.weights_sha256, method, case, card)
    except (ModelError, DatasetError, ScanError, OSError) as error:
        st.error(str(error))
        return
    said = f"{names.get(row.truth, row.truth)}; the model says {names.get(row.answer, row.answer)}"
    alt = f"Slice with the marked box{' under the map' if method else ''}. {said}"
    st.image(data, alt=alt, width="stretch", output_format="PNG")
    st.text(row.id)
    st.caption(f"{said} ({percent(row.probability)}). {_figure(row, measure)}")


def _figure(row: Row, measure: Measure) -> str:
    value = row.measures[measure.id]
    if measure.id == "pointing" and value in (0, 1):
        return f"Brightest point {'in' if value else 'beside'} the box."
    said = f"{100 * value:.0f}\u00a0%" if measure.share else f"{value:z.2f}"
    return f"{measure.title}: {said}."


@st.cache_data(max_entries=256, show_spinner=False)
def _picture(path: str, changed: int, weights: str, method: str, _case: Record, _card: ModelCard) -> bytes:
    """Return the slice with its box, and for a method its map; known by the file and the weights."""
    scan, mask = load_annotated(_case)
    if not method:
        return png(marked(scan, mask))
    explanation = explain(Request(load_model(_card.id), scan, method, seconds=10))
    return png(marked(scan, mask, explanation.heat, method))
