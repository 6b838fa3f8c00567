"""Slow work on datasets, downloads and mean images, on the common queue: shared by all users, whoever is connected.

A job goes on when the user leaves the page, and any session that names its key joins it. The session that has seen a
job keeps it until it is forgotten, because the queue hands a finished one out only once.
"""

from collections.abc import Callable

import streamlit as st

from explain.queue import BACKGROUND, LIVE, QUEUE, Job, Task

_JOBS = "dataset jobs"  # in the session's state: key -> Job


def submit(key: str, work: Callable[[Callable[[float], None]], object]) -> Job:
    """Return the job known by `key`, queued now if there is none; `work` gets a function to report its share done.

    Raises Busy where the queue is full.
    """
    if job := job_of(key):
        return job
    task = Task(key, lambda progress, cancelled: work(progress), BACKGROUND)
    return _jobs().setdefault(key, QUEUE.submit(task, key, present=lambda: True))  # nobody's: it never counts as left


def job_of(key: str) -> Job | None:
    """Return the job known by `key`, live or over, None where there is none."""
    if job := QUEUE.look(key, key):  # always: this is also what takes a finished one out of the queue
        _jobs()[key] = job
    return _jobs().get(key)


def forget(key: str) -> None:
    """Drop a job that is over, so that it can be started again."""
    if (job := job_of(key)) and job.state not in LIVE:
        del _jobs()[key]


def _jobs() -> dict[str, Job]:
    return st.session_state.setdefault(_JOBS, {})
