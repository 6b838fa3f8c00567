"""Which explanations does this reader wait for, how far is each, and which are no longer wanted?

A page asks for all that it wants at once, by a name of its own for each question, and gets what is there: a map, how
far it is, or the sentence on why it cannot be. What was asked before is there at once. Of the rest, no more than a
few stand in the queue at a time, so that one reader's wishes do not fill it; what a page no longer wants is left.
"""

import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explain import METHODS, Budget, Explanation, explain
from explain.cache import CACHE, question_key
from explain.job import LIVE, Job
from explain.queue import QUEUE, QUICK, Busy, queue_for
from model_zoo import Model, ModelError
from scans import Scan, ScanError

FAILED = "This explanation failed inside Candor itself, and nothing was kept. Try another method, or reload the page."
POLL = 0.5  # seconds


@dataclass(frozen=True)
class Choice:
    """What a reader asks of a model about a scan. `target` is a class id, "" for the class the model gives."""

    target: str
    method: str
    engine: str
    seed: int
    seconds: float

    @staticmethod
    def usual(method: str, target: str = "") -> "Choice":
        """Return a method as it comes: its fast engine, the first seed, the usual budget."""
        return Choice(target, method, next(iter(METHODS[method].engines)), 0, float(Budget.seconds))


@dataclass(frozen=True, eq=False)
class Wanted:
    """One question: `target` is the class id explained, whatever `choice` leaves open."""

    model: Model
    scan: Scan
    choice: Choice
    target: str

    @property
    def key(self) -> str:
        """The sha256 of all that the map depends on."""
        asked = self.choice
        return question_key(
            self.model.card, self.scan, asked.method, asked.engine, self.target, asked.seed, asked.seconds
        )


@dataclass(frozen=True, eq=False)
class Answer:
    """What is there of a question. `state` is "done", "failed", "cancelled", "waiting", "running" or "to come"."""

    state: str
    explanation: Explanation | None = None
    error: str = ""  # one sentence, where it failed, or where the queue had no room
    job: Job | None = None

    @property
    def pending(self) -> bool:
        """True where looking again later is worth it."""
        return self.state in (*LIVE, "to come")


@dataclass
class _Room:
    """The questions of one part of a page."""

    jobs: dict[str, tuple[Job, object]] = field(default_factory=dict)  # key -> the job and its queue
    wanted: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)


def gather(
    wanted: Mapping[Hashable, Wanted], room: str, *, limit: int = 2, at_once: float = 0.0
) -> dict[Hashable, Answer]:
    """Return what is there of every question, and see to it that the next ones are asked, in their order.

    `room` names the part of the page; what was asked there before and is not wanted now is left. `limit` is how many
    of them stand in a queue at once, `at_once` the seconds to wait for what has been asked.
    """
    here = _rooms().setdefault(room, _Room())
    keys = {name: question.key for name, question in wanted.items()}
    here.wanted = set(keys.values())
    here.cancelled &= here.wanted
    for key in set(here.jobs) - here.wanted:
        _leave(here, key)
    found, until = {}, monotonic() + at_once
    for name, question in wanted.items():
        found[name] = _answer(here, keys[name], question, limit, until)
    return found


def cancel(room: str) -> None:
    """Stop all that is still to come in a part of the page."""
    here = _rooms().setdefault(room, _Room())
    here.cancelled |= here.wanted
    for key in list(here.jobs):
        _leave(here, key)


def leave(room: str = "") -> None:
    """Give up what a part of the page waits for, every part for "", and forget what failed or was cancelled there."""
    for name in [room] if room else list(_rooms()):
        here = _rooms().pop(name, _Room())
        for key in list(here.jobs):
            _leave(here, key)
    if not room:
        for queue in (QUEUE, QUICK):  # whatever else was asked on the page
            queue.leave(user())


def turned_to(page: str) -> None:
    """Give up all questions of the page before, if this is another one."""
    if st.session_state.get("page") != page:
        leave()
        st.session_state["page"] = page


def as_they_come(
    wanted: Mapping[Hashable, Wanted], room: str, draw: Callable[[dict[Hashable, Answer]], None], *, limit: int = 2
) -> None:
    """Call `draw` with the answers, and again, by itself, as long as some are to come; then the page runs once more."""
    pending = any(answer.pending for answer in gather(wanted, room, limit=limit).values())
    st.fragment(_drawn, run_every=POLL if pending else None)(wanted, room, draw, limit, pending)


def _drawn(wanted, room: str, draw, limit: int, pending: bool) -> None:
    answers = gather(wanted, room, limit=limit)
    draw(answers)
    if pending and not any(answer.pending for answer in answers.values()):
        st.rerun()


def _answer(here: _Room, key: str, question: Wanted, limit: int, until: float) -> Answer:
    if found := CACHE.get(key):
        _leave(here, key)
        return Answer("done", found)
    if key in here.errors:
        return Answer("failed", error=here.errors[key])
    if key in here.cancelled:
        return Answer("cancelled")
    job, queue = here.jobs.get(key, (None, None))
    if job is None or job.state == "cancelled":  # the latter: dropped, for nobody looked at the page
        if sum(other.state in LIVE for other, _ in here.jobs.values()) >= limit:
            return Answer("to come")
        try:
            job, queue = _ask(here, key, question)
        except Busy as error:
            return Answer("to come", error=str(error))
        except (ModelError, ScanError) as error:
            return _failed(here, key, error)
    job.wait(max(0.0, until - monotonic()))
    queue.look(key, user())  # says that the reader is there, and that a finished one need not be kept for them
    if job.state in LIVE:
        return Answer(job.state, job=job)
    del here.jobs[key]
    if job.error is not None:
        return _failed(here, key, job.error)
    return Answer("done", job.result) if job.state == "done" else Answer("to come")


def _ask(here: _Room, key: str, question: Wanted) -> tuple[Job, object]:
    if question.scan.blank:
        explain(question.model, question.scan, question.choice.method)  # says why it cannot be, whoever else waits
    queue = queue_for(METHODS[question.choice.method])
    here.jobs[key] = queue.submit(key, user(), _work(key, question), connected()), queue
    return here.jobs[key]


def _failed(here: _Room, key: str, error: BaseException) -> Answer:
    if not isinstance(error, ModelError | ScanError):
        logging.getLogger("candor").error("an explanation failed", exc_info=error)
        error = ModelError(FAILED)
    here.errors[key] = str(error)
    return Answer("failed", error=str(error))


def _leave(here: _Room, key: str) -> None:
    _, queue = here.jobs.pop(key, (None, None))
    if queue is not None and not any(key in room.jobs for room in _rooms().values()):
        queue.cancel(key, user())


def _work(key: str, question: Wanted):
    def work(progress, cancelled) -> Explanation:
        asked = question.choice
        explanation = explain(
            question.model,
            question.scan,
            asked.method,
            target=question.target,
            engine=asked.engine,
            seed=asked.seed,
            budget=Budget(asked.seconds, progress=progress, cancelled=cancelled),
        )
        CACHE.put(key, explanation)
        return explanation

    return work


def user() -> str:
    """Return the name under which this session stands in the queues: a secret, so that none can take it."""
    return st.session_state.setdefault("user", token_hex(16))


def connected() -> Callable[[], bool]:
    """Return what tells, from any thread, whether this session's browser is still connected."""
    context = get_script_run_ctx()
    session = context.session_id if context else ""
    return lambda: not Runtime.exists() or Runtime.instance().is_active_session(session)


def _rooms() -> dict[str, _Room]:
    return st.session_state.setdefault("asked", {})
