"""What does a report say, and in which order? The answer, how far to believe it, the maps, and how to repeat them.

Every figure comes from the card and the board's files of the bundle, every sentence on a map from `explain.captions`,
as on the screen. No name, no path and nothing of a patient is known here.
"""

from importlib.metadata import PackageNotFoundError, version

import numpy as np

from explain.captions import doubts, facts, remarks, scale, settled
from explain.evaluation.summary import said, trust
from explain.explanation import Explanation
from explain.methods import METHODS
from explain.prediction_text import in_words, percent
from explain.report.blocks import Bars, Block, Document, Facts, Pair, Picture, Points, Section, Table, Text
from explain.report.report_input import Reading
from model_zoo import Estimate, zoo_folder
from model_zoo.scores import ALL, APART, CALIBRATION

NOT_FOR_DIAGNOSIS = "Not for diagnosis. A heatmap is evidence about the model, not about the patient."
TITLE = "What the model looked at"

_SPLITS = {"test": "test scans", "val": "validation scans"}
_SUBSETS = {ALL: "all {}", APART: "{} without near-duplicate in training"}
_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "openvino", "numpy", "streamlit")
_NOT_MEASURED = "Nothing was measured of this model: there is no telling how often it is right."


def document(reading: Reading, ink: str = "#8a949e") -> Document:
    """Return the report. `ink` is the colour of the letters on a colour bar, which has no ground of its own."""
    sections = [
        Section(f"The model’s answer: {reading.card.names[reading.predicted]}", _answer(reading)),
        Section("How reliable is this model?", _reliability(reading)),
        Section("Limits of the model", (Points(reading.card.limits),)),
        *(Section(_map_title(reading, each), _map(reading, each, ink)) for each in reading.explanations),
        Section("What if it looked different?", (Points(reading.counterfactuals),)),
        Section("How to repeat this", _provenance(reading)),
    ]
    return Document(
        TITLE,
        f"{reading.card.title} ({reading.card.id}). {_day(reading)}.",
        tuple(section for section in sections if section.blocks != (Points(()),)),
        NOT_FOR_DIAGNOSIS,
    )


def doubts_of(reading: Reading) -> list[str]:
    """Return every warning that belongs to the reading, each once: of the scan and of its maps."""
    found = list(reading.scan.notes)
    for each in reading.explanations:
        found += doubts(each, reading.name_of(each.target))
    return list(dict.fromkeys(found))


def _day(reading: Reading) -> str:
    return f"{reading.date.day} {reading.date:%B %Y}"


def _answer(reading: Reading) -> tuple[Block, ...]:
    p, names = np.array(reading.probabilities), reading.card.names
    order = np.argsort(-p, kind="stable")
    bars = Bars(tuple((names[k], float(p[k]), percent(p[k]), int(k) == reading.predicted) for k in order))
    which = ""
    if reading.scan.count > 1:
        which = f" This is the answer for slice {reading.scan.index + 1} alone, not for the whole volume."
    return (
        Text(in_words(names, p) + which, "lead"),
        bars,
        *(Text(note, "doubt") for note in reading.scan.notes),
        Text(
            "The model chooses among these classes and no others. A probability says how it divides its belief among "
            "them, not how likely it is that the patient has the disease.",
            "small",
        ),
    )


def _reliability(reading: Reading) -> tuple[Block, ...]:
    card, said_class = reading.card, reading.card.classes[reading.predicted]
    name, split = card.names[reading.predicted], "test" if card.score("accuracy", "test") else "val"
    wanted = [
        ("Accuracy", "accuracy", ALL),
        ("Accuracy", "accuracy", APART),
        (f"Of the scans called {name}, the share that are", f"precision of {said_class}", APART),
        (f"Of the scans of {name}, the share called so", f"recall of {said_class}", APART),
        ("Calibration error: how far its probabilities are off", CALIBRATION, APART),
    ]
    rows = []
    for title, measure, subset in wanted:
        subsets = (subset,) if measure == "accuracy" else (subset, ALL)
        estimates = {name: card.score(measure, split, name) for name in subsets}
        if subset := next((name for name in subsets if estimates[name]), ""):
            rows.append(_row(title, _SUBSETS[subset].format(_SPLITS[split]), estimates[subset]))
    cohorts = dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort "))
    for cohort in cohorts:
        if estimate := card.score("balanced accuracy", cohort, APART):
            rows.append(_row("Balanced accuracy", f"collection {cohort.removeprefix('cohort ')}", estimate))
    if not rows:
        return (Text(_NOT_MEASURED, "doubt"),)
    return (
        Table(("Measured", "On", "Value (95 % interval)", "Scans"), tuple(rows)),
        Text(
            "The figure without near-duplicates is the more honest one. A collection’s figure leaves out scans that "
            "have a near-duplicate in training; the model may still have been trained on the rest of that collection. "
            f"Trained on: {card.dataset}. On scans unlike those, expect worse.",
            "small",
        ),
    )


