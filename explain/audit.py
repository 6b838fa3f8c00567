"""The audit log: one line of JSON for each thing that somebody did with Candor, appended and never changed.

A line says when, who, what and with which model on which scan, by digests. It has no room for a patient's name or
number, nor for the name of a file: `record` takes no other facts than those named there.
"""

import json
import logging
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from explain.prediction import Prediction
from explain.request import Request
from model_zoo import Model
from model_zoo.gate import GateResult
from scans import Scan

AUDIT = "CANDOR_AUDIT"  # of the environment: the folder
LOCAL = "local"  # who, where nobody signs in
EVENTS = ("sign-in", "sign-out", "prediction", "explanation", "export", "report", "calibration", "refusal")
PASSED, WITHHELD, ANYWAY = "passed", "withheld", "withheld, predicted all the same"
MOST_BYTES = 64_000_000  # of a file, after which the next one begins

_LONGEST = 200  # characters of a value: a subject may come from elsewhere
_NAME = re.compile(r"audit-(\d{6})\.jsonl")
_LOG = logging.getLogger("candor.audit")


class AuditError(ValueError):
    """A folder that no audit log can be kept in; the sentence says why and what to do."""


class AuditLog:
    """The log in one folder. Any thread, and any number of processes, may append to it; `now` is the clock."""

    def __init__(
        self, folder: Path, most_bytes: int = MOST_BYTES, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Begin, or go on with, the log of a folder. Raises AuditError where no file in it can be written."""
        self.folder, self.most_bytes, self.now = Path(folder), most_bytes, now
        self._lock, self._failed, self._torn = Lock(), False, False
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(self._open())
        except OSError as error:
            raise AuditError(
                f"no audit log can be kept in the folder of {AUDIT} ({error.strerror}); name a folder that Candor may "
                "write to, or leave it out to keep none"
            ) from None

    def write(self, line: dict) -> bool:
        """Append a line with the time (UTC), at once and whole; False where the disk takes none, which is told once.

        A line that a full disk cut off stays alone on its line: nothing that was written is taken back.
        """
        text = json.dumps({"time": self.now().isoformat(timespec="milliseconds")} | line)
        try:
            with self._lock:
                data = f"{chr(10) if self._torn else ''}{text}\n".encode("ascii")
                file = self._open()
                try:
                    written = os.write(file, data)
                finally:
                    os.close(file)
                self._torn = 0 < written < len(data) or (self._torn and written == 0)
                if written < len(data):
                    raise OSError(0, "the disk is full")
        except OSError as error:
            if not self._failed:
                self._failed = True
                _LOG.error("the audit log cannot be written (%s); make room, and it goes on", error.strerror)
            return False
        self._failed = False
        return True

    def _open(self) -> int:
        """Return the file of now, opened for appending only; whoever made it, nobody else may read it."""
        numbers = [int(match[1]) for path in self.folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        number = max(numbers, default=1)
        path = self.folder / f"audit-{number:06}.jsonl"
        if path.exists() and path.stat().st_size >= self.most_bytes:
            path = self.folder / f"audit-{number + 1:06}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        return os.open(path, flags, 0o600)


_kept: AuditLog | None = None


def keep_in(folder: str | Path | None) -> None:
    """Keep the audit log of this process in a folder, or with None or "" keep none. Raises AuditError."""
    global _kept
    _kept = AuditLog(Path(folder)) if folder else None


def is_kept() -> bool:
    """Return whether this process keeps an audit log."""
    return _kept is not None


def record(
    event: str,
    who: str,
    *,
    scan: str = "",
    slice_index: int | None = None,
    slices: int = 0,
    model: str = "",
    weights: str = "",
    predicted: str = "",
    explained: str = "",
    gate: str = "",
    method: str = "",
    export: str = "",
    site_calibration: str = "",
    reason: str = "",
) -> None:
    """Append one line where a log is kept, without the facts that are empty.

    `who` is the subject of a login, the short digest of a token, or LOCAL; `scan` is the sha256 of its file, `weights`
    and `site_calibration` those of theirs; `predicted` and `explained` are class ids, `gate` what `gate_word` says,
    `export` a suffix, and `reason` Candor's own words. Never fails, so that no answer is lost with its line; an
    unknown event is a ValueError.
    """
    if event not in EVENTS:
        raise ValueError(f"{event!r} is no event of the audit log; it has {', '.join(EVENTS)}")
    if _kept is None:
        return
    facts = {
        "event": event,
        "who": who,
        "scan": scan,
        "slice": slice_index,
        "slices": slices,
        "model": model,
        "weights": weights,
        "class": predicted,
        "explained": explained,
        "gate": gate,
        "method": method,
        "export": export,
        "site_calibration": site_calibration,
        "reason": reason,
    }
    short = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in facts.items()}
    _kept.write({name: value for name, value in short.items() if value or (name == "slice" and value is not None)})


def record_prediction(who: str, model: Model, scan: Scan, prediction: Prediction) -> None:
    """Append the line of a prediction."""
    record(
        "prediction",
        who,
        scan=scan.digest,
        slice_index=scan.index,
        model=model.card.id,
        weights=model.card.weights_sha256,
        predicted=model.card.classes[prediction.index],
        gate=gate_word(prediction.gate),
    )


def record_request(event: str, who: str, request: Request, export: str = "") -> None:
    """Append the line of an explanation, or of what is exported of one."""
    card = request.model.card
    record(
        event,
        who,
        scan=request.scan.digest,
        slice_index=request.scan.index,
        model=card.id,
        weights=card.weights_sha256,
        predicted=card.classes[request.prediction.index],
        explained=request.target,
        gate=gate_word(request.prediction.gate),
        method=request.method,
        export=export,
    )


def record_withheld(who: str, scan: Scan, result: GateResult, model: Model | None = None) -> None:
    """Append the line of a prediction that the gate withheld; its reason is the kind of picture that the gate saw."""
    record(
        "refusal",
        who,
        scan=scan.digest,
        slice_index=scan.index,
        model=model.card.id if model else "",
        weights=model.card.weights_sha256 if model else "",
        gate=WITHHELD,
        reason=f"gate: {result.kind}, {result.brain} brain",
    )


def gate_word(result: GateResult) -> str:
    """Return what the gate said of a picture of which there is a prediction."""
    return ANYWAY if result.withheld else PASSED
