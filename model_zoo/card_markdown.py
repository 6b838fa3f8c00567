"""What should a reader know of a model before believing it? A model card in Markdown, from its bundle's files.

After Mitchell et al. 2019, Model Cards for Model Reporting, https://arxiv.org/abs/1810.03993. Every number comes
from card.json or is counted in the tables beside it; `python -m model_zoo cards` writes CARD.md.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_zoo.card import ModelCard, write_whole
from model_zoo.card_explanations import looking
from model_zoo.estimate import Estimate
from model_zoo.metrics import BINS, confidence_bins, confusions
from model_zoo.scores import ALL, APART, AUC, CALIBRATION, MEASURES, PROBE
from model_zoo.tables import PREDICTIONS, SOURCES, Prediction, read_predictions, read_sources

CARD = "CARD.md"
_NONE = "no score"


def write_model_card(card: ModelCard, folder: Path) -> None:
    """Write CARD.md beside the card, whole or not at all. Raises ModelError on a table that cannot be read."""
    write_whole(folder / CARD, model_card_markdown(card, folder))


def model_card_markdown(card: ModelCard, folder: Path) -> str:
    """Return the model card as Markdown. `folder` holds the tables. Raises ModelError on one that cannot be read."""
    path = folder / PREDICTIONS
    rows = read_predictions(path, card.classes) if path.exists() else []
    test = [row for row in rows if row.split == "test"]
    sections = [
        f"# {card.title} (`{card.id}`)\n\n{_headline(card)}\n\n"
        "Made from card.json and the tables beside it by `python -m model_zoo cards`; change those, not this page.",
        _intended_use(card),
        _data(card, rows),
        _training(card),
        _published(card),
        _figures(card),
        _by_class(card),
        _by_subset(card, "By sequence", "test", "sequence ", "Scans of the test split, each sequence on its own."),
        _cohorts(card),
        _checks(card, folder),
        looking(folder),
        *([_calibration(card, test), _confusion(card, test)] if test else []),
        _section("Limits", _list(card.limits)),
        _files(card),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _headline(card: ModelCard) -> str:
    shown = [card.score("accuracy", "test", subset) for subset in _test_subsets(card)]
    ends = (" test scans", " of them without a near-duplicate in training")
    said = ", ".join(f"{_cell(f)} on {f.scans:,}{end}" for f, end in zip(shown, ends, strict=False))
    return (f"Accuracy {said}. " if said else "") + "**Not for diagnosis.**"


def _test_subsets(card: ModelCard) -> list[str]:
    """Return the subsets of the test split that are shown: both, or one where none or every scan has a twin."""
    whole, apart = card.score("accuracy", "test"), card.score("accuracy", "test", APART)
    return [ALL] * bool(whole) + [APART] * bool(apart and apart.scans < whole.scans)


def _intended_use(card: ModelCard) -> str:
    size = f"{card.input.width} × {card.input.height} pixels, {card.input.channels} channels"
    cropped = ", cropped to the head" if card.input.crop else ""
    return _section(
        "Intended use",
        "To study and to teach how classifiers of brain MRI behave, and how far the heatmaps that explain them can "
        f"be believed. It takes one 2-D slice ({size}{cropped}) and divides its belief among {len(card.classes)} "
        f"classes: {', '.join(card.names)}.",
        "Not for diagnosis, screening or any decision about a person: it is no medical device and is cleared by no "
        "authority. Out of its scope is every image unlike those under Data: other organs, other sequences and "
        "scanners, findings that are none of its classes. It has no answer for them and names one of its classes.",
    )


def _data(card: ModelCard, rows: Sequence[Prediction]) -> str:
    splits = [split for split in card.scans if any(row.split == split for row in rows)]
    counted = [
        [name, f"`{label}`", *(sum(r.truth == label and r.split == split for r in rows) for split in splits)]
        for label, name in zip(card.classes, card.names, strict=True)
    ]
    return _section(
        "Data",
        f"{card.dataset}. Version: {card.dataset_version}. Fingerprint of ids, labels and splits: "
        f"`{card.fingerprint[:16]}`.",
        _table(["Split", "Scans"], [[split, f"{count:,}"] for split, count in card.scans.items()]),
        _table(["Class", "Id", *(f"Scans in {split}" for split in splits)], counted),
    )


def _training(card: ModelCard) -> str:
    trainable = card.trainable_parameters
    counts = [["parameters", f"{card.parameters:,}"]]
    if trainable:
        counts += [["trainable", f"{trainable:,}"], ["frozen", f"{card.parameters - trainable:,}"]]
    measured = [[name.replace("_", " "), f"{value:,g}"] for name, value in card.training.items()]
    return _section(
        "Training",
        _table(["What", "How many"], [*counts, *measured]),
        _table(["Field of the recipe", "Value"], [[f"`{name}`", value] for name, value in card.recipe.items()]),
    )


def _published(card: ModelCard) -> str:
    ours = _cell(card.score("accuracy", "test"))
    table = _table(["The authors", "This model, accuracy on all test scans"], [[card.published, ours]])
    how = "How this one differs:\n\n" + _list(card.differences)
    parts = [table] * bool(card.published) + [how] * bool(card.differences)
    return _section("The published system and this one", *parts) if parts else ""


def _figures(card: ModelCard) -> str:
    titles = {ALL: "All test scans", APART: "Test scans without a twin in training"}
    shown = [("test", subset, titles[subset]) for subset in _test_subsets(card)]
    shown += [("val", ALL, "Validation scans")] if card.score("accuracy", "val") else []
    if not shown:
        return _section("Figures", "None was measured on splits of its own.")
    apart = card.score("accuracy", "test", APART)
    twins = f"{apart.scans:,} test scans have none: theirs is the honest score. " if apart else ""
    lines = [
        [name, *(_cell(card.score(name, split, subset)) for split, subset, _ in shown)]
        for name in (*MEASURES, AUC, CALIBRATION)
    ]
    scans = ["scans", *(f"{card.score('accuracy', split, subset).scans:,}" for split, subset, _ in shown)]
    return _section(
        "Figures",
        "In brackets 95 % intervals, bootstrapped over groups of related scans; where every scan was called right, no "
        "resample can say how sure that is. A twin is a near-duplicate, mirror images included, of a scan that trained "
        f"or chose the model. {twins}The validation scans chose the model and its temperature. Balanced accuracy is "
        "the mean over the classes of the share called right; AUC is one class against the rest, mean over the "
        f"classes; the calibration error ({BINS} equal-width bins of the top probability, Guo et al. 2017) is best at "
        "0, and biased upwards where scans are few.",
        _table(["Measure", *(title for *_, title in shown)], [scans, *lines]),
    )


def _by_class(card: ModelCard) -> str:
    subsets = _test_subsets(card)
    measures = [(measure, subset) for subset in subsets for measure in ("precision", "recall")]
    lines = [
        [name, *(_cell(card.score(f"{measure} of {label}", "test", subset)) for measure, subset in measures)]
        for label, name in zip(card.classes, card.names, strict=True)
    ]
    heads = [f"{measure.title()}, {subset}" for measure, subset in measures]
    note = "Precision: of the test scans called so, the share that are. Recall: of those that are, the share called so."
    return _section("By class", note, _table(["Class", *heads], lines)) if subsets else ""


def _by_subset(card: ModelCard, title: str, split: str, start: str, note: str, level: int = 2) -> str:
    """Return a table with one line a subset of a split whose name begins with `start`, and its accuracies."""
    found = [f for f in card.scores if f.split == split and f.subset.startswith(start) and f.name == "accuracy"]
    lines = [
        [f.subset, f"{f.estimate.scans:,}", *(_cell(card.score(name, split, f.subset)) for name in MEASURES)]
        for f in found
    ]
    heads = ["Scans", "How many", *(name[0].upper() + name[1:] for name in MEASURES)]
    return _section(title, note, _table(heads, lines), level=level) if lines else ""


def _cohorts(card: ModelCard) -> str:
    splits = list(dict.fromkeys(score.split for score in card.scores if score.split.startswith("cohort ")))
    parts = []
    for split in splits:
        parts.append(_by_subset(card, split.removeprefix("cohort "), split, "", "", level=3))
        subsets = list(dict.fromkeys(score.subset for score in card.scores if score.split == split))
        lines = [
            [name, *(_cell(card.score(f"recall of {label}", split, subset)) for subset in subsets)]
            for label, name in zip(card.classes, card.names, strict=True)
        ]
        parts.append(_table(["Recall", *subsets], [line for line in lines if set(line[1:]) != {_NONE}]))
    note = (
        "The same model on other collections. A mean is taken over the classes that a collection has. Scans with a "
        "near-duplicate in this model's training data count under all scans only."
    )
    return _section("Other cohorts", note, *parts) if parts else ""


def _checks(card: ModelCard, folder: Path) -> str:
    found = [score for score in card.scores if (score.name, score.split) == ("accuracy", "check")]
    lines = [
        [
            f.subset,
            f"{f.estimate.scans:,}",
            _cell(f.estimate),
            _cell(card.score("balanced accuracy", "check", f.subset)),
        ]
        for f in found
    ]
    parts = [_table(["What is shown", "Scans", "Accuracy", "Balanced accuracy"], lines)] if lines else []
    if (probe := card.score(PROBE, "check", "source probe")) and (folder / SOURCES).exists():
        sources = sorted({row.truth for row in read_sources(folder / SOURCES)})
        parts.append(
            f"A probe tells which of {len(sources)} sources ({', '.join(sources)}) an image came from with balanced "
            f"accuracy {_cell(probe)} on {probe.scans:,} images it was not fitted on; chance is {1 / len(sources):.4f}."
        )
    note = (
        "What is left of its accuracy when the tumour cannot be seen, and when the image is changed in ways that "
        "should not matter. Right answers without the tumour come from somewhere else."
    )
    return _section("Does it cheat?", note, *parts) if parts else ""


def _calibration(card: ModelCard, test: Sequence[Prediction]) -> str:
    p = np.array([row.probabilities for row in test])
    right = p.argmax(axis=1) == [card.classes.index(row.truth) for row in test]
    top, bins = p.max(axis=1), confidence_bins(p)
    lines = []
    for b in np.unique(bins):
        edges = f"{b / BINS:.2f} to {(b + 1) / BINS:.2f}"
        inside = bins == b
        lines.append([edges, f"{inside.sum():,}", f"{top[inside].mean():.4f}", f"{right[inside].mean():.4f}"])
    return _section(
        "Calibration",
        "How sure the model said it was, and how often it was right, over all test scans; expected calibration error "
        f"{_cell(card.score(CALIBRATION, 'test'))}. Its logits are divided by a temperature of {card.temperature:g}, "
        "fitted on the validation scans.",
        _table(["Top probability", "Scans", "Mean", "Share right"], lines),
    )


def _confusion(card: ModelCard, test: Sequence[Prediction]) -> str:
    truth = np.array([card.classes.index(row.truth) for row in test])
    called = np.array([row.probabilities for row in test]).argmax(axis=1)
    counts = confusions(np.zeros_like(truth), truth, called, len(card.classes))[0].astype(int)
    lines = [[name, *counts[k]] for k, name in enumerate(card.names)]
    note = "All test scans: a line a true class, a column a class that the model named."
    return _section("Confusion matrix", note, _table(["Truth", *card.names], lines))


def _files(card: ModelCard) -> str:
    if not card.weights_sha256:
        return _section("Licence and files", f"{card.licence}. Its weights are not shipped: only what they answered.")
    lines = [["`model.keras`", f"{card.weights_bytes:,}", f"`{card.weights_sha256}`"]]
    return _section("Licence and files", f"{card.licence}.", _table(["File", "Bytes", "sha256"], lines))


def _cell(estimate: Estimate | None) -> str:
    return estimate.decimal() if estimate else _NONE


def _section(title: str, *parts: str, level: int = 2) -> str:
    return "\n\n".join([f"{'#' * level} {title}", *(part for part in parts if part)])


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(heads: Sequence[str], lines: Sequence[Sequence]) -> str:
    """Return a Markdown table, or nothing where it has no lines; a bar within a cell would end the cell."""
    cells = [[str(cell).replace("|", "\\|") for cell in line] for line in (heads, ["---"] * len(heads), *lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) if lines else ""
