"""How much higher does a model score where the slices of a patient may lie on both sides of the split?

    python -m benchmarks.random_slices --out runs     # trains cnn3-figshare3 once more; not again where it is there

The published baseline of figshare's three classes (seed 003) divides slices at random. This is cnn3-figshare3 divided
so, the same recipe otherwise, beside the model that is shipped, whose blocks of neighbouring numbers stay together.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.record import write
from datasets.cards import data_folder
from model_zoo import ModelCard, model_card, read_card
from model_zoo.scores import ALL_SCANS
from train.pipeline import train
from train.recipe import Recipe, find_recipe

OF = "cnn3-figshare3"
RANDOM = {"block": 0}


def main() -> None:
    """Train the recipe on random slices, and write both models' scores on their own test scans."""
    parser = argparse.ArgumentParser(description="The same training on blocks of slices and on random slices.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trained model")
    out = parser.parse_args().out
    recipe, _ = find_recipe(OF)
    cards = {
        f"blocks of {recipe.block} neighbouring slices": model_card(OF),
        "slices at random": _trained(replace(recipe, **RANDOM), out),
    }
    write("random_slices", {"recipe": OF, "set": RANDOM, "divisions": {name: _scores(c) for name, c in cards.items()}})


def _trained(recipe: Recipe, out: Path) -> ModelCard:
    if not (out / OF / "card.json").exists():
        return train(OF, recipe, data_folder(), out, resume=False)
    return read_card(out / OF / "card.json")


def _scores(card: ModelCard) -> dict:
    return {
        "weights": card.weights_sha256,
        "epochs": card.training["epochs"],
        **{split: asdict(card.score("macro F1", split, ALL_SCANS)) for split in ("val", "test")},
    }


if __name__ == "__main__":
    main()
