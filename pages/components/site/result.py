"""What a calibration found and promises, and its file."""

import streamlit as st

from model_zoo import ModelCard
from model_zoo.estimate import rounded_percent
from model_zoo.site_calibration import SiteCalibration, as_json, promise, site_accuracy
from pages.components.site.use import use
from pages.components.state import state

_MEANING = (
    "What a set promises: with 95 % confidence, the true class is in it for at least that share of the site’s further "
    "scans of the class, if they are like these. Left-out coverage: the share of these scans whose class was in the "
    "set, each by the thresholds of the others. Accuracy is that on these scans, with its 95 % interval; calibration "
    "never changes the predicted class."
)


def show_calibration(card: ModelCard, calibration: SiteCalibration) -> None:
    """Draw temperature, accuracy, coverage and promises of a calibration of this model, and offer its file."""
    number, accuracy = sum(calibration.scans.values()), site_accuracy(calibration)
    st.subheader(f"{card.id} at {calibration.place}", anchor=False)
    facts = [
        ("Accuracy", f"{rounded_percent(accuracy.value, 1)} %", f"{accuracy.percent()}, {number:,} scans"),
        ("Temperature", f"{calibration.temperature:.2f}", _change(calibration.temperature, card.temperature)),
        *(
            (f"Left-out coverage, {level} % sets", f"{100 * share:.1f} %", f"{number:,} scans")
            for level, share in calibration.coverage.items()
        ),
    ]
    for column, (title, value, about) in zip(st.columns(len(facts)), facts, strict=True):
        column.metric(title, value)
        column.caption(about)
    names = dict(zip(card.classes, card.names, strict=True))
    rows = [
        {"Class": names[label], "Scans": f"{scans:,}"}
        | {f"{level} % sets": promise(calibration, label, level) for level in calibration.conformal}
        for label, scans in calibration.scans.items()
    ]
    st.table(rows, border="horizontal", hide_index=True)
    st.caption(_MEANING)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        name = f"{card.id}-calibration.json"
        st.download_button("Download (JSON)", as_json(calibration), name, "application/json", on_click="ignore")
        if state().calibrations.get(card.id) != calibration:
            st.button("Use in this session", on_click=use, args=(card, calibration))


def _change(temperature: float, own: float) -> str:
    """Return the model's own temperature, and what the site's says of the model's confidence there."""
    if f"{temperature:.2f}" == f"{own:.2f}":
        return f"the model’s own: {own:.2f}"
    return f"the model’s own: {own:.2f}; it was {'over' if temperature > own else 'under'}confident here"
