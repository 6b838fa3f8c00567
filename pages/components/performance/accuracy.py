"""How often is a model right, on which classes, and how far can its probabilities be believed?"""

import streamlit as st

from model_zoo import Estimate, ModelCard
from model_zoo.performance import mean_curve
from model_zoo.scores import ALL, APART, AUC, CALIBRATION
from model_zoo.tables import PREDICTIONS
from pages.charts.performance import FEW, dots, ranking, reliability
from pages.charts.style import CONFIG
from pages.components.performance.bundles import CURVES, Bundle, Key, comparable, keys_of, title_of
from pages.components.performance.confusion import show_confusions

HEADLINES = (("test", ALL), ("test", APART))
SHOWN = {
    "accuracy": "Accuracy",
    "balanced accuracy": "Balanced accuracy",
    "macro F1": "Macro F1",
    AUC: "AUC",
    CALIBRATION: "Calibration error",
}
_TWIN = "A twin is a near-duplicate, mirror images included, of a scan that trained or chose the model."
_WORDS = (
    f"In brackets the 95 % interval, resampled over groups of related scans. {_TWIN} The figure without twins is the "
    "honest one; the validation scans chose the model. Balanced accuracy is the mean over the classes of the share "
    "called right, macro F1 that of the harmonic mean of precision and recall: a rare class weighs as much as a common "
    "one. AUC is the chance that a scan of a class gets a higher probability for it than a scan of another. The "
    "calibration error is how far, on average, the model's sureness lies from how often it is right: 0 is best."
)
_OF_CLASS = {
    "recall": "Of the scans that are of a class, the share that is called so (sensitivity).",
    "precision": "Of the scans that are called a class, the share that is of it (positive predictive value).",
    "F1": "The harmonic mean of recall and precision: high only where both are.",
}
_MEAN = "Mean over the classes"


def accuracy(chosen: list[Bundle], cards: dict[str, ModelCard]) -> None:
    """Draw the headline figures from the cards, and each class's recall, precision and F1."""
    del cards
    for column, one in zip(st.columns(len(chosen), gap="large"), chosen, strict=True):
        with column:
            _headline(one, named=len(chosen) > 1)
    st.caption(_WORDS)
    st.subheader("By class", anchor=False)
    key = _choose_scans(chosen)
    _tell(chosen, key)
    if key is None:
        return
    card, there = chosen[0].card, [one for one in chosen if key in one.sets]
    known = {one.name: one.measured("by class", key) for one in there}
    entries = {  # measure -> model -> one entry a class of the first model
        measure: {one.name: _of_classes(one, known[one.name][measure], card, key) for one in there}
        for measure in _OF_CLASS
    }
    asked = [k for k in range(len(card.classes)) if any(of[chosen[0].name][k] for of in entries.values())]
    labels = [card.names[k] for k in asked]
    for column, (measure, told) in zip(st.columns(3), _OF_CLASS.items(), strict=True):
        title = measure[0].upper() + measure[1:]
        column.markdown(f"**{title}**", help=told)
        series = {name: [found[k] for k in asked] for name, found in entries[measure].items()}
        column.plotly_chart(
            dots(labels, series), config=CONFIG, alt=f"{title} of each class with its 95 % interval", key=measure
        )
    with st.expander("The same in numbers"):
        for one in there:
            st.table(_numbers(one, key, known[one.name]), border="horizontal", hide_index=True)


def _headline(one: Bundle, *, named: bool) -> None:
    if named:
        st.markdown(f"**{one.name}**")
    for column, key in zip(st.columns(2), HEADLINES, strict=True):
        figure = one.card.score("accuracy", *key)
        measured = f"{100 * figure.value:.1f} %" if figure else "not measured"
        column.metric(f"Accuracy, {'without twins' if key[1] == APART else 'all test scans'}", measured, help=_TWIN)
        if figure:
            column.caption(f"95 % interval {100 * figure.low:.1f} to {100 * figure.high:.1f} %, {figure.scans:,} scans")
    keys = HEADLINES if named else (*HEADLINES, ("val", ALL))  # beside another model's there is no room for more
    sets = {title_of(key): key for key in keys if one.card.score("accuracy", *key)}
    if not sets:
        st.write(f"{one.name} was not measured on splits of its own.")
        return
    rows = [
        {"Measure": title} | {scans: _cell(name, one.card.score(name, *key)) for scans, key in sets.items()}
        for name, title in SHOWN.items()
    ]
    counted = {scans: f"{one.card.score('accuracy', *key).scans:,}" for scans, key in sets.items()}
    st.table([*rows, {"Measure": "Scans"} | counted], border="horizontal", hide_index=True)


