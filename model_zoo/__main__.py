"""The command line of the zoo: list the models, predict with one, verify and write the cards.

python -m model_zoo list | predict MODEL SCAN... | calibrate MODEL | compare FIRST SECOND | verify | recompute | cards
                    | seeds MODEL FOLDER... | shelve FOLDER... | import FILE
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from model_zoo import Model, ModelCard, ModelError, broken_models, import_command, load_model, models, read_card
from model_zoo.card_markdown import CARD, write_model_card
from model_zoo.comparison import compare
from model_zoo.gate import check_picture
from model_zoo.labelled_scans import labelled_scans
from model_zoo.prediction_entry import prediction_entry
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE
from model_zoo.seeds import by_score, gather_seeds, over_seeds, write_seeds
from model_zoo.site_calibration import (
    calibrate,
    calibrated,
    promises,
    read_calibration,
    write_calibration,
)
from model_zoo.verify import bundle_folders, checked, differences, recompute, shelve
from model_zoo.whole_files import refused_write
from scans import PLANES, Scan, ScanError, printable, read_files


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, 1 where a scan is unreadable or a card does not hold, 2 where nothing was done."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "list":
            return list_models(options.json)
        if options.command == "predict":
            found = read_files(options.scans, plane=options.plane, stack=options.stack)
            model = load_model(options.model)
            if options.calibration:
                model = calibrated(model, read_calibration(options.calibration))
            return predict(model, found, options.json, anyway=options.anyway)
        if options.command == "calibrate":
            return calibrate_to_site(options.model, options.data, options.out, options.site)
        if options.command == "compare":
            return print_comparison(options.first, options.second)
        if options.command == "seeds":
            return keep_seeds(bundle_folders([options.model])[0], options.folders)
        if options.command == "import":
            return import_command.run(options)
        if options.command == "shelve":
            return shelve_all(options.folders)
        if options.command in RENAMED:
            print(f"note: `{options.command}` is now `{RENAMED[options.command]}`", file=sys.stderr)
        command = RENAMED.get(options.command, options.command)
        return MAINTENANCE[command](bundle_folders(options.models))
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {refused_write(error)}", file=sys.stderr)
        return 2


def list_models(as_json: bool) -> int:
    """Print every bundle with its accuracy on its own test set: all scans, and without near-duplicates."""
    cards, broken = models(), broken_models()
    for name, sentence in broken.items():
        print(f"error: {name} is left out: {sentence}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(card) for card in cards.values()], indent=2, ensure_ascii=False))
        return int(bool(broken))
    for card in cards.values():
        print(f"{card.id:17} {len(card.classes):2} classes {card.parameters:>11,} parameters  {_accuracies(card)}")
    return int(bool(broken))


def _accuracies(card: ModelCard) -> str:
    subsets = ((ALL_SCANS, "own test set"), (NO_NEAR_DUPLICATE, "without near-duplicates"))
    accuracies = {title: card.score("accuracy", "test", subset) for subset, title in subsets}
    parts = [f"{title} {accuracy.decimal(3)}" for title, accuracy in accuracies.items() if accuracy]
    return f"accuracy: {', '.join(parts)}" if parts else "accuracy not measured"


def predict(
    model: Model, files: Iterable[tuple[Path, list[Scan] | ScanError]], as_json: bool, *, anyway: bool = False
) -> int:
    """Print one prediction per scan or slice, the sentence where it is withheld, and an error per unreadable file."""
    entries = [entry for path, scans in files for entry in _entries(model, path, scans, anyway)]
    if as_json:
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    else:
        for entry in entries:
            print(_line(entry))
    return int(any("error" in entry and "slice" not in entry for entry in entries))


def calibrate_to_site(model_id: str, data: Path, out: Path, site: str) -> int:
    """Calibrate a model to a site's labelled scans, write the file and print what it promises."""
    model = load_model(model_id)
    found = labelled_scans(data, model.card)
    site = site.strip() or data.resolve().name
    calibration = calibrate(model, [scan for scan, _ in found], [label for _, label in found], site)
    write_calibration(out, calibration)
    temperatures = f"temperature {calibration.temperature:g} (the model's own: {model.card.temperature:g})"
    print(f"{model_id}, calibrated to {calibration.site}: {temperatures}; {len(found)} scans")
    for line in promises(calibration):
        print(f"  {line}")
    print(f"written: {out}; use it with `python -m model_zoo predict {model_id} SCAN --calibration {out}`")
    return 0


def verify(folders: list[Path]) -> int:
    """Print one line per bundle, and a sentence for every number that does not follow from its files."""
    failed = 0
    for folder in folders:
        problems = differences(folder)
        count = "1 difference" if len(problems) == 1 else f"{len(problems)} differences"
        print(f"{folder.name}: {count}" if problems else f"{folder.name}: holds ({checked(folder)})")
        for sentence in problems:
            print(f"  {sentence}")
        failed += bool(problems)
    return int(failed > 0)


def recompute_all(folders: list[Path]) -> int:
    """Compute the scores of every bundle again, into its card and its Markdown."""
    for folder in folders:
        print(f"{folder.name}: {recompute(folder)} scores added, changed or dropped, {CARD} written")
    return 0


def print_comparison(first: str, second: str) -> int:
    """Print by how much the second model is better than the first, on every set of scans that both predicted."""
    differences = compare(_bundle(first), _bundle(second))
    if not differences:
        raise ModelError(
            f"{first} and {second} predicted no test scan of the same name, so nothing can be compared; evaluate both "
            "on the same version of the dataset"
        )
    for found in differences:
        where = f"{found.split}, {found.subset}".removesuffix(f", {ALL_SCANS}")
        change = (
            f"{found.first:.4f} to {found.second:.4f}: {found.difference.decimal()}, {found.difference.scans:,} scans"
        )
        print(f"{where:45} {found.measure:17} {change}, {found.gained} gained, {found.lost} lost")
    return 0


