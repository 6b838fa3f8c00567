"""The contents of a report in order: prediction and maps, then how far to trust them, then how to repeat it.

Every score comes from the card and the stored evaluation of the bundle, every sentence about a map from
`explain.captions`, as on the screen. No file name, path or patient data reaches this module.
"""

from importlib.metadata import PackageNotFoundError, version

import numpy as np

from datasets.cohorts import COHORT_TITLES
from explain.captions import cautions, colour_meaning, convergence, fit_notes, measured_of, scan_facts
from explain.evaluation.summary import method_summary, summary_line, summary_text
from explain.explanation import NOT_FOR_DIAGNOSIS, Explanation
from explain.methods import METHODS
from explain.prediction_text import confidence_sentence, percent
from explain.report.blocks import Bars, Block, Document, Facts, Pair, Picture, Points, Section, Strip, Table, Text
from explain.report.report_input import ReportInput
from explain.set_text import heading, set_sentence
from explain.similar.known import NOT_THE_PATIENT, credit, diagnoses_sentence, precision_sentence
from model_zoo import Estimate, ModelError, bundle_folder
from model_zoo.scores import ALL_SCANS, CALIBRATION, NO_NEAR_DUPLICATE
from scans import ScanError

TITLE = "Explanation of a model's prediction"

_SPLITS = {"test": "test scans", "val": "validation scans"}
_SUBSETS = {ALL_SCANS: "all {}", NO_NEAR_DUPLICATE: "{} without a near-duplicate in training"}
_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "openvino", "numpy", "streamlit")
_AT_FIRST = 6  # classes beside the prediction: the maps follow on the same page
_LEFT_OUT = "{} further classes have {} together; all are listed under “How to repeat this”."
_NO_SCORES = "This model was not evaluated: how often its predictions are right is unknown."


def document(report: ReportInput, ink: str = "#8a949e") -> Document:
    """Return the report. `ink` is the colour of the letters on a colour bar, which has no background."""
    explained = report.explanations
    sections = [
        Section(f"Prediction: {_heading(report)}", _prediction(report)),
        *(Section(_map_title(report, each), _map(report, each, ink)) for each in explained),
        *(Section(f"Quality of such maps: {METHODS[each.method].title}", _quality(report, each)) for each in explained),
        Section("Counterfactuals", (Points(report.counterfactuals),)),
        Section("Similar cases", _similar(report)),
        Section("How reliable is this model?", _reliability(report)),
        Section("Limits of the model", (Points(report.card.limits),)),
        Section("How to repeat this", _provenance(report)),
    ]
    return Document(
        TITLE,
        f"{report.card.title} ({report.card.id}). {_day(report)}.",
        tuple(section for section in sections if section.blocks != (Points(()),)),
        NOT_FOR_DIAGNOSIS,
    )


def cautions_of(report: ReportInput) -> list[str]:
    """Return all cautions about the scan and its maps, each once."""
    sentences = [*_reasons(report), *report.scan.all_notes]
    for each in report.explanations:
        sentences += cautions(each, report.name_of(each.target))
    return list(dict.fromkeys(sentences))


def _day(report: ReportInput) -> str:
    return f"{report.date.day} {report.date:%B %Y}"


def _heading(report: ReportInput) -> str:
    possible = report.set
    return heading(report.card, possible, report.predicted) if possible else report.card.names[report.predicted]


def _reasons(report: ReportInput) -> tuple[str, ...]:
    return report.set.reasons if report.set else ()


def _prediction(report: ReportInput) -> tuple[Block, ...]:
    p, names = np.array(report.probabilities), report.card.names
    rows = _bars(report)
    left_out = len(rows) - _AT_FIRST
    bars = Bars(rows[:_AT_FIRST])
    sentence = set_sentence(report.card, report.set, report.predicted) if report.set else ""
    slice_only = ""
    if report.scan.count > 1:
        slice_only = f" This is the prediction for slice {report.scan.index + 1} alone, not for the whole volume."
    return (
        Text(confidence_sentence(names, p) + slice_only, "lead"),
        bars,
        *([Text(_LEFT_OUT.format(left_out, percent(sum(row[1] for row in rows[_AT_FIRST:]))))] if left_out > 0 else []),
        *([Text(sentence)] if sentence else []),
        *([Text(report.calibration)] if report.calibration else []),
        *(Text(reason, "caution") for reason in _reasons(report)),
        *(Text(note, "caution") for note in report.scan.all_notes),
        Text(
            "The model chooses among these classes and no others. Their probabilities sum to 1; they do not say how "
            "likely it is that the patient has the disease.",
            "small",
        ),
    )


