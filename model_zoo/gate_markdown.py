"""The card of the gate in Markdown: what it is for, how often it errs, and on what."""

from model_zoo.card import ModelCard
from model_zoo.card_scores import decimal
from model_zoo.gate import ASPECTS, PLANE, SEQUENCE
from model_zoo.gate_scores import WITHHELD
from model_zoo.markdown import markdown_section, markdown_table

AUCS = ("AUC of the kind", "AUC of the distance")
_HEADINGS = {PLANE: "Plane", SEQUENCE: "Sequence"}


def gate_card_markdown(card: ModelCard) -> str:
    """Return the card as Markdown."""
    size = f"{card.input.width} × {card.input.height} pixels, the whole picture"
    known = "; ".join(f"{aspect}: {', '.join(names.values())}" for aspect, names in ASPECTS.items())
    limits = [[f"`{name}`", f"{value:g}"] for name, value in card.gate.items()]
    run = [[name.replace("_", " "), f"{value:,g}"] for name, value in card.training.items()]
    weights = ["`model.keras`", f"{card.weights_bytes:,}", f"`{card.weights_sha256}`"]
    sections = [
        f"# {card.title} (`{card.id}`)\n\n"
        "Made from card.json and the tables beside it by `python -m model_zoo cards`; change those, not this page.",
        markdown_section(
            "Intended use",
            "To keep every other model from predicting from a picture that it was not made for. It takes one picture "
            f"({size}) and says: {known}. Beside it stands the distance to known heads.",
            "Not for diagnosis. What it withholds can be asked for with `--anyway`; every export then says so.",
        ),
        markdown_section("Limits, chosen on the validation pictures", markdown_table(["Limit", "Value"], limits)),
        markdown_section(
            "What it withholds",
            "Share of the test pictures from which nothing is predicted, with 95 % intervals over groups. Of heads it "
            "should be 0, of all others 1.",
            withheld_table(card),
        ),
        markdown_section(
            "Near and far",
            "Area under the ROC curve, heads against others. Near: CT and several heads; MRI of other parts of the "
            "body is in training alone. Far: radiographs, photographs, and what is unreadable.",
            near_and_far_table(card),
        ),
        *(
            markdown_section(
                heading,
                f"How often the {fact} is right, how often it is named rather than called unknown, and how often the "
                f"one named is right. These are the heads whose {fact} is known, including those with little brain.",
                view_table(card, fact),
            )
            for fact, heading in _HEADINGS.items()
        ),
        markdown_section(
            "Data",
            f"{card.dataset}: {card.dataset_version}. Fingerprint of ids, labels and splits: "
            f"`{card.fingerprint[:16]}`. Test pictures with a near-duplicate in training or validation are left out; "
            "validation and test also have made pictures and phantoms.",
            markdown_table(["Split", "Pictures"], [[split, f"{count:,}"] for split, count in card.scans.items()]),
        ),
        markdown_section(
            "Training",
            markdown_table(["Quantity", "Value"], [["parameters", f"{card.parameters:,}"], *run]),
            markdown_table(["Recipe field", "Value"], [[f"`{name}`", value] for name, value in card.recipe.items()]),
        ),
        markdown_section("Limits", "\n".join(f"- {sentence}" for sentence in card.limits)),
        markdown_section(
            "Licence and files", f"{card.licence}.", markdown_table(["File", "Bytes", "sha256"], [weights])
        ),
    ]
    return "\n\n".join(sections) + "\n"


def withheld_table(card: ModelCard) -> str:
    """Return the share withheld of each collection and kind of the test pictures."""
    return _table(card, ("Test pictures", "Pictures", "Withheld"), (WITHHELD,))


def near_and_far_table(card: ModelCard) -> str:
    """Return how well the kind and the distance tell the others from heads, and how many others there are."""
    rows = [
        [subset, f"{others:,}", *(decimal(card.score(name, "test", subset)) for name in AUCS)]
        for subset, others in others_by_subset(card).items()
    ]
    return markdown_table(["Others", "Pictures", "Kind", "Distance"], rows)


def others_by_subset(card: ModelCard) -> dict[str, int]:
    """Return the number of others, near and far: a score of theirs counts the heads, too."""
    heads = card.score(WITHHELD, "test", "heads")
    return {s.subset: s.estimate.scans - heads.scans for s in card.scores if s.name == AUCS[0]}


def view_table(card: ModelCard, fact: str) -> str:
    """Return how well plane or sequence is known, by collection."""
    names = (f"accuracy of the {fact}", f"share with a named {fact}", f"accuracy of the named {fact}")
    return _table(card, ("Test scans", "Scans", "Right", "Named", "Right where named"), names)


def _table(card: ModelCard, heads: tuple[str, ...], measures: tuple[str, ...]) -> str:
    subsets = dict.fromkeys(score.subset for score in card.scores if score.name == measures[0])
    rows = []
    for subset in subsets:
        found = [card.score(name, "test", subset) for name in measures]
        rows.append([subset, f"{found[0].scans:,}", *(decimal(each) for each in found)])
    return markdown_table(heads, rows)
