"""Where do the maps miss, do they show what was learnt, how do models compare, and what does each figure mean?"""

from dataclasses import replace

import streamlit as st

from explain import METHODS
from explain.evaluation.measures import CONTROLS_SAY, EXPLAINED
from explain.evaluation.sanity import STAGES, SURVIVES
from explain.evaluation.store import Board, parts
from explain.evaluation.summary import CENTRE
from model_zoo import ModelCard
from pages.charts.explanation_quality import beside
from pages.charts.style import CONFIG
from pages.components.quality.methods import choose_measure, title

_STAGES = {"logits": "Last layer shuffled", "upper half": "Upper half shuffled", "all": "All layers shuffled"}
_BY = {"class": "By tumour", "size of the box": "By size of the box", "answer": "By the model's answer"}


def show_parts(board: Board, card: ModelCard) -> None:
    """Draw how often each method points at the tumour, by tumour, by size of the box and by the answer."""
    by = st.segmented_control(
        "Pointing game",
        list(_BY),
        format_func=_BY.get,
        default="class",
        required=True,
        key="by",
        persist_state="session",
    )
    names = dict(zip(card.classes, card.names, strict=True))
    series: dict[str, dict] = {}
    for method in [*board.methods, *([CENTRE] if CENTRE in board.controls else [])]:
        for part in parts(board, method):
            if part.what == by:
                series.setdefault(_part(by, names.get(part.name, part.name)), {})[title(method)] = part.pointing
    labels = list(dict.fromkeys(label for figures in series.values() for label in figures))
    st.plotly_chart(
        beside(EXPLAINED["pointing"], labels, series),
        config=CONFIG,
        alt=f"The share of slices in which each method's brightest point lies in the box, {_BY[by].lower()}",
    )
    st.caption(
        "The share of slices in which the brightest point lies in the box, with 95\u00a0% intervals. Boxes are parted "
        "in thirds by their share of the slice. Few slices make a wide interval: read it before the dot. "
        "The control is a dot in the middle of the head."
    )


def _part(by: str, name: str) -> str:
    return {"size of the box": f"box {name}", "answer": f"{name} answer"}.get(by, name)


def show_sanity(board: Board) -> None:
    """Draw how far each method's maps stay when the network forgets, and say what that shows."""
    left, _ = st.columns([3, 1])
    left.write(
        "A network's weights are what it has learnt. Here they are shuffled among themselves: first those of the last "
        "layer, then of the upper half, at last of all layers, and the map is made again. A map that shows what the "
        "network learnt must change; one that stays, as the edges of the picture would, shows the scan and not the "
        "network, however well it is placed."
    )
    series = {
        words: {title(name): board.figure(name, f"sanity {stage}") for name in board.methods}
        for stage, words in _STAGES.items()
        if stage in STAGES
    }
    labels = [title(name) for name in board.methods if board.figure(name, "sanity all")]
    if not labels:
        st.info("The sanity check was not run on this board: run it again with `--checked 8`.")
        return
    measure = replace(EXPLAINED["sanity all"], title="Agreement with the map of the trained network")
    st.plotly_chart(
        beside(measure, labels, series, SURVIVES),
        config=CONFIG,
        alt="How far each method's map stays the same when the last layer, the upper half and all layers are shuffled",
    )
    checked = max(board.figure(name, "sanity all").scans for name in board.methods if title(name) in labels)
    st.caption(
        f"Rank correlation within the head on {checked:,} slices: 1 is the same map, 0 no relation. Lower is better. "
        f"Right of the dotted line, with all layers shuffled, a method fails. {EXPLAINED['sanity logits'].misleads} "
        f"[The paper]({measure.paper})."
    )


def show_models(found: dict[str, Board], card: ModelCard) -> None:
    """Draw one measure of every method for several models."""
    measure = choose_measure()
    labels = {model: f"{model}{_shipped(board)}" for model, board in found.items()}
    chosen = st.multiselect(
        "Models", list(found), default=list(found), format_func=labels.get, key="boards", persist_state="session"
    )
    scored = [name for name in METHODS if any(found[model].figure(name, measure.id) for model in chosen)]
    if not scored:
        st.info(f"{measure.title} was not measured for these models.")
        return
    lines = {name: title(name) for name in [*scored, CENTRE]}
    series = {
        labels[model]: {words: found[model].figure(name, measure.id) for name, words in lines.items()}
        for model in sorted(chosen, key=lambda model: model != card.id)
    }
    st.plotly_chart(
        beside(measure, list(lines.values()), series),
        config=CONFIG,
        alt=f"{measure.title} of every method for {', '.join(chosen)}",
    )
    slices = {frozenset(row.id for row in found[model].marked(CENTRE)) for model in chosen}
    same = "All on the same slices." if len(slices) == 1 else "Not all on the same slices: compare with care."
    st.caption(f"Dots with 95\u00a0% intervals. {same} A method that was not scored for a model has no dot there.")


def _shipped(board: Board) -> str:
    return "" if (board.folder / "model.keras").exists() else " (weights not shipped)"


def show_meanings() -> None:
    """Say what every measure and every control is."""
    with st.expander("What the measures and the controls say"):
        for kind in dict.fromkeys(measure.kind for measure in EXPLAINED.values()):
            lines = [
                f"- **{m.title}** ([paper]({m.paper})). {m.direction} {m.says} *{m.misleads}*"
                for m in EXPLAINED.values()
                if m.kind == kind
            ]
            st.markdown(f"##### {kind}\n" + "\n".join(lines))
        st.markdown("##### Controls\n" + "\n".join(f"- `{name}`: {words}." for name, words in CONTROLS_SAY.items()))