def _bars(report: ReportInput) -> tuple[tuple[str, float, str, bool], ...]:
    """Return every class with its probability, the most probable first."""
    p, names = np.array(report.probabilities), report.card.names
    order = np.argsort(-p, kind="stable")
    return tuple((names[k], float(p[k]), percent(p[k]), int(k) == report.predicted) for k in order)


def _reliability(report: ReportInput) -> tuple[Block, ...]:
    card, class_id = report.card, report.card.classes[report.predicted]
    name, split = card.names[report.predicted], "test" if card.score("accuracy", "test") else "val"
    measures = [
        ("Accuracy", "accuracy", ALL_SCANS),
        ("Accuracy", "accuracy", NO_NEAR_DUPLICATE),
        (f"Positive predictive value for {name}", f"precision of {class_id}", NO_NEAR_DUPLICATE),
        (f"Sensitivity for {name}", f"recall of {class_id}", NO_NEAR_DUPLICATE),
        ("Expected calibration error", CALIBRATION, NO_NEAR_DUPLICATE),
    ]
    rows = []
    for title, measure, subset in measures:
        subsets = (subset,) if measure == "accuracy" else (subset, ALL_SCANS)
        estimates = {each: card.score(measure, split, each) for each in subsets}
        if subset := next((each for each in subsets if estimates[each]), ""):
            rows.append(_row(title, _SUBSETS[subset].format(_SPLITS[split]), estimates[subset]))
    cohorts = dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort "))
    for cohort in cohorts:
        if estimate := card.score("balanced accuracy", cohort, NO_NEAR_DUPLICATE):
            rows.append(_row("Balanced accuracy", cohort, estimate))
    if not rows:
        return (Text(_NO_SCORES, "caution"),)
    return (
        Table(("Measure", "On", "Value (95 % interval)", "Scans"), tuple(rows)),
        Text(
            "The accuracy without near-duplicates is the better estimate for new scans. A cohort’s scans with a "
            "near-duplicate in training are left out; the model may still have been trained on the rest of that "
            f"cohort. Trained on: {card.dataset}. On scans unlike those, expect lower values.",
            "small",
        ),
    )


def _row(title: str, scans: str, estimate: Estimate) -> tuple[str, ...]:
    return title, scans, estimate.percent(), f"{estimate.scans:,}"


def _map_title(report: ReportInput, explanation: Explanation) -> str:
    return f"{METHODS[explanation.method].title}: {measured_of(explanation.method, report.name_of(explanation.target))}"


def _map(report: ReportInput, explanation: Explanation, ink: str) -> tuple[Block, ...]:
    method, name = METHODS[explanation.method], report.name_of(explanation.target)
    drawing = report.drawing(explanation, ink)
    colour_bar = drawing.colour_bar
    alt = f"The scan with the {method.title} map of {name}. {_peak_place(explanation, name)}"
    facts = ", ".join(scan_facts(report.scan))
    return (
        *(Text(sentence, "caution") for sentence in cautions(explanation, name)),
        Pair(
            Picture(report.drawing().picture, f"The scan, {facts}.", f"The scan: {facts}"),
            Picture(drawing.picture, alt, f"{method.title}, {name} ({percent(explanation.probability)})"),
            None if colour_bar is None else Picture(colour_bar, f"Colour bar, in {explanation.unit}."),
        ),
        Text(f"Quality of such maps: {summary_line(_summary(report, explanation))}."),
    )


def _quality(report: ReportInput, explanation: Explanation) -> tuple[Block, ...]:
    method, name = METHODS[explanation.method], report.name_of(explanation.target)
    drawing, against = report.drawing(explanation), explanation.signed and report.rendering.against
    meaning = [colour_meaning(explanation, name, against)] if drawing.colour_bar is not None else []
    rows = (
        ("Localisation", summary_text(_summary(report, explanation), name).removeprefix("Localisation: ")),
        ("Shows", method.measures),
        ("Pitfalls", method.pitfalls),
        ("Colours", " ".join([*meaning, *drawing.notes])),
        ("Convergence", " ".join([convergence(explanation), *fit_notes(explanation)])),
    )
    return (Facts(tuple(row for row in rows if row[1])),)


