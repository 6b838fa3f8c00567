"""How does a model fare on other people's scans, and on scans changed so that a cheat would show?"""

import streamlit as st

from model_zoo import Estimate, ModelCard
from model_zoo.scores import APART, PROBE
from model_zoo.tables import COHORTS
from pages.charts.matrices import across
from pages.charts.performance import dots
from pages.charts.style import CONFIG
from pages.components.performance.bundles import COLLECTIONS, PROBED, Bundle, blind

_MEASURE = "balanced accuracy"
# heading, short enough for a phone -> the checks below it; those of a card that stand nowhere here come last
_GROUPS = {
    "Unchanged": ("as is",),
    "Without the inside": ("border only", "background only", "outline only"),
    "In other looks": ("saved again as JPEG", "through half the size", "contrast inverted"),
    "With a boxed tumour": ("boxed scans as is", "tumour hidden", "tumour only"),
    "Its features": (PROBED,),
}


def elsewhere(chosen: list[Bundle], cards: dict[str, ModelCard]) -> None:
    """Draw the matrix of all models by collections, and the models chosen by collection and sequence."""
    for one in chosen:
        if COHORTS in one.problems:
            st.info(one.problems[COHORTS])
    st.subheader("Every model on every collection", anchor=False)
    rows = {name: [_seen(card, cohort) for cohort in COLLECTIONS] for name, card in cards.items()}
    rows = {name: cells for name, cells in rows.items() if any(cells)}
    if rows:
        st.plotly_chart(
            across(list(rows), list(COLLECTIONS.values()), list(rows.values()), [one.name for one in chosen]),
            config=CONFIG,
            alt="Balanced accuracy of every model on the test scans of every collection",
        )
        st.caption(
            "Balanced accuracy in per cent, on the test scans of a collection whose classes the model shares. Those "
            "with a twin among what it was trained or chosen on are left out. * It was trained on the rest of that "
            "collection: only a figure without a star is of scans from elsewhere. The Kaggle set and figshare hold "
            "each other's slices, so few of theirs are left. 44c is the honest other collection; Br35H has healthy "
            "heads only."
        )
    else:
        st.write("No card has a figure of another collection.")
    splits = [(cohort, f"cohort {cohort}") for cohort in COLLECTIONS]
    lines = {}  # label -> split and subset, of every model chosen
    for cohort, split in splits:
        subsets = dict.fromkeys(f.subset for one in chosen for f in one.card.scores if f.split == split)
        sequences = [subset for subset in subsets if subset.startswith("sequence ")]
        lines |= {COLLECTIONS[cohort]: (split, APART)} if APART in subsets else {}
        lines |= {f"{COLLECTIONS[cohort]}, {s.removeprefix('sequence ')}": (split, s) for s in sequences}
    if lines:
        st.subheader("By collection and sequence", anchor=False)
        series = {one.name: [_entry(one.card.score(_MEASURE, *key)) for key in lines.values()] for one in chosen}
        st.plotly_chart(
            dots(list(lines), series),
            config=CONFIG,
            alt=f"Balanced accuracy by collection and sequence of {' and '.join(series)}",
        )


def _seen(card: ModelCard, cohort: str) -> tuple | None:
    figure = card.score(_MEASURE, f"cohort {cohort}", APART)
    return (*_entry(figure), cohort in _trained_on(card)) if figure else None


def _trained_on(card: ModelCard) -> tuple[str, ...]:
    from train.recipe import recipe_of, trained_on

    try:
        return trained_on(recipe_of(card.recipe))
    except (ValueError, TypeError):  # a recipe of another Candor
        return ()


def _entry(figure: Estimate | None) -> tuple[float, float, float, int] | None:
    return (figure.value, figure.low, figure.high, figure.scans) if figure else None


def cheating(chosen: list[Bundle], cards: dict[str, ModelCard]) -> None:
    """Draw what is left of a model's accuracy where the scans are changed, and what chance would leave."""
    del cards
    chances = {}
    for one in chosen:
        found = blind(one)
        if isinstance(found, str):
            st.info(found)
        chances[one.name] = {} if isinstance(found, str) else found
    checked = {f.subset for one in chosen for f in one.card.scores if f.split == "check"}
    if not checked:
        return
    groups = _GROUPS | {"Other checks": tuple(sorted(checked - {name for names in _GROUPS.values() for name in names}))}
    labels, headings = [], []
    for heading, names in groups.items():
        if known := [name for name in names if name in checked]:
            headings.append(len(labels))
            labels += [heading, *known]
    asked = [one for one in chosen if any(f.split == "check" for f in one.card.scores)]
    for one in asked:
        st.markdown(_in_words(one, chances[one.name]))
    series = {one.name: [_entry(_check(one.card, label)) for label in labels] for one in asked}
    chance = next(filter(None, chances.values()), {})
    st.plotly_chart(
        dots(labels, series, [chance.get(label) for label in labels], headings),
        config=CONFIG,
        alt=f"Balanced accuracy of {' and '.join(series)} on changed scans, with chance",
    )
    others = any(found not in ({}, chance) for found in chances.values())
    st.caption(
        "Balanced accuracy with its 95 % interval, on test scans without a twin in training. The stroke is chance, "
        "what is got without looking, by always naming one of the classes that these scans have; where they have one "
        "class only, there is none. "
        + (f"It is that of {chosen[0].name}: the scans of the other have other classes. " if others else "")
        + "With the inside of the head gone, or the tumour hidden, a fair model is at chance: right answers then come "
        "from the edge, the outline or the source. In other looks it stays as it was."
    )
    with st.expander("What each line shows"):
        from train.shortcut_tests import SHORTCUT_TESTS

        told = {name: check.question for name, check in SHORTCUT_TESTS.items() if name in checked} | {PROBED: _PROBE}
        st.markdown("\n".join(f"- **{name}**: {question}" for name, question in told.items() if name in checked))


_PROBE = (
    "can a linear classifier tell from the model's features which collection a scan comes from? At chance, the "
    "features hold nothing of it."
)


def _check(card: ModelCard, name: str) -> Estimate | None:
    return card.score(PROBE if name == PROBED else _MEASURE, "check", name)


def _in_words(one: Bundle, chance: dict[str, float]) -> str:
    hidden, whole = _check(one.card, "tumour hidden"), _check(one.card, "boxed scans as is")
    if not hidden or not whole:
        return ""
    blindly = f"; chance is {100 * chance['tumour hidden']:.0f} %" if "tumour hidden" in chance else ""
    said = (
        f"**{one.name}** calls {whole.percent()} of the boxed scans right, averaged over their classes, and still "
        f"{hidden.percent()} with the tumour painted over{blindly}."
    )
    return said.replace(" %", "\u00a0%")  # a line must not begin with the sign