def _row(title: str, where: str, estimate: Estimate) -> tuple[str, ...]:
    return title, where, estimate.percent(), f"{estimate.scans:,}"


def _map_title(reading: Reading, explanation: Explanation) -> str:
    return f"{METHODS[explanation.method].title}: what speaks for {reading.name_of(explanation.target)}"


def _map(reading: Reading, explanation: Explanation, ink: str) -> tuple[Block, ...]:
    method, name = METHODS[explanation.method], reading.name_of(explanation.target)
    picture, key = reading.drawn(explanation, ink)
    against = explanation.signed and reading.style.against
    alt = f"The scan under the {method.title} map of {name}. {_where(explanation)}"
    meaning = [scale(explanation, name, against)] if key is not None else []
    measured = trust(zoo_folder() / reading.card.id, reading.card.weights_sha256, method.id, explanation.target)
    rows = (
        ("Shows", method.measures),
        ("Pitfalls", method.pitfalls),
        ("Colours", " ".join([*meaning, *reading.said_of_picture(explanation)])),
        ("Settled?", " ".join([settled(explanation), *remarks(explanation)])),
        ("Hit rate", said(measured, method.title, name)),
    )
    known = ", ".join(facts(reading.scan))
    return (
        *(Text(doubt, "doubt") for doubt in doubts(explanation, name)),
        Pair(
            Picture(reading.plain(), f"The scan, {known}.", f"The scan: {known}"),
            Picture(picture, alt, f"{method.title}, {name} ({percent(explanation.probability)})"),
            None if key is None else Picture(key, f"Colour bar, in {explanation.unit}."),
        ),
        Facts(tuple(row for row in rows if row[1])),
    )


def _where(explanation: Explanation) -> str:
    """Return for those who cannot see the map where its strongest evidence for the class lies."""
    heat = explanation.heat
    if not heat.max() > 0:
        return "Nothing speaks for the class."
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    down, along = 100 * (row + 0.5) / heat.shape[0], 100 * (column + 0.5) / heat.shape[1]
    return f"The strongest evidence lies {down:.0f} % from the top and {along:.0f} % from the left of the scan."


def _provenance(reading: Reading) -> tuple[Block, ...]:
    card = reading.card
    maps = tuple((METHODS[each.method].title, _settings(reading, each)) for each in reading.explanations)
    known = ", ".join(facts(reading.scan))
    return (
        Facts(
            (
                ("Scan", f"{known}. sha256 {reading.scan.digest}"),
                ("Model", f"{card.id}, {card.parameters:,} weights, licence: {card.licence}"),
                ("Weights", f"sha256 {card.weights_sha256}"),
                ("Trained on", f"{card.dataset}, version: {card.dataset_version}. Fingerprint {card.fingerprint}"),
                *maps,
                ("Window", _window(reading)),
                ("Made with", versions()),
                ("Date", _day(reading)),
            )
        ),
    )


def _settings(reading: Reading, explanation: Explanation) -> str:
    style = reading.style
    seed = f"seed {explanation.seed}; " if METHODS[explanation.method].random else "nothing drawn at random; "
    own = "".join(f"; {name} {value}" for name, value in explanation.settings)
    return (
        f"{explanation.engine}; {seed}{explanation.evaluations:,} evaluations of the model{own}. Drawn in "
        f"{style.colours_of(explanation)} as {'contours' if style.contours else 'a fill'}, opacity "
        f"{style.opacity:.0%}, hidden below {style.threshold:.0%} of the strongest".replace("%", " %")
        + ("." if not explanation.signed or style.against else ", evidence against the class not drawn.")
    )


def _window(reading: Reading) -> str:
    low, high = reading.style.window or reading.scan.window
    first, last = (reading.scan.span[0] + edge * (reading.scan.span[1] - reading.scan.span[0]) for edge in (low, high))
    chosen = "the file’s own" if reading.style.window in (None, reading.scan.window) else "chosen by the reader"
    return f"{first:.4g} to {last:.4g} in the file’s values, {chosen}; the model is always given the file’s own."


def versions() -> str:
    """Return what the answer and the maps were computed with: "keras 3.15.1, …"."""
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
