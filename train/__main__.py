"""python -m train RECIPE | list | audit TASK | download TASK | judge [MODEL ...]: train and validate models."""

import argparse
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from datasets.audit import audit
from datasets.cards import DATASETS, data_folder, dataset_card
from datasets.download import download
from datasets.records import DatasetError
from model_zoo import Model, ModelError, Score, load_model, models
from model_zoo.gate import GATE, GATE_TASK, PLANE, SEQUENCE
from model_zoo.gate_scores import WITHHELD
from model_zoo.metrics import MEASURES
from model_zoo.whole_files import refused_write
from model_zoo.zoo import bundle_folder, zoo_folder
from train.freed_memory import keep_freed_memory
from train.recipe import Recipe, changed, find_recipe, recipe_ids

_NAMED = [f"accuracy of the {named}{fact}" for fact in (PLANE, SEQUENCE) for named in ("", "named ")]
_PRINTED = (*MEASURES, WITHHELD, *_NAMED)  # names of scores


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 with one sentence on what is wrong and what to do."""
    options = _parser().parse_args(arguments)
    try:
        if options.what == "list":
            return list_recipes()
        if options.what == "audit":
            return audit(dataset_card(_task(options.names)), options.data, options.out, across=options.across)
        if options.what == "download":
            return download(dataset_card(_task(options.names)), options.data)
        if options.what == "judge":
            if options.part == "val":
                return print_validation_scores(options.names, options.data)
            return validate_models(options.names, options.data, options.shortcut_tests)
        if options.names:
            raise ValueError(f"train one recipe at a time; {', '.join(options.names)} would be left out")
        recipe, _ = find_recipe(options.what)
        recipe, out = changed(recipe, options.set), options.out or Path("model_zoo")
        _require_writable(out)
        from train.pipeline import train  # here: Keras takes seconds to import, and a list or an audit needs none of it

        card = train(options.what, recipe, options.data, out, resume=options.resume)
    except OSError as error:
        again = "give the same command again, a training with --resume"
        print(f"error: {refused_write(error, again)}", file=sys.stderr)
        return 2
    except (DatasetError, ModelError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print_scores(card.scores)
    _print_next_steps(out / card.id, card.task)
    return 0


def print_scores(scores: Iterable[Score]) -> None:
    """Print the scores of whole splits and by sequence, and the gate's; those of each class are in CARD.md."""
    for score in scores:
        if score.name in _PRINTED:
            estimate = score.estimate
            print(f"{score.split:16} {score.subset:27} {score.name:18} {estimate.decimal()}, {estimate.scans} scans")


def _print_next_steps(bundle: Path, task: str) -> None:
    """Print where the bundle is and how to use it."""
    zoo = "" if bundle.parent.resolve() == zoo_folder().resolve() else f"CANDOR_ZOO={bundle.parent} "
    print(f"\nThe bundle is {bundle}: weights, predictions, history and card (CARD.md). Next:")
    print(f"  {zoo}python -m model_zoo verify    # compares the bundle with its card")
    if task == GATE_TASK:
        return
    if task != "phantom4":
        print(f"  {zoo}python -m train judge {bundle.name}    # external validation and shortcut tests")
        print(f"  {zoo}python -m explain similar-index {bundle.name}    # known scans to show beside a new one")
    print(f"  {zoo}python -m explain self-test {bundle.name}    # what every machine that serves it must compute")
    print(f"  {zoo}make run    # opens it in the app")


def validate_models(names: list[str], data: Path, tests: list[str] | None) -> int:
    """Validate the bundles named, or all but the phantom ones, on every collection; write and print their scores.

    `tests` are the shortcut tests to make, None for all.
    """
    if names == [GATE]:
        from train.gate.training import judge_gate

        print_scores(judge_gate(data).scores)
        return 0
    from train.shortcut_tests import SHORTCUT_TESTS
    from train.validate import validate

    if tests is None:
        tests = list(SHORTCUT_TESTS)
    if unknown := set(tests) - set(SHORTCUT_TESTS):
        raise ValueError(f"no shortcut test {unknown.pop()!r}; there are {', '.join(SHORTCUT_TESTS)}")
    for card in validate(_loaded(names), data, tests=tests):
        print(card.id)
        print_scores(card.scores)
    return 0


def print_validation_scores(names: list[str], data: Path) -> int:
    """Print the scores on the validation scans of every collection, which choices may rest on; write nothing."""
    from train.validate import validation_scores

    for card, scores in validation_scores(_loaded(names), data):
        print(card.id)
        print_scores(scores)
    return 0


def _loaded(names: list[str]) -> list[tuple[Path, Model]]:
    """Return the bundles named, or all but the phantom ones: folder and model."""
    chosen = names or [card.id for card in models().values() if card.task != "phantom4"]
    if GATE in chosen:
        raise ModelError(f"{GATE} is the gate, not a classifier; `python -m train judge {GATE}` alone measures it")
    return [(bundle_folder(name), load_model(name, precision="f32")) for name in chosen]


def _task(names: list[str]) -> str:
    if len(names) != 1:
        raise DatasetError("give one task, such as kaggle4")
    return names[0]


def _require_writable(folder: Path) -> None:
    """Raise OSError now, not after hours of training, where `folder` cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"0")


def list_recipes() -> int:
    """Print one line per recipe: id, network, size in pixels, epochs, first line of its lab notebook."""
    recipes = {recipe_id: find_recipe(recipe_id) for recipe_id in recipe_ids()}
    rows = [("recipe", "network", "size", "epochs", "notebook")] + [
        (recipe_id, recipe.network, str(recipe.size), str(recipe.epochs), notebook.strip().splitlines()[0])
        for recipe_id, (recipe, notebook) in recipes.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *cells, line in rows:
        print("  ".join([*(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=False)), line]))
    return 0


class _OldName(argparse.Action):
    """A switch under its old name, for one release."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        print("note: --no-checks is now --no-shortcut-tests", file=sys.stderr)
        setattr(namespace, self.dest, [])


def _parser() -> argparse.ArgumentParser:
    settings = ", ".join(
        f"{field.name}={field.default}" for field in fields(Recipe) if field.name not in ("task", "network")
    )
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=textwrap.fill(
            f"FIELD of --set, with its default (train/recipe.py explains each): task, network, {settings}", 100
        ),
    )
    parser.add_argument(
        "what",
        metavar="RECIPE",
        help="train and evaluate a recipe; or list (the recipes), audit TASK (near-duplicates and leakage), "
        "download TASK, judge [MODEL ...] (external validation, shortcut and robustness tests)",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"a task ({', '.join(DATASETS)}), or models to validate"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=data_folder(),
        metavar="DIR",
        help="the folder of the datasets, in their publishers' layouts ($CANDOR_DATA, else ./data)",
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
        "--no-shortcut-tests",
        dest="shortcut_tests",
        action="store_const",
        const=[],
        help="judge: external validation only, which is faster",
    )
    parser.add_argument(
        "--shortcut-test",
        dest="shortcut_tests",
        action="append",
        metavar="NAME",
        help="judge: this shortcut test alone; repeatable",
    )
    parser.add_argument(
        "--part",
        choices=("test", "val"),
        default="test",
        help="judge: val prints the scores on the validation scans of all collections, and opens no test set",
    )
    parser.add_argument("--no-checks", dest="shortcut_tests", action=_OldName, nargs=0, help=argparse.SUPPRESS)
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run exactly")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the bundle (default: model_zoo), or for the tables of an audit (datasets/audits/TASK)",
    )
    return parser


if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
