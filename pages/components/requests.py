"""Work in the queue as a page sees it: what is finished, how far the rest is, and what is no longer wanted.

A page hands over all that it wants at once, by names of its own, and gets what is there: a result, the progress, or
the sentence on why there is none. Of the rest, no more than a few stand in the queue at a time, so that one user's
wishes do not fill it; what a page no longer wants is released.
"""

import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from time import monotonic

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dicomweb import PacsError
from explain import Request
from explain.cache import CACHE, submit
from explain.queue import LIVE, SLOW, Busy, Job, Work
from model_zoo import ModelError
from pages.components import scan_states
from pages.components.audited import note_explanation
from pages.components.state import PageState, Section, state
from scans import ScanError

FAILED = "This failed inside Candor itself, and nothing was kept. Try again, choose another method, or reload the page."
POLL = 0.5  # seconds between two looks at the progress of work
# Seconds between two redraws of a part with all its pictures: a browser on the server's own machine takes time
# from the maps with each.
REDRAW = 1.0
UPLOADS, FETCHED = "uploads", "fetched"  # the sections of files that are being read, and fetched from a PACS
QUEUED = "queued"  # wanted, but not in the queue yet

_RESULTS = 64  # results of other work that a session keeps, some kB each


@dataclass(frozen=True, eq=False)
class OtherWork:
    """Slow work that is no explanation, by a key made of all that its result depends on."""

    key: str
    work: Work
    lane: str = SLOW


@dataclass(frozen=True, eq=False)
class Status:
    """What is there of a request. `state` is "done", "failed", "cancelled", "waiting", "running" or "queued"."""

    state: str
    result: object = None
    error: str = ""  # one sentence, where it failed, or where the queue had no room
    job: Job | None = None

    @property
    def pending(self) -> bool:
        """True where looking again later is worth it."""
        return self.state in (*LIVE, QUEUED)


def collect(
    wanted: Mapping[Hashable, Request | OtherWork], section: str, *, limit: int = 2, at_once: float = 0.0
) -> dict[Hashable, Status]:
    """Return the status of every request, and submit the next ones, in their order.

    `section` names the part of the page; what was wanted there before and is not now is released. `limit` is how many
    of them stand in the queue at once, `at_once` the seconds to wait for what has been submitted.
    """
    session = state()
    here = session.sections.setdefault(section, Section())
    here.wanted = {each.key for each in wanted.values()}
    here.cancelled &= here.wanted
    for key in set(here.jobs) - here.wanted:
        _release(session, here, key)
    until = monotonic() + at_once
    return {name: _status(session, here, each, limit, until) for name, each in wanted.items()}


def cancel(section: str) -> None:
    """Stop all that is pending in a part of the page."""
    session = state()
    here = session.sections.setdefault(section, Section())
    here.cancelled |= here.wanted
    for key in list(here.jobs):
        _release(session, here, key)


def release(section: str = "") -> None:
    """Give up what a part of the page waits for, and forget what failed or was cancelled there.

    For "" that is every part of the page; uploads are read on, and a series is fetched on.
    """
    session = state()
    for name in [section] if section else set(session.sections) - {UPLOADS, FETCHED}:
        here = session.sections.pop(name, Section())
        for key in list(here.jobs):
            _release(session, here, key)


def enter_page(page: str) -> None:
    """Release all that the page before waited for, if this is another one.

    Its upload field is a new one, which is empty: what is missing there was not removed.
    """
    if state().page != page:
        release()
        state().page, state().in_field = page, set()


def draw_as_ready(
    wanted: Mapping[Hashable, Request | OtherWork],
    section: str,
    draw: Callable[[dict[Hashable, Status]], None],
    *,
    limit: int = 2,
) -> None:
    """Call `draw` with the statuses, and again by itself while some are pending; then the page runs once more."""
    pending = any(status.pending for status in collect(wanted, section, limit=limit).values())
    st.fragment(_draw, run_every=REDRAW if pending else None)(wanted, section, draw, limit, pending)


def _draw(wanted, section: str, draw, limit: int, pending: bool) -> None:
    statuses = collect(wanted, section, limit=limit)
    draw(statuses)
    if pending and not any(status.pending for status in statuses.values()):
        st.rerun()


def _status(session: PageState, here: Section, wanted: Request | OtherWork, limit: int, until: float) -> Status:
    key = wanted.key
    explanation = CACHE.get(key) if isinstance(wanted, Request) else None
    if explanation or key in session.results:
        _release(session, here, key)
        if isinstance(wanted, Request):
            _note(wanted)
        return Status("done", explanation or session.results[key])
    if key in here.errors:
        return Status("failed", error=here.errors[key])
    if key in here.cancelled:
        return Status("cancelled")
    job = here.jobs.get(key)
    if job is None or job.state == "cancelled":  # the latter: dropped, for nobody looked at the page
        if sum(other.state in LIVE for other in here.jobs.values()) >= limit:
            return Status(QUEUED)
        try:
            if isinstance(wanted, Request):
                job = submit(session.queue, wanted, session.user, _connected())
            else:
                job = session.queue.submit(key, wanted.work, session.user, _connected(), wanted.lane)
            here.jobs[key] = job
        except Busy as error:
            return Status(QUEUED, error=str(error))
    job.wait(max(0.0, until - monotonic()))
    session.queue.look(key, session.user)  # the user is there, and a finished job need not be kept for them
    if job.state in LIVE:
        return Status(job.state, job=job)
    del here.jobs[key]
    if job.error is not None:
        return _failed(here, key, job.error)
    if job.state != "done":
        return Status(QUEUED)
    if isinstance(wanted, OtherWork):
        _keep(session, key, job.result)
    else:
        _note(wanted)
    return Status("done", job.result)


def _note(shown: Request) -> None:
    note_explanation(shown)
    scan_states.note(shown.scan, scan_states.EXPLAINED)


def _keep(session: PageState, key: str, result: object) -> None:
    session.results[key] = result
    for old in list(session.results)[:-_RESULTS]:
        del session.results[old]


def _failed(here: Section, key: str, error: BaseException) -> Status:
    if not isinstance(error, ModelError | ScanError | PacsError):
        logging.getLogger("candor").error("a request failed", exc_info=error)
        error = ModelError(FAILED)
    here.errors[key] = str(error)
    return Status("failed", error=str(error))


def _release(session: PageState, here: Section, key: str) -> None:
    if here.jobs.pop(key, None) and not any(key in section.jobs for section in session.sections.values()):
        session.queue.cancel(key, session.user)


def _connected() -> Callable[[], bool]:
    """Return what tells, from any thread, whether this session's browser is still connected."""
    context = get_script_run_ctx()
    session = context.session_id if context else ""
    return lambda: not Runtime.exists() or Runtime.instance().is_active_session(session)
