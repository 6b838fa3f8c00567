"""What does a report say, and in which order? The answer, how far to believe it, the maps, and how to repeat them.

Every figure comes from the card and the board's files of the bundle, every sentence on a map from `explain.captions`,
as on the screen. No name, no path and nothing of a patient is known here.
"""

from importlib.metadata import PackageNotFoundError, version

import numpy as np

from explain.captions import cautions, colour_meaning, convergence, fit_notes, scan_facts
from explain.evaluation.summary import method_summary, summary_text
from explain.explanation import Explanation
from explain.methods import METHODS
from explain.prediction_text import confidence_sentence, percent
from explain.report.blocks import Bars, Block, Document, Facts, Pair, Picture, Points, Section, Table, Text
from explain.report.report_input import ReportInput
from model_zoo import Estimate, zoo_folder
from model_zoo.scores import ALL_SCANS, CALIBRATION, NO_NEAR_DUPLICATE

NOT_FOR_DIAGNOSIS = "Not for diagnosis. A heatmap is evidence about the model, not about the patient."
TITLE = "What the model looked at"

_SPLITS = {"test": "test scans", "val": "validation scans"}
_SUBSETS = {ALL_SCANS: "all {}", NO_NEAR_DUPLICATE: "{} without near-duplicate in training"}
_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "openvino", "numpy", "streamlit")
_NOT_MEASURED = "Nothing was measured of this model: there is no telling how often it is right."


def document(report: ReportInput, ink: str = "#8a949e") -> Document:
    """Return the report. `ink` is the colour of the letters on a colour bar, which has no ground of its own."""
    sections = [
        Section(f"The model’s answer: {report.card.names[report.predicted]}", _answer(report)),
        Section("How reliable is this model?", _reliability(report)),
        Section("Limits of the model", (Points(report.card.limits),)),
        *(Section(_map_title(report, each), _map(report, each, ink)) for each in report.explanations),
        Section("What if it looked different?", (Points(report.counterfactuals),)),
        Section("How to repeat this", _provenance(report)),
    ]
    return Document(
        TITLE,
        f"{report.card.title} ({report.card.id}). {_day(report)}.",
        tuple(section for section in sections if section.blocks != (Points(()),)),
        NOT_FOR_DIAGNOSIS,
    )


def cautions_of(report: ReportInput) -> list[str]:
    """Return every warning that belongs to the report, each once: of the scan and of its maps."""
    found = list(report.scan.notes)
    for each in report.explanations:
        found += cautions(each, report.name_of(each.target))
    return list(dict.fromkeys(found))


def _day(report: ReportInput) -> str:
    return f"{report.date.day} {report.date:%B %Y}"


def _answer(report: ReportInput) -> tuple[Block, ...]:
    p, names = np.array(report.probabilities), report.card.names
    order = np.argsort(-p, kind="stable")
    bars = Bars(tuple((names[k], float(p[k]), percent(p[k]), int(k) == report.predicted) for k in order))
    which = ""
    if report.scan.count > 1:
        which = f" This is the answer for slice {report.scan.index + 1} alone, not for the whole volume."
    return (
        Text(confidence_sentence(names, p) + which, "lead"),
        bars,
        *(Text(note, "doubt") for note in report.scan.notes),
        Text(
            "The model chooses among these classes and no others. A probability says how it divides its belief among "
            "them, not how likely it is that the patient has the disease.",
            "small",
        ),
    )


