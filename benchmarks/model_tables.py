"""Tables of the models: their scores on own and external test sets, and the shortcut tests, from the cards alone."""

from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.record import read_results
from datasets.cards import DATASETS, dataset_card
from datasets.cohorts import COHORT_OF_TASK, COHORT_TITLES
from datasets.doubtful_labels import SEEN, doubtful_labels
from datasets.label_map import HEALTHY
from datasets.layouts import BR35H
from explain.evaluation.store import evaluations
from model_zoo import Estimate, ModelCard, models, read_card
from model_zoo.comparison import compare
from model_zoo.estimate import rounded_percent
from model_zoo.gate import GATE_TASK
from model_zoo.markdown import markdown_table
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE, PROBE, SHORTCUT_TEST, SOURCE_PROBE
from model_zoo.seeds import by_score, over_seeds, read_seeds
from model_zoo.tables import PREDICTIONS, read_predictions
from model_zoo.verify import bundle_folders
from model_zoo.zoo import MEASURED, bundle_folder, imported_folder, measured_models, zoo_folder
from train.recipe import recipe_of, trained_on
from train.shortcut_tests import SHORTCUT_TESTS

EXTERNAL = "44c"  # the collection that shares next to nothing with the others
BALANCED = "balanced accuracy"
_LOOKED_AT = (
    "candor-pooled4",
    "candor-44c15",
    "candor-figshare3",
    "candor-kaggle4",
)  # the models whose errors datasets/doubtful_labels.csv was made from
_COHORTS = [
    ("44c", NO_NEAR_DUPLICATE),
    *(("44c", f"sequence {sequence}") for sequence in ("T1", "T1C+", "T2")),
    *((cohort, NO_NEAR_DUPLICATE) for cohort in ("kaggle", "figshare", "br35h", "dementia")),
]


def why_kept(model_id: str) -> str:
    """Return what stands beside the name of a model in `measured/`."""
    return " (kept as a teacher)" if model_id in measured_models() else " (weights not shipped)"


def measured_cards() -> dict[str, ModelCard]:
    """Return the cards of all measured classifiers, shipped or not, by a name that says which; not the phantom's."""
    cards = {}
    for folder in bundle_folders():
        card = read_card(folder / "card.json")
        own = folder.parent != imported_folder()  # what is on this machine alone is in no table
        if own and card.task not in ("phantom4", GATE_TASK):
            shipped = why_kept(card.id) if folder.parent.name == MEASURED else ""
            cards[f"`{card.id}`{shipped}"] = card
    return cards


def measured_folder(model_id: str) -> Path:
    """Return the folder of a measured model, shipped or not."""
    served = zoo_folder() / model_id
    return served if served.is_dir() else zoo_folder() / MEASURED / model_id


def shipped_models() -> str:
    """Return the README's table: own test set, external test set and pointing game of every shipped model."""
    heads = ["model", "own test set, no near-duplicates", "external test set (44c)", "pointing game (Grad-CAM)"]
    stored, _ = evaluations()
    rows = []
    for card in models().values():
        if card.task == "phantom4" or card.imported:
            continue
        evaluation = stored.get(card.id)
        external = _percent(card.score(BALANCED, "cohort 44c", NO_NEAR_DUPLICATE))
        estimate = evaluation.estimate("gradcam", "pointing") if evaluation else None
        rows.append(
            [
                f"[`{card.id}`](model_zoo/{card.id}/CARD.md)",
                _percent(card.score(BALANCED, "test", NO_NEAR_DUPLICATE)),
                "trained on it" if _trained_on(card) else external,
                _percent(estimate, "not measured"),
            ]
        )
    return markdown_table(heads, rows)


