"""A model's evaluated methods: the data behind the evaluation, the choice of a measure, and all methods compared."""

import streamlit as st

from explain import METHODS
from explain.evaluation.measures import FAITHFULNESS, LOCALISATION, MEASURES, SANITY, STABILITY, Measure
from explain.evaluation.rows import TABLE
from explain.evaluation.store import StoredEvaluation
from explain.evaluation.summary import CENTRE, method_summary, summary_text
from model_zoo import ModelCard
from model_zoo.card_explanations import FEWEST, scans_text
from pages.charts.explanation_quality import ranked
from pages.charts.style import CONFIG

_MAIN = ("pointing", "lift", "insertion blur", "deletion blur", "road", "seeds", "shifts and noise")


def title(name: str) -> str:
    """Return the title of a method, or of a control."""
    return METHODS[name].title if name in METHODS else f"control: {name}"


def table_value(measure: Measure, value: float | None) -> float | None:
    """Return a value as tables show it: a share in per cent."""
    return 100 * value if measure.share and value is not None else value


def column(measure: Measure):
    """Return the table column of a measure, with its description as the help text."""
    style = "%.0f\u00a0%%" if measure.share else "%.2f"
    description = f"{measure.direction} {measure.description}"
    return st.column_config.NumberColumn(measure.short, help=description, format=style)


def show_data(evaluation: StoredEvaluation, card: ModelCard) -> None:
    """Describe the scans behind the evaluation, and the method with the best localisation."""
    left, _ = st.columns([3, 1])
    results = evaluation.results
    left.caption(
        f"Evaluated on {results.scans:,} scans in {results.groups:,} groups of related scans, annotated by "
        f"radiologists, outside the model's training data. The median box covers "
        f"{100 * results.box_share:.1f}\u00a0% of its scan, and {100 * results.accuracy:.0f}\u00a0% of the "
        "predictions are correct. Each map explains the predicted class, right or wrong. Intervals are 95\u00a0%, over "
        "groups."
    )
    if results.weights != card.weights_sha256:
        st.warning(f"This evaluation was run with other weights than the zoo's. Run it again: `{_command(card)}`.")
        return
    best = evaluation.best_localised
    summary = method_summary(evaluation.folder, card.weights_sha256, best[0])
    left.write(f"**Best localisation: {_listed(best)}.** {summary_text(summary, '')}{_failing_above(evaluation)}")


def _failing_above(evaluation: StoredEvaluation) -> str:
    """Return a sentence on methods that hit the tumour more often than the best, but fail the sanity check."""
    hits = {name: evaluation.estimate(name, "pointing").value for name in evaluation.methods}
    above = [name for name in hits if hits[name] > hits[evaluation.best_localised[0]]]
    if not above:
        return ""
    verb = ("hits", "fails") if len(above) == 1 else ("hit", "fail")
    return f" {_listed(above)} {verb[0]} the tumour more often, but {verb[1]} that test."


def _listed(methods: list[str]) -> str:
    *others, last = map(title, methods)
    return f"{', '.join(others)}{' and ' if others else ''}{last}"


def show_missing(card: ModelCard, others: list[str]) -> None:
    """Say that a model was not evaluated and how to evaluate it, and offer the models that were."""
    st.info(
        f"{card.id} was not evaluated, so the localisation of its maps is unknown. This command evaluates it, with "
        "the figshare dataset below DIR:"
    )
    st.code(_command(card), language="bash")
    if others:
        with st.container(horizontal=True):
            for model in others:
                st.button(f"Show {model}", on_click=st.session_state.update, args=({"model": model},))


def _command(card: ModelCard) -> str:
    return f"python -m explain evaluate --model {card.id} --data DIR"


def choose_measure() -> Measure:
    """Return the measure to compare by, and show its description."""
    left, right = st.columns([2, 3], vertical_alignment="top")
    measure = MEASURES[
        left.selectbox(
            "Measure",
            list(MEASURES),
            format_func=lambda name: f"{MEASURES[name].kind}: {MEASURES[name].title}",
            key="measure",
            persist_state="session",
            help=f"{LOCALISATION}: is the map on the tumour? {FAITHFULNESS}: does the probability follow what the map "
            f"marks? {STABILITY}: does the map stay the same when nothing that matters changes? {SANITY}: does the "
            "map change when the model's weights are randomised?",
        )
    ]
    right.markdown(f"**{measure.direction}** {measure.description}")
    right.caption(f"{measure.pitfalls} [The paper]({measure.paper}).")
    return measure


def show_methods(evaluation: StoredEvaluation) -> None:
    """Draw one measure of every method above the controls, and the main measures as a table."""
    measure = choose_measure()
    methods = {title(name): evaluation.estimate(name, measure.id) for name in evaluation.methods}
    controls = {title(name): evaluation.estimate(name, measure.id) for name in evaluation.controls}
    failing = [title(name) for name in evaluation.methods if evaluation.results.methods[name].fails_sanity]
    if any(methods.values()):
        st.plotly_chart(
            ranked(measure, methods, controls, failing, title(CENTRE)),
            config=CONFIG,
            alt=f"{measure.title} of every method with its interval; the table below has the main measures",
        )
        st.caption(
            f"Dots: methods, with 95\u00a0% intervals from {FEWEST} scans on. Grey: controls, which know nothing of "
            "the model. Dotted line: the baseline, a spot at the centre of the head. Open dots fail the sanity check."
        )
    else:
        st.info(f"{measure.title} was not measured for this model.")
    st.subheader("All methods", anchor=False)
    st.dataframe(
        _table(evaluation),
        column_config=_columns(),
        hide_index=True,
        height="content",
        placeholder="–",
        alt="The main measures of every method",
    )
    st.caption("Click a column to sort by it. A dash: not measured.")
    _download(evaluation)


def _table(evaluation: StoredEvaluation) -> list[dict]:
    lines = []
    for name in evaluation.methods + evaluation.controls:
        values = {m: table_value(MEASURES[m], getattr(evaluation.estimate(name, m), "value", None)) for m in _MAIN}
        seconds = evaluation.results.methods[name].seconds
        lines.append({"map": title(name)} | values | {"sanity": _sanity(evaluation, name), "seconds": seconds})
    return lines


def _sanity(evaluation: StoredEvaluation, name: str) -> str:
    agreement = evaluation.estimate(name, "sanity all")
    if agreement is None:
        return "" if name in evaluation.controls else "not checked"
    verdict = "FAILS" if evaluation.results.methods[name].fails_sanity else "passes"
    scans = f", {scans_text(agreement)}" if agreement.scans < FEWEST else ""
    return f"{verdict} ({agreement.value:z.2f}{scans})"


def _columns() -> dict:
    config = st.column_config
    return (
        {"map": config.TextColumn("Map", pinned=True)}
        | {name: column(MEASURES[name]) for name in _MAIN}
        | {
            "sanity": config.TextColumn(SANITY, help=MEASURES["sanity all"].description),
            "seconds": config.NumberColumn("Seconds", help="Median time per map during the evaluation."),
        }
    )


def _download(evaluation: StoredEvaluation) -> None:
    st.download_button(
        "All values, scan by scan (CSV)",
        (evaluation.folder / TABLE).read_bytes(),
        f"{evaluation.results.model}-{TABLE}",
        "text/csv",
        on_click="ignore",
    )
