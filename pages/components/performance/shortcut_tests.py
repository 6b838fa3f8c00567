"""The tab of shortcut and robustness tests: accuracy on changed scans, beside chance."""

import streamlit as st

from model_zoo import Estimate, ModelCard
from model_zoo.scores import PROBE, SHORTCUT_TEST, SOURCE_PROBE
from pages.charts.performance import dots
from pages.charts.style import CONFIG
from pages.components.performance.bundles import Bundle, chances_of

_MEASURE = "balanced accuracy"
# heading, short enough for a phone -> the tests below it; those of a card that are in no group come last
_GROUPS = {
    "Unchanged": ("as is",),
    "Without the inside": ("border only", "background only", "outline only"),
    "Robustness": ("saved again as JPEG", "through half the size", "contrast inverted"),
    "With a boxed tumour": ("boxed scans as is", "tumour hidden", "tumour only"),
    "Its features": (SOURCE_PROBE,),
}
_PROBE_QUESTION = (
    "can a linear classifier tell from the model's features which collection a scan comes from? At chance, the "
    "features hold nothing of it."
)


def shortcut_tests(chosen: list[Bundle]) -> None:
    """Draw the accuracy on changed scans, and chance."""
    chances = {}
    for one in chosen:
        by_test = chances_of(one)
        if isinstance(by_test, str):
            st.info(by_test)
        chances[one.name] = {} if isinstance(by_test, str) else by_test
    tested = [one for one in chosen if any(score.split == SHORTCUT_TEST for score in one.card.scores)]
    names = {score.subset for one in tested for score in one.card.scores if score.split == SHORTCUT_TEST}
    if not names:
        return
    labels, headings = _labels(names)
    for one in tested:
        st.markdown(_sentence(one, chances[one.name]))
    series = {one.name: [_estimate(one.card, label) for label in labels] for one in tested}
    chance = next(filter(None, chances.values()), {})
    st.plotly_chart(
        dots(
            labels,
            series,
            [chance.get(label) for label in labels],
            headings,
            measure="Balanced accuracy",
            what="Test",
        ),
        config=CONFIG,
        alt=f"Balanced accuracy of {' and '.join(series)} on changed scans, with chance",
    )
    differ = any(by_test not in ({}, chance) for by_test in chances.values())
    st.caption(
        "Balanced accuracy with its 95 % interval, on test scans without a near-duplicate in training. The stroke is "
        "chance: a model that always predicts the same class. There is none where the scans are of one class only. "
        + (f"It is that of {chosen[0].name}: the scans of the other have other classes. " if differ else "")
        + "With the inside of the head gone, a model without shortcuts is at chance. With the tumour hidden it may "
        "stay above: oedema and mass effect outside the box remain. JPEG and half the size should change nothing; "
        "inverted contrast shows whether the model relies on which tissue is bright."
    )
    with st.expander("What each line shows"):
        from train.shortcut_tests import SHORTCUT_TESTS

        questions = {name: test.question for name, test in SHORTCUT_TESTS.items()} | {SOURCE_PROBE: _PROBE_QUESTION}
        st.markdown("\n".join(f"- **{name}**: {text}" for name, text in questions.items() if name in names))


def _labels(names: set[str]) -> tuple[list[str], list[int]]:
    """Return the lines of the chart, and the indices of those that are headings."""
    grouped = {name for group in _GROUPS.values() for name in group}
    labels, headings = [], []
    for heading, group in (_GROUPS | {"Other tests": tuple(sorted(names - grouped))}).items():
        if present := [name for name in group if name in names]:
            headings.append(len(labels))
            labels += [heading, *present]
    return labels, headings


def _estimate(card: ModelCard, name: str) -> Estimate | None:
    return card.score(PROBE if name == SOURCE_PROBE else _MEASURE, SHORTCUT_TEST, name)


def _sentence(one: Bundle, chance: dict[str, float]) -> str:
    hidden, whole = _estimate(one.card, "tumour hidden"), _estimate(one.card, "boxed scans as is")
    if not hidden or not whole:
        return ""
    by_chance = f"; chance is {100 * chance['tumour hidden']:.0f} %" if "tumour hidden" in chance else ""
    sentence = (
        f"**{one.name}**: balanced accuracy {whole.percent()} on the boxed scans, and {hidden.percent()} with the "
        f"tumour hidden{by_chance}."
    )
    return sentence.replace(" %", "\u00a0%")  # a line must not begin with the sign
