"""Jobs are kept within bounds of number, bytes and time, each for its own user."""

from dataclasses import replace
from threading import Event, Thread

import numpy as np
import pytest

from api.jobs import Jobs
from api.limits import Limits
from api.problems import Problem
from explain import Request
from explain.queue import GRACE, SLOW, Busy, Queue
from model_zoo import load_model
from scans import Scan
from tests.api.servers import MODEL, SOON, Slow

LIMITS = Limits(jobs=3)


class Time:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def jobs(in_tiny_zoo, empty_cache, clock) -> Jobs:
    jobs = Jobs(Queue(LIMITS.lanes), LIMITS, clock)
    yield jobs
    for kept in jobs.all():
        jobs.queue.cancel(kept.id, kept.user)
    while not jobs.queue.idle:
        Event().wait(0.01)


def request(number: int, method: str = "gradcam") -> Request:
    pixels = np.random.default_rng(number).random((40, 40), np.float32)
    return Request(load_model(MODEL), Scan(pixels, f"{number}" * 64), method)


def made(jobs: Jobs, number: int, user: str = "ann", data: bytes | None = None):
    kept = jobs.explanation(user, request(number), data)
    assert kept.job is None or kept.job.wait(SOON)
    return kept


def known(jobs: Jobs, kept) -> bool:
    try:
        return jobs.find(kept.user, kept.id) is kept
    except Problem as problem:
        assert problem.status == 404
        return False


def test_the_job_that_was_looked_at_longest_ago_makes_room_for_a_new_one(jobs):
    first, second, third = (made(jobs, number) for number in range(3))
    assert known(jobs, first)  # which is a look
    fourth = made(jobs, 3)
    assert [known(jobs, kept) for kept in (first, second, third, fourth)] == [True, False, True, True]
    assert len(jobs.all()) == 3


def test_jobs_hold_no_more_bytes_than_they_may(jobs):
    first = made(jobs, 0, data=bytes(1000))
    jobs.limits = replace(LIMITS, jobs_bytes=2 * first.bytes + 100)
    second, third = made(jobs, 1, data=bytes(1000)), made(jobs, 2, data=bytes(1000))
    assert [known(jobs, kept) for kept in (first, second, third)] == [False, True, True]
    assert jobs.bytes == second.bytes + third.bytes <= jobs.limits.jobs_bytes


def test_where_all_jobs_are_live_a_new_one_is_refused(jobs, monkeypatch):
    slow = Slow(monkeypatch)
    live = [jobs.explanation("ann", request(number, "lime"), None) for number in range(3)]
    with pytest.raises(Problem) as caught:
        jobs.explanation("ann", request(3, "lime"), None)
    assert caught.value.status == 503 and int(caught.value.headers["Retry-After"]) > 0
    assert all(known(jobs, kept) for kept in live)
    slow.go.set()


def test_where_the_live_jobs_leave_no_room_no_result_is_thrown_away_for_a_job_that_is_refused(jobs, monkeypatch):
    results = [made(jobs, number, data=bytes(1000)) for number in range(2)]
    slow = Slow(monkeypatch)
    live = jobs.explanation("bob", request(2, "lime"), bytes(1_000_000))
    jobs.limits = replace(LIMITS, jobs=9, jobs_bytes=jobs.bytes)
    with pytest.raises(Problem) as caught:
        jobs.explanation("bob", request(3, "lime"), bytes(1_000_000))
    assert caught.value.status == 503 and all(known(jobs, kept) for kept in (*results, live))
    slow.go.set()


def test_a_job_that_is_refused_costs_nobody_a_result(jobs, monkeypatch):
    jobs.queue.lanes = {name: replace(lane, per_user=1) for name, lane in LIMITS.lanes.items()}
    results = [made(jobs, number, "bob") for number in range(2)]
    slow = Slow(monkeypatch)
    live = jobs.explanation("ann", request(2, "lime"), None)
    with pytest.raises(Busy):
        jobs.explanation("ann", request(3, "lime"), None)
    assert all(known(jobs, kept) for kept in (*results, live))
    slow.go.set()


