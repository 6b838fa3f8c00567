"""python -m model_zoo: which models are there, what do they say about these scans, and do their cards hold?

python -m model_zoo list | predict MODEL SCAN... | verify | refigure | cards | shelve FOLDER...
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from model_zoo import Model, ModelError, load_model, models, read_card
from model_zoo.card_markdown import CARD, write_model_card
from model_zoo.verify import bundle_folders, checked, differences, refigure, shelve
from scans import PLANES, ScanError, read


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, 1 where a scan is unreadable or a card does not hold, 2 where nothing was done."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "list":
            return list_models(options.json)
        if options.command == "predict":
            return predict(load_model(options.model), options.scans, options.plane, options.json)
        if options.command == "shelve":
            return shelve_all(options.folders)
        return KEEPING[options.command](bundle_folders(options.models))
    except (ModelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def list_models(as_json: bool) -> int:
    """Print every bundle with its official test accuracy."""
    cards = models()
    if as_json:
        print(json.dumps([asdict(card) for card in cards.values()], indent=2, ensure_ascii=False))
        return 0
    for card in cards.values():
        accuracy = card.score("accuracy", "test")
        score = accuracy.decimal(3) if accuracy else "not measured"
        print(f"{card.id:24} {len(card.classes):2} classes  {card.parameters:>11,} weights  test accuracy {score}")
    return 0


def predict(model: Model, paths: list[Path], plane: str, as_json: bool) -> int:
    """Print one answer a scan, or a slice; an unreadable file gets its sentence and the others still answer."""
    entries = [entry for path in paths for entry in _entries(model, path, plane)]
    if as_json:
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    else:
        for entry in entries:
            print(_line(entry))
    return int(any("error" in entry and "slice" not in entry for entry in entries))


def verify(folders: list[Path]) -> int:
    """Print one line a bundle, and a sentence for every number that its files do not bear out."""
    failed = 0
    for folder in folders:
        found = differences(folder)
        count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
        print(f"{folder.name}: {count}" if found else f"{folder.name}: holds ({checked(folder)})")
        for sentence in found:
            print(f"  {sentence}")
        failed += bool(found)
    return int(failed > 0)


def refigure_all(folders: list[Path]) -> int:
    """Compute the figures of every bundle again, into its card and its Markdown."""
    for folder in folders:
        print(f"{folder.name}: {refigure(folder)} figures added, changed or dropped, {CARD} written")
    return 0


def shelve_all(folders: list[Path]) -> int:
    """Keep what was measured of bundles elsewhere, without their weights."""
    for folder in folders:
        print(f"{folder.name}: card and tables kept in {shelve(folder)}")
    return 0


def write_cards(folders: list[Path]) -> int:
    """Write every bundle's model card in Markdown; its figures are taken as they stand."""
    for folder in folders:
        write_model_card(read_card(folder / "card.json"), folder)
        print(f"{folder.name}: {CARD} written")
    return 0


# command -> what it does with the bundles named, or with all
KEEPING = {"verify": verify, "refigure": refigure_all, "cards": write_cards}


def _entries(model: Model, path: Path, plane: str) -> list[dict]:
    try:
        scans = read(path, plane=plane)
    except ScanError as error:
        return [{"file": str(path), "error": str(error)}]
    answers = model.classify(scans)
    return [_entry(model, path, scan, p) for scan, p in zip(scans, answers, strict=True)]


def _entry(model: Model, path: Path, scan, p) -> dict:
    where = {"file": str(path)} | ({"slice": scan.index} if scan.count > 1 else {})
    if scan.blank:  # the outermost slices of a volume: an answer about nothing would look like one
        return where | {"error": "This slice is blank (every pixel has the same value)."}
    by_class = {name: round(float(x), 6) for name, x in zip(model.card.classes, p, strict=True)}
    return where | {"model": model.card.id, "class": model.card.classes[p.argmax()], "probabilities": by_class}


def _line(entry: dict) -> str:
    name = entry["file"] + (f" slice {entry['slice']}" if "slice" in entry else "")
    if "error" in entry:
        return f"{name}: {entry['error']}"
    ranked = sorted(entry["probabilities"].items(), key=lambda pair: -pair[1])
    return f"{name}: " + ", ".join(f"{label} {p:.3f}" for label, p in ranked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_zoo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the models, with their measured accuracy")
    listing.add_argument("--json", action="store_true", help="whole cards, as a JSON list")
    predicting = commands.add_parser("predict", help="what a model says about scans; not for diagnosis")
    predicting.add_argument("model", metavar="MODEL")
    predicting.add_argument("scans", metavar="SCAN", nargs="+", type=Path)
    predicting.add_argument("--plane", choices=PLANES, default="axial", help="cut through a NIfTI volume")
    predicting.add_argument("--json", action="store_true", help="one JSON list")
    shelving = commands.add_parser("shelve", help="keep a bundle's card and tables, without its weights")
    shelving.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="a bundle trained elsewhere (--out)")
    for command, told in (
        ("verify", "compute every figure of every card again from the stored answers, and check the weights"),
        ("refigure", "put the figures of the cards right, and their Markdown"),
        ("cards", "write every bundle's model card, CARD.md"),
    ):
        keeping = commands.add_parser(command, help=told)
        keeping.add_argument("models", metavar="MODEL", nargs="*", help="all, where none is named")
    return parser


if __name__ == "__main__":
    sys.exit(main())
