"""python -m explain report SCAN... --model MODEL --out DIR: a report per scan, and an index of all of them.

`python -m explain batch` is the same for very many scans: the maps and their manifests, without documents and index.
"""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from explain.arguments import (
    add_anyway_flag,
    add_engine_flags,
    add_request_flags,
    add_slice_flags,
    request_settings,
    started_engine,
)
from explain.engine import Engine, EngineError
from explain.methods import METHODS
from explain.prediction_text import percent
from explain.report.file_report import File, FileReport, beside_others
from explain.report.folder import FORMATS, INDEX, LINES, MAPS, keep, tidied, write_index
from explain.report.report_input import DEFAULT_METHODS, methods_of_report
from explain.request import check_seconds
from model_zoo import Model, ModelError, load_model, model_card
from model_zoo.whole_files import refused_write
from scans import ScanError, printable


def main(arguments: list[str]) -> int:
    """Run `report`. Returns 0, 1 where some scans could not be read, 2 where nothing could be done."""
    return _main(_report_parser(), arguments)


def batch(arguments: list[str]) -> int:
    """Run `batch`: maps alone, and no index, which would be too long to open. Returns as `main` does."""
    return _main(_batch_parser(), arguments)


def _main(parser: argparse.ArgumentParser, arguments: list[str]) -> int:
    options = parser.parse_args(arguments)
    options.format = list(dict.fromkeys(options.format or ("html", "pdf")))
    try:
        check_seconds(options.seconds)  # before a model is loaded
        card = model_card(options.model)
        options.method = methods_of_report(options.method or (), card)
        model = load_model(options.model)
        if options.target and options.target not in model.card.classes:
            raise ModelError(f"no class {options.target[:40]!r}; {options.model} has {', '.join(model.card.classes)}")
        with started_engine(options) as engine:
            options.out.mkdir(parents=True, exist_ok=True)
            return _run(engine, model, _files(options.scans, options.out), options)
    except (ModelError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {refused_write(error)}", file=sys.stderr)
    return 2


def _files(given: list[Path], out: Path) -> list[Path]:
    """Return the given files, and all files in the given folders, except hidden ones and the reports in `out`."""
    files: list[Path] = []
    for path in given:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.is_dir() or hidden or out.resolve() in file.resolve().parents:
                continue
            files.append(file)
    return list(dict.fromkeys(files))


def _run(engine: Engine, model: Model, files: list[Path], options: argparse.Namespace) -> int:
    """Write the reports that are not there yet. The index is written even when interrupted."""
    if not files:
        print("error: no file found in what was given; give scans, or folders that hold some", file=sys.stderr)
        return 2
    refused, made, kept = [], 0, 0
    reported = tidied(options.out)
    work = FileReport(
        model,
        options.out.absolute(),
        tuple(options.method),
        tuple(options.format),
        request_settings(options),
        options.plane,
        options.stack,
        options.slice,
        options.anyway,
        options.identity,
        options.file_names,
        reported,
    )
    beside = beside_others(engine, files, options.plane, options.stack)
    given = (File(path.absolute(), beside.get(path), datetime.now().replace(microsecond=0)) for path in files)
    bar = tqdm(files, unit="scan", disable=None)  # None: no bar where stderr is a file
    results = engine.map(work, given)
    try:
        for number, (path, result) in enumerate(zip(bar, results, strict=True), start=1):
            if isinstance(result, ScanError):
                shown = printable(path.name) if options.file_names else f"file {number} of {len(files)}"
                refused.append({"stem": shown, "error": str(result)})
                bar.write(f"{printable(path)}: {result}")
                continue
            entry, new = result
            new = new and keep(options.out, entry, reported)
            made, kept = made + new, kept + (not new)
            prediction = f"{entry['prediction']}, {percent(entry['probability'])}"
            bar.write(f"{printable(path)}: {prediction} in {entry['name']}{'' if new else ' (already there)'}")
    finally:
        bar.close()
        results.close()  # cancels what is left
        if options.index:
            write_index(options.out, refused)
    where = options.out / (INDEX if options.index else LINES)
    print(f"{made} written, {kept} already there, {len(refused)} could not be read. {where}")
    return 0 if not refused else 1 if made or kept else 2


def _report_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explain report",
        description="Report a model's prediction for each scan, with explanations. An interrupted run continues when "
        "started again. Reports and their index hold no file name and no patient data; which report is of which file "
        "is printed.",
    )
    _add_flags(parser)
    parser.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        help="repeatable; default: html and pdf; dicom is a Secondary Capture, dicom-map a Parametric Map, dicom-sr a "
        "Structured Report, maps a ZIP of each map with its manifest and picture",
    )
    parser.add_argument(
        "--identity",
        action="store_true",
        help="copy the patient's name, number and dates into DICOM files, as an archive requires; default: no",
    )
    parser.set_defaults(index=True)
    return parser


def _batch_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explain batch",
        description="Explain very many scans: a ZIP of each map with its manifest and picture, and a line of each scan "
        f"in {LINES}. An interrupted run continues when started again. Neither names a file; which result is of "
        "which file is printed.",
    )
    _add_flags(parser)
    parser.set_defaults(index=False, identity=False, format=[MAPS])
    return parser


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scans", metavar="SCAN", nargs="+", type=Path, help="a file, or a folder and all in it")
    parser.add_argument("--model", required=True, metavar="MODEL", help="an id from `python -m model_zoo list`")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--method",
        action="append",
        metavar="METHOD",
        help=f"one of {', '.join(METHODS)}; repeatable; default: {' and '.join(DEFAULT_METHODS)}",
    )
    add_request_flags(parser)
    add_slice_flags(parser)
    add_anyway_flag(parser)
    parser.add_argument(
        "--file-names",
        action="store_true",
        help="name results after their files, and name these in the index, although many hold a patient's name",
    )
    add_engine_flags(parser)
