"""The jobs that clients asked for, with their results: bounded in number, bytes and time.

The queue forgets a finished job once its user has looked; a client may come back later and more than once. So the API
keeps its jobs here, each for the user who submitted it: the same file may give two users the same id, and neither sees
what the other did.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from threading import Lock

from api.limits import Limits
from api.problems import FAILED, Problem, note_failure, sentence_of
from explain import Explanation, Rendering, Request
from explain.cache import CACHE, Explain, explained, submit
from explain.captions import progress_text
from explain.engine import EngineError
from explain.queue import LIVE, SLOW, Job, Queue
from explain.refinement import Cancelled
from explain.report.report_input import ReportInput, report_of
from model_zoo import ModelError
from scans import ScanError

EXPLANATION, REPORT = "explanation", "report"
STATES = QUEUED, RUNNING, DONE, FAILED_STATE, CANCELLED = "queued", "running", "done", "failed", "cancelled"

_LATER = 30  # seconds after which a server without room is worth another try
_DOCUMENTS = 8_000_000  # bytes set aside for the PDF and the HTML of a report


@dataclass(frozen=True)
class Report:
    """The documents of a report."""

    pdf: bytes
    html: bytes


@dataclass(eq=False)
class Kept:
    """A job of one user. `requests` are those of its maps; `data` is the DICOM file that the scan came from, or None.

    `job` is None where the result was there before; then `made` holds it.
    """

    id: str
    kind: str  # EXPLANATION or REPORT
    user: str
    requests: tuple[Request, ...]
    data: bytes | None
    job: Job | None = None
    made: Explanation | Report | None = None
    created: datetime = field(default_factory=lambda: datetime.now().astimezone().replace(microsecond=0))
    seen: float = 0.0
    withdrawn: bool = False  # cancelled by this user
    noted: bool = False  # its failure is in the log

    @property
    def state(self) -> str:
        """Return "queued", "running", "done", "failed" or "cancelled"."""
        if self.withdrawn:
            return CANCELLED
        if self.made is not None or self.job is None:
            return DONE
        return QUEUED if self.job.state == "waiting" else self.job.state

    @property
    def live(self) -> bool:
        """True until the job is over."""
        return not self.withdrawn and self.job is not None and self.job.state in LIVE

    @property
    def result(self) -> Explanation | Report:
        """The result. Raises Problem (409) where there is none."""
        if self.state == DONE:
            return self.made if self.made is not None else self.job.result
        if self.state == FAILED_STATE:
            raise Problem(409, self.error)
        reason = "was cancelled; submit it again" if self.state == CANCELLED else f"is {self.state}; ask again later"
        raise Problem(409, f"This job {reason}.")

    @property
    def error(self) -> str:
        """The sentence on why the job failed, "" where it did not."""
        error = self.job.error if self.job else None
        if error is None:
            return ""
        if isinstance(error, ModelError | ScanError | EngineError):
            return sentence_of(error)
        if not self.noted:
            self.noted = True
            note_failure(error)
        return FAILED

    @property
    def progress(self) -> float:
        """How much is done, in [0, 1]: that of the effort or of the time limit, whichever is more."""
        if self.state == DONE:
            return 1.0
        share, limit = self.job.progress, sum(request.seconds for request in self.requests)
        return progress_text(share, self.job.seconds, limit)[0] if self.state == "running" else share

    @property
    def bytes(self) -> int:
        """Return what it may hold: the file, its scan and network inputs, the maps, the documents."""
        first = self.requests[0]
        maps = len(self.requests) * first.scan.pixels.nbytes
        documents = _DOCUMENTS if self.kind == REPORT else 0
        return len(self.data or b"") + first.scan.pixels.nbytes + first.prediction.square.nbytes + maps + documents

    def report_input(self, explanations: Sequence[Explanation], rendering: Rendering | None = None) -> ReportInput:
        """Return the input of a report, a sheet or a DICOM file of its maps, with the date of the job."""
        return report_of(self.requests, explanations, self.created, rendering)


class Jobs:
    """All jobs by user and id. Any thread may use it; `now` is the clock."""

    def __init__(
        self,
        queue: Queue,
        limits: Limits,
        now: Callable[[], float] = time.monotonic,
        elsewhere: Explain | None = None,  # `Engine.explain`
    ) -> None:
        self.queue, self.limits, self.now, self.elsewhere = queue, limits, now, elsewhere
        self._lock = Lock()
        self._kept: dict[tuple[str, str], Kept] = {}  # the least recently looked at first

    def explanation(self, user: str, request: Request, data: bytes | None) -> Kept:
        """Return the job that explains a request, the one there is or a new one. Raises Busy and Problem (413, 503)."""
        new = Kept(request.key, EXPLANATION, user, (request,), data)
        return self._join(new, lambda present: submit(self.queue, request, user, present, self.elsewhere))

    def report(self, user: str, requests: Sequence[Request], data: bytes | None) -> Kept:
        """Return the same for the report of some requests about one scan, in the order of the maps."""
        key = sha256(" ".join([REPORT, *(request.key for request in requests)]).encode()).hexdigest()
        new = Kept(key, REPORT, user, tuple(requests), data)
        work = _report_work(new, self.elsewhere)
        return self._join(new, lambda present: self.queue.submit(key, work, user, present, SLOW))

    def find(self, user: str, job_id: str) -> Kept:
        """Return a job of this user. Raises Problem (404)."""
        with self._lock:
            return self._find(user, job_id)

    def cancel(self, user: str, job_id: str) -> None:
        """Cancel a job that is live, and forget one that is over. Raises Problem (404)."""
        with self._lock:  # to the end: else it could be submitted again meanwhile, and the new job would be cancelled
            kept = self._find(user, job_id)
            if kept.live:
                kept.withdrawn = True  # where others wait for the same, the job itself goes on
                self.queue.cancel(job_id, user)
            else:
                self._drop(kept)

    def forget_old(self) -> None:
        """Forget the jobs that nobody has looked at for long; cancels those that are live."""
        with self._lock:
            self._forget_old()

    def all(self) -> list[Kept]:
        """Return all jobs."""
        with self._lock:
            return list(self._kept.values())

    @property
    def bytes(self) -> int:
        """How much all jobs may hold."""
        return sum(kept.bytes for kept in self.all())

    def _join(self, new: Kept, start: Callable[[Callable[[], bool]], Job]) -> Kept:
        place = new.user, new.id
        with self._lock:
            self._forget_old()
            old = self._kept.get(place)
            if old is not None and old.state not in (FAILED_STATE, CANCELLED):
                self._look(old)
                return old
            self._require_room(new)
            if new.kind == EXPLANATION and (made := CACHE.get(new.id)):
                new.made = made
            else:
                # As long as the job is kept, its user counts as present: nobody polls for ever.
                new.job = start(lambda: self._kept.get(place) is new)
            self._kept.pop(place, None)
            self._make_room(new.bytes)  # now that it is accepted: no result is lost for a job that is refused
            self._kept[place] = new
            self._look(new)
            return new

    # All methods below are called with the lock held.

    def _find(self, user: str, job_id: str) -> Kept:
        self._forget_old()
        kept = self._kept.get((user, job_id))
        if kept is None:
            raise Problem(404, "There is no such job; it was never submitted, or it was forgotten since.")
        self._look(kept)
        return kept

    def _look(self, kept: Kept) -> None:
        kept.seen = self.now()
        self._kept[kept.user, kept.id] = self._kept.pop((kept.user, kept.id))
        self.queue.look(kept.id, kept.user)  # a finished job need not be kept there

    def _require_room(self, new: Kept) -> None:
        """Raise Problem where a job is larger than all that is kept (413), or the live jobs leave no room (503)."""
        most = self.limits.jobs_bytes
        if new.bytes > most:
            raise Problem(
                413,
                f"This request needs {new.bytes / 1e6:,.0f} MB, and this server keeps {most / 1e6:,.0f} MB for all "
                "jobs; ask for fewer methods, or send a smaller scan.",
            )
        live = [kept.bytes for kept in self._kept.values() if kept.live]
        if len(live) >= self.limits.jobs or sum(live) + new.bytes > most:
            raise Problem(
                503,
                f"The jobs in progress take all that this server keeps ({self.limits.jobs} jobs, {most / 1e6:,.0f} "
                "MB); try again in a minute.",
                retry_after=_LATER,
            )

    def _make_room(self, needed: int) -> None:
        held = sum(kept.bytes for kept in self._kept.values())
        for kept in list(self._kept.values()):
            if len(self._kept) < self.limits.jobs and held + needed <= self.limits.jobs_bytes:
                return
            if not kept.live:
                held -= kept.bytes
                self._drop(kept)

    def _forget_old(self) -> None:
        oldest = self.now() - self.limits.jobs_seconds
        for kept in list(self._kept.values()):
            if kept.seen < oldest:
                self._drop(kept)

    def _drop(self, kept: Kept) -> None:
        del self._kept[kept.user, kept.id]
        self.queue.cancel(kept.id, kept.user)


def _report_work(kept: Kept, elsewhere: Explain | None):
    """Return the work that explains each request of a report and writes its documents."""

    def work(progress, cancelled) -> Report:
        from explain.report.html import html  # fontTools takes a moment to load
        from explain.report.pdf import pdf

        steps, explanations = len(kept.requests) + 2, []
        for number, request in enumerate(kept.requests):
            explanations.append(explained(request, partial(_part, progress, number, steps), cancelled, elsewhere))
            progress((number + 1) / steps)
        report = kept.report_input(explanations)
        documents = []
        for make in (pdf, html):
            if cancelled():
                raise Cancelled
            documents.append(make(report))
            progress((len(explanations) + len(documents)) / steps)
        return Report(documents[0], documents[1].encode())

    return work


def _part(progress: Callable[[float], object], number: int, steps: int, share: float) -> None:
    progress((number + share) / steps)
