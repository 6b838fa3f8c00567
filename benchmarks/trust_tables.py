"""Tables of the gate, of prediction sets, selective prediction and similar cases, from the cards alone."""

from benchmarks.record import bfloat16_of, read_results
from datasets.cohorts import COHORT_TITLES
from datasets.view_labels import view_labels
from model_zoo import Estimate, ModelCard, model_card, models
from model_zoo.conformal import LEVELS, MEASURES
from model_zoo.estimate import rounded_percent
from model_zoo.gate import GATE, PLANE, SEQUENCE
from model_zoo.gate_markdown import AUCS, others_by_subset, view_table, withheld_table
from model_zoo.gate_scores import WITHHELD
from model_zoo.markdown import markdown_table
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE, PRECISION_AT_5
from model_zoo.selective import ANSWERED, RIGHT, SHARES, accuracy_at

_COLLECTIONS = ("kaggle", "figshare", "br35h", "44c", "dementia")


def gate() -> str:
    """Return what the gate withholds of each collection and kind of its test pictures."""
    return withheld_table(model_card(GATE))


def gate_speed() -> str:
    """Return what the gate costs a prediction, in milliseconds a slice."""
    found = read_results("gate")
    machine = found["machine"]
    rows = [[name.removesuffix(", ms"), f"{ms:g}"] for name, ms in found.items() if name.endswith(", ms")]
    where = f"{machine['cores']} cores of an {machine['processor']} ({bfloat16_of(machine)}), {found['runtime']}"
    return f"Milliseconds a slice, measured in turns on {where}: `{found['command']}`.\n\n" + markdown_table(
        ["what", "ms"], rows
    )


def ct_scans() -> str:
    """Return how many scans of each collection are CTs, by Candor's own labels."""
    folders = {"kaggle": "brain-tumor-mri-dataset/", "br35h": "figshare-brain-tumor/notumor/"}
    rows = []
    for cohort, folder in folders.items():
        kinds = [labels["kind"] for name, labels in view_labels().items() if name.startswith(folder)]
        rows.append([COHORT_TITLES[cohort], f"{len(kinds):,}", f"{kinds.count('ct'):,}"])
    return markdown_table(["collection", "scans", "of them CT"], rows)


def gate_near_and_far() -> str:
    """Return how well the kind and the distance tell heads from others, near and far, and how many others there are."""
    card = model_card(GATE)
    heads = card.score(WITHHELD, "test", "heads").scans
    rows = [
        [subset, f"{others:,}", *(f"{card.score(name, 'test', subset).value:.4f}" for name in AUCS)]
        for subset, others in others_by_subset(card).items()
    ]
    table = markdown_table(["others", "pictures", "AUC, kind", "AUC, distance"], rows)
    return f"{heads:,} heads, against each kind of others:\n\n{table}"


def gate_planes() -> str:
    """Return how well the gate knows the plane, by collection."""
    return view_table(model_card(GATE), PLANE)


def gate_sequences() -> str:
    """Return how well the gate knows the sequence, by collection."""
    return view_table(model_card(GATE), SEQUENCE)


def coverage() -> str:
    """Return the coverage of the prediction sets of every model on its own test scans and every collection."""
    rows = []
    for card in _cards():
        for title, split, subset in _parts(card):
            cells = []
            for level in LEVELS:
                found = [card.score(measure.at(level), split, subset) for measure in MEASURES]
                cells += [_share(found[0]), f"{found[1].value:.2f}", _share(found[2]), _share(found[3])]
            rows.append([f"`{card.id}`", title, *cells])
    heads = ["model", "scans of"]
    heads += [f"{level} % sets: {name}" for level in LEVELS for name in ("coverage", "mean size", "one class", "empty")]
    return markdown_table(heads, rows)


def selective_prediction() -> str:
    """Return the accuracy of the most confident scans, and at the operating point, of every model and collection."""
    rows = []
    for card in _cards():
        for title, split, subset in _parts(card):
            cells = [_share(card.score(name, split, subset)) for name in ("accuracy", *map(accuracy_at, SHARES))]
            point = [_share(card.score(name, split, subset)) for name in (ANSWERED, RIGHT)]
            rows.append([f"`{card.id}`", f"{card.operating_point:.3f}", title, *cells, *point])
    heads = ["model", "operating point", "scans of", "all scans", *(f"most confident {share} %" for share in SHARES)]
    return markdown_table([*heads, "predicted at the point", "of these right"], rows)


def similar_cases() -> str:
    """Return how many of the five most similar cases have the diagnosis of a test scan, by model and collection."""
    rows = []
    for card in _cards():
        found = [card.score(PRECISION_AT_5, f"cohort {name}", NO_NEAR_DUPLICATE) for name in _COLLECTIONS]
        if any(found):
            rows.append([f"`{card.id}`", *(_share(each) for each in found)])
    return markdown_table(["model", *(COHORT_TITLES[name] for name in _COLLECTIONS)], rows)


def _cards() -> list[ModelCard]:
    return [card for card in models().values() if card.task != "phantom4" and not card.imported]


def _parts(card: ModelCard) -> list[tuple[str, str, str]]:
    """Return title, split and subset of the model's own test scans and of each collection that it was measured on."""
    subset = NO_NEAR_DUPLICATE if card.score("accuracy", "test", NO_NEAR_DUPLICATE) else ALL_SCANS
    parts = [("its own test set", "test", subset)]
    parts += [(COHORT_TITLES[name], f"cohort {name}", NO_NEAR_DUPLICATE) for name in _COLLECTIONS]
    return [part for part in parts if card.score("accuracy", *part[1:])]


def _share(estimate: Estimate | None) -> str:
    return f"{rounded_percent(estimate.value, 1)} %" if estimate else ""