def test_a_cancelled_job_that_is_refused_anew_stays_cancelled(jobs, monkeypatch):
    jobs.queue.lanes = {name: replace(lane, per_user=1) for name, lane in LIMITS.lanes.items()}
    slow = Slow(monkeypatch)
    first = jobs.explanation("ann", request(0, "lime"), None)
    jobs.cancel("ann", first.id)
    jobs.explanation("ann", request(1, "lime"), None)
    with pytest.raises(Busy):
        jobs.explanation("ann", request(0, "lime"), None)
    assert known(jobs, first) and first.state == "cancelled"
    slow.go.set()


def test_a_job_that_never_fits_is_refused_for_good_and_says_what_would(jobs):
    jobs.limits = replace(LIMITS, jobs_bytes=100_000)
    assert made(jobs, 0, data=bytes(10_000)).state == "done"
    for ask in (
        lambda: jobs.explanation("ann", request(1), bytes(100_000)),
        lambda: jobs.report("ann", [request(1), request(1, "lime")], None),
    ):
        with pytest.raises(Problem) as caught:
            ask()
        assert caught.value.status == 413 and "Retry-After" not in caught.value.headers
        assert "fewer methods" in caught.value.detail
    assert len(jobs.all()) == 1  # nothing made room


@pytest.mark.parametrize("live", [True, False])
def test_a_job_that_is_submitted_again_while_it_is_deleted_stays(live, jobs, monkeypatch):
    slow, cancel, again = Slow(monkeypatch), jobs.queue.cancel, []
    if not live:
        slow.go.set()
    first = jobs.explanation("ann", request(0, "lime"), None)
    assert slow.begun.wait(SOON) and (live or first.job.wait(SOON))
    other = Thread(target=lambda: again.append(jobs.explanation("ann", request(0, "lime"), None)))

    def cancelled_later(key: str, user: str) -> None:
        if not other.ident:
            other.start()
            other.join(0.5)  # it comes between, or must wait
        cancel(key, user)

    monkeypatch.setattr(jobs.queue, "cancel", cancelled_later)
    jobs.cancel("ann", first.id)
    other.join(SOON)
    slow.go.set()
    (new,) = again
    assert new is not first and known(jobs, new) and (new.job is None or new.job.wait(SOON)) and new.state == "done"


def test_a_job_that_nobody_looks_at_is_forgotten_in_time_and_stopped(jobs, clock, monkeypatch):
    slow = Slow(monkeypatch)
    live = jobs.explanation("ann", request(0, "lime"), None)
    assert slow.begun.wait(SOON)
    clock.now = LIMITS.jobs_seconds - 1
    jobs.forget_old()
    assert known(jobs, live)
    clock.now += LIMITS.jobs_seconds + 1
    jobs.forget_old()
    assert not known(jobs, live) and slow.cancelled.wait(SOON)


def test_a_live_job_needs_nobody_to_look_at_it(in_tiny_zoo, empty_cache, clock, monkeypatch):
    jobs, slow = Jobs(Queue(LIMITS.lanes, now=clock), LIMITS, clock), Slow(monkeypatch)
    first, second = (jobs.explanation("ann", request(number, "lime"), None) for number in range(2))
    assert slow.begun.wait(SOON)
    clock.now = jobs.queue.patience + 10 * GRACE
    other = jobs.queue.submit("other", lambda progress, cancelled: None, "bob", lane=SLOW)  # drops what is deserted
    slow.go.set()
    assert all(kept.job.wait(SOON) and kept.state == "done" for kept in (first, second)) and other.wait(SOON)


def test_two_users_share_the_work_and_not_the_job(jobs, monkeypatch):
    slow = Slow(monkeypatch)
    mine, theirs = (jobs.explanation(user, request(0, "lime"), None) for user in ("ann", "bob"))
    assert slow.begun.wait(SOON) and mine.id == theirs.id and mine.job is theirs.job
    jobs.cancel("ann", mine.id)
    assert (mine.state, theirs.state) == ("cancelled", "running")
    slow.go.set()
    assert theirs.job.wait(SOON) and theirs.state == "done" and len(slow.requests) == 1
    with pytest.raises(Problem):
        jobs.find("cy", mine.id)


def test_what_another_user_had_explained_before_is_done_at_once(jobs):
    first = made(jobs, 0)
    second = jobs.explanation("bob", request(0), None)
    assert second.state == "done" and second.result is first.result
