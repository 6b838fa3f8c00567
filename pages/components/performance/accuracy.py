"""The tab of accuracy: the scores of the card, and sensitivity, PPV and F1 of each class."""

import streamlit as st

from model_zoo import Estimate, ModelCard, ModelError
from model_zoo.estimate import rounded_percent
from model_zoo.scores import ALL_SCANS, AUC, CALIBRATION, NO_NEAR_DUPLICATE
from model_zoo.seeds import by_score, over_seeds, read_seeds
from pages.charts.performance import dots
from pages.charts.style import CONFIG
from pages.components.performance.bundles import Bundle, Key
from pages.components.performance.scan_choice import choose_scans, show_problems, title_of

HEADLINES = {
    ("test", ALL_SCANS): "Accuracy, all test scans",
    ("test", NO_NEAR_DUPLICATE): "Accuracy, no near-duplicates",
}
SCORES = {
    "accuracy": "Accuracy",
    "balanced accuracy": "Balanced accuracy",
    "macro F1": "Macro F1",
    AUC: "AUC",
    CALIBRATION: "Calibration error",
}
# measure -> title and meaning
OF_CLASS = {
    "recall": ("Sensitivity (recall)", "Share of the scans of a class that are predicted as that class."),
    "precision": ("PPV (precision)", "Share of the scans predicted as a class that are of that class."),
    "F1": ("F1", "The harmonic mean of sensitivity and PPV: high only if both are high."),
    "specificity": ("Specificity", "Share of the scans of other classes that are not predicted as the class."),
}
CHARTED = ("recall", "precision", "F1")  # specificity is close to 100 % for every class: it stands in the table
_NEAR_DUPLICATE = (
    "A near-duplicate shows the same picture as a scan that trained or chose the model: copied, mirrored, turned or "
    "re-encoded."
)
_MEANING = (
    f"In brackets: 95 % interval, resampled over groups of related scans. {_NEAR_DUPLICATE} The accuracy without "
    "near-duplicates is the reliable one; the validation scans chose the model. Balanced accuracy is the mean "
    "sensitivity over the classes, macro F1 the mean of F1: a rare class weighs as much as a common one. AUC is the "
    "chance that a scan of a class gets a higher probability for it than a scan of another class. Calibration error is "
    "the mean gap between confidence and accuracy: 0 is best."
)


def accuracy(chosen: list[Bundle]) -> None:
    """Draw the scores of the cards, and each class's sensitivity, PPV and F1."""
    for column, one in zip(st.columns(len(chosen), gap="large"), chosen, strict=True):
        with column:
            _headline(one, named=len(chosen) > 1)
    st.caption(_MEANING)
    st.subheader("By class", anchor=False)
    key = choose_scans(chosen)
    show_problems(chosen, key)
    if key is None:
        return
    card, compared = chosen[0].card, [one for one in chosen if key in one.sets]
    measured = {one.name: one.measured("by class", key) for one in compared}
    series = {  # measure -> model -> one estimate per class of the first model
        measure: {one.name: _of_classes(one, measured[one.name][measure], card) for one in compared}
        for measure in CHARTED
    }
    present = [k for k in range(len(card.classes)) if any(of[chosen[0].name][k] for of in series.values())]
    labels = [card.names[k] for k in present]
    for column, measure in zip(st.columns(len(CHARTED)), CHARTED, strict=True):
        title, meaning = OF_CLASS[measure]
        column.markdown(f"**{title}**", help=meaning)
        estimates = {name: [of_class[k] for k in present] for name, of_class in series[measure].items()}
        column.plotly_chart(
            dots(labels, estimates, measure=title, what="Class"),
            config=CONFIG,
            alt=f"{title} of each class with its 95 % interval",
            key=measure,
        )
    with st.expander("Table by class"):
        for one in compared:
            st.table(_table(one, key, measured[one.name]), border="horizontal", hide_index=True)


def _headline(one: Bundle, *, named: bool) -> None:
    if named:
        st.markdown(f"**{one.name}**")
    for column, (key, title) in zip(st.columns(len(HEADLINES)), HEADLINES.items(), strict=True):
        estimate = one.card.score("accuracy", *key)
        column.metric(
            title, f"{rounded_percent(estimate.value, 1)} %" if estimate else "not measured", help=_NEAR_DUPLICATE
        )
        if estimate:
            column.caption(f"{estimate.percent()}, {estimate.scans:,} scans")
    keys = [*HEADLINES, *([] if named else [("val", ALL_SCANS)])]  # beside another model there is no room for more
    sets = {title_of(key): key for key in keys if one.card.score("accuracy", *key)}
    if not sets:
        st.write(f"{one.name} was not measured on splits of its own.")
        return
    rows = [
        {"Measure": title} | {scans: _cell(name, one.card.score(name, *key)) for scans, key in sets.items()}
        for name, title in SCORES.items()
    ]
    counts = {scans: f"{one.card.score('accuracy', *key).scans:,}" for scans, key in sets.items()}
    st.table([*rows, {"Measure": "Scans"} | counts], border="horizontal", hide_index=True)
    _other_seeds(one, sets)


def _other_seeds(one: Bundle, sets: dict[str, Key]) -> None:
    """Draw how far the scores of another training of the same recipe would lie, where other seeds were trained."""
    try:
        kept = read_seeds(one.folder)
    except ModelError as error:
        st.info(f"{error}.")
        return
    of_seeds = {key: over_seeds(rows) for key, rows in by_score(kept).items()}
    sets = {scans: key for scans, key in sets.items() if ("accuracy", *key) in of_seeds}
    if not sets:
        return
    seeds = dict.fromkeys(row.seed for row in kept)
    rows = [
        {f"Mean of {len(seeds)} seeds": title}
        | {scans: _cell(name, of_seeds.get((name, *key))) for scans, key in sets.items()}
        for name, title in SCORES.items()
        if any((name, *key) in of_seeds for key in sets.values())
    ]
    st.table(rows, border="horizontal", hide_index=True)
    st.caption(
        f"{one.name}: the same recipe trained with {len(seeds)} seeds ({', '.join(map(str, seeds))}). In brackets, in "
        "this table: the lowest and the highest score. This model's seed is "
        f"{one.card.recipe.get('seed', 0)}."
    )


def _cell(name: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return "not measured"
    return estimate.decimal(3) if name == AUC else estimate.percent()


def _of_classes(one: Bundle, estimates: list[Estimate | None], card: ModelCard) -> list[Estimate | None]:
    """Return the estimate of `one` for each class of `card`, None where it has no such class."""
    places = [one.place_of(label, card.classes) for label in card.classes]
    return [None if k is None else estimates[k] for k in places]


def _table(one: Bundle, key: Key, measured: dict[str, list[Estimate | None]]) -> list[dict[str, str]]:
    truth = one.sets[key].truth
    return [
        {one.name: name, "Scans": f"{(truth == k).sum():,}"}
        | {
            title: estimate.percent() if (estimate := measured[measure][k]) else "–"
            for measure, (title, _) in OF_CLASS.items()
        }
        for k, name in enumerate(one.card.names)
    ]
