"""What does one change give, all else alike? The first leg of candor-kaggle4, in short and in full, one seed.

    python -m benchmarks.single_changes --out runs     # hours; what is there already is not trained again

Every training of a length has the same scans, seed and schedule; each but the first changes one thing. Scored on
validation scans, those of the Kaggle set, which also chose the epoch, and those of 44c, which no training saw. The
collections are those in $CANDOR_DATA; ImageNet's weights come from the trainer's package.
"""

import argparse
import os
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.record import write
from datasets.cards import data_folder
from model_zoo import ModelCard, load_model, read_card
from model_zoo.comparison import Difference, compare
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.tables import COHORTS, write_cohorts
from train.external import cohort_rows, read_collections, scans_trained_on
from train.pipeline import train
from train.recipe import Recipe, find_recipe

OF = "candor-lite0-kaggle4"
LENGTHS = {  # folder -> in words, and what is set otherwise
    "short": ("6 epochs at 96 px", {"size": 96, "early": 0.0, "early_size": 0, "epochs": 6}),
    "full": ("18 epochs at 128 px, then 160", {}),
}
CHANGES = {  # alike; the first is what the others are compared with
    "as-it-is": ("as it is", {}),
    "without-imitation": (
        "without imitation of other scanners",
        {"curve": 0.0, "invert": 0.0, "match": 0.0, "bias": 0.0},
    ),
}
SETS = {  # title -> split, subset, measure
    "Kaggle, accuracy": ("cohort kaggle", ALL_SCANS, "accuracy"),
    "44c, balanced accuracy": ("cohort 44c", NO_NEAR_DUPLICATE, "balanced accuracy"),
}


def main() -> None:
    """Train what is missing in --out, predict the validation scans, and write the differences."""
    parser = argparse.ArgumentParser(description="Trainings that differ in one thing each.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trained models")
    out = parser.parse_args().out
    os.environ["CANDOR_ZOO"] = str(out)  # the models of this folder are loaded, not those that are shipped
    recipe, _ = find_recipe(OF)
    recipes = {
        (length, change): replace(recipe, evaluate="val", **LENGTHS[length][1] | CHANGES[change][1])
        for length in LENGTHS
        for change in CHANGES
    }
    cards = {place: _trained(_folder(*place), each, out) for place, each in recipes.items()}
    _predict(recipes, out)
    write(
        "single_changes",
        {
            "recipe": OF,
            "seed": recipe.seed,
            "trainings": [_row(*place, card, out) for place, card in cards.items()],
        },
    )


def _folder(length: str, change: str) -> str:
    return f"{length}-{change}"


def _trained(name: str, recipe: Recipe, out: Path) -> ModelCard:
    """Return the card of the model of a recipe, which is trained where it is not there yet."""
    if (out / name / "card.json").exists():
        return read_card(out / name / "card.json")
    return train(name, recipe, data_folder(), out, resume=(out / ".runs" / name).exists())


def _predict(recipes: dict[tuple[str, str], Recipe], out: Path) -> None:
    """Write the probabilities for the validation scans of every collection into each model's folder."""
    collections = read_collections(data_folder())
    for place, recipe in recipes.items():
        model = load_model(_folder(*place), precision="f32")
        rows = cohort_rows(model, collections, scans_trained_on(recipe, collections), "val")
        write_cohorts(out / model.card.id / COHORTS, model.card.classes, rows)


def _row(length: str, change: str, card: ModelCard, out: Path) -> dict:
    base = out / _folder(length, next(iter(CHANGES)))
    found = {(each.split, each.subset, each.measure): each for each in compare(base, out / card.id)}
    return {
        "length": LENGTHS[length][0],
        "training": CHANGES[change][0],
        "set": CHANGES[change][1],
        "weights": card.weights_sha256,
        "best epoch": card.training["best_epoch"],
        "scores": {title: _score(found[key]) for title, key in SETS.items()},
    }


def _score(found: Difference) -> dict:
    return {"score": found.second, "difference": asdict(found.difference)}


if __name__ == "__main__":
    main()
