"""python -m explain evaluate --model M --data DIR: localisation, faithfulness, stability and sanity of the maps."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
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
from explain.evaluation.store import read_evaluation
from explain.evaluation.unfinished import PARTIAL, keep_case, scored_cases, settings_of
from explain.methods import method_for, methods_for
from model_zoo import Model, ModelError, load_model, model_card
from model_zoo.card_explanations import estimate_text
from model_zoo.card_markdown import write_model_card
from model_zoo.whole_files import refused_write
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
        if options.method:
            _require_same_scans(chosen, out, card.weights_sha256)
        checked = 0 if options.localisation_only else options.checked
        rows = _rows(model, chosen, methods, checked, not options.localisation_only, out)
        write_rows(out / TABLE, beside_other_methods(rows, out, model.card.weights_sha256) if options.method else rows)
        results = write_summary(out, model.card.id, model.card.weights_sha256)
        if out == folder:
            write_model_card(model.card, folder)  # it quotes the summary
        (out / PARTIAL).unlink(missing_ok=True)
    except (ModelError, DatasetError, ScanError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {refused_write(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command continues with the cases that are left", file=sys.stderr)
        return 130
    print("\n".join(as_table(results)))
    return 0


def _rows(
    model: Model, chosen: list[Record], methods: list[str], checked: int, faithfulness: bool, out: Path
) -> list[Row]:
    """Return the rows of all cases, in their order; those of an interrupted run are taken from the file that it left.

    Raises DatasetError or OSError now, not after half an hour, if a scan is broken or `out` is not writable.
    """
    annotated = ((case, *load_annotated(case)) for case in chosen)
    settings = settings_of(model, annotated, methods, checked, faithfulness=faithfulness)
    if not os.access(out, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    scored = scored_cases(out / PARTIAL, settings)
    if scored:
        print(f"{len(scored)} of {len(chosen)} cases were scored before; the others follow", file=sys.stderr)
    for place, rows in evaluated(model, chosen, methods, checked, faithfulness=faithfulness, scored=scored):
        keep_case(out / PARTIAL, place, rows)
        scored[place] = rows
    return [row for place in range(len(chosen)) for row in scored[place]]


def _require_same_scans(chosen: Sequence[Record], folder: Path, weights_sha256: str) -> None:
    """Raise ModelError where the evaluation in `folder` is of these weights and other scans: it would be lost."""
    before = read_evaluation(folder)
    if before is None or before.results.weights != weights_sha256:
        return
    if {row.id for row in before.rows} != {record.id for record in chosen}:
        raise ModelError(
            f"{folder / TABLE} holds {before.results.scans} annotated scans and {before.results.healthy_scans} without "
            "a tumour, and not all are those chosen now, so the rows of other methods could not stay; give the same "
            "--scans and --healthy, or another --out, or leave --method out to evaluate every method anew"
        )


def beside_other_methods(rows: list[Row], folder: Path, weights_sha256: str) -> list[Row]:
    """Return the rows together with those that the evaluation in `folder` holds of other methods on the same scans.

    Only where that is of the same weights, and without methods of another version. A control keeps the measures that
    were not taken again: its map is always the same. Raises ModelError where it is broken.
    """
    before = read_evaluation(folder)
    if before is None or before.results.weights != weights_sha256:
        return rows
    scans = list(dict.fromkeys(row.id for row in rows))
    kept = {(row.id, row.method): row for row in before.rows}
    now = {
        (row.id, row.method): replace(row, measures=kept[row.id, row.method].measures | row.measures)
        if row.control and (row.id, row.method) in kept
        else row
        for row in rows
    }
    order = dict.fromkeys([*(row.method for row in before.rows), *(row.method for row in rows)])
    every = kept | now
    return [every[scan, method] for scan in scans for method in order if (scan, method) in every]


def evaluated(
    model: Model,
    chosen: list[Record],
    methods: list[str],
    checked: int,
    *,
    faithfulness: bool = True,
    scored: Collection[int] = (),
) -> Iterator[tuple[int, list[Row]]]:
    """Yield the place and the rows of each case as soon as it is scored, except of the places that are `scored`.

    The first `checked` of `chosen` get stability and sanity checks.
    """
    left = [place for place in range(len(chosen)) if place not in scored]
    # there are no weights to randomise in an ONNX file
    randomise = model.card.differentiable and any(place < checked for place in left)
    networks = {stage: randomised(model, share) for stage, share in STAGES.items()} if randomise else {}

    def one(place: int) -> tuple[int, list[Row]]:
        check = place < checked
        others = networks if check else {}
        case = chosen[place]
        return place, score_case(model, case, methods, faithfulness=faithfulness, stability=check, randomised=others)

    pool = ThreadPoolExecutor(2)  # one draws masks while the other waits for the model
    try:
        works = as_completed([pool.submit(one, place) for place in left])
        shown = {"total": len(chosen), "initial": len(scored), "desc": model.card.id, "mininterval": 5}
        yield from (work.result() for work in tqdm(works, **shown))
    finally:
        pool.shutdown(cancel_futures=True)


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
        cells = "".join(f"{estimate_text(each, 2) if each else '':>23}" for each in estimates)
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
        description="Evaluate every method's maps against radiologists' boxes, on scans outside the training data. An "
        "interrupted run continues when the same command is given again.",
    )
    parser.add_argument("--model", required=True, metavar="MODEL", help="an id from `python -m model_zoo list`")
    parser.add_argument(
        "--data",
        type=Path,
        default=data_folder(),
        metavar="DIR",
        help="the folder that holds the datasets; default: $CANDOR_DATA, else ./data",
    )
    parser.add_argument(
        "--method",
        action="append",
        metavar="METHOD",
        help="repeatable; default: all. The rows of other methods on the same scans stay",
    )
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
