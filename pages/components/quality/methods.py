"""What does the board say of a model's methods: on what does it rest, which figure is shown, how do all compare?"""

import streamlit as st

from explain import METHODS
from explain.evaluation.measures import EXPLAINED, Measure
from explain.evaluation.results import TABLE
from explain.evaluation.store import Board
from explain.evaluation.summary import CENTRE, said, trust
from model_zoo import ModelCard
from pages.charts.explanation_quality import ranked
from pages.charts.style import CONFIG

_MAIN = ("pointing", "lift", "insertion blur", "deletion blur", "road", "seeds", "shifts and noise")


def title(name: str) -> str:
    """Return the title of a method, or of a control."""
    return METHODS[name].title if name in METHODS else f"control: {name}"


def in_figures(measure: Measure, value: float | None) -> float | None:
    """Return a figure as a table shows it: a share in per cent."""
    return 100 * value if measure.share and value is not None else value


def column(measure: Measure):
    """Return a table's column of a measure, with what it means under its name."""
    told = f"{measure.direction} {measure.says}"
    style = "%.0f\u00a0%%" if measure.share else "%.2f"
    return st.column_config.NumberColumn(measure.title.split(",")[0], help=told, format=style)


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
    hits = {name: board.figure(name, "pointing").value for name in board.methods}
    best = [name for name in hits if hits[name] == max(hits.values())]
    if best:
        *others, last = map(title, best)
        told = said(trust(board.folder, card.weights_sha256, best[0]), title(best[0]), "")
        left.write(f"**Placed best: {', '.join(others)}{' and ' if others else ''}{last}.** {told}")


def tell_missing(card: ModelCard, others: list[str]) -> None:
    """Say that a model has no board and how to make it, and offer the models that have one."""
    st.info(
        f"The board has not been run for {card.id}: how often its maps meet the tumour is not known. This runs it, "
        "with the figshare dataset below DIR:"
    )
    st.code(_command(card), language="bash")
    if others:
        with st.container(horizontal=True):
            for model in others:
                st.button(f"Show {model}", on_click=st.session_state.update, args=({"model": model},))


def _command(card: ModelCard) -> str:
    return f"python -m explain board --model {card.id} --data DIR"


def choose_measure() -> Measure:
    """Return the measure to compare by, and say what it means."""
    left, right = st.columns([2, 3], vertical_alignment="top")
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
    controls = {title(name): board.figure(name, measure.id) for name in board.controls}
    failing = [title(name) for name in board.methods if board.found["methods"][name].get("fails sanity")]
    if any(methods.values()):
        st.plotly_chart(
            ranked(measure, methods, controls, failing, title(CENTRE)),
            config=CONFIG,
            alt=f"{measure.title} of every method with its interval; the table below has the main figures",
        )
        st.caption(
            "Dots: methods, with 95\u00a0% intervals. Grey: controls, which know nothing of the model; the dotted line "
            "is the one to beat, a dot in the middle of the head. Open dots fail the sanity check."
        )
    else:
        st.info(f"{measure.title} was not measured on this board.")
    st.subheader("All methods at a glance", anchor=False)
    st.dataframe(
        _table(board),
        column_config=_columns(),
        hide_index=True,
        height="content",
        placeholder="–",
        alt="The main figures of every method",
    )
    st.caption("Click a column to sort by it. A dash: not measured.")
    _download(board)


def _table(board: Board) -> list[dict]:
    lines = []
    for name in board.methods + board.controls:
        figures = {m: in_figures(EXPLAINED[m], getattr(board.figure(name, m), "value", None)) for m in _MAIN}
        seconds = board.found["methods"][name].get("seconds, median")
        lines.append({"map": title(name)} | figures | {"sanity": _sanity(board, name), "seconds": seconds})
    return lines


def _sanity(board: Board, name: str) -> str:
    agreement = board.figure(name, "sanity all")
    if agreement is None:
        return "" if name in board.controls else "not checked"
    fails = board.found["methods"][name].get("fails sanity")
    return f"{'FAILS' if fails else 'passes'} ({agreement.value:z.2f})"


def _columns() -> dict:
    config = st.column_config
    return (
        {"map": config.TextColumn("Map", pinned=True)}
        | {name: column(EXPLAINED[name]) for name in _MAIN}
        | {
            "sanity": config.TextColumn("Sanity", help=EXPLAINED["sanity all"].says),
            "seconds": config.NumberColumn("Seconds", help="Median time a map took when the board was run."),
        }
    )


def _download(board: Board) -> None:
    st.download_button(
        "All figures, slice by slice (CSV)",
        (board.folder / TABLE).read_bytes(),
        f"{board.found['model']}-{TABLE}",
        "text/csv",
        on_click="ignore",
    )
