"""Errors as the API answers them: one sentence in a problem document (RFC 9457), whatever went wrong."""

import logging
import re
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api import ROOT
from explain.engine import EngineError
from explain.queue import Busy
from model_zoo import ModelError
from scans import ScanError

MEDIA_TYPE = "application/problem+json"
SOON = 5  # seconds after which a queue that was full is worth another try
_LATER = 30  # the same of an engine that lost its workers
FAILED = "This failed inside Candor itself, and nothing was kept; try again, or choose another method."

_LOG = logging.getLogger("candor.api")
_ROOT = Path(__file__).parents[1]
_OTHERS = {
    404: f"There is nothing at this address; {ROOT}/docs lists what there is.",
    405: f"This address takes other methods; its Allow header and {ROOT}/docs list them.",
}


class Problem(Exception):
    """An answer that is an error: its HTTP status, one sentence, and the seconds after which to try again."""

    def __init__(self, status: int, detail: str, *, retry_after: int = 0, headers: Mapping[str, str] = {}) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = dict(headers) | ({"Retry-After": str(retry_after)} if retry_after else {})

    def response(self) -> JSONResponse:
        """Return the problem document."""
        body = {"title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail}
        return JSONResponse(body, self.status, self.headers, MEDIA_TYPE)


def problem_of(error: BaseException) -> Problem:
    """Return the problem that an exception is answered with; one that nobody expected is noted in the log.

    The sentences of a ScanError, a ModelError and a full queue are those of the app and the command line.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, ScanError | ModelError):
        return Problem(422, sentence_of(error))
    if isinstance(error, EngineError):
        return Problem(503, sentence_of(error), retry_after=_LATER)
    if isinstance(error, Busy):
        return Problem(429, str(error), retry_after=SOON)
    if isinstance(error, RequestValidationError | ValidationError):
        return Problem(422, _first_fault(error.errors()))
    if isinstance(error, HTTPException):
        detail = _OTHERS.get(error.status_code, f"{HTTPStatus(error.status_code).phrase}; see {ROOT}/docs.")
        return Problem(error.status_code, detail, headers=error.headers or {})
    note_failure(error)
    return Problem(500, FAILED)


def sentence_of(error: ScanError | ModelError | EngineError) -> str:
    """Return the sentence of an error with its full stop, which a command prints without."""
    return f"{str(error).rstrip('.')}."


def note_failure(error: BaseException) -> None:
    """Log the kind of an unexpected error and the line that raised it; its message could hold a patient's data."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT)] or frames
    where = f" in {Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
    _LOG.error("%s%s", type(error).__name__, where)


def _first_fault(faults: list) -> str:
    """Return a sentence about the first fault that pydantic found; it does not repeat what was sent."""
    fault = faults[0]
    name = next((str(part) for part in reversed(fault["loc"]) if isinstance(part, str)), "")
    if fault["type"] == "extra_forbidden":
        return f"The form has a field that this address does not know; {ROOT}/docs lists its fields."
    if fault["type"] == "missing":
        return f"The field “{name}” is missing; {ROOT}/docs lists the fields."
    if fault["type"] == "string_pattern_mismatch":  # only the slice has a pattern
        return (
            f"The field “{name}” is not accepted: a slice is a number from 0, of at most six digits, or “all” for each "
            "of them at /predict."
        )
    words = re.sub(r"\s+", " ", fault["msg"]).rstrip(".")
    return f"The field “{name}” is not accepted: {words[:1].lower()}{words[1:]}."


def add_handlers(app: FastAPI) -> None:
    """Let every error of a route be answered with a problem document."""

    async def answer(_: Request, error: Exception) -> JSONResponse:
        return problem_of(error).response()

    for kind in (
        Problem,
        ScanError,
        ModelError,
        EngineError,
        Busy,
        RequestValidationError,
        ValidationError,
        HTTPException,
    ):
        app.add_exception_handler(kind, answer)
