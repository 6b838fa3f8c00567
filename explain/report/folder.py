"""What has been reported already in a folder, so that a run that was cut off goes on where it was?

Each file is written whole or not at all, and its name ends in eight digits of all that it depends on: two scans of
one name in different folders never meet, and what stands there need not be made again. `reports.jsonl` has a line a
report, appended as it is finished; `index.html` shows them all.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import cv2

from explain.prediction_text import percent
from explain.render.overlay import png
from explain.report.document import NOT_FOR_DIAGNOSIS, cautions_of
from explain.report.html import html, page
from explain.report.pdf import pdf
from explain.report.report_input import ReportInput
from explain.report.secondary_capture import secondary_capture
from explain.request import VERSION
from model_zoo import ModelCard

FORMATS = ("html", "pdf", "dicom")
LINES, INDEX, THUMBNAILS = "reports.jsonl", "index.html", "thumbnails"

_THUMBNAIL = 144  # pixels: sharp at 72 on a fine screen


def key_of(card: ModelCard, digest: str, asked: dict) -> str:
    """Return the sha256 of all that a report depends on: the scan's bytes, the card with its figures, what is asked."""
    facts = {"version": VERSION, "card": asdict(card), "scan": digest, "asked": asked}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def name_of(stem: str, key: str) -> str:
    """Return what a report's files are called, before the ending."""
    return f"{stem}-{key[:8]}"


def finished(out: Path, entry: dict | None, key: str, formats: list[str]) -> bool:
    """True where `entry` is the line of this very question and its files are all there, in all `formats`."""
    if not entry or entry["key"] != key or not set(formats) <= set(entry["formats"]):
        return False
    return all((out / name).exists() for name in [*entry["files"], entry["thumbnail"]])


def entries(out: Path) -> dict[str, dict]:
    """Return the lines of reports.jsonl by name, each report's last, without one that a kill cut short."""
    try:
        lines = (out / LINES).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, dict] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            if entry.keys() >= {"key", "stem", "formats", "files", "thumbnail", "probability"}:
                found[entry["name"]] = entry
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
            continue
    return found


def write(out: Path, report: ReportInput, data: bytes, stem: str, key: str, formats: list[str], identity: bool) -> dict:
    """Write a report's files and its line; return the line. The line comes last: it says that all is there."""
    name = name_of(stem, key)
    made: dict[str, bytes] = {}
    if "html" in formats:
        made[f"{name}.html"] = html(report).encode()
    if "pdf" in formats:
        made[f"{name}.pdf"] = pdf(report)
    if "dicom" in formats:
        for each in report.explanations:
            made[f"{name}.{each.method}.dcm"] = secondary_capture(report, each, data, identity)
    (out / THUMBNAILS).mkdir(exist_ok=True)
    small = cv2.resize(report.drawing().picture, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    _write_whole(out / THUMBNAILS / f"{name}.png", png(small))
    for file, content in made.items():
        _write_whole(out / file, content)
    entry = _entry(report, name, stem, key) | {"formats": formats, "files": list(made)}
    with (out / LINES).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return entry


def tidied(out: Path) -> dict[str, dict]:
    """Return `entries` after writing them anew, a line a report: to half a line nothing can be appended."""
    found = dict(sorted(entries(out).items(), key=lambda item: (item[1]["stem"], item[0])))
    if found:
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in found.values()]
        _write_whole(out / LINES, "".join(lines).encode())
    return found


def write_index(out: Path, refused: list[dict]) -> None:
    """Write the page over all reports, and reports.jsonl in its order. `refused` have "stem" and "error"."""
    found = tidied(out).values()
    shown = [entry | {"percent": percent(entry["probability"])} for entry in found]
    _write_whole(out / INDEX, page("index.html", reports=shown, refused=refused, foot=NOT_FOR_DIAGNOSIS).encode())


def _entry(report: ReportInput, name: str, stem: str, key: str) -> dict:
    card, best = report.card, report.predicted
    return {
        "name": name,
        "stem": stem,
        "key": key,
        "model": card.id,
        "weights": card.weights_sha256,
        "scan": report.scan.digest,
        "slice": report.scan.index,
        "slices": report.scan.count,
        "class": card.classes[best],
        "prediction": card.names[best],
        "probability": round(report.probabilities[best], 6),
        "probabilities": {label: round(p, 6) for label, p in zip(card.classes, report.probabilities, strict=True)},
        "methods": [each.method for each in report.explanations],
        "cautions": cautions_of(report),
        "date": report.date.isoformat(timespec="seconds"),
        "thumbnail": f"{THUMBNAILS}/{name}.png",
    }


def _write_whole(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
