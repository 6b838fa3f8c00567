"""Tables of neighbouring slices: test scans whose patient was probably seen in training, and what that adds to a score.

figshare's slices are numbered along each patient, and of most tumours of the Kaggle set a mirrored copy in figshare is
known. Both stand in the audits and in the tables of the bundles, so that this needs no scan.
"""

from collections import defaultdict
from pathlib import Path

from benchmarks.model_tables import measured_folder
from benchmarks.record import read_results
from datasets.audit_tables import read_audit, read_pairs
from datasets.cards import DATASETS, dataset_card
from datasets.cohorts import COHORT_TITLES
from datasets.label_map import HEALTHY
from model_zoo import read_card
from model_zoo.estimate import Estimate
from model_zoo.markdown import markdown_table
from model_zoo.tables import COHORTS, read_cohorts

_NEAR = 2  # slices: a scan so few numbers away is of the same patient, but for the ends of a series
_TRAINING = f"{DATASETS['kaggle4'].folder}/Training/"
_MODELS = (("candor-kaggle4", "kaggle"), ("candor-figshare3", "figshare"))  # each trained on its own collection

Number = tuple[str, int]  # figshare's class and running number


def neighbouring_slices() -> str:
    """Return how many test tumours without a near-duplicate have a slice within two numbers in training."""
    numbers, rows = figshare_numbers(), []
    for name, cohort in _MODELS:
        folder = measured_folder(name)
        table = read_cohorts(folder / COHORTS, read_card(folder / "card.json").classes)
        test = {row.id for row in table if row.cohort == cohort}
        clean = {
            row.id for row in table if row.cohort == cohort and not row.near_duplicate and row.truth not in HEALTHY
        }
        if cohort == "kaggle":
            seen = {number for scan, own in numbers.items() if scan.startswith(_TRAINING) for number in own}
        else:
            folder_of = DATASETS["figshare3"].folder
            seen = {n for scan, own in numbers.items() if scan.startswith(folder_of) and scan not in test for n in own}
        known = [scan for scan in clean if scan in numbers]
        beside = sum(bool(neighbours(numbers[scan]) & seen) for scan in known)
        rows.append([f"`{name}`", COHORT_TITLES[cohort], f"{len(clean):,}", f"{len(known):,}", f"{beside:,}"])
    heads = [
        "model", "test set", "tumours without a near-duplicate", "of these, with a known number in figshare",
        f"of these, a slice within {_NEAR} in training or validation",
    ]  # fmt: skip
    return markdown_table(heads, rows)


def random_slices() -> str:
    """Return the scores of one recipe on blocks of neighbouring slices and on slices divided at random."""
    found = read_results("random_slices")
    rows = []
    for division, scores in found["divisions"].items():
        val, test = (Estimate(**scores[split]) for split in ("val", "test"))
        rows.append([division, scores["epochs"], *(f"{e.decimal(3)}, {e.scans:,} scans" for e in (val, test))])
    heads = ["division", "epochs", "validation, macro F1", "test, macro F1"]
    return f"`{found['recipe']}`; `{found['command']} --out runs`.\n\n" + markdown_table(heads, rows)


def figshare_numbers() -> dict[str, set[Number]]:
    """Return figshare's numbers of its own tumours, and of the Kaggle set's that are copies, by their ids."""
    found: dict[str, set[Number]] = defaultdict(set)
    for row in read_audit(dataset_card("figshare3")).rows:
        if number := _number(row.id):
            found[f"{DATASETS['figshare3'].folder}/{row.id}"].add(number)
    for task in ("kaggle4", "figshare3"):
        for pair in read_pairs(dataset_card(task)):
            sides = {side.cohort: side.id for side in (pair.a, pair.b)}
            if set(sides) == {"kaggle", "figshare"} and (number := _number(sides["figshare"])):
                found[sides["kaggle"]].add(number)
    return found


def _number(scan_id: str) -> Number | None:
    path = Path(scan_id)
    return (path.parent.name, int(path.stem)) if path.stem.isdigit() else None


def neighbours(own: set[Number]) -> set[Number]:
    """Return the numbers of the slices at most two away, those themselves left out."""
    return {(label, number + step) for label, number in own for step in range(-_NEAR, _NEAR + 1) if step}
