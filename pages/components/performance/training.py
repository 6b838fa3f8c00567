"""The tab of the training: its course, its cost, and the rest of the card."""

import streamlit as st

from model_zoo.card_markdown import CARD
from model_zoo.tables import PREDICTIONS
from pages.charts.performance import history
from pages.charts.style import CONFIG
from pages.components.performance.bundles import Bundle, history_of

_SPLITS = {"train": "training", "val": "validation", "test": "test", "left out": "left out as near-duplicates of these"}
_TRAINING = {
    "epochs": ("Epochs", "{:,.0f}"),
    "best_epoch": ("Epoch kept", "{:,.0f}"),
    "seconds_per_epoch": ("Seconds per epoch", "{:,.1f}"),
    "images_per_second": ("Images per second", "{:,.1f}"),
}


def training(chosen: list[Bundle]) -> None:
    """Draw accuracy and loss by epoch, and all that the card says of recipe, data, version and licence."""
    histories = {one.name: history_of(one) for one in chosen}
    for problem in histories.values():
        if isinstance(problem, str):
            st.info(problem)
    kept = {one.name: one.card.training.get("best_epoch") for one in chosen}
    runs = {name: (run, run.kept(kept[name])) for name, run in histories.items() if not isinstance(run, str)}
    for column, what in zip(st.columns(2, gap="large"), ("accuracy", "loss"), strict=True):
        if figure := history(runs, what):
            column.plotly_chart(
                figure, config=CONFIG, alt=f"{what.title()} by epoch of {' and '.join(runs)}", key=f"history {what}"
            )
        elif runs:
            column.write(f"The {what} of each epoch was not kept.")
    if runs:
        st.caption(" ".join([_ABOUT, *_remarks(runs)]))
    for column, one in zip(st.columns(len(chosen), gap="large"), chosen, strict=True):
        with column:
            _card(one)


_ABOUT = (
    "Where a recipe augments the training scans (rotation, noise, brightness), they are harder than the validation "
    "scans, so the dotted line may be the worse one. Losses of different recipes have different units: compare their "
    "course, not their height."
)


def _remarks(runs: dict) -> list[str]:
    remarks = []
    for name, (run, kept) in runs.items():
        if "head" in run.phases and "whole" in run.phases:
            remarks.append(f"{name}: only the last layers were trained in the first {run.phases.count('head')} epochs.")
        if kept is None:
            remarks.append(f"{name}: the epoch that was kept is not recorded.")
    return remarks


def _card(one: Bundle) -> None:
    card = one.card
    facts = {"Parameters": f"{card.parameters:,}"}
    if card.trainable_parameters:
        facts["Trained parameters"] = f"{card.trainable_parameters:,}"
    facts |= {title: form.format(card.training[k]) for k, (title, form) in _TRAINING.items() if k in card.training}
    counts = {title: card.scans[split] for split, title in _SPLITS.items() if split in card.scans}
    facts["Scans"] = ", ".join(f"{count:,} {title}" for title, count in counts.items()) or "not known"
    shape = card.input
    facts["Input"] = f"{shape.width} × {shape.height} pixels, {shape.channels} channel{'s' * (shape.channels > 1)}"
    st.subheader(one.name, anchor=False)
    st.table([{"Fact": name, "Value": value} for name, value in facts.items()], border="horizontal", hide_index=True)
    with st.expander("Limits, data and licence", expanded=True):
        st.markdown("\n".join(f"- {limit}" for limit in card.limits))
        st.caption(f"Dataset: {card.dataset}. Version: {card.dataset_version}. Licence: {card.licence}.")
        if card.published:
            st.caption(f"Published result: {card.published}.")
        for title, sentences in (("The same as", card.same), ("Differences from", card.differences)):
            if sentences:
                st.markdown(f"{title} the published model:\n\n" + "\n".join(f"- {each}" for each in sentences))
    with st.expander("Recipe and hashes"):
        st.table([{"Field": name, "Value": str(value)} for name, value in card.recipe.items()], hide_index=True)
        shipped = (one.folder / card.weights_file).exists()
        st.text(f"weights   {card.weights_sha256}" + ("" if shipped else " (not shipped)"))
        st.text(f"scans     {card.fingerprint}")
        st.caption("sha256 of the file of weights, and of the ids, labels and splits of the scans used.")
    for name, mime in ((CARD, "text/markdown"), (PREDICTIONS, "text/csv")):
        path = one.folder / name
        if path.exists():
            st.download_button(
                f"{one.name}: {name}", path.read_bytes, f"{one.name}-{name}", mime, on_click="ignore", key=str(path)
            )