def accuracy() -> str:
    """Return the table of all models: the score their authors published and ours."""
    heads = [
        "model", "published by the authors", "ours, own test set", "ours, no near-duplicates",
        "external test set: 44c", "44c, T1C+ only",
    ]  # fmt: skip
    rows = []
    for name, card in measured_cards().items():
        whole, apart = own_scores(card)
        first = _cell(whole) if whole or not apart else "no published split"
        external = (_external(card, subset) for subset in (NO_NEAR_DUPLICATE, "sequence T1C+"))
        theirs = card.published or ("no score in their text; imported" if card.imported else "our own")
        rows.append([name, theirs, first, _cell(apart, _own_measure(card)), *external])
    return markdown_table(heads, rows)


def own_scores(card: ModelCard) -> tuple[Estimate | None, Estimate | None]:
    """Return the score on the whole own test set and the one without near-duplicates.

    A pooled model is compared where the others are: on the Kaggle set's own test split. Of the other sets
    nobody published a split, so only the grouped one is there: accuracy, or macro F1 for figshare.
    """
    if card.task.startswith("pooled"):
        return tuple(card.score("accuracy", "cohort kaggle", subset) for subset in (ALL_SCANS, NO_NEAR_DUPLICATE))
    if card.task == "kaggle4":
        return card.score("accuracy", "test"), card.score("accuracy", "test", NO_NEAR_DUPLICATE)
    name = _own_measure(card)
    return None, card.score(name, "test", NO_NEAR_DUPLICATE) or card.score(name, "test")


def external_validation() -> str:
    """Return the matrix of every model against every collection whose classes it shares, without near-duplicates."""
    titles = [
        cohort if subset == NO_NEAR_DUPLICATE else f"{cohort}, {subset.removeprefix('sequence ')}"
        for cohort, subset in _COHORTS
    ]
    rows = []
    for name, card in measured_cards().items():
        own = trained_on(recipe_of(card.recipe))
        cells = []
        for cohort, subset in _COHORTS:
            estimate = card.score(BALANCED, f"cohort {cohort}", subset)
            cells.append(f"{estimate.value:.2f}{'*' * (cohort in own)} ({estimate.scans:,})" if estimate else "")
        rows.append([name, *cells])
    return markdown_table(["model", *titles], rows)


def generations() -> str:
    """Return by how much our own models differ from those before them, from random weights, on the same scans."""
    rows = []
    for card in models().values():
        before = zoo_folder() / MEASURED / card.id.replace("candor-", "candor-scratch-")
        if not card.id.startswith("candor-") or not before.is_dir():
            continue
        for found in compare(before, zoo_folder() / card.id):
            perfect = found.first == found.second == 1  # which tells nothing
            if found.measure == (BALANCED if found.split.startswith("cohort") else "accuracy") and not perfect:
                scans = f"{found.split.removeprefix('cohort ')}, {found.subset}, {found.difference.scans:,} scans"
                changes = f"{found.first:.3f}", f"{found.second:.3f}", found.difference.decimal(3)
                rows.append([f"`{card.id}`", scans, found.measure, *changes, f"{found.gained} / {found.lost}"])
    heads = ["model", "scans", "score", "before", "now", "difference", "scans gained / lost"]
    return markdown_table(heads, rows)


def seeds() -> str:
    """Return the main scores of every model whose recipe was trained with several seeds, beside its own interval."""
    rows = []
    for card in models().values():
        of_seeds = by_score(read_seeds(bundle_folder(card.id)))
        own = [(_own_measure(card), "test", subset) for subset in (ALL_SCANS, NO_NEAR_DUPLICATE)]
        for key in (*own, *((BALANCED, f"cohort {cohort}", subset) for cohort, subset in _COHORTS)):
            if key in of_seeds:
                measure, split, subset = key
                mine, trained = card.score(*key), dict.fromkeys(row.seed for row in of_seeds[key])
                scans = f"{split.removeprefix('cohort ')}, {subset}, {mine.scans:,} scans"
                cells = mine.decimal(3), over_seeds(of_seeds[key]).decimal(3), ", ".join(map(str, trained))
                rows.append([f"`{card.id}`", scans, measure, *cells])
    heads = ["model", "scans", "score", "this model, 95 % interval", "mean of the seeds, lowest to highest", "seeds"]
    return markdown_table(heads, rows)


