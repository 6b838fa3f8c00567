"""The cases that an unfinished evaluation has scored, explanations.partial.jsonl: a kill loses those in work alone.

The first line says what the values depend on, each other line holds the rows of one case. The file goes once the
tables are written.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from datasets.records import Record
from explain.evaluation.measures import MEASURES
from explain.evaluation.rows import Row
from explain.methods import METHODS
from explain.request import VERSION
from model_zoo import Model, ModelError
from model_zoo.whole_files import append_line, whole_lines
from scans import Scan

PARTIAL = "explanations.partial.jsonl"


def settings_of(
    model: Model,
    cases: Iterable[tuple[Record, Scan, np.ndarray]],
    methods: Sequence[str],
    checked: int,
    *,
    faithfulness: bool,
) -> dict:
    """Return all that the values of an evaluation depend on, as JSON gives it back.

    `cases` are its records, scans and annotations, bool (H, W); `checked` and `faithfulness` are those of `evaluated`.
    """
    settings = {
        "version": VERSION,
        "model": model.card.id,
        "weights": model.card.weights_sha256,
        "input": asdict(model.card.input),
        "tap": model.card.tap,
        "temperature": model.card.temperature,
        "imported": model.card.imported,  # of the same file another mean may be subtracted
        "engine": f"{model.runtime.engine} {model.runtime.precision}",
        "methods": [[name, METHODS[name].version] for name in methods],
        "measures": list(MEASURES),
        "checked": checked,
        "faithfulness": faithfulness,
        "scans": [_digest(*case) for case in cases],
    }
    return json.loads(json.dumps(settings))  # a tuple would differ from the list that the file holds


def _digest(record: Record, scan: Scan, mask: np.ndarray) -> str:
    facts = f"{record.id}\t{record.label}\t{record.group}\t{mask.shape}".encode()
    return hashlib.sha256(facts + scan.key.encode() + np.packbits(mask).tobytes()).hexdigest()[:16]


def scored_cases(path: Path, settings: dict) -> dict[int, list[Row]]:
    """Return the rows of the cases that are in the file, by the case's place; begin the file where there is none.

    A last line that a kill cut short does not count. Raises ModelError on a file that was begun with other settings,
    and on a damaged one; OSError where the file cannot be written.
    """
    try:
        lines = [json.loads(line) for line in whole_lines(path)]
        if not lines:
            append_line(path, json.dumps({"settings": settings}))
            return {}
        begun = lines[0]["settings"]
        rows = {line["case"]: [Row(**row) for row in line["rows"]] for line in lines[1:]}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged ({error}); delete it to begin the evaluation anew") from error
    if differing := [name for name in settings if begun.get(name) != settings[name]]:
        raise ModelError(
            f"{path} holds {len(rows)} cases of an unfinished evaluation with other {' and '.join(differing)}; finish "
            "it with the same command, or give another --out, or delete the file to begin anew"
        )
    return rows


def keep_case(path: Path, place: int, rows: Sequence[Row]) -> None:
    """Add the rows of the case at `place`, from 0, to the file, whole or not at all. Raises OSError on a full disk."""
    append_line(path, json.dumps({"case": place, "rows": [asdict(row) for row in rows]}))
