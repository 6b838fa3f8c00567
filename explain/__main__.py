"""python -m explain SCAN... --model MODEL --method METHOD --out DIR: maps, pictures and a manifest."""

import argparse
import json
import sys
from pathlib import Path

from explain import METHODS, Budget, explain, method, overlay, png, upright
from explain.arguments import choose_slice, unique_stems
from model_zoo import Model, ModelError, load_model
from scans import PLANES, Scan, ScanError, read

ALL = "all"


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, 1 where a scan could not be read, 2 where nothing could be done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["board"]:
        from explain.evaluation.cli import main as board

        return board(arguments[1:])
    if arguments[:1] == ["counterfactual"]:
        from explain.counterfactual.cli import main as counterfactual

        return counterfactual(arguments[1:])
    if arguments[:1] == ["report"]:
        from explain.report.cli import main as report

        return report(arguments[1:])
    return _explain(_parser().parse_args(arguments))


def _explain(options: argparse.Namespace) -> int:
    try:
        Budget(options.seconds)  # refuses what is no time to explain in, before a model is loaded
        options.method = _methods(options.method)
        model = load_model(options.model)
        options.out.mkdir(parents=True, exist_ok=True)
        stems = unique_stems(options.scans)
        entries = [e for path, stem in stems for e in _explain_file(model, path, stem, options)]
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: cannot write to {options.out} ({error.strerror}); choose another --out", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    else:
        for entry in entries:
            print(_line(entry))
    return int(any("error" in entry for entry in entries))


def _methods(asked: list[str]) -> list[str]:
    """Return the ids of the methods, each once, in the order asked; "all" stands for every one."""
    names = [name for each in asked for name in (METHODS if each == ALL else [each])]
    return [method(name).id for name in dict.fromkeys(names)]


def _explain_file(model: Model, path: Path, stem: str, options: argparse.Namespace) -> list[dict]:
    try:
        scan = choose_slice(read(path, plane=options.plane), options.slice)
        return [_explain_scan(model, path, scan, stem, name, options) for name in options.method]
    except ScanError as error:
        return [{"file": str(path), "error": str(error)}]


def _explain_scan(model: Model, path: Path, scan: Scan, stem: str, name: str, options: argparse.Namespace) -> dict:
    explanation = explain(
        model,
        scan,
        name,
        target=options.target,
        engine=options.engine,
        seed=options.seed,
        budget=Budget(options.seconds),
    )
    map_path = explanation.save(options.out, stem)
    picture = upright(overlay(scan.windowed(), explanation.heat), scan.spacing)
    map_path.with_suffix(".png").write_bytes(png(picture))
    return {"file": str(path), "map": str(map_path), "picture": str(map_path.with_suffix(".png"))} | (
        explanation.manifest()
    )


def _line(entry: dict) -> str:
    if "error" in entry:
        return f"{entry['file']}: {entry['error']}"
    notes = "".join(f" ({warning})" for warning in entry["warnings"])
    what = f"{entry['method']} of {entry['target']} (p {entry['probability']:.3f})"
    return f"{entry['file']}: {what} in {entry['map']}{notes}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explain",
        description="Show what a model looked at. A heatmap is evidence about the model, not about the patient.",
        epilog="Three first words are commands of their own, with a --help each: `python -m explain counterfactual` "
        "asks again with a region erased, kept or moved, `python -m explain report` writes a report of each scan, and "
        "`python -m explain board` measures what a method's maps are worth. A scan whose file has such a name is given "
        "as ./board.",
    )
    parser.add_argument("scans", metavar="SCAN", nargs="+", type=Path)
    parser.add_argument("--model", required=True, metavar="MODEL", help="an id from `python -m model_zoo list`")
    parser.add_argument(
        "--method",
        required=True,
        action="append",
        metavar="METHOD",
        help=f"one of {', '.join(METHODS)}, or {ALL}; repeatable",
    )
    parser.add_argument("--target", default="", metavar="CLASS", help="class id to explain; default: its answer")
    parser.add_argument("--engine", default="", help="which implementation of the method; default: the fastest")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="for methods that draw at random")
    parser.add_argument(
        "--seconds",
        type=float,
        default=Budget.seconds,
        metavar="S",
        help="time for each map; what is cut off says so (default: %(default)g)",
    )
    parser.add_argument("--plane", choices=PLANES, default="axial", help="cut through a NIfTI volume")
    parser.add_argument("--slice", type=int, metavar="N", help="slice of a volume, from 0; default: the middle")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON list of manifests")
    return parser


if __name__ == "__main__":
    sys.exit(main())
