"""The scores of one recipe trained with several seeds: how much of a score is chance.

`seeds.csv` of a bundle holds the scores of its own seed and of others, whose bundles need not be kept. The interval of
a score says how far other scans would move it; the range over seeds, how far another training of the same recipe would.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from model_zoo.card import ModelCard, ModelError, read_card
from model_zoo.estimate import Estimate
from model_zoo.markdown import markdown_section, markdown_table
from model_zoo.metrics import MEASURES
from model_zoo.whole_files import read_table, write_whole

SEEDS = "seeds.csv"
# Fields of a recipe that came after the first cards, with what they are where a card lacks them (`train.recipe`).
_UNSET = {
    **dict.fromkeys(("average", "early", "l2", "mix", "paint", "shear", "squash", "where", "look"), 0.0),
    **dict.fromkeys(("bias", "blur", "curve", "filter", "fourier", "invert", "jpeg", "match"), 0.0),
    **dict.fromkeys(("class_weights", "early_size", "frozen_epochs", "split_seed", "whole_batches"), 0),
    **dict.fromkeys(("started_on", "teacher"), ""),
    **{"augment": 1, "cell": 8, "cohorts": "all", "head": "average", "optimizer": "adamw", "pixels": "backbone"},
    **{"schedule": "cosine", "teach": 0.5, "trainable": -1, "weights": "none"},
}


@dataclass(frozen=True)
class SeedRow:
    """One score of the model that was trained with one seed."""

    seed: int
    score: str
    split: str
    subset: str
    value: float
    scans: int


def gather_seeds(folder: Path, others: Sequence[Path]) -> list[SeedRow]:
    """Return the main scores of a bundle and of others that differ in their seed alone.

    A field of the recipe that a card lacks counts as its default. Seeds that its `seeds.csv` already holds stay, but
    for those that `others` give anew. Raises ModelError where another recipe, other scans or the same seed made one of
    them, and where `seeds.csv` is of another model.
    """
    cards = [read_card(each / "card.json") for each in (folder, *others)]
    for card in cards[1:]:
        names = dict.fromkeys([*cards[0].recipe, *card.recipe])
        first, other = (_UNSET | each.recipe for each in (cards[0], card))
        differing = [name for name in names if name != "seed" and first.get(name) != other.get(name)]
        if differing or card.fingerprint != cards[0].fingerprint:
            what = f"with another {differing[0]}" if differing else "with other scans"
            raise ModelError(
                f"a bundle of {card.id} was trained {what}; train the same recipe with `--set seed=N` alone"
            )
    seeds = [int(card.recipe.get("seed", 0)) for card in cards]
    if len(set(seeds)) < len(seeds):
        raise ModelError(f"the seeds are {', '.join(map(str, seeds))}; each must be another")
    if seed_differences(cards[0], folder):
        raise ModelError(
            f"{folder.name}/{SEEDS} has other scores than the card, so that its other seeds are of another model; "
            "delete the file and give the bundles of all seeds"
        )
    kept = [row for row in read_seeds(folder) if row.seed not in seeds]
    rows = kept + [row for seed, card in zip(seeds, cards, strict=True) for row in _rows(card, seed)]
    _require_the_same_scans(cards[0].id, rows)
    return sorted(rows, key=lambda row: row.seed)


def _require_the_same_scans(name: str, rows: Sequence[SeedRow]) -> None:
    """Raise ModelError where a score is not of the same number of scans for every seed."""
    seeds = dict.fromkeys(row.seed for row in rows)
    for (score, split, subset), same in by_score(rows).items():
        scans = {row.seed: row.scans for row in same}
        if len({scans.get(seed) for seed in seeds}) > 1:
            counts = ", ".join(f"{scans.get(seed, 'no')} scans for seed {seed}" for seed in seeds)
            raise ModelError(
                f"{name}: the {score} of {split}, {subset}, is of {counts}; "
                "validate the bundle of each seed on the same data (`python -m train judge`)"
            )


def _rows(card: ModelCard, seed: int) -> list[SeedRow]:
    """Return the scores that a training can move: those of test sets and of other collections, not of one class."""
    return [
        SeedRow(seed, score.name, score.split, score.subset, score.estimate.value, score.estimate.scans)
        for score in card.scores
        if score.name in MEASURES and (score.split == "test" or score.split.startswith("cohort "))
    ]


def write_seeds(folder: Path, rows: Iterable[SeedRow]) -> None:
    """Write `seeds.csv`, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(SeedRow)])
    writer.writerows(astuple(row) for row in rows)
    write_whole(folder / SEEDS, text.getvalue())


def read_seeds(folder: Path) -> list[SeedRow]:
    """Read `seeds.csv`; none where there is no such file. Raises ModelError on any other table."""
    path = folder / SEEDS
    if not path.exists():
        return []
    try:
        lines = list(csv.DictReader(io.StringIO(read_table(path), newline=""), strict=True))
        if not lines:
            raise ValueError("it has no rows")
        kinds = {field.name: field.type for field in fields(SeedRow)}
        return [SeedRow(**{name: kind(line[name]) for name, kind in kinds.items()}) for line in lines]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ModelError(
            f"{folder.name}/{SEEDS} cannot be read as a table ({error}); make it again with `python -m model_zoo seeds`"
        ) from error


def by_score(rows: Iterable[SeedRow]) -> dict[tuple[str, str, str], list[SeedRow]]:
    """Return (score, split, subset) -> its rows, one per seed."""
    found = defaultdict(list)
    for row in rows:
        found[row.score, row.split, row.subset].append(row)
    return dict(found)


def over_seeds(rows: Sequence[SeedRow]) -> Estimate:
    """Return the mean of a score over the seeds; its interval is from the lowest seed to the highest.

    >>> rows = [SeedRow(seed, "accuracy", "test", "all scans", value, 9) for seed, value in enumerate((0.9, 0.93))]
    >>> over_seeds(rows).decimal()
    '0.9150 (0.9000 to 0.9300)'
    """
    values = [row.value for row in rows]
    return Estimate(sum(values) / len(values), min(values), max(values), rows[0].scans)


def seeds_section(card: ModelCard, folder: Path) -> str:
    """Return the section of the model card; "" for a model of one seed."""
    rows = read_seeds(folder)
    if not rows:
        return ""
    seeds = dict.fromkeys(row.seed for row in rows)
    lines = [
        [score, split, subset, f"{same[0].scans:,}", over_seeds(same).decimal()]
        for (score, split, subset), same in by_score(rows).items()
    ]
    return markdown_section(
        "Other seeds",
        f"The same recipe trained with {len(seeds)} seeds ({', '.join(map(str, seeds))}); this model's seed is "
        f"{card.recipe.get('seed', 0)}. Mean, and in brackets the lowest and the highest score.",
        markdown_table(["Score", "Split", "Subset", "Scans", "Mean and range"], lines),
    )


def seed_differences(card: ModelCard, folder: Path) -> list[str]:
    """Return a sentence for each score of `seeds.csv` that is not the card's, of the card's own seed."""
    rows, own = read_seeds(folder), int(card.recipe.get("seed", 0))
    stated = {(row.score, row.split, row.subset): row.value for row in rows if row.seed == own}
    computed = {(row.score, row.split, row.subset): row.value for row in _rows(card, own)} if rows else {}
    return [
        f"{SEEDS} has {' of '.join(key[:2])}, {key[2]}, as {stated.get(key)}; the card says {computed.get(key)}."
        for key in dict.fromkeys([*stated, *computed])
        if stated.get(key) != computed.get(key)
    ]
