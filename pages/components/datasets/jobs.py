"""Slow work on datasets, downloads and mean images, in the common queue: shared by all users, whoever is connected.

A job goes on when the user leaves the page, and any session that names its key joins it. A session keeps the jobs it
has seen until it forgets them, because the queue hands out a finished one only once.
"""

from collections.abc import Callable

from explain.queue import BACKGROUND, LIVE, Job
from pages.components.state import state


def submit(key: str, work: Callable[[Callable[[float], None]], object]) -> Job:
    """Return the job known by `key`, queued now if there is none; `work` gets a function to report its share done.

    Raises Busy where the queue is full.
    """
    if job := job_of(key):
        return job
    # The key stands for the user, too: one who never leaves.
    job = state().queue.submit(key, lambda progress, cancelled: work(progress), key, lambda: True, BACKGROUND)
    state().dataset_jobs[key] = job
    return job


def job_of(key: str) -> Job | None:
    """Return the job known by `key`, live or over, None where there is none."""
    if job := state().queue.look(key, key):  # always: this is also what takes a finished one out of the queue
        state().dataset_jobs[key] = job
    return state().dataset_jobs.get(key)


def forget(key: str) -> None:
    """Drop a job that is over, so that it can be started again."""
    if (job := job_of(key)) and job.state not in LIVE:
        del state().dataset_jobs[key]
