"""python -m train list | audit TASK | RECIPE: which recipes are there, what leaks, train one."""

import argparse
import os
import sys
from pathlib import Path

from model_zoo import ModelError
from train.audit import audit
from train.datasets import DATASETS, dataset_card
from train.download import download
from train.recipe import changed, find_recipe, recipe_ids
from train.records import DatasetError
from train.run import train


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 with one sentence on what was seen and what to do."""
    options = _parser().parse_args(arguments)
    try:
        if options.what == "list":
            return list_recipes()
        if options.what == "audit":
            return audit(dataset_card(options.task or ""), options.data)
        if options.what == "download":
            return download(dataset_card(options.task or ""), options.data)
        recipe, _ = find_recipe(options.what)
        card = train(options.what, changed(recipe, options.set), options.data, options.out, resume=options.resume)
    except (DatasetError, ModelError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for figure in card.figures:
        print(
            f"{figure.split:5} {figure.subset:20} {figure.name:18} {figure.value:.4f} "
            f"({figure.low:.4f} to {figure.high:.4f}), {figure.scans} scans"
        )
    return 0


def list_recipes() -> int:
    """Print every recipe with the first line of its lab notebook."""
    for recipe_id in recipe_ids():
        print(f"{recipe_id:24} {find_recipe(recipe_id)[1].strip().splitlines()[0]}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("what", metavar="RECIPE", help="a recipe, or: list, audit TASK, download TASK")
    parser.add_argument("task", nargs="?", metavar="TASK", help=f"one of {', '.join(DATASETS)}")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("CANDOR_DATA") or "data"),
        metavar="DIR",
        help="the folder that holds the datasets in their publishers' layouts ($CANDOR_DATA, else ./data)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the recipe; repeatable",
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run exactly")
    parser.add_argument(
        "--out", type=Path, default=Path("model_zoo"), metavar="DIR", help="where the bundle goes (model_zoo)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
