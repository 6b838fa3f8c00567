"""The folder of reports: which are finished, so that an interrupted run continues, and the index over all of them.

Each file is written whole or not at all. Its name ends in eight digits of a hash of all that the report depends on, so
that scans of the same name never collide and finished reports are not made again. `reports.jsonl` has one line per
report, appended once it is finished; `index.html` lists them all.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import cv2

from explain.evaluation.results import SUMMARY
from explain.explanation import NOT_FOR_DIAGNOSIS
from explain.methods import METHODS
from explain.prediction_text import percent
from explain.render.export import archive
from explain.render.overlay import png
from explain.report.document import cautions_of
from explain.report.html import html, page
from explain.report.parametric_map import parametric_map
from explain.report.pdf import pdf
from explain.report.report_input import ReportInput
from explain.report.secondary_capture import secondary_capture
from explain.report.structured_report import structured_report
from explain.request import VERSION
from explain.similar.index import SIMILAR_INDEX
from explain.similar.known import collections_here
from model_zoo import ModelCard, bundle_folder, read_card
from model_zoo.gate import gate_folder
from model_zoo.whole_files import append_line, remove_parts_of_the_dead, write_whole

MAPS = "maps"
FORMATS = ("html", "pdf", "dicom", "dicom-map", "dicom-sr", MAPS)
LINES, INDEX, THUMBNAILS = "reports.jsonl", "index.html", "thumbnails"

_FIELDS = {"key", "stem", "formats", "files", "thumbnail", "prediction", "probability", "cautions"}  # of a whole line
_THUMBNAIL = 144  # pixels: sharp where shown at 72


def key_of(card: ModelCard, digest: str, settings: dict) -> str:
    """Return the sha256 of all that a report depends on.

    That is the scan's bytes, the card with its scores, the gate, the settings, and what a report quotes beside them:
    how well the methods do, and the similar cases. Raises ModelError on a broken index of these and on a broken gate.
    """
    folder, gate = bundle_folder(card.id), read_card(gate_folder() / "card.json")
    quoted = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (SUMMARY, SIMILAR_INDEX)
        if (folder / name).exists()
    }
    facts = {
        "version": VERSION,
        "formulas": {name: METHODS[name].version for name in sorted(METHODS)},
        "card": asdict(card),
        "gate": {"weights": gate.weights_sha256, "limits": gate.gate},
        "scan": digest,
        "settings": settings,
        "quoted": quoted,
        "collections": collections_here(card),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def name_of(stem: str, key: str) -> str:
    """Return the name of a report's files, without the ending."""
    return f"{stem}-{key[:8]}"


def finished(out: Path, entry: dict | None, key: str, formats: list[str]) -> bool:
    """Return whether `entry` has this key and all its files exist, in all `formats`."""
    if not entry or entry["key"] != key or not set(formats) <= set(entry["formats"]):
        return False
    return all((out / name).exists() for name in [*entry["files"], entry["thumbnail"]])


def entries(out: Path) -> dict[str, dict]:
    """Return the lines of reports.jsonl by name: the last of each report, without a line that a kill cut short.

    Lines in the format before "prediction" and "cautions" are left out, so that their reports are made again.
    """
    try:
        lines = (out / LINES).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    by_name: dict[str, dict] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            if entry.keys() >= _FIELDS:
                by_name[entry["name"]] = entry
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
            continue
    return by_name


def write(
    out: Path, report: ReportInput, data: bytes | None, stem: str, key: str, formats: list[str], identity: bool
) -> dict:
    """Write a report's files and return its line, which marks it as finished once it is kept (`keep`).

    `data` is the DICOM file of its scan, if there is one.
    """
    name = name_of(stem, key)
    made: dict[str, str | bytes] = {}
    if "html" in formats:
        made[f"{name}.html"] = html(report)
    if "pdf" in formats:
        made[f"{name}.pdf"] = pdf(report)
    if "dicom" in formats:
        for each in report.explanations:
            made[f"{name}.{each.method}.dcm"] = secondary_capture(report, each, data, identity)
    if "dicom-map" in formats:
        for each in report.explanations:
            made[f"{name}.{each.method}.map.dcm"] = parametric_map(report, each, data, identity)
    if "dicom-sr" in formats:
        made[f"{name}.sr.dcm"] = structured_report(report, data, identity)
    if MAPS in formats:
        for each in report.explanations:
            picture = png(report.drawing(each).picture)
            made[f"{name}.{each.method}.zip"] = archive(each, picture, report.rendering.facts(report.scan, each))
    (out / THUMBNAILS).mkdir(exist_ok=True)
    small = cv2.resize(report.drawing().picture, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    write_whole(out / THUMBNAILS / f"{name}.png", png(small))
    for file, content in made.items():
        write_whole(out / file, content)
    return _entry(report, name, stem, key) | {"formats": formats, "files": list(made)}


def keep(out: Path, entry: dict, reported: dict[str, dict]) -> bool:
    """Append the line of a report whose files are written, and add it to `reported`, lines by name.

    False, and nothing is appended, where the same report was kept before: two workers made that of one scan, which
    came twice.
    """
    if finished(out, reported.get(entry["name"]), entry["key"], entry["formats"]):
        return False
    append_line(out / LINES, json.dumps(entry, ensure_ascii=False))
    reported[entry["name"]] = entry
    return True


def tidied(out: Path) -> dict[str, dict]:
    """Return `entries`, sorted, after rewriting the file: nothing may be appended to a line that was cut short.

    What a killed run left of files goes, too.
    """
    remove_parts_of_the_dead(out)
    sorted_entries = dict(sorted(entries(out).items(), key=lambda item: (item[1]["stem"], item[0])))
    if sorted_entries:
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in sorted_entries.values()]
        write_whole(out / LINES, "".join(lines))
    return sorted_entries


def write_index(out: Path, refused: list[dict]) -> None:
    """Write the index, and sort reports.jsonl as it is. `refused` are dicts with "stem" and "error"."""
    reports = [entry | {"percent": percent(entry["probability"])} for entry in tidied(out).values()]
    write_whole(out / INDEX, page("index.html", reports=reports, refused=refused, foot=NOT_FOR_DIAGNOSIS))


def _entry(report: ReportInput, name: str, stem: str, key: str) -> dict:
    card, predicted = report.card, report.predicted
    return {
        "name": name,
        "stem": stem,
        "key": key,
        "model": card.id,
        "weights": card.weights_sha256,
        "scan": report.scan.digest,
        "slice": report.scan.index,
        "slices": report.scan.count,
        "class": card.classes[predicted],
        "prediction": card.names[predicted],
        "probability": round(report.probabilities[predicted], 6),
        "probabilities": {label: round(p, 6) for label, p in zip(card.classes, report.probabilities, strict=True)},
        "methods": [each.method for each in report.explanations],
        "cautions": cautions_of(report),
        "date": report.date.isoformat(timespec="seconds"),
        "thumbnail": f"{THUMBNAILS}/{name}.png",
    }
