"""Which class is taken for which, and on which scans? A confusion matrix whose cells open."""

from pathlib import Path

import streamlit as st

from datasets.cards import data_folder, scan_path
from explain import png
from explain.prediction_text import percent
from explain.render.overlay import gray, squared
from model_zoo.performance import Answers, in_cell, matrix, worst
from pages.charts.matrices import confusion
from pages.charts.style import CONFIG
from pages.components.performance.bundles import Bundle, Key, title_of
from scans import ScanError, read

PICTURES = 12
_SIDE = 104  # pixels of a thumbnail: three in a row on a phone
_DRAWN = 224  # sharp on a screen of two pixels a point
_NO_PICTURES = (
    "The pictures of these scans are not on this machine. Put the collections into ./data, or name the folder that "
    "holds them in $CANDOR_DATA, to see them here."
)


@st.fragment
def show_confusions(bundle: Bundle, key: Key, *, shares: bool, wide: bool) -> None:
    """Draw the matrix of one set of scans; a click on a cell, or the two boxes below, lists its scans.

    `wide`: beside the matrix, not under it.
    """
    said, names = bundle.sets[key], bundle.card.names
    counts = matrix(said)
    ours = f"{bundle.name} {' '.join(key)}"
    truth_key, answer_key, chart_key = f"truth {ours}", f"answer {ours}", f"matrix {ours}"
    for name, place in zip((truth_key, answer_key), worst(counts), strict=True):
        st.session_state.setdefault(name, names[place])

    def open_clicked() -> None:
        if points := st.session_state[chart_key].selection.points:
            i, j = points[0]["customdata"]
            st.session_state.update({truth_key: names[i], answer_key: names[j]})

    cell = names.index(st.session_state[truth_key]), names.index(st.session_state[answer_key])
    matrix_side, list_side = st.columns(2, gap="large") if wide else (st.container(), st.container())
    matrix_side.plotly_chart(
        confusion(counts, names, shares=shares, cell=cell),
        key=chart_key,
        on_select=open_clicked,
        selection_mode="points",
        config=CONFIG,
        alt=f"Confusion matrix of {bundle.name}, {title_of(key).lower()}: {counts.trace():,} of {counts.sum():,} right",
    )
    with list_side:
        left, right = st.columns(2)
        left.selectbox("Truth", names, key=truth_key)
        right.selectbox("Answer", names, key=answer_key)
        _list(said, names, *cell)


def _list(said: Answers, names: tuple[str, ...], truth: int, called: int) -> None:
    rows = in_cell(said, truth, called)
    what = "called right" if truth == called else f"called {names[called]}"
    if not len(rows):
        st.caption(f"{names[truth]}, {what}: no scan.")
        return
    st.caption(
        f"**{names[truth]}, {what}: {len(rows):,} scans**, those first of which the model was surest, with the "
        "probabilities it gave."
        if len(rows) > 1
        else f"**{names[truth]}, {what}: 1 scan**, with the probabilities that the model gave."
    )
    order = dict.fromkeys([called, truth, *range(len(names))])
    folders, files = zip(*(said.ids[row].rpartition("/")[::2] for row in rows), strict=True)
    table = {"No.": range(1, len(rows) + 1), "File": files} | {names[k]: 100 * said.p[rows, k] for k in order}
    if said.twins.any():
        table["Twin in training"] = said.twins[rows]
    table["Folder"] = folders
    share = st.column_config.NumberColumn(format="%.1f %%", width=116)
    st.dataframe(
        table,
        hide_index=True,
        height=min(36 * (len(rows) + 1), 260),
        column_config={names[k]: share for k in order}
        | {"No.": st.column_config.NumberColumn(width=44), "File": st.column_config.TextColumn(width=140)},
        alt=f"Scans that are {names[truth]} and were {what}, with the probabilities of each class",
    )
    _pictures([(said.ids[row], said.p[row, called]) for row in rows[:PICTURES]])


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
