"""The tab of curves: ROC, precision-recall and calibration."""

import streamlit as st

from model_zoo.performance import Curve, mean_curve
from model_zoo.scores import CALIBRATION
from pages.charts.performance import FEW, ranking, reliability
from pages.charts.style import CONFIG
from pages.components.performance.bundles import CURVES, Bundle, Key
from pages.components.performance.scan_choice import choose_scans, show_problems

_MEAN = "Mean over the classes"
_HELP = {
    "ROC": "For each threshold on the probability of a class: sensitivity over 1 - specificity. Behind the name is the "
    "area under the curve: 1 at best, 0.5 by chance.",
    "precision-recall": "For each threshold on the probability of a class: PPV (precision) over sensitivity (recall). "
    "Behind the name is the average precision; chance is the share of the class.",
    "reliability": "Reliability diagram: accuracy in 15 bins of confidence, and below the number of scans in each.",
}


def curves(chosen: list[Bundle]) -> None:
    """Draw ROC, precision-recall and reliability curves of the models over each other."""
    first = chosen[0].card
    names = {_MEAN: ""} | dict(zip(first.names, first.classes, strict=True))
    with st.container(horizontal=True, gap="medium"):
        key = choose_scans(chosen, external=True)
        label = names[st.selectbox("Class", list(names), key=f"curve-{first.task}", persist_state="session", width=420)]
    show_problems(chosen, key)
    if key is None:
        return
    compared = [one for one in chosen if key in one.sets]
    for column, kind in zip(st.columns(2, gap="large"), CURVES, strict=True):
        by_model = {one.name: _curves(one, kind, key, label, first.classes) for one in compared}
        series = {name: curve for name, (curve, _) in by_model.items() if curve}
        with column:
            st.markdown(f"**{'ROC' if kind == 'ROC' else 'Precision and recall'}**", help=_HELP[kind])
            if not series:
                st.write("No curve: all of these scans are of this class, or none is.")
                continue
            faint = {} if len(compared) > 1 else by_model[compared[0].name][1]
            alt = f"{kind} curve of " + ", ".join(f"{name}: {curve.area:.3f}" for name, curve in series.items())
            st.plotly_chart(ranking(series, faint, kind), config=CONFIG, alt=alt, key=kind)
            if faint:
                st.caption("Grey: each class by itself; point at a line for its name.")
    _calibration(compared, key)


def _calibration(compared: list[Bundle], key: Key) -> None:
    st.markdown("**Calibration: does 80 % confidence mean 80 % correct?**", help=_HELP["reliability"])
    left, right = st.columns([3, 2], gap="large")
    series = {one.name: one.measured("reliability", key) for one in compared}
    left.plotly_chart(reliability(series), config=CONFIG, alt="Observed accuracy by confidence", key="reliable")
    for one in compared:
        if error := one.card.score(CALIBRATION, *key):
            right.markdown(f"**{one.name}**: calibration error {error.percent()}, {error.scans:,} scans.")
    right.caption(
        "On the dashed line, predictions with 80 % confidence are correct in 80 % of the scans; below it the model is "
        f"overconfident. Bars are 95 % intervals; bins of fewer than {FEW} scans are not drawn. Probabilities were "
        "calibrated on validation scans of the model's own collection; on other collections they may be overconfident."
    )


def _curves(
    one: Bundle, kind: str, key: Key, label: str, classes: tuple[str, ...]
) -> tuple[Curve | None, dict[str, Curve]]:
    """Return the curve of class `label` of `classes`, or the mean and those behind it; None where there is none."""
    by_class = one.measured(kind, key)
    if label:
        k = one.place_of(label, classes)
        return (None if k is None else by_class[k]), {}
    behind = {name: curve for name, curve in zip(one.card.names, by_class, strict=True) if curve}
    if not behind:
        return None, {}
    return mean_curve(list(behind.values()), stepped=kind != "ROC"), behind
