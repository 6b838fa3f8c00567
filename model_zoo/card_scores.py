"""The sections of a model card that hold its scores."""

from pathlib import Path

import numpy as np

from model_zoo.card import ModelCard
from model_zoo.conformal import MEASURES as SET_MEASURES
from model_zoo.estimate import Estimate
from model_zoo.markdown import markdown_section, markdown_table
from model_zoo.metrics import BINS, MILLION, confidence_bins
from model_zoo.performance import Predictions, confusion_matrix
from model_zoo.scores import (
    ALL_SCANS,
    AUC,
    CALIBRATION,
    MEASURES,
    NO_NEAR_DUPLICATE,
    PRECISION_AT_5,
    PROBE,
    SHORTCUT_TEST,
    SOURCE_PROBE,
)
from model_zoo.tables import SOURCES, read_sources

NOT_MEASURED = "not measured"
_PER_CLASS = {"precision": "PPV (precision)", "recall": "Sensitivity (recall)"}


def decimal(estimate: Estimate | None) -> str:
    """Return an estimate with its interval, or that it was not measured."""
    return estimate.decimal() if estimate else NOT_MEASURED


def own_subsets(card: ModelCard) -> list[str]:
    """Return the subsets of the test split: both, or one where no scan or every scan has a near-duplicate."""
    whole, apart = card.score("accuracy", "test"), card.score("accuracy", "test", NO_NEAR_DUPLICATE)
    return [ALL_SCANS] * bool(whole) + [NO_NEAR_DUPLICATE] * bool(apart and apart.scans < whole.scans)


def scores_section(card: ModelCard) -> str:
    """Return the scores of the model's own splits."""
    titles = {ALL_SCANS: "All test scans", NO_NEAR_DUPLICATE: "Test scans without a near-duplicate in training"}
    columns = [("test", subset, titles[subset]) for subset in own_subsets(card)]
    columns += [("val", ALL_SCANS, "Validation scans")] if card.score("accuracy", "val") else []
    if not columns:
        return markdown_section("Scores", "Not measured on splits of its own.")
    apart = card.score("accuracy", "test", NO_NEAR_DUPLICATE)
    without = f"{apart.scans:,} test scans have none: their scores are the reliable ones. " if apart else ""
    lines = [
        [name, *(decimal(card.score(name, split, subset)) for split, subset, _ in columns)]
        for name in (*MEASURES, AUC, CALIBRATION)
    ]
    chosen = "" if card.imported else "The validation scans chose the model and its temperature. "
    scans = ["scans", *(f"{card.score('accuracy', split, subset).scans:,}" for split, subset, _ in columns)]
    return markdown_section(
        "Scores",
        "In brackets 95 % intervals, bootstrapped over groups of related scans; where every scan is predicted "
        "correctly, the interval has no width. A near-duplicate shows the same picture as a scan that trained or chose "
        f"the model: copied, mirrored, turned or re-encoded. {without}{chosen}"
        "Balanced accuracy is the mean sensitivity over the classes; AUC is one class against the rest, "
        f"mean over the classes; expected calibration error ({BINS} equal-width bins of the top probability, Guo et "
        "al. 2017) is 0 at best, and biased upwards where scans are few.",
        markdown_table(["Measure", *(title for *_, title in columns)], [scans, *lines]),
    )


def class_section(card: ModelCard) -> str:
    """Return PPV and sensitivity of each class."""
    subsets = own_subsets(card)
    columns = [(measure, subset) for subset in subsets for measure in _PER_CLASS]
    lines = [
        [name, *(decimal(card.score(f"{measure} of {label}", "test", subset)) for measure, subset in columns)]
        for label, name in zip(card.classes, card.names, strict=True)
    ]
    heads = [f"{_PER_CLASS[measure]}, {subset}" for measure, subset in columns]
    note = (
        "Positive predictive value (PPV, precision): share of the test scans predicted as a class that are of that "
        "class. Sensitivity (recall): share of the test scans of a class that are predicted as that class."
    )
    return markdown_section("By class", note, markdown_table(["Class", *heads], lines)) if subsets else ""


def subset_section(card: ModelCard, title: str, split: str, start: str, note: str, level: int = 2) -> str:
    """Return a table with the accuracies of each subset of a split whose name begins with `start`."""
    accuracies = [s for s in card.scores if s.split == split and s.subset.startswith(start) and s.name == "accuracy"]
    lines = [
        [s.subset, f"{s.estimate.scans:,}", *(decimal(card.score(name, split, s.subset)) for name in MEASURES)]
        for s in accuracies
    ]
    heads = ["Subset", "Scans", *(name[0].upper() + name[1:] for name in MEASURES)]
    return markdown_section(title, note, markdown_table(heads, lines), level=level) if lines else ""


