"""The model card in Markdown, from the files of its bundle.

After Mitchell et al. 2019, Model Cards for Model Reporting, https://arxiv.org/abs/1810.03993. Every number comes
from card.json or is counted in the tables beside it; `python -m model_zoo cards` writes CARD.md.
"""

from collections.abc import Sequence
from pathlib import Path

from model_zoo.card import ModelCard
from model_zoo.card_explanations import explanation_section
from model_zoo.card_scores import (
    calibration_section,
    class_section,
    cohort_section,
    conformal_section,
    confusion_section,
    decimal,
    own_subsets,
    scores_section,
    shortcut_section,
    similar_section,
    subset_section,
)
from model_zoo.gate import GATE_TASK
from model_zoo.gate_markdown import gate_card_markdown
from model_zoo.markdown import markdown_section, markdown_table
from model_zoo.performance import predictions_of
from model_zoo.seeds import seeds_section
from model_zoo.tables import PREDICTIONS, PredictionRow, read_predictions
from model_zoo.whole_files import write_whole

CARD = "CARD.md"
_APART = "Test scans without near-duplicate in training,"


def write_model_card(card: ModelCard, folder: Path) -> None:
    """Write CARD.md beside the card, whole or not at all. Raises ModelError on a table that cannot be read."""
    write_whole(folder / CARD, model_card_markdown(card, folder))


def model_card_markdown(card: ModelCard, folder: Path) -> str:
    """Return the model card as Markdown. `folder` holds the tables. Raises ModelError on one that cannot be read."""
    if card.task == GATE_TASK:
        return gate_card_markdown(card)
    path = folder / PREDICTIONS
    rows = read_predictions(path, card.classes) if path.exists() else []
    test = predictions_of([row for row in rows if row.split == "test"], card.classes)
    sections = [
        f"# {card.title} (`{card.id}`)\n\n{_headline(card)}\n\n"
        "Made from card.json and the tables beside it by `python -m model_zoo cards`; change those, not this page.",
        _intended_use(card),
        _data(card, rows),
        _imported(card) if card.imported else _training(card),
        _published(card),
        scores_section(card),
        class_section(card),
        subset_section(card, "By sequence", "test", "sequence ", f"{_APART} each sequence by itself."),
        subset_section(card, "By plane", "test", "plane ", f"{_APART} each plane by itself."),
        cohort_section(card),
        seeds_section(card, folder),
        shortcut_section(card, folder),
        explanation_section(folder),
        conformal_section(card),
        similar_section(card),
        *([calibration_section(card, test), confusion_section(card, test)] if test.ids else []),
        markdown_section("Limits", _list(card.limits)),
        _files(card),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _headline(card: ModelCard) -> str:
    accuracies = [card.score("accuracy", "test", subset) for subset in own_subsets(card)]
    ends = (" test scans", " of them without a near-duplicate in training")
    parts = [f"{decimal(each)} on {each.scans:,}{end}" for each, end in zip(accuracies, ends, strict=False)]
    return (f"Accuracy {', '.join(parts)}. " if parts else "") + "**Not for diagnosis.**"


def _intended_use(card: ModelCard) -> str:
    size = f"{card.input.width} × {card.input.height} pixels, {card.input.channels} channels"
    cropped = ", cropped to the head" if card.input.crop else ""
    return markdown_section(
        "Intended use",
        "To study and to teach how classifiers of brain MRI behave, and how far the heatmaps that explain them can "
        f"be trusted. It takes one 2-D slice ({size}{cropped}) and gives each of {len(card.classes)} classes a "
        f"probability: {', '.join(card.names)}.",
        "Not for diagnosis, screening or any decision about a person: it is not a medical device and no authority has "
        "cleared it. Images unlike those under Data are out of scope: other organs, other sequences and scanners, "
        "findings outside its classes. The model still predicts one of its classes for them.",
    )


def _data(card: ModelCard, rows: Sequence[PredictionRow]) -> str:
    splits = [split for split in card.scans if any(row.split == split for row in rows)]
    counts = [
        [name, f"`{label}`", *(sum(r.truth == label and r.split == split for r in rows) for split in splits)]
        for label, name in zip(card.classes, card.names, strict=True)
    ]
    made = f"Version: {card.dataset_version}. Fingerprint of ids, labels and splits: `{card.fingerprint[:16]}`."
    return markdown_section(
        "Data",
        f"{card.dataset}." if card.imported else f"{card.dataset}. {made}",
        markdown_table(["Split", "Scans"], [[split, f"{count:,}"] for split, count in card.scans.items()]),
        markdown_table(["Class", "Id", *(f"Scans in {split}" for split in splits)], counts),
    )


def _training(card: ModelCard) -> str:
    trainable = card.trainable_parameters
    counts = [["parameters", f"{card.parameters:,}"]]
    if trainable:
        counts += [["trainable", f"{trainable:,}"], ["frozen", f"{card.parameters - trainable:,}"]]
    run = [[name.replace("_", " "), f"{value:,g}"] for name, value in card.training.items()]
    return markdown_section(
        "Training",
        markdown_table(["Quantity", "Value"], [*counts, *run]),
        markdown_table(["Recipe field", "Value"], [[f"`{name}`", value] for name, value in card.recipe.items()]),
    )


def _imported(card: ModelCard) -> str:
    """Return what file the model was imported from, and how its input is made."""
    spec = card.input
    facts = {name: text for name, text in card.imported.items() if text} | {
        "values of black and white": f"{spec.value_range[0]:g}, {spec.value_range[1]:g}",
        "size": "the scan is stretched to it" if spec.stretch else "the scan keeps its shape, on black",
        "resampled": f"{spec.resample}, as Pillow does" if spec.resample else "area average where it shrinks",
    }
    rows = [["parameters", f"{card.parameters:,}"], *([name, f"`{text}`"] for name, text in facts.items())]
    return markdown_section("Imported from", markdown_table(["Fact", "Value"], rows))


def _published(card: ModelCard) -> str:
    measure = "macro F1" if card.published.startswith("F1") else "accuracy"
    ours = decimal(card.score(measure, "test"))
    table = markdown_table(["The authors", f"This model, {measure} on all test scans"], [[card.published, ours]])
    lists = {"The same": card.same, "Differences": card.differences}
    parts = [table] * bool(card.published)
    parts += [f"{title}:\n\n{_list(sentences)}" for title, sentences in lists.items() if sentences]
    return markdown_section("The published model and this one", *parts) if parts else ""


def _files(card: ModelCard) -> str:
    if not card.weights_sha256:
        return markdown_section(
            "Licence and files", f"{card.licence}. Its weights are not shipped, only its predictions."
        )
    row = [f"`{card.weights_file}`", f"{card.weights_bytes:,}", f"`{card.weights_sha256}`"]
    table = markdown_table(["File", "Bytes", "sha256"], [row])
    return markdown_section("Licence and files", f"{card.licence}.", table)


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
