"""python -m explain SCAN... --model MODEL --method METHOD --out DIR: maps, pictures and a manifest."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from explain import METHODS, Request, draw, explain, methods_for, png, predict
from explain.arguments import (
    add_anyway_flag,
    add_request_flags,
    add_slice_flags,
    choose_slice,
    print_entries,
    request_settings,
    unique_stems,
)
from explain.explanation import NOT_FOR_DIAGNOSIS
from explain.methods import method_for
from explain.request import check_seconds
from model_zoo import Model, ModelCard, load_model, model_card
from model_zoo.whole_files import write_whole
from scans import ACCEPTED, Scan, ScanError, printable, read_files

ALL = "all"


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, 1 where a scan could not be read, 2 where nothing could be done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = COMMANDS.get(arguments[0]) if arguments else None
    return command()(arguments[1:]) if command else _explain(_parser().parse_args(arguments))


def _evaluate() -> Callable[[list[str]], int]:
    from explain.evaluation.cli import main

    return main


def _counterfactual() -> Callable[[list[str]], int]:
    from explain.counterfactual.cli import main

    return main


def _report() -> Callable[[list[str]], int]:
    from explain.report.cli import main

    return main


def _batch() -> Callable[[list[str]], int]:
    from explain.report.cli import batch

    return batch


def _similar_index() -> Callable[[list[str]], int]:
    from explain.similar.build import main

    return main


def _self_test() -> Callable[[list[str]], int]:
    from explain.self_test import main

    return main


# First words that are commands of their own; each is imported when it is called.
COMMANDS = {
    "batch": _batch,
    "evaluate": _evaluate,
    "counterfactual": _counterfactual,
    "report": _report,
    "self-test": _self_test,
    "similar-index": _similar_index,
}


def _explain(options: argparse.Namespace) -> int:
    def entries() -> list[dict]:
        check_seconds(options.seconds)  # before a model is loaded
        options.method = _methods(options.method, model_card(options.model))
        model = load_model(options.model)
        options.out.mkdir(parents=True, exist_ok=True)
        stems = unique_stems(options.scans)
        found = read_files([path for path, _ in stems], plane=options.plane, stack=options.stack)
        return [
            entry
            for (path, stem), (_, scans) in zip(stems, found, strict=True)
            for entry in _explain_file(model, path, stem, scans, options)
        ]

    return print_entries(entries, _line, options)


def _methods(names: list[str], card: ModelCard) -> list[str]:
    """Return the ids of the methods, each once, in the order given; "all" stands for every one that suits the model."""
    names = [name for each in names for name in (methods_for(card) if each == ALL else [each])]
    return [method_for(name, card).id for name in dict.fromkeys(names)]


def _explain_file(
    model: Model, path: Path, stem: str, scans: list[Scan] | ScanError, options: argparse.Namespace
) -> list[dict]:
    try:
        if isinstance(scans, ScanError):
            raise scans
        scan = choose_slice(scans, options.slice)
        prediction = predict(model, scan, anyway=options.anyway)
        settings = request_settings(options) | {"engine": options.engine, "prediction": prediction}
        requests = [Request(model, scan, name, **settings) for name in options.method]
    except ScanError as error:
        return [{"file": str(path), "error": str(error)}]
    return [_explain_request(request, path, stem, options.out) for request in requests]


def _explain_request(request: Request, path: Path, stem: str, out: Path) -> dict:
    explanation = explain(request)
    picture = out / f"{stem}.{explanation.method}.png"
    write_whole(picture, png(draw(request.scan, explanation).picture))
    map_path = explanation.save(out, stem)  # last: its line in the manifest says that all is there
    return {"file": str(path), "map": str(map_path), "picture": str(picture)} | explanation.manifest()


def _line(entry: dict) -> str:
    if "error" in entry:
        return f"{printable(entry['file'])}: {entry['error']}"
    notes = "".join(f" ({sentence})" for sentence in (*entry["reasons"], *entry["warnings"]))
    heading = f"{entry['method']} of {entry['target']} (p {entry['probability']:.3f})"
    return f"{printable(entry['file'])}: {heading} in {entry['map']} and .png{notes}"


def _parser() -> argparse.ArgumentParser:
    commands = ", ".join(f"`python -m explain {name}`" for name in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="python -m explain",
        description=f"Explain what a model's prediction for a scan rests on. {NOT_FOR_DIAGNOSIS}",
        epilog=f"These are commands of their own, with a --help each: {commands}. Give a scan whose file has such a "
        "name as ./report.",
    )
    parser.add_argument("scans", metavar="SCAN", nargs="+", type=Path, help=f"a file: {ACCEPTED}")
    parser.add_argument("--model", required=True, metavar="MODEL", help="an id from `python -m model_zoo list`")
    parser.add_argument(
        "--method",
        required=True,
        action="append",
        metavar="METHOD",
        help=f"one of {', '.join(METHODS)}, or {ALL}; repeatable",
    )
    add_request_flags(parser)
    parser.add_argument("--engine", default="", help="which implementation of the method; default: the fastest")
    add_slice_flags(parser)
    add_anyway_flag(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON list of manifests")
    return parser


if __name__ == "__main__":
    sys.exit(main())
