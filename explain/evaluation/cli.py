"""python -m explain evaluate --model M --data DIR: localisation, faithfulness, stability and sanity of the maps."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from datasets.cards import data_folder
from datasets.records import DatasetError, Record, load_annotated
from explain.evaluation.cases import cases, phantom_cases
from explain.evaluation.measures import MEASURES
from explain.evaluation.results import Results, write_summary
from explain.evaluation.rows import TABLE, Row, write_rows
from explain.evaluation.sanity import STAGES, randomised
from explain.evaluation.score import score_case
from explain.methods import method_for, methods_for
from model_zoo import Model, ModelError, load_model, model_card
from model_zoo.card_markdown import write_model_card
from model_zoo.zoo import bundle_folder
from scans import ScanError


def main(arguments: list[str]) -> int:
    """Run the command. Returns 0, or 2 with an error on stderr."""
    options = _parser().parse_args(arguments)
    if options.phantoms and not options.out:
        print("error: --phantoms needs --out DIR: the bundle's own tables are of real scans", file=sys.stderr)
        return 2
    try:
        card = model_card(options.model)
        methods = [method_for(name, card).id for name in options.method or methods_for(card)]
        model = load_model(options.model)
        folder = bundle_folder(model.card.id)
        if options.phantoms:
            chosen = phantom_cases(model.card, options.phantoms)
        else:
            chosen = cases(model.card, folder, options.data, options.scans, options.healthy)
        out = options.out or folder
        out.mkdir(parents=True, exist_ok=True)
        _check(chosen, out)
        checked = 0 if options.localisation_only else options.checked
        rows = list(evaluated(model, chosen, methods, checked, faithfulness=not options.localisation_only))
        write_rows(out / TABLE, rows)
        results = write_summary(out, model.card.id, model.card.weights_sha256)
        if out == folder:
            write_model_card(model.card, folder)  # it quotes the summary
    except (ModelError, DatasetError, ScanError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(as_table(results)))
    return 0


def _check(chosen: list[Record], out: Path) -> None:
    """Raise DatasetError or OSError now, not after half an hour, if a scan is broken or DIR is not writable."""
    for case in chosen:
        load_annotated(case)
    if not os.access(out, os.W_OK):
        raise OSError(f"cannot write into {out}; choose another --out")


def evaluated(
    model: Model, chosen: list[Record], methods: list[str], checked: int, *, faithfulness: bool = True
) -> Iterator[Row]:
    """Yield the rows of every case, in their order; the first `checked` with stability and sanity checks."""
    checked_here = checked and model.card.differentiable  # there are no weights to randomise in an ONNX file
    networks = {stage: randomised(model, share) for stage, share in STAGES.items()} if checked_here else {}

    def one(numbered: tuple[int, Record]) -> list[Row]:
        place, case = numbered
        check = place < checked
        others = networks if check else {}
        return score_case(model, case, methods, faithfulness=faithfulness, stability=check, randomised=others)

    with ThreadPoolExecutor(2) as pool:  # one draws masks while the other waits for the model
        for rows in tqdm(pool.map(one, enumerate(chosen)), total=len(chosen), desc=model.card.id, mininterval=5):
            yield from rows


def as_table(results: Results) -> list[str]:
    """Return the results as the lines of a table for a terminal, controls last."""
    columns = ("pointing", "lift", "energy", "insertion blur", "deletion blur", "road", "seeds", "shifts and noise")
    columns = [*columns, "sanity all"]
    lines = [
        f"{results.model}: {results.scans} annotated scans outside the training data, {results.groups} groups",
        f"{'':22}" + "".join(f"{MEASURES[column].short:>23}" for column in columns),
    ]
    for name, result in sorted(results.methods.items(), key=lambda item: item[1].control):
        estimates = [result.estimates.get(column) for column in columns]
        cells = "".join(f"{each.decimal(2) if each else '':>23}" for each in estimates)
        lines.append(f"{name:22}{cells}{'  fails' if result.fails_sanity else ''}")
    return lines


def _at_least(fewest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.lstrip("-").isdigit() or int(text) < fewest:
            raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number from {fewest} up")
        return int(text)

    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explain evaluate",
        description="Evaluate every method's maps against radiologists' boxes, on scans outside the training data.",
    )
    parser.add_argument("--model", required=True, metavar="MODEL", help="an id from `python -m model_zoo list`")
    parser.add_argument(
        "--data",
        type=Path,
        default=data_folder(),
        metavar="DIR",
        help="the folder that holds the datasets; default: $CANDOR_DATA, else ./data",
    )
    parser.add_argument("--method", action="append", metavar="METHOD", help="repeatable; default: all")
    parser.add_argument("--scans", type=_at_least(1), default=200, metavar="N", help="annotated scans at most (200)")
    parser.add_argument("--healthy", type=_at_least(0), default=20, metavar="N", help="scans without a tumour (20)")
    parser.add_argument(
        "--checked",
        type=_at_least(0),
        default=8,
        metavar="N",
        help="how many of them also for stability and sanity (8)",
    )
    parser.add_argument(
        "--localisation-only",
        action="store_true",
        help="where the maps lie, and no more: the model predicts for the maps alone, which a large one is slow at",
    )
    parser.add_argument(
        "--phantoms",
        type=_at_least(0),
        default=0,
        metavar="N",
        help="evaluate on N phantoms, whose lesions are known to the pixel, instead; needs no data, but --out",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables; default: the bundle's folder")
    return parser