def _summary(report: ReportInput, explanation: Explanation):
    folder, weights = bundle_folder(report.card.id), report.card.weights_sha256
    return method_summary(folder, weights, explanation.method, explanation.target, explanation.engine)


def _similar(report: ReportInput) -> tuple[Block, ...]:
    try:
        cases, strip = report.similar
    except (ModelError, ScanError) as error:  # a collection that was moved must not cost the report
        return (Text(str(error), "caution"),)
    if strip is None:
        return (Points(()),)
    rows = []
    for case in cases:
        view = ", ".join(part for part in (case.sequence, case.plane) if part)
        collection = COHORT_TITLES.get(case.cohort, case.cohort)
        rows.append((report.name_of(case.label), collection, view, f"{case.distance:.3f}"))
    alt = f"{len(cases)} known scans, and below them the same map over each"
    quality = precision_sentence(report.card, report.card.classes[report.predicted], cases)
    return (
        Text(diagnoses_sentence(report.card, cases)),
        Strip(Picture(strip, alt)),
        Table(("Diagnosis", "Collection", "Sequence and plane", "Distance"), tuple(rows)),
        Text(" ".join([NOT_THE_PATIENT, quality, credit(cases)]).strip(), "small"),
    )


def _peak_place(explanation: Explanation, name: str) -> str:
    """Return a sentence for the text alternative: where the map of the class `name` is strongest."""
    heat, shown = explanation.heat, measured_of(explanation.method, name)
    if not heat.max() > 0:
        return f"There is no {shown}."
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    down, along = 100 * (row + 0.5) / heat.shape[0], 100 * (column + 0.5) / heat.shape[1]
    return f"The strongest {shown} lies {down:.0f} % from the top and {along:.0f} % from the left of the scan."


def _provenance(report: ReportInput) -> tuple[Block, ...]:
    card = report.card
    maps = tuple((METHODS[each.method].title, _settings(report, each)) for each in report.explanations)
    facts = ", ".join(scan_facts(report.scan))
    bars = _bars(report)
    probabilities = ", ".join(f"{name} {share:.4f}" for name, share, *_ in bars)
    return (
        Facts(
            (
                *([("Probabilities", f"{probabilities}.")] if len(bars) > _AT_FIRST else []),
                ("Scan", f"{facts}. sha256 {report.scan.digest}"),
                ("Model", f"{card.id}, {card.parameters:,} parameters, licence: {card.licence}"),
                ("Weights", f"sha256 {card.weights_sha256}"),
                ("Temperature", f"{card.temperature:g}. {report.calibration or 'The model’s own calibration.'}"),
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
    seed = f"seed {explanation.seed}; " if METHODS[explanation.method].random else "deterministic; "
    settings = "".join(f"; {name} {value}" for name, value in explanation.settings)
    return (
        f"{explanation.engine}; {seed}{explanation.evaluations:,} evaluations of the model{settings}. Drawn as "
        f"{'contours' if rendering.contours else 'a fill'}, colour map {rendering.colour_map}, opacity "
        f"{rendering.opacity:.0%}, threshold {rendering.threshold:.0%} of the peak".replace("%", " %")
        + ("." if not explanation.signed or rendering.against else ", evidence against the class hidden.")
    )


def _window(report: ReportInput) -> str:
    low, high = report.rendering.window or report.scan.window
    first, last = (report.scan.span[0] + edge * (report.scan.span[1] - report.scan.span[0]) for edge in (low, high))
    source = "the file’s own" if report.rendering.window in (None, report.scan.window) else "chosen by the user"
    return f"{first:.4g} to {last:.4g} in the file’s values, {source}. The model always gets the file’s own window."


def versions() -> str:
    """Return the versions of the packages behind prediction and maps: "keras 3.15.1, …"."""
    names = []
    for name in _PACKAGES:
        try:
            names.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(names)
