"""The tab of the confusion matrix: its cells open and list their scans."""

from pathlib import Path

import streamlit as st

from datasets.cards import data_folder, scan_path
from explain import png
from explain.prediction_text import percent
from explain.render.overlay import gray, squared
from model_zoo.performance import Predictions, confusion_matrix, in_cell, most_frequent_mistake
from pages.charts.matrices import confusion
from pages.charts.style import CONFIG
from pages.components.performance.bundles import Bundle, Key
from pages.components.performance.scan_choice import choose_scans, show_problems, title_of
from scans import ScanError, read

PICTURES = 12
_SIDE = 104  # pixels of a thumbnail: three in a row on a phone
_DRAWN = 224  # sharp on a screen of two pixels per point
_NO_PICTURES = (
    "The pictures of these scans are not on this machine. Put the collections into ./data, or name their folder in "
    "$CANDOR_DATA, to see them here."
)


def confusion_matrices(chosen: list[Bundle]) -> None:
    """Draw the confusion matrices beside each other, each with the scans of the open cell."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        key = choose_scans(chosen, external=True)
        shares = st.toggle("Shares of the label instead of counts", key="shares", persist_state="session")
    show_problems(chosen, key)
    if key is None:
        return
    st.caption("Colour is the share of the reference label: dark none, yellow all. Click a cell to list its scans.")
    compared = [one for one in chosen if key in one.sets]
    for column, one in zip(st.columns(len(compared), gap="large"), compared, strict=True):
        with column:
            if len(chosen) > 1:
                st.markdown(f"**{one.name}**")
            _matrix(one, key, shares=shares, wide=len(compared) == 1)


@st.fragment
def _matrix(bundle: Bundle, key: Key, *, shares: bool, wide: bool) -> None:
    """Draw the matrix of one set of scans; a click on a cell, or the two boxes beside it, lists its scans.

    `wide`: beside the matrix, not under it.
    """
    predictions, names = bundle.sets[key], bundle.card.names
    counts = confusion_matrix(predictions)
    own = f"{bundle.name} {' '.join(key)}"
    truth_key, predicted_key, chart_key = f"truth {own}", f"predicted {own}", f"matrix {own}"
    for name, place in zip((truth_key, predicted_key), most_frequent_mistake(counts), strict=True):
        st.session_state.setdefault(name, names[place])

    def open_clicked() -> None:
        if points := st.session_state[chart_key].selection.points:
            i, j = points[0]["customdata"]
            st.session_state.update({truth_key: names[i], predicted_key: names[j]})

    cell = names.index(st.session_state[truth_key]), names.index(st.session_state[predicted_key])
    matrix_side, list_side = st.columns(2, gap="large") if wide else (st.container(), st.container())
    correct = f"{counts.trace():,} of {counts.sum():,} correct"
    matrix_side.plotly_chart(
        confusion(counts, names, shares=shares, cell=cell),
        key=chart_key,
        on_select=open_clicked,
        selection_mode="points",
        config=CONFIG,
        alt=f"Confusion matrix of {bundle.name}, {title_of(key).lower()}: {correct}",
    )
    with list_side:
        left, right = st.columns(2)
        left.selectbox("Reference label", names, key=truth_key, persist_state="session")
        right.selectbox("Prediction", names, key=predicted_key, persist_state="session")
        _list(predictions, names, *cell)


def _list(predictions: Predictions, names: tuple[str, ...], truth: int, predicted: int) -> None:
    rows = in_cell(predictions, truth, predicted)
    title = f"{names[truth]} predicted as {names[predicted]}"
    if not len(rows):
        st.caption(f"{title}: no scan.")
        return
    many = f"{len(rows):,} scans**, the most confident first, with their probabilities."
    st.caption(f"**{title}: " + (many if len(rows) > 1 else "1 scan**, with its probabilities."))
    order = dict.fromkeys([predicted, truth, *range(len(names))])
    folders, files = zip(*(predictions.ids[row].rpartition("/")[::2] for row in rows), strict=True)
    table = {"No.": range(1, len(rows) + 1), "File": files} | {names[k]: 100 * predictions.p[rows, k] for k in order}
    if predictions.near_duplicates.any():
        table["Near-duplicate in training"] = predictions.near_duplicates[rows]
    table["Folder"] = folders
    share = st.column_config.NumberColumn(format="%.1f %%", width=130)
    st.dataframe(
        table,
        hide_index=True,
        height=min(36 * (len(rows) + 1), 260),
        column_config={names[k]: share for k in order}
        | {"No.": st.column_config.NumberColumn(width=44), "File": st.column_config.TextColumn(width=180)},
        alt=f"Scans with reference label {names[truth]} predicted as {names[predicted]}, with their probabilities",
    )
    _pictures([(predictions.ids[row], predictions.p[row, predicted]) for row in rows[:PICTURES]])


def _pictures(scans: list[tuple[str, float]]) -> None:
    """Draw the scans that are on this machine, numbered as in the table."""
    paths = [scan_path(name, data_folder()) for name, _ in scans]
    if not any(paths):
        st.caption(_NO_PICTURES)
        return
    with st.container(horizontal=True, gap="small"):
        for number, ((_, p), path) in enumerate(zip(scans, paths, strict=True), start=1):
            picture = path and _thumbnail(str(path), path.stat().st_mtime_ns)
            with st.container(width=_SIDE, gap=None):
                if picture:
                    st.image(picture, alt=f"Scan {number}", width="stretch", output_format="PNG")
                st.caption(f"{number}: {percent(p)}" + ("" if picture else ", no picture here"))


@st.cache_data(max_entries=500, show_spinner=False)
def _thumbnail(path: str, changed: int) -> bytes | None:
    """Return a public scan as PNG, None where the file is no scan."""
    try:
        scan = read(Path(path).read_bytes())[0]
    except (OSError, ScanError):
        return None
    return png(gray(squared(scan.windowed(), scan.spacing, _DRAWN)))