def shared_errors() -> str:
    """Return how many errors of our own models all other models make that were tested on the same scans.

    Such an error may come from the data (a hard scan, a doubtful label) or from a teacher that the models share.
    """
    tested = {card.id: _wrong(card) for card in measured_cards().values()}
    rows = []
    for name, (wrong, sequences) in tested.items():
        alike = (other for other, (_, scans) in tested.items() if scans.keys() == sequences.keys())
        others = {other: tested[other][0] for other in alike if other != name}
        if not others or name not in models() or not name.startswith("candor-"):
            continue
        shared = wrong.intersection(*others.values())
        by_sequence = Counter(sequences[scan] for scan in shared if sequences[scan])
        rows.append(
            [
                f"`{name}`",
                ", ".join(f"`{other}`" for other in others),
                f"{len(sequences):,}",
                str(len(wrong)),
                str(len(shared)),
                ", ".join(f"{sequence} {number}" for sequence, number in sorted(by_sequence.items())),
            ]
        )
    heads = ["model", "the others", "test scans", "errors", "shared by all others", "these by sequence"]
    return markdown_table(heads, rows)


def _wrong(card: ModelCard) -> tuple[set[str], dict[str, str]]:
    """Return the test scans that a model calls wrongly, and the sequence of every test scan, "" where not known."""
    path = measured_folder(card.id) / PREDICTIONS
    rows = [row for row in read_predictions(path, card.classes) if row.split == "test"] if path.exists() else []
    wrong = {row.id for row in rows if card.classes[int(np.argmax(row.probabilities))] != row.truth}
    return wrong, {row.id: row.sequence for row in rows}


def errors() -> str:
    """Return how many test scans of each collection our own models call wrongly, and how many labels are in doubt."""
    doubtful, rows = doubtful_labels(), []
    for card in models().values():
        if not card.id.startswith("candor-"):
            continue
        own_folder, wrong, counted = dataset_card(card.task).folder, {}, Counter()
        for row in read_predictions(bundle_folder(card.id) / PREDICTIONS, card.classes):
            if row.split == "test":
                scan = f"{own_folder}/{row.id}" if own_folder else row.id  # ids of a pooled dataset name the collection
                counted[_cohort_of(scan)] += 1
                called = card.classes[int(np.argmax(row.probabilities))]
                if called != row.truth:
                    wrong[scan] = not {called, row.truth} & set(HEALTHY)
        for cohort in (name for name in COHORT_TITLES if name in counted):
            mine = [scan for scan in wrong if _cohort_of(scan) == cohort]
            found = [doubtful.get(scan) for scan in mine]
            seen = [str(found.count(kind)) if card.id in _LOOKED_AT else "not looked at" for kind in SEEN]
            cells = f"{counted[cohort]:,}", str(len(mine)), str(sum(wrong[scan] for scan in mine))
            rows.append([f"`{card.id}`", COHORT_TITLES[cohort], *cells, *seen])
    heads = ["model", "collection", "test scans", "errors", "one lesion taken for another", *SEEN.values()]
    return markdown_table(heads, rows)


def _cohort_of(scan: str) -> str:
    """Return the cohort of a scan, whose id begins with the collection's folder; Br35H lies in figshare's."""
    folder = scan.split("/")[0]
    if scan.startswith(f"{DATASETS['figshare3'].folder}/{BR35H}/"):
        return "br35h"
    return next(name for task, name in COHORT_OF_TASK.items() if DATASETS[task].folder == folder)