def _reliability(report: ReportInput) -> tuple[Block, ...]:
    card, said_class = report.card, report.card.classes[report.predicted]
    name, split = card.names[report.predicted], "test" if card.score("accuracy", "test") else "val"
    wanted = [
        ("Accuracy", "accuracy", ALL_SCANS),
        ("Accuracy", "accuracy", NO_NEAR_DUPLICATE),
        (f"Of the scans called {name}, the share that are", f"precision of {said_class}", NO_NEAR_DUPLICATE),
        (f"Of the scans of {name}, the share called so", f"recall of {said_class}", NO_NEAR_DUPLICATE),
        ("Calibration error: how far its probabilities are off", CALIBRATION, NO_NEAR_DUPLICATE),
    ]
    rows = []
    for title, measure, subset in wanted:
        subsets = (subset,) if measure == "accuracy" else (subset, ALL_SCANS)
        estimates = {name: card.score(measure, split, name) for name in subsets}
        if subset := next((name for name in subsets if estimates[name]), ""):
            rows.append(_row(title, _SUBSETS[subset].format(_SPLITS[split]), estimates[subset]))
    cohorts = dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort "))
    for cohort in cohorts:
        if estimate := card.score("balanced accuracy", cohort, NO_NEAR_DUPLICATE):
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


def _map_title(report: ReportInput, explanation: Explanation) -> str:
    return f"{METHODS[explanation.method].title}: what speaks for {report.name_of(explanation.target)}"


def _map(report: ReportInput, explanation: Explanation, ink: str) -> tuple[Block, ...]:
    method, name = METHODS[explanation.method], report.name_of(explanation.target)
    drawing = report.drawing(explanation, ink)
    picture, key = drawing.picture, drawing.colour_bar
    against = explanation.signed and report.rendering.against
    alt = f"The scan under the {method.title} map of {name}. {_where(explanation)}"
    meaning = [colour_meaning(explanation, name, against)] if key is not None else []
    measured = method_summary(zoo_folder() / report.card.id, report.card.weights_sha256, method.id, explanation.target)
    rows = (
        ("Shows", method.measures),
        ("Pitfalls", method.pitfalls),
        ("Colours", " ".join([*meaning, *drawing.notes])),
        ("Settled?", " ".join([convergence(explanation), *fit_notes(explanation)])),
        ("Quality", summary_text(measured, name)),
    )
    known = ", ".join(scan_facts(report.scan))
    return (
        *(Text(doubt, "doubt") for doubt in cautions(explanation, name)),
        Pair(
            Picture(report.drawing().picture, f"The scan, {known}.", f"The scan: {known}"),
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


def _provenance(report: ReportInput) -> tuple[Block, ...]:
    card = report.card
    maps = tuple((METHODS[each.method].title, _settings(report, each)) for each in report.explanations)
    known = ", ".join(scan_facts(report.scan))
    return (
        Facts(
            (
                ("Scan", f"{known}. sha256 {report.scan.digest}"),
                ("Model", f"{card.id}, {card.parameters:,} weights, licence: {card.licence}"),
                ("Weights", f"sha256 {card.weights_sha256}"),
                ("Trained on", f"{card.dataset}, version: {card.dataset_version}. Fingerprint {card.fingerprint}"),
                *maps,
                ("Window", _window(report)),
                ("Made with", versions()),
                ("Date", _day(report)),
            )
        ),
    )


def _settings(report: ReportInput, explanation: Explanation) -> str:
    rendering = report.rendering.resolved(report.scan, explanation)
    seed = f"seed {explanation.seed}; " if METHODS[explanation.method].random else "nothing drawn at random; "
    own = "".join(f"; {name} {value}" for name, value in explanation.settings)
    return (
        f"{explanation.engine}; {seed}{explanation.evaluations:,} evaluations of the model{own}. Drawn in "
        f"{rendering.colour_map} as {'contours' if rendering.contours else 'a fill'}, opacity "
        f"{rendering.opacity:.0%}, hidden below {rendering.threshold:.0%} of the peak".replace("%", " %")
        + ("." if not explanation.signed or rendering.against else ", evidence against the class not drawn.")
    )


def _window(report: ReportInput) -> str:
    low, high = report.rendering.window or report.scan.window
    first, last = (report.scan.span[0] + edge * (report.scan.span[1] - report.scan.span[0]) for edge in (low, high))
    chosen = "the file’s own" if report.rendering.window in (None, report.scan.window) else "chosen by the reader"
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
