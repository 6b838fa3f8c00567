"""python -m explain report SCAN... --model MODEL --out DIR: a report per scan, and an index of all of them."""

import argparse
import hashlib
import sys
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from explain.arguments import add_anyway_flag, add_request_flags, add_slice_flags, choose_slice, request_settings
from explain.methods import METHODS
from explain.prediction import predict
from explain.prediction_text import percent
from explain.report.folder import FORMATS, INDEX, finished, key_of, name_of, tidied, write, write_index
from explain.report.report_input import DEFAULT_METHODS, methods_of_report, report_of
from explain.request import Request, check_seconds, explain
from model_zoo import Model, ModelError, load_model, model_card
from model_zoo.whole_files import refused_write
from scans import MAX_BYTES, Scan, ScanError, printable, read, read_files


def main(arguments: list[str]) -> int:
    """Run the command. Returns 0, 1 where some scans could not be read, 2 where nothing could be done."""
    options = _parser().parse_args(arguments)
    options.format = list(dict.fromkeys(options.format or ("html", "pdf")))
    try:
        check_seconds(options.seconds)  # before a model is loaded
        card = model_card(options.model)
        options.method = methods_of_report(options.method or (), card)
        model = load_model(options.model)
        if options.target and options.target not in model.card.classes:
            raise ModelError(f"no class {options.target[:40]!r}; {options.model} has {', '.join(model.card.classes)}")
        options.out.mkdir(parents=True, exist_ok=True)
        return _run(model, _files(options.scans, options.out), options)
    except ModelError as error:
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


def _run(model: Model, files: list[Path], options: argparse.Namespace) -> int:
    """Write the reports that are not there yet. The index is written even when interrupted."""
    if not files:
        print("error: no file found in what was given; give scans, or folders that hold some", file=sys.stderr)
        return 2
    refused, made, kept = [], 0, 0
    reported = tidied(options.out)
    read = read_files(files, plane=options.plane, stack=options.stack)
    bar = tqdm(read, total=len(files), unit="scan", disable=None)  # None: no bar where stderr is a file
    try:
        for number, (path, found) in enumerate(bar, start=1):
            try:
                entry, new = _report(model, path, found, reported, options)
            except ScanError as error:
                shown = printable(path.name) if options.file_names else f"file {number} of {len(files)}"
                refused.append({"stem": shown, "error": str(error)})
                bar.write(f"{printable(path)}: {error}")
                continue
            made, kept = made + new, kept + (not new)
            prediction = f"{entry['prediction']}, {percent(entry['probability'])}"
            bar.write(f"{printable(path)}: {prediction} in {entry['name']}{'' if new else ' (already there)'}")
    finally:
        bar.close()
        write_index(options.out, refused)
    print(f"{made} written, {kept} already there, {len(refused)} could not be read. {options.out / INDEX}")
    return 0 if not refused else 1 if made or kept else 2


def _report(
    model: Model,
    path: Path,
    found: list[Scan] | ScanError,
    reported: dict[str, dict],
    options: argparse.Namespace,
) -> tuple[dict, bool]:
    """Return the entry of a file's report, and whether it was made now; adds it to `reported`, entries by name.

    `found` is what the file was read as. Raises ScanError on a file that is not a scan.
    """
    if isinstance(found, ScanError):
        raise found
    scan, data = choose_slice(found, options.slice), _bytes(path)
    settings = {
        "methods": options.method,
        **request_settings(options),
        "scan": scan.key,
        **({"anyway": True} if options.anyway else {}),  # not else: the reports that are there stay valid
        "identity": options.identity,
    }
    key = key_of(model.card, hashlib.sha256(data).hexdigest(), settings)
    stem = _stem(path) if options.file_names else "scan"
    name, formats = name_of(stem, key), options.format
    if name in reported:
        if finished(options.out, reported[name], key, formats):
            return reported[name], False
        formats = list(dict.fromkeys([*reported[name]["formats"], *formats]))
    prediction = predict(model, scan, anyway=options.anyway)
    choices = request_settings(options) | {"prediction": prediction}
    requests = [Request(model, scan, name, **choices) for name in options.method]
    report = report_of(requests, [explain(request) for request in requests], datetime.now().replace(microsecond=0))
    reported[name] = write(options.out, report, data, stem, key, formats, options.identity)
    return reported[name], True


def _bytes(path: Path) -> bytes:
    """Return a file's bytes. Raises ScanError, by `read`, on what is too large, not a file or cannot be opened."""
    try:
        if path.is_file() and 0 < path.stat().st_size <= MAX_BYTES:
            return path.read_bytes()
    except OSError:
        pass
    read(path)
    raise ScanError("This is a pipe or a device; save the scan as a file first.")


def _stem(path: Path) -> str:
    name = printable(path.name)
    stem = name.removesuffix(".gz").rsplit(".", 1)[0] or name or "scan"
    return stem.encode()[:160].decode(errors="ignore")  # key, method and ending follow, in 255 bytes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explain report",
        description="Report a model's prediction for each scan, with explanations. An interrupted run continues when "
        "started again. Reports and their index hold no file name and no patient data; which report is of which file "
        "is printed.",
    )
    parser.add_argument("scans", metavar="SCAN", nargs="+", type=Path, help="a file, or a folder and all in it")
    parser.add_argument("--model", required=True, metavar="MODEL", help="an id from `python -m model_zoo list`")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--method",
        action="append",
        metavar="METHOD",
        help=f"one of {', '.join(METHODS)}; repeatable; default: {' and '.join(DEFAULT_METHODS)}",
    )
    parser.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        help="repeatable; default: html and pdf; dicom is a Secondary Capture, dicom-map a Parametric Map, dicom-sr a "
        "Structured Report",
    )
    add_request_flags(parser)
    add_slice_flags(parser)
    add_anyway_flag(parser)
    parser.add_argument(
        "--file-names",
        action="store_true",
        help="name reports after their files, and name these in the index, although many hold a patient's name",
    )
    parser.add_argument(
        "--identity",
        action="store_true",
        help="copy the patient's name, number and dates into DICOM files, as an archive requires; default: no",
    )
    return parser
