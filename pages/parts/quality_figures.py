"""What does the board say of a model's methods: on what does it rest, which figure is shown, how do all compare?"""

import streamlit as st

from explain import METHODS
from explain.board.compare import Board
from explain.board.measure import CONTROLS_SAY, EXPLAINED, Measure
from explain.board.table import TABLE
from explain.board.trust import CENTRE, said, trust
from model_zoo import ModelCard
from pages.charts.explanation_quality import ranked
from pages.charts.style import CONFIG

_MAIN = ("pointing", "lift", "insertion blur", "deletion blur", "road", "seeds", "shifts and noise")


def title(method: str) -> str:
    """Return a method's title, or its id where Candor no longer has it."""
    return METHODS[method].title if method in METHODS else method


def tell(board: Board, card: ModelCard) -> None:
    """Say on what the board rests, and how far the map that is placed best can be trusted."""
    left, _ = st.columns([3, 1])
    found = board.found
    left.caption(
        f"Measured on {found['scans']:,} slices of {found['groups']:,} groups of related slices, marked by "
        f"radiologists, which the model never trained on. The median box covers "
        f"{100 * found['median share of the box']:.1f}\u00a0% of its slice, and {100 * found['right']:.0f}\u00a0% of "
        "the answers are right. Each map explains the model's own answer, right or wrong. Intervals are 95\u00a0%, "
        "over groups."
    )
    if found["weights"] != card.weights_sha256:
        st.warning(
            f"This board was measured with other weights than those in the zoo now. Run it again: `{_command(card)}`."
        )
        return
    best = max(board.methods, key=lambda name: board.figure(name, "pointing").value, default=None)
    if best:
        told = said(trust(board.folder, card.weights_sha256, best), title(best), "")
        left.write(f"**Placed best: {title(best)}.** {told}")


def tell_missing(card: ModelCard, others: list[str]) -> None:
    """Say that a model has no board and how to make it, and offer the models that have one."""
    st.info(
        f"The board has not been run for {card.id}: how often its maps meet the tumour is not known. To run it, with "
        f"figshare's marked slices below DIR: `{_command(card)}`."
    )
    if others:
        with st.container(horizontal=True):
            for model in others:
                st.button(f"Show {model}", on_click=st.session_state.update, args=({"model": model},))


def _command(card: ModelCard) -> str:
    return f"python -m explain board --model {card.id} --data DIR"


def choose_measure() -> Measure:
    """Return the measure to compare by, and say what it means."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    measure = EXPLAINED[
        left.selectbox(
            "Measure",
            list(EXPLAINED),
            format_func=lambda name: f"{EXPLAINED[name].kind}: {EXPLAINED[name].title}",
            key="measure",
            persist_state="session",
            help="Placement: is the map where the tumour is? Faithfulness: does the answer follow what the map marks? "
            "Steadiness: does the map stay when nothing that matters changes? Sanity: does it change when the network "
            "forgets?",
        )
    ]
    right.markdown(f"**{measure.direction}** {measure.says}")
    right.caption(f"{measure.misleads} [The paper]({measure.paper}).")
    return measure


def show_methods(board: Board) -> None:
    """Draw one measure of every method over the controls, and the main measures as a table."""
    measure = choose_measure()
    methods = {title(name): board.figure(name, measure.id) for name in board.methods}
    controls = {CONTROLS_SAY.get(name, name): board.figure(name, measure.id) for name in board.controls}
    failing = [title(name) for name in board.methods if board.found["methods"][name].get("fails sanity")]
    if any(methods.values()):
        st.plotly_chart(
            ranked(measure, methods, controls, failing, CONTROLS_SAY[CENTRE]),
            config=CONFIG,
            alt=f"{measure.title} of every method with its interval; the table below has the main figures",
        )
        st.caption(
            "Dots: methods, with 95\u00a0% intervals. Grey: controls, which know nothing of the model; the dotted line "
            "is the dot in the middle of the head. Open dots fail the sanity check."
        )
    else:
        st.info(f"{measure.title} was not measured on this board.")
    st.subheader("All methods at a glance", anchor=False)
    st.dataframe(_table(board), column_config=_columns(), hide_index=True, alt="The main figures of every method")
    st.caption("Click a column to sort by it. A figure that was not measured is left blank.")
    _download(board)


def _table(board: Board) -> list[dict]:
    lines = []
    for name in board.methods + board.controls:
        values = board.found["methods"][name]
        label = f"control: {CONTROLS_SAY.get(name, name)}" if values["control"] else title(name)
        figures = {m: getattr(board.figure(name, m), "value", None) for m in _MAIN}
        lines.append(
            {"map": label} | figures | {"sanity": _sanity(board, name), "seconds": values.get("seconds, median")}
        )
    return lines


def _sanity(board: Board, name: str) -> str:
    agreement = board.figure(name, "sanity all")
    if agreement is None:
        return "" if name in board.controls else "not checked"
    fails = board.found["methods"][name].get("fails sanity")
    return f"{'FAILS' if fails else 'passes'} ({agreement.value:z.2f})"


def _columns() -> dict:
    column = st.column_config
    shown = {"map": column.TextColumn("Map", pinned=True)}
    for name in _MAIN:
        measure = EXPLAINED[name]
        told = f"{measure.direction} {measure.says}"
        shown[name] = column.NumberColumn(
            measure.title.split(",")[0], help=told, format="percent" if measure.share else "%.2f"
        )
    shown["sanity"] = column.TextColumn("Sanity", help=EXPLAINED["sanity all"].says)
    shown["seconds"] = column.NumberColumn("Seconds", help="Median time a map took when the board was run.")
    return shown


def _download(board: Board) -> None:
    st.download_button(
        "All figures, slice by slice (CSV)",
        (board.folder / TABLE).read_bytes(),
        f"{board.found['model']}-{TABLE}",
        "text/csv",
        on_click="ignore",
    )
