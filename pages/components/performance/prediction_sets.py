"""The tab of prediction sets and selective prediction: how often the true class is in the set, and when to predict."""

import streamlit as st

from model_zoo.conformal import LEVELS, MEASURES
from model_zoo.estimate import rounded_percent
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.selective import ANSWERED, RIGHT, TARGET, curve
from pages.charts.performance import selective
from pages.charts.style import CONFIG
from pages.components.performance.bundles import COLLECTIONS, Bundle
from pages.components.performance.scan_choice import choose_scans, show_problems, title_of


def prediction_sets(chosen: list[Bundle]) -> None:
    """Draw the coverage of each model's sets by collection, and its accuracy against the share predicted."""
    for one in chosen:
        rows = _coverage(one)
        if not rows:
            st.info(f"{one.name} has no prediction sets: its validation scans were not kept.")
            continue
        st.markdown(f"**{one.name}: is the true class in the set?**")
        st.dataframe(rows, hide_index=True, width="stretch")
    st.caption(
        "A set holds the classes that cannot be ruled out. At 90 % the true class of nine in ten scans of each class "
        "is in it, for scans like the validation scans; on other collections the coverage is what was met there. Small "
        "sets say more than large ones."
    )
    st.markdown("**Selective prediction: how often is the model right where it is most confident?**")
    key = choose_scans(chosen, external=True)
    show_problems(chosen, key)
    if key is None:
        return
    compared = [one for one in chosen if key in one.sets]
    series = {one.name: curve(one.sets[key].p, one.sets[key].truth) for one in compared}
    st.plotly_chart(selective(series), config=CONFIG, alt="Accuracy by the share of scans predicted", key="selective")
    for one in compared:
        share, right = (one.card.score(name, *key) for name in (ANSWERED, RIGHT))
        if share and right:
            st.markdown(
                f"**{one.name}** at its operating point, a confidence of {100 * one.card.operating_point:.0f} %: it "
                f"predicts {share.percent()} of these scans, and {right.percent()} of those are right."
            )
    st.caption(
        f"The operating point is the least confidence at which {100 * TARGET:.0f} % of the validation scans that are "
        "predicted are right. A curve that stays flat on the left means that confidence does not tell right from wrong "
        "there."
    )


def _coverage(one: Bundle) -> list[dict[str, str]]:
    """Return one row per set of scans: coverage, mean size and share of sets of one class, at each level."""
    subset = NO_NEAR_DUPLICATE if one.card.score("accuracy", "test", NO_NEAR_DUPLICATE) else ALL_SCANS
    keys = [("test", subset), *((f"cohort {name}", NO_NEAR_DUPLICATE) for name in COLLECTIONS)]
    rows = []
    for key in keys:
        if not one.card.score(MEASURES[0].at(LEVELS[0]), *key):
            continue
        row = {"Scans": title_of(key)}
        for level in LEVELS:
            met, size, single = (one.card.score(measure.at(level), *key) for measure in MEASURES[:3])
            row |= {
                f"{level} % sets: coverage": met.percent(),
                f"{level} %: mean size": f"{size.value:.2f}",
                f"{level} %: one class": f"{rounded_percent(single.value)} %",
            }
        rows.append(row)
    return rows