def _bundle(name: str) -> Path:
    """Return the folder of a model of the zoo, or of a bundle elsewhere by its path."""
    return Path(name) if (Path(name) / "card.json").exists() else bundle_folders([name])[0]


def keep_seeds(folder: Path, others: list[Path]) -> int:
    """Keep the scores of other seeds' bundles beside a model's own and those kept before; print mean and range."""
    rows = gather_seeds(folder, others)
    write_seeds(folder, rows)
    write_model_card(read_card(folder / "card.json"), folder)
    for (score, split, subset), same in by_score(rows).items():
        print(f"{split:16} {subset:27} {score:18} {over_seeds(same).decimal()}")
    return 0


def shelve_all(folders: list[Path]) -> int:
    """Keep the cards and tables of bundles of other folders, without their weights."""
    for folder in folders:
        print(f"{folder.name}: card and tables kept in {shelve(folder)}")
    return 0


def write_cards(folders: list[Path]) -> int:
    """Write every bundle's model card in Markdown, with the scores of its card.json."""
    for folder in folders:
        write_model_card(read_card(folder / "card.json"), folder)
        print(f"{folder.name}: {CARD} written")
    return 0


# command -> what it does with the named bundles, or with all
MAINTENANCE = {"verify": verify, "recompute": recompute_all, "cards": write_cards}
RENAMED = {"refigure": "recompute"}  # old name -> new name; for one release


def _entries(model: Model, path: Path, scans: list[Scan] | ScanError, anyway: bool) -> list[dict]:
    if isinstance(scans, ScanError):
        return [{"file": str(path), "error": str(scans)}]
    results = [None if scan.not_assessable else check_picture(scan) for scan in scans]
    asked = [number for number, result in enumerate(results) if result and (anyway or not result.withheld)]
    p = model.finite(model.classify([scans[number] for number in asked]))
    predicted = dict(zip(asked, p, strict=True))
    return [
        {"file": str(path)} | prediction_entry(model, scan, result, predicted.get(number))
        for number, (scan, result) in enumerate(zip(scans, results, strict=True))
    ]


def _line(entry: dict) -> str:
    name = printable(entry["file"]) + (f" slice {entry['slice']}" if "slice" in entry else "")
    if sentence := entry.get("error") or entry.get("withheld"):
        return f"{name}: {sentence}"
    ranked = sorted(entry["probabilities"].items(), key=lambda pair: -pair[1])
    reasons = "".join(f" ({reason})" for reason in entry.get("reasons", ()))
    inside = "" if entry["set"] is None else f"; at {entry['set_level']} %: {' or '.join(entry['set']) or 'no class'}"
    return f"{name}: " + ", ".join(f"{label} {p:.3f}" for label, p in ranked) + inside + reasons


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_zoo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the models, with their accuracy on their own test sets")
    listing.add_argument("--json", action="store_true", help="whole cards, as a JSON list")
    predicting = commands.add_parser("predict", help="a model's prediction for scans; not for diagnosis")
    predicting.add_argument("model", metavar="MODEL")
    predicting.add_argument("scans", metavar="SCAN", nargs="+", type=Path)
    predicting.add_argument("--plane", choices=PLANES, default="axial", help="plane through a volume such as NIfTI")
    predicting.add_argument("--stack", default="", metavar="NAME", help="stack of a file that holds several")
    predicting.add_argument("--calibration", type=Path, metavar="FILE", help="of a site, made by `calibrate`")
    predicting.add_argument("--json", action="store_true", help="one JSON list")
    predicting.add_argument("--anyway", action="store_true", help="predict what would be withheld, too; it is marked")
    calibrating = commands.add_parser("calibrate", help="temperature and conformal sets from a site's labelled scans")
    calibrating.add_argument("model", metavar="MODEL")
    calibrating.add_argument("--data", type=Path, required=True, metavar="DIR", help="one folder of scans per class")
    calibrating.add_argument("--out", type=Path, required=True, metavar="FILE", help="the calibration, as JSON")
    calibrating.add_argument("--site", default="", metavar="NAME", help="default: the name of DIR")
    comparing = commands.add_parser("compare", help="by how much a second model is better, with paired intervals")
    for which in ("first", "second"):
        comparing.add_argument(which, metavar=which.upper(), help="a model of the zoo, or the folder of a bundle")
    seeding = commands.add_parser("seeds", help="keep the scores of the same recipe with other seeds")
    seeding.add_argument("model", metavar="MODEL")
    seeding.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="a bundle trained with another seed")
    importing = commands.add_parser("import", help="an ONNX or Keras classifier that somebody else made, as a bundle")
    import_command.add_flags(importing)
    shelving = commands.add_parser("shelve", help="keep a bundle's card and tables, without its weights")
    shelving.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="a bundle trained elsewhere (--out)")
    for command, description in (
        ("verify", "compute every score of every card again from the stored predictions, and check the weights"),
        ("recompute", "correct the scores of the cards, and their Markdown"),
        ("cards", "write every bundle's model card, CARD.md"),
        *((old, f"old name of {new}") for old, new in RENAMED.items()),
    ):
        maintenance = commands.add_parser(command, help=description)
        maintenance.add_argument("models", metavar="MODEL", nargs="*", help="default: all")
    return parser


if __name__ == "__main__":
    sys.exit(main())