def cohort_section(card: ModelCard) -> str:
    """Return the scores on the test scans of other collections."""
    splits = list(dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort ")))
    parts = []
    for split in splits:
        parts.append(subset_section(card, split.removeprefix("cohort "), split, "", "", level=3))
        subsets = list(dict.fromkeys(score.subset for score in card.scores if score.split == split))
        lines = [
            [name, *(decimal(card.score(f"recall of {label}", split, subset)) for subset in subsets)]
            for label, name in zip(card.classes, card.names, strict=True)
        ]
        parts.append(
            markdown_table(
                ["Sensitivity (recall)", *subsets], [line for line in lines if set(line[1:]) != {NOT_MEASURED}]
            )
        )
    note = (
        "The model on the test scans of each collection. Means are taken over the classes that a collection "
        "has. Scans with a near-duplicate in this model's training data count under all scans only. If the model was "
        "trained on the rest of a collection (see the recipe), its scores there are not external."
    )
    return markdown_section("External validation", note, *parts) if parts else ""


def shortcut_section(card: ModelCard, folder: Path) -> str:
    """Return the shortcut and robustness tests, and the source probe.

    Raises ModelError on a broken sources.csv.
    """
    tests = [score for score in card.scores if (score.name, score.split) == ("accuracy", SHORTCUT_TEST)]
    lines = [
        [
            score.subset,
            f"{score.estimate.scans:,}",
            decimal(score.estimate),
            decimal(card.score("balanced accuracy", SHORTCUT_TEST, score.subset)),
        ]
        for score in tests
    ]
    parts = [markdown_table(["Test", "Scans", "Accuracy", "Balanced accuracy"], lines)]
    if (probe := card.score(PROBE, SHORTCUT_TEST, SOURCE_PROBE)) and (folder / SOURCES).exists():
        sources = sorted({row.truth for row in read_sources(folder / SOURCES)})
        parts.append(
            f"A probe tells from the model's features which of {len(sources)} sources ({', '.join(sources)}) an image "
            f"comes from: balanced accuracy {decimal(probe)} on {probe.scans:,} images that it was not fitted on; "
            f"chance is {1 / len(sources):.4f}."
        )
    note = (
        "Accuracy when the tumour is hidden or only the edge of the scan is left (shortcut tests), and on changed "
        "scans (robustness tests). With the inside of the head gone, a model without shortcuts is at chance. With the "
        "tumour hidden it may stay above: oedema and mass effect outside the box remain. JPEG and half the size should "
        "change nothing; inverted contrast shows whether the model relies on which tissue is bright."
    )
    return markdown_section("Shortcut and robustness tests", note, *parts) if any(parts) else ""


def calibration_section(card: ModelCard, test: Predictions) -> str:
    """Return confidence and accuracy by bins of the top probability."""
    correct = test.predicted == test.truth
    top, bins = test.p.max(axis=1), confidence_bins(test.p)
    lines = []
    for b in np.unique(bins):
        edges = f"{b / BINS:.2f} to {(b + 1) / BINS:.2f}"
        inside = bins == b
        lines.append([edges, f"{inside.sum():,}", f"{top[inside].mean():.4f}", f"{correct[inside].mean():.4f}"])
    return markdown_section(
        "Calibration",
        "Confidence and accuracy of all test scans; expected calibration error "
        f"{decimal(card.score(CALIBRATION, 'test'))}. The logits are divided by a temperature of "
        f"{card.temperature:g}, fitted on the validation scans.",
        markdown_table(["Confidence", "Scans", "Mean confidence", "Accuracy"], lines),
    )


def confusion_section(card: ModelCard, test: Predictions) -> str:
    """Return the confusion matrix of the test scans."""
    counts = confusion_matrix(test)
    lines = [[name, *counts[k]] for k, name in enumerate(card.names)]
    note = "Rows: reference label. Columns: predicted class. All test scans."
    return markdown_section("Confusion matrix", note, markdown_table(["Reference label", *card.names], lines))


def similar_section(card: ModelCard) -> str:
    """Return how many of the five most similar known scans have the diagnosis of a test scan, by collection."""
    found = [score for score in card.scores if score.name == PRECISION_AT_5]
    lines = [
        [
            score.split.removeprefix("cohort "),
            f"{score.estimate.scans:,}",
            decimal(score.estimate),
            *(decimal(card.score(f"{PRECISION_AT_5} of {label}", score.split, score.subset)) for label in card.classes),
        ]
        for score in found
    ]
    if not lines:
        return ""
    return markdown_section(
        "Similar cases",
        "Share of the five most similar known scans that have the diagnosis of a test scan without a near-duplicate in "
        "training. Where the collections are not on the machine, the cases shown are slices of the brain tumor dataset "
        "by Jun Cheng, figshare 2017, doi:10.6084/m9.figshare.1512427, CC BY 4.0, reduced to 160 pixels.",
        markdown_table(["Collection", "Scans", "All", *card.names], lines),
    )


def conformal_section(card: ModelCard) -> str:
    """Return the conformal sets: thresholds by class, and how the sets do on each part of the scans."""
    if not card.conformal:
        return ""
    thresholds = [
        [name, *(_at_least(card.conformal[level][label]) for level in card.conformal)]
        for label, name in zip(card.classes, card.names, strict=True)
    ]
    coverage = SET_MEASURES[0]
    covered = [score for score in card.scores if score.name in [coverage.at(level) for level in card.conformal]]
    lines = [
        [s.split, s.subset, f"{s.estimate.scans:,}", f"{level} %"]
        + [decimal(card.score(measure.at(level), s.split, s.subset)) for measure in SET_MEASURES]
        for s in covered
        for level in card.conformal
        if s.name == coverage.at(level)
    ]
    heads = ["Split", "Subset", "Scans", "Sets", *(measure.title for measure in SET_MEASURES)]
    return markdown_section(
        "Conformal sets",
        "The classes that cannot be ruled out for a scan. A class is in the set where its probability reaches the "
        "value that nine in ten (nineteen in twenty) validation scans of the class reach. The promise, that the true "
        "class of 90 % (95 %) of the scans of each class is in the set, holds for scans like the validation scans; the "
        "coverage elsewhere is what was met. A small set says more than a large one; an empty one, that no class fits. "
        "A class with too few validation scans is always in the set.",
        markdown_table(["Class", *(f"In the {level} % set from" for level in card.conformal)], thresholds),
        markdown_table(heads, lines),
    )


def _at_least(lacking: int) -> str:
    return "always" if lacking >= MILLION else f"{1 - lacking / MILLION:.4f}"
