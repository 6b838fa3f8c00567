"""Tables of Candor's own models beside what was aimed at, and of their maps beside those of the models before them."""

from dataclasses import dataclass

import numpy as np

from benchmarks.model_tables import BALANCED, EXTERNAL
from benchmarks.record import read_results
from explain.evaluation.estimates import estimate
from explain.evaluation.measures import MEASURES
from explain.evaluation.store import StoredEvaluation, evaluations
from explain.methods import METHODS
from model_zoo import Estimate, models
from model_zoo.markdown import markdown_table
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.seeds import by_score, over_seeds, read_seeds
from model_zoo.zoo import bundle_folder


@dataclass(frozen=True)
class Aim:
    """A score that was to be reached: `least`, of a model's card, or of a map where `split` is a method."""

    model: str
    words: str
    measure: str
    split: str
    subset: str
    least: float


_OFFICIAL, _CLEAN = "Kaggle's official test", "the same without near-duplicates"
_44C = f"cohort {EXTERNAL}"
AIMS = (
    Aim("candor-kaggle4", _OFFICIAL, "accuracy", "test", ALL_SCANS, 0.992),
    Aim("candor-kaggle4", _CLEAN, "accuracy", "test", NO_NEAR_DUPLICATE, 0.975),
    Aim("candor-kaggle4", "44c, never seen", BALANCED, _44C, NO_NEAR_DUPLICATE, 0.58),
    Aim("candor-kaggle4", "44c, T1C+", BALANCED, _44C, "sequence T1C+", 0.72),
    Aim("candor-pooled4", _OFFICIAL, "accuracy", "cohort kaggle", ALL_SCANS, 0.990),
    Aim("candor-pooled4", _CLEAN, "accuracy", "cohort kaggle", NO_NEAR_DUPLICATE, 0.975),
    Aim("candor-pooled4", "44c", BALANCED, _44C, NO_NEAR_DUPLICATE, 0.92),
    Aim("candor-pooled4", "44c, T2", BALANCED, _44C, "sequence T2", 0.85),
    Aim("candor-pooled4", "where Grad-CAM lies", "pointing", "gradcam", "", 0.75),
    Aim("candor-figshare3", "own test", "macro F1", "test", NO_NEAR_DUPLICATE, 0.975),
    Aim("candor-figshare3", "where Grad-CAM lies", "pointing", "gradcam", "", 0.92),
    Aim("candor-44c15", "own test without near-duplicates", "accuracy", "test", NO_NEAR_DUPLICATE, 0.93),
    Aim("candor-44c15", "own test without near-duplicates", "macro F1", "test", NO_NEAR_DUPLICATE, 0.90),
    Aim("resnet50-distilled-kaggle4", _OFFICIAL, "accuracy", "test", ALL_SCANS, 0.95),
    Aim("resnet152v2-distilled-kaggle4", _OFFICIAL, "accuracy", "test", ALL_SCANS, 0.95),
    Aim("resnet50-distilled-figshare3", "own test", "macro F1", "test", NO_NEAR_DUPLICATE, 0.93),
    Aim("resnet50v2-distilled-44c15", "own test without near-duplicates", "accuracy", "test", NO_NEAR_DUPLICATE, 0.80),
)


def aims() -> str:
    """Return what was aimed at beside what was reached, with the range over the seeds where there are several."""
    rows = []
    for aim in AIMS:
        found, seeds = _reached(aim), by_score(read_seeds(bundle_folder(aim.model)))
        trained = seeds.get((aim.measure, aim.split, aim.subset))
        name = MEASURES[aim.measure].short if aim.measure in MEASURES else aim.measure
        rows.append(
            [
                f"`{aim.model}`",
                f"{aim.words}, {name}, {found.scans:,} scans",
                f"{aim.least:.3f}",
                found.decimal(3),
                over_seeds(trained).decimal(3) if trained else "",
                "yes" if found.value >= aim.least else "no",
            ]
        )
    heads = ["model", "score", "aim", "this model, 95 % interval", "mean of the seeds, lowest to highest", "reached"]
    return markdown_table(heads, rows)


def _reached(aim: Aim) -> Estimate:
    if aim.split in METHODS:
        return Estimate(**read_results("localisation")["models"][aim.model]["methods"][aim.split][aim.measure])
    return models()[aim.model].score(aim.measure, aim.split, aim.subset)


_COLUMNS = ("pointing", "insertion blur", "deletion blur", "road")


def maps_of_generations() -> str:
    """Return how the maps of our own models differ from those of the models before, on the scans that both were shown.

    A method that one of the two was evaluated with in another version is left out.
    """
    stored, _ = evaluations()
    rows = []
    for name in models():
        before = stored.get(name.replace("candor-", "candor-scratch-"))
        if not name.startswith("candor-") or name not in stored or before is None:
            continue
        for method in METHODS:
            if method in before.methods and method in stored[name].methods:
                shared, cells = _changes(before, stored[name], method)
                rows.append([f"`{name}`", METHODS[method].title, str(shared), *cells])
    return markdown_table(["model", "method", "scans", *(MEASURES[measure].short for measure in _COLUMNS)], rows)


def _changes(before: StoredEvaluation, now: StoredEvaluation, method: str) -> tuple[int, list[str]]:
    first, second = ({row.id: row for row in each.annotated(method)} for each in (before, now))
    shared = sorted(first.keys() & second.keys())
    return len(shared), [
        change(
            *(np.array([rows[scan].measures.get(measure, np.nan) for scan in shared]) for rows in (first, second)),
            [second[scan].group for scan in shared],
            MEASURES[measure].high_is_good,
        )
        for measure in _COLUMNS
    ]


def change(before: np.ndarray, now: np.ndarray, groups: list[str], high_is_good: bool) -> str:
    """Return both means of a measure (N,), and the paired difference; "worse" where its 95 % interval says so.

    >>> change(np.zeros(8), np.ones(8), list("abcdefgh"), high_is_good=False)
    '0.00 to 1.00: 1.000 (1.000 to 1.000), **worse**'
    """
    difference = estimate(now - before, groups)
    if difference is None:
        return ""
    both = ~np.isnan(now - before)
    worse = difference.high < 0 if high_is_good else difference.low > 0
    means = f"{before[both].mean():z.2f} to {now[both].mean():z.2f}"
    return f"{means}: {difference.decimal(3)}{', **worse**' * worse}"
