"""Localisation by subgroup, the sanity check, several models compared, and the definitions of the measures."""

from dataclasses import replace

import streamlit as st

from explain import METHODS
from explain.evaluation.measures import CONTROL_DESCRIPTIONS, MEASURES
from explain.evaluation.results import BY_CLASS, BY_PREDICTION, BY_SIZE
from explain.evaluation.sanity import STAGES, SURVIVES
from explain.evaluation.store import StoredEvaluation
from explain.evaluation.summary import CENTRE
from model_zoo import ModelCard
from model_zoo.card_explanations import FEWEST, scans_text
from pages.charts.explanation_quality import beside
from pages.charts.style import CONFIG
from pages.components.quality.methods import choose_measure, title

_BY = {BY_CLASS: "By tumour", BY_SIZE: "By box size", BY_PREDICTION: "By correctness"}


def show_subgroups(evaluation: StoredEvaluation, card: ModelCard) -> None:
    """Draw the pointing game of each method by tumour, by box size and by correctness of the prediction."""
    by = st.segmented_control(
        "Pointing game",
        list(_BY),
        format_func=_BY.get,
        default=BY_CLASS,
        required=True,
        key="by",
        persist_state="session",
    )
    names = dict(zip(card.classes, card.names, strict=True))
    series: dict[str, dict] = {}
    for method in [*evaluation.methods, *([CENTRE] if CENTRE in evaluation.controls else [])]:
        for stratum in evaluation.results.methods[method].strata:
            if stratum.by == by:
                label = _label(by, names.get(stratum.name, stratum.name))
                series.setdefault(label, {})[title(method)] = stratum.pointing
    labels = list(dict.fromkeys(label for estimates in series.values() for label in estimates))
    st.plotly_chart(
        beside(MEASURES["pointing"], labels, series),
        config=CONFIG,
        alt=f"Share of scans in which each method's highest point lies in the box, {_BY[by].lower()}",
    )
    st.caption(
        "Share of scans in which the map's highest point lies inside the box, with 95\u00a0% intervals. Boxes "
        "are split into thirds by relative size. Few scans give a wide interval: read it before the dot; fewer than "
        f"{FEWEST} give none. The control is a spot at the centre of the head."
    )


def _label(by: str, name: str) -> str:
    return {BY_SIZE: f"box {name}", BY_PREDICTION: f"{name} prediction"}.get(by, name)


def show_sanity(evaluation: StoredEvaluation) -> None:
    """Draw how well each method's maps agree before and after the weights are randomised, and explain the check."""
    left, _ = st.columns([3, 1])
    left.write(
        "A network's weights are what it has learnt. Here they are shuffled among themselves: first those of the last "
        "layer, then of the upper half, finally of all layers, and the map is made again. A map that shows what the "
        "network learnt must change; one that does not, like the edges of the image, shows the scan and not the "
        "network, however good its localisation."
    )
    series = {
        MEASURES[f"sanity {stage}"].short: {
            title(name): evaluation.estimate(name, f"sanity {stage}") for name in evaluation.methods
        }
        for stage in STAGES
    }
    checked = [name for name in evaluation.methods if evaluation.estimate(name, "sanity all")]
    if not checked:
        st.info("The sanity check was not run for this model: evaluate it again with `--checked 8`.")
        return
    measure = replace(MEASURES["sanity all"], title="Rank correlation with the map of the trained network (−1 to 1)")
    st.plotly_chart(
        beside(measure, [title(name) for name in checked], series, SURVIVES),
        config=CONFIG,
        alt="Agreement of each method's map before and after the last layer, the upper half and all layers are "
        "randomised",
    )
    most = max((evaluation.estimate(name, "sanity all") for name in checked), key=lambda estimate: estimate.scans)
    st.caption(
        f"Rank correlation within the head on {scans_text(most)}: 1 is the same map, 0 is no relation. Lower is "
        "better. With all layers randomised, a method fails right of the dotted line. "
        f"{MEASURES['sanity logits'].pitfalls} [The paper]({measure.paper})."
    )


def show_models(stored: dict[str, StoredEvaluation], card: ModelCard) -> None:
    """Draw one measure of every method for several models."""
    measure = choose_measure()
    labels = {model: f"{model}{'' if each.shipped else ' (results only)'}" for model, each in stored.items()}
    served = [model for model, each in stored.items() if each.shipped]
    chosen = st.multiselect(
        "Models", list(stored), default=served, format_func=labels.get, key="evaluated", persist_state="session"
    )
    if not chosen:
        st.info("Choose a model.")
        return
    measured = [name for name in METHODS if any(stored[model].estimate(name, measure.id) for model in chosen)]
    if not measured:
        st.info(f"{measure.title} was not measured for these models.")
        return
    lines = {name: title(name) for name in [*measured, CENTRE]}
    series = {
        labels[model]: {label: stored[model].estimate(name, measure.id) for name, label in lines.items()}
        for model in sorted(chosen, key=lambda model: model != card.id)
    }
    st.plotly_chart(
        beside(measure, list(lines.values()), series),
        config=CONFIG,
        alt=f"{measure.title} of every method for {', '.join(chosen)}",
    )
    scans = {frozenset(row.id for row in stored[model].annotated(CENTRE)) for model in chosen}
    same = "All on the same scans." if len(scans) == 1 else "Not all on the same scans: compare with caution."
    st.caption(
        f"Dots with 95\u00a0% intervals from {FEWEST} scans on. {same} A method that was not evaluated for a model has "
        "no dot there."
    )


def show_definitions() -> None:
    """Define every measure and every control."""
    with st.expander("Definitions of the measures and controls"):
        for kind in dict.fromkeys(measure.kind for measure in MEASURES.values()):
            lines = [
                f"- **{m.title}** ([paper]({m.paper})). {m.direction} {m.description} *{m.pitfalls}*"
                for m in MEASURES.values()
                if m.kind == kind
            ]
            st.markdown(f"##### {kind}\n" + "\n".join(lines))
        controls = [f"- `{name}`: {description}." for name, description in CONTROL_DESCRIPTIONS.items()]
        st.markdown("##### Controls\n" + "\n".join(controls))
