"""python -m explain counterfactual SCAN --model MODEL --box ROW,COLUMN,HEIGHT,WIDTH --out DIR: interventions."""

import argparse
import json
from pathlib import Path

import numpy as np

from explain.arguments import add_anyway_flag, add_slice_flags, choose_slice, print_entries, unique_stems
from explain.counterfactual import ACTIONS, Counterfactual, counterfactuals
from explain.render.overlay import gray, png, upright
from model_zoo import load_model
from model_zoo.prediction_set import ANYWAY
from model_zoo.whole_files import append_line, write_whole
from scans import Box, Scan, ScanError, printable, read


def main(arguments: list[str]) -> int:
    """Run the command. Returns 0, 1 if the scan or the region cannot be used, 2 on any other error."""
    options = _parser().parse_args(_negative_kept(arguments))
    actions = tuple(dict.fromkeys(options.action or (("erase", "keep", "move") if options.to else ("erase", "keep"))))

    def entries() -> list[dict]:
        model = load_model(options.model)
        options.out.mkdir(parents=True, exist_ok=True)
        try:
            scan = choose_slice(read(options.scan, plane=options.plane, stack=options.stack), options.slice)
            results = counterfactuals(
                model, scan, options.box, actions=actions, offset=options.to, anyway=options.anyway
            )
            return [_saved(each, options.scan, options.out) for each in results]
        except ScanError as error:
            return [{"file": str(options.scan), "error": str(error)}]

    return print_entries(entries, _line, options)


def _saved(result: Counterfactual, path: Path, out: Path) -> dict:
    """Write the changed picture and a line of counterfactuals.jsonl; return the entry."""
    stem = unique_stems([path])[0][1]
    picture = out / f"{stem}.{result.action}-{result.picture.digest[:8]}.png"  # each region has a picture of its own
    write_whole(picture, png(gray(_in_own_pixels(result.picture))))
    line = json.dumps({"picture": picture.name} | result.manifest(), ensure_ascii=False)
    append_line(out / "counterfactuals.jsonl", line)
    return {"file": str(path), "picture": str(picture)} | result.manifest()


def _in_own_pixels(scan: Scan) -> np.ndarray:
    """Return the scan pixel by pixel, so that it can be used again; stretched if pixels are not square."""
    tall, wide = (side * mm / min(scan.spacing) for side, mm in zip(scan.shape, scan.spacing, strict=True))
    return upright(scan.windowed(), scan.spacing, round(min(max(tall, wide), 4 * max(scan.shape))))


def _line(entry: dict) -> str:
    if "error" in entry:
        return f"{printable(entry['file'])}: {entry['error']}"
    control = f"\n  control: {entry['control']['sentence']}" if entry["control"] else ""
    withheld = f" ({ANYWAY} {entry['withheld']})" if entry["withheld"] else ""
    return f"{printable(entry['file'])}: {entry['sentence']}{withheld}{control}"


def _negative_kept(arguments: list[str]) -> list[str]:
    """Return the arguments with `--to -10,20` as `--to=-10,20`: argparse takes the former for an option."""
    kept: list[str] = []
    for argument in arguments:
        if kept and kept[-1] in ("--to", "--box") and argument.startswith("-"):
            argument = f"{kept.pop()}={argument}"
        kept.append(argument)
    return kept


def _whole_numbers(text: str, names: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != len(names.split(",")):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {names}, whole numbers of pixels with commas between")
    return numbers


def _box(text: str) -> Box:
    row, column, height, width = _whole_numbers(text, "ROW,COLUMN,HEIGHT,WIDTH")
    return Box(row, column, row + height, column + width)


def _offset(text: str) -> tuple[int, ...]:
    return _whole_numbers(text, "ROWS,COLUMNS")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explain counterfactual",
        description="Predict again with a region removed, kept alone or moved, and, as a control, with the same "
        "change to a control region. The result is evidence about the model, "
        "not about the patient.",
    )
    parser.add_argument("scan", metavar="SCAN", type=Path)
    parser.add_argument("--model", required=True, metavar="MODEL", help="an id from `python -m model_zoo list`")
    parser.add_argument(
        "--box",
        required=True,
        type=_box,
        metavar="ROW,COLUMN,HEIGHT,WIDTH",
        help="the region, in pixels of the scan as uploaded, from 0,0 at the top left",
    )
    parser.add_argument(
        "--action",
        action="append",
        choices=ACTIONS,
        help="repeatable; default: erase and keep, and move if --to is given",
    )
    parser.add_argument("--to", type=_offset, metavar="ROWS,COLUMNS", help="how far down and right to move the region")
    add_slice_flags(parser)
    add_anyway_flag(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON list of manifests")
    return parser
