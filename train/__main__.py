"""python -m train list | audit TASK | download TASK | judge [MODEL ...] | RECIPE: train a model, and judge it."""

import argparse
import errno
import os
import sys
import tempfile
from pathlib import Path

from datasets.audit import audit
from datasets.cards import DATASETS, data_folder, dataset_card
from datasets.download import download
from datasets.records import DatasetError
from model_zoo import ModelCard, ModelError, load_model, models
from model_zoo.zoo import zoo_folder
from train.recipe import changed, find_recipe, recipe_ids


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 with one sentence on what was seen and what to do."""
    options = _parser().parse_args(arguments)
    try:
        if options.what == "list":
            return list_recipes()
        if options.what == "audit":
            return audit(dataset_card(_task(options.names)), options.data, options.out, across=options.across)
        if options.what == "download":
            return download(dataset_card(_task(options.names)), options.data)
        if options.what == "judge":
            return judge_models(options.names, options.data, checks=not options.no_checks)
        recipe, _ = find_recipe(options.what)
        recipe, out = changed(recipe, options.set), options.out or Path("model_zoo")
        _try_to_write(out)
        from train.pipeline import train  # here: Keras takes seconds to import, and a list or an audit needs none of it

        card = train(options.what, recipe, options.data, out, resume=options.resume)
    except OSError as error:
        print(f"error: {_told(error)}", file=sys.stderr)
        return 2
    except (DatasetError, ModelError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print_scores(card)
    return 0


def print_scores(card: ModelCard) -> None:
    """Print the scores of whole splits; those of each class and sequence are in the bundle's CARD.md."""
    for score in card.scores:
        if score.name in ("accuracy", "balanced accuracy", "macro F1"):
            estimate = score.estimate
            print(f"{score.split:16} {score.subset:27} {score.name:18} {estimate.decimal()}, {estimate.scans} scans")


def judge_models(names: list[str], data: Path, *, checks: bool = True) -> int:
    """Judge the bundles named, or all that know patients, on every collection; write and print their figures."""
    from train.validate import judge

    chosen = names or [card.id for card in models().values() if card.task != "phantom4"]
    loaded = [(zoo_folder() / name, load_model(name, precision="f32")) for name in chosen]
    for card in judge(loaded, data, checks=checks):
        print(card.id)
        print_scores(card)
    return 0


def _task(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ""


def _try_to_write(folder: Path) -> None:
    """Raise OSError now, not after hours of training, where nothing can be written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"0")


def _told(error: OSError) -> str:
    """Say in one sentence what the system refused and what to do."""
    place = f" {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        seen = os.strerror(error.errno)  # HDF5 puts a page of its own into error.strerror
        return (
            f"the disk is full ({seen}){place}; what was saved before is whole: make room and give the same command "
            "again, a training with --resume"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return f"{error.strerror}:{place}; give a folder that can be written as --out, or change its permissions"
    return f"{error.strerror or error}{':' if place else ''}{place}"


def list_recipes() -> int:
    """Print every recipe with the first line of its lab notebook."""
    for recipe_id in recipe_ids():
        print(f"{recipe_id:24} {find_recipe(recipe_id)[1].strip().splitlines()[0]}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument(
        "what", metavar="RECIPE", help="a recipe, or: list, audit TASK, download TASK, judge [MODEL ...]"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"a task ({', '.join(DATASETS)}), or models to judge")
    parser.add_argument(
        "--data",
        type=Path,
        default=data_folder(),
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
    parser.add_argument("--across", action="store_true", help="audit: compare with the other datasets in --data too")
    parser.add_argument(
        "--no-checks", action="store_true", help="judge: the other collections alone, not whether it cheats: faster"
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run exactly")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where the bundle goes (model_zoo), or the tables of an audit (datasets/audits/TASK)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