def _cell(name: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return "not measured"
    return estimate.decimal(3) if name == AUC else estimate.percent()


def _choose_scans(chosen: list[Bundle], *, elsewhere: bool = False) -> Key | None:
    """Return the set of scans to look at, None where the first model has none."""
    keys = {title_of(key): key for key in keys_of(chosen[0], elsewhere=elsewhere)}
    return keys[st.selectbox("Scans", list(keys), key="scans", persist_state="session", width=420)] if keys else None


def _tell(chosen: list[Bundle], key: Key | None) -> None:
    """Write what is missing, and what of two models cannot be compared."""
    for one in chosen:
        if PREDICTIONS in one.problems:
            st.info(one.problems[PREDICTIONS])
    if key and len(chosen) > 1 and (sentence := comparable(*chosen, key)):
        st.caption(sentence)


def _of_classes(one: Bundle, measured: list, card: ModelCard, key: Key) -> list:
    """Return for each class of `card` what `one` has of it, and of how many scans, None where it has no such class."""
    truth, found = one.sets[key].truth, []
    for label in card.classes:
        k = one.place_of(label, card.classes)
        known = k is not None and measured[k]
        found.append((*known, int((truth == k).sum())) if known else None)
    return found


def _numbers(one: Bundle, key: Key, measured: dict[str, list]) -> list[dict[str, str]]:
    truth = one.sets[key].truth
    return [
        {one.name: name, "Scans": f"{(truth == k).sum():,}"}
        | {
            measure[0].upper() + measure[1:]: f"{100 * v[0]:.1f} % ({100 * v[1]:.1f} to {100 * v[2]:.1f})" if v else "–"
            for measure, values in measured.items()
            for v in [values[k]]
        }
        for k, name in enumerate(one.card.names)
    ]


def confusions(chosen: list[Bundle], cards: dict[str, ModelCard]) -> None:
    """Draw the confusion matrices beside each other, each with the scans of the cell that is open."""
    del cards
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        key = _choose_scans(chosen, elsewhere=True)
        shares = st.toggle("Shares of each true class instead of counts", key="shares", persist_state="session")
    _tell(chosen, key)
    if key is None:
        return
    st.caption("Colour is the share of the true class, dark none and yellow all. Click a cell to list its scans.")
    there = [one for one in chosen if key in one.sets]
    for column, one in zip(st.columns(len(there), gap="large"), there, strict=True):
        with column:
            if len(chosen) > 1:
                st.markdown(f"**{one.name}**")
            show_confusions(one, key, shares=shares, wide=len(there) == 1)


def curves(chosen: list[Bundle], cards: dict[str, ModelCard]) -> None:
    """Draw ROC, precision-recall and reliability of the models over each other."""
    del cards
    first = chosen[0].card
    names = {_MEAN: ""} | dict(zip(first.names, first.classes, strict=True))
    with st.container(horizontal=True, gap="medium"):
        key = _choose_scans(chosen, elsewhere=True)
        label = names[st.selectbox("Class", list(names), key=f"curve-{first.task}", persist_state="session", width=420)]
    _tell(chosen, key)
    if key is None:
        return
    there = [one for one in chosen if key in one.sets]
    columns = st.columns(2, gap="large")
    for column, kind in zip(columns, CURVES, strict=True):
        found = {one.name: _curves(one, kind, key, label, first.classes) for one in there}
        series = {name: curve for name, (curve, _) in found.items() if curve}
        with column:
            st.markdown(f"**{'ROC' if kind == 'ROC' else 'Precision and recall'}**", help=_CURVE_WORDS[kind])
            if not series:
                st.write("There is no such curve: these scans are all of this class, or none is.")
                continue
            faint = {} if len(there) > 1 else found[there[0].name][1]
            alt = f"{kind} curve of " + ", ".join(f"{name}: {curve.area:.3f}" for name, curve in series.items())
            st.plotly_chart(ranking(series, faint, kind), config=CONFIG, alt=alt, key=kind)
            if faint:
                st.caption("Grey: each class on its own, named under the pointer.")
    st.markdown("**Is it as often right as it is sure?**", help=_CURVE_WORDS["reliability"])
    left, right = st.columns([3, 2], gap="large")
    series = {one.name: one.measured("reliability", key) for one in there}
    left.plotly_chart(reliability(series), config=CONFIG, alt="Share right by how sure the model was", key="reliable")
    for one in there:
        if error := one.card.score(CALIBRATION, *key):
            right.markdown(f"**{one.name}**: calibration error {error.percent()}, {error.scans:,} scans.")
    right.caption(
        "On the dashed line, answers given with 80 % are right in 80 % of the scans; below it the model is surer than "
        f"it is right. Bars are 95 % intervals; shares of fewer than {FEW} scans are not drawn. Probabilities were "
        "calibrated on validation scans of the model's own collection; elsewhere they may promise too much."
    )


_CURVE_WORDS = {
    "ROC": "For each threshold on the probability of a class: how many of its scans are found, over how many of the "
    "others are taken for it. Behind the name is the area, 1 at best, 0.5 by chance.",
    "precision-recall": "For each threshold: which share of the scans called so is of the class, over the share of "
    "its scans that is found. Behind the name is the average precision; chance is the share of the class.",
    "reliability": "Reliability diagram: 15 bins of the top probability, and below how many scans each holds.",
}


def _curves(one: Bundle, kind: str, key: Key, label: str, classes: tuple[str, ...]):
    """Return the curve of class `label` of `classes`, or the mean and those behind it; None where there is none."""
    curves = one.measured(kind, key)
    if label:
        k = one.place_of(label, classes)
        return (None if k is None else curves[k]), {}
    known = {name: curve for name, curve in zip(one.card.names, curves, strict=True) if curve}
    if not known:
        return None, {}
    return mean_curve(list(known.values()), stepped=kind != "ROC"), known