def shortcuts() -> str:
    """Return the balanced accuracy of every model on scans changed by each shortcut and robustness test."""
    tests = [*SHORTCUT_TESTS, SOURCE_PROBE]
    rows = []
    for name, card in measured_cards().items():
        estimates = [card.score(PROBE if test == SOURCE_PROBE else BALANCED, SHORTCUT_TEST, test) for test in tests]
        if any(estimates):
            rows.append([name, *(f"{estimate.value:.2f}" if estimate else "" for estimate in estimates)])
    return markdown_table(["model", *tests], rows)


def imported_models() -> str:
    """Return every imported model that is measured, beside Candor's own models of the same classes."""
    cards, pictures = measured_cards(), read_results("not_brain")["chest X-rays"]
    theirs = [card for card in cards.values() if card.imported]
    alike = [card for card in cards.values() if any(card.classes == each.classes for each in theirs)]
    stored, _ = evaluations()
    rows = []
    for card in [*theirs, *(card for card in alike if card.id in models() and not card.imported)]:
        evaluation, said = stored.get(card.id), pictures["models"].get(card.id, {})
        whole, apart = own_scores(card)
        hidden = [card.score("accuracy", SHORTCUT_TEST, test) for test in ("boxed scans as is", "tumour hidden")]
        tumours = sum(n for label, n in said.items() if label in card.classes and label not in HEALTHY)
        rows.append(
            [
                f"`{card.id}`",
                *(_percent(each) for each in (whole, apart)),
                *(_percent(card.score(BALANCED, "cohort 44c", f"sequence {name}")) for name in ("T1", "T1C+", "T2")),
                " to ".join(f"{rounded_percent(each.value)} %" for each in hidden if each) or "not measured",
                _percent(evaluation.estimate("occlusion", "pointing") if evaluation else None),
                f"{tumours} of {pictures['pictures']}, {said['a tumour, above 90 %']} of them above 90 %"
                if said
                else "not measured",
            ]
        )
    heads = [
        "model", "official test set", "of it, no near-duplicates", "44c, T1", "44c, T1C+", "44c, T2",
        "right, from the tumour shown to hidden", "pointing game (occlusion)", "chest X-rays called a tumour",
    ]  # fmt: skip
    return markdown_table(heads, rows)


def not_brain() -> str:
    """Return what the classifiers call pictures that show no brain, and how many of them the gate withholds."""
    rows = []
    for kind, found in read_results("not_brain").items():
        if not isinstance(found, dict) or "models" not in found:
            continue
        for name, said in found["models"].items():
            *classes, sure = said.items()
            called = ", ".join(f"{label} {number}" for label, number in classes if number)
            rows.append([kind, f"{found['pictures']:,}", f"`{name}`", called, sure[1], found["withheld by the gate"]])
    heads = ["pictures", "number", "model", "called", "a tumour, above 90 %", "withheld by Candor's gate"]
    return markdown_table(heads, rows)


def _own_measure(card: ModelCard) -> str:
    return "macro F1" if card.task == "figshare3" else "accuracy"


def _trained_on(card: ModelCard) -> bool:
    """True if the external collection is among those that the model, or its initial weights, was trained on."""
    return card.task == "44c15" or EXTERNAL in trained_on(recipe_of(card.recipe))


def _external(card: ModelCard, subset: str) -> str:
    """Return the balanced accuracy on the external test set, and whether the model was trained on the collection."""
    if card.task == "44c15":
        return "own collection"
    estimate = card.score(BALANCED, "cohort 44c", subset)
    return _cell(estimate, BALANCED) + (", trained on it" if estimate and _trained_on(card) else "")


def _cell(estimate: Estimate | None, measure: str = "accuracy") -> str:
    if not estimate:
        return "not measured"
    kind = "" if measure == "accuracy" else f"{measure} "
    return f"{kind}{estimate.decimal()}, {estimate.scans:,} scans"


def _percent(estimate: Estimate | None, missing: str = "not measured") -> str:
    return estimate.percent(0) if estimate else missing
