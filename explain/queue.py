"""Who waits for which explanation, how far is it, and who may stop it?

Two queues for the whole process, for an explanation takes all its cores: one for maps of a pass or two, one for all
others, so that nobody waits seconds for a blink. A job is known by the contents of its question
(`explain.cache.question_key`): who asks what is already waiting or running joins that job, and may look at no other
than those asked for. What is finished is kept by `explain.cache`, not here.

Whose turn it is: the user's who has waited longest since a job of theirs was last started, or, with none started
yet, since they asked; of one user's jobs, the one asked for first. A shared job is taken at the earliest turn of
those who share it, and counts as a turn of each.
"""

import time
from collections.abc import Callable
from threading import Lock, Thread

from explain.job import LIVE, Job, Present, Work
from explain.methods import Method
from explain.refinement import Cancelled

PATIENCE = 120.0  # seconds; a browser wakes a page in the background only once a minute, so that 60 would drop it
GRACE = 5.0  # seconds; a page that is loaded again is away for one or two, and a job dropped too soon is asked again
FORGOTTEN_AFTER = 64  # finished jobs


class Busy(RuntimeError):
    """No room for another job now: one sentence on what was seen, what is accepted and what to do."""


class Queue:
    """`workers` jobs run at once, `waiting` more may wait, and a user may have `per_user` of all of them.

    Raises ValueError on numbers below 1. `patience` is in seconds, and `now` is the clock they are read from.
    """

    def __init__(
        self,
        workers: int = 1,
        waiting: int = 32,
        per_user: int = 4,
        *,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if min(workers, waiting, per_user) < 1:
            raise ValueError(f"a queue of {workers} workers, {waiting} waiting, {per_user} a user; each is at least 1")
        self.workers, self.waiting, self.per_user, self.patience = workers, waiting, per_user, patience
        self._now = now
        self._lock = Lock()  # held over all that follows, and over every change of a job's state and askers
        self._jobs: dict[str, Job] = {}  # the live in the order they came, the finished in the order they ended
        self._turn = 0
        self._served: dict[str, int] = {}  # user -> the turn at which a job of theirs was last started
        self._threads = 0

    def submit(self, key: str, user: str, work: Work, present: Present | None = None) -> Job:
        """Return the job for a question: the one already waiting or running, joined, or else a new one.

        `work` is called in another thread as `work(progress, cancelled)`: it tells `progress` its share in
        [0, 1], asks `cancelled` now and then, and raises Cancelled when that is true. `present` tells, from any
        thread, whether the user is still connected: a job whose users have all been away for `GRACE` seconds is
        dropped, running or not. Raises Busy where the user has `per_user` jobs already, or the queue is full.
        """
        with self._lock:
            self._drop_unseen()
            live = [job for job in self._jobs.values() if job.state in LIVE]
            job = next((job for job in live if job.key == key), None)
            if job is None or user not in job._asked:
                self._refuse_too_many(live, user, new=job is None)
            if job is None:
                job = Job(self, key, work)
                if self._threads < self.workers:  # it waits for the lock held here
                    Thread(target=self._serve, name="explanation", daemon=True).start()
                    self._threads += 1
                self._jobs.pop(key, None)  # a finished one: the new one stands at the end
                self._jobs[key] = job
            self._turn += 1
            job._asked.setdefault(user, self._turn)
            if present is not None:
                job._present[user] = present
            job.seen()
            return job

    def look(self, key: str, user: str) -> Job | None:
        """Return a job that this user asked for, else None; a finished one is handed to each asker once.

        Also None for one that was dropped unseen, or finished before 64 others: ask the cache, then submit.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None or user not in job._asked:
                return None
            job.seen()
            if job.state not in LIVE:
                self._leave(job, user)
            return job

    def cancel(self, key: str, user: str) -> None:
        """Take a user's interest in a job back; the job is cancelled when nobody is left who asked for it."""
        with self._lock:
            if job := self._jobs.get(key):
                self._leave(job, user)

    def leave(self, user: str) -> None:
        """Take all of a user's interest back, as when the browser was closed."""
        with self._lock:
            for job in list(self._jobs.values()):
                self._leave(job, user)

    # All below is called with the lock held, but for `_serve` and `_run`.

    def _refuse_too_many(self, live: list[Job], user: str, new: bool) -> None:
        own = sum(user in job._asked for job in live)
        if own >= self.per_user:
            raise Busy(
                f"You have {own} explanations waiting or running, and {self.per_user} at a time are accepted; "
                "wait for one of them, or cancel one."
            )
        if new and len(live) >= self.workers + self.waiting:
            raise Busy(
                f"{len(live)} explanations are waiting or running already, and no more than "
                f"{self.workers + self.waiting} are accepted; try again in a minute."
            )

    def _leave(self, job: Job, user: str) -> None:
        job._present.pop(user, None)
        if job._asked.pop(user, None) is not None and not job._asked:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        del self._jobs[job.key]  # at once: who asks now gets a new job, not one that is about to stop
        self._end(job, "cancelled")

    def _drop_unseen(self) -> None:
        oldest = self._now() - self.patience
        for job in list(self._jobs.values()):
            unseen = job.state != "running" and job._seen < oldest and not job._waiters
            if (job.state in LIVE and self._deserted(job)) or (unseen and not self._here(job)):
                self._drop(job)

    def _here(self, job: Job) -> bool:
        return any(present() for present in job._present.values())

    def _deserted(self, job: Job) -> bool:
        """Return whether all who asked are known to have gone, and stayed away for a while."""
        if job._waiters or set(job._present) < set(job._asked):
            return False
        if self._here(job):
            job.seen()
        return job._seen < self._now() - GRACE

    def _end(self, job: Job, state: str, result: object = None, error: BaseException | None = None) -> None:
        if job.state not in LIVE:
            return
        if job.state == "running":
            job._ended = self._now()
        job.result, job.error, job._work = result, error, None
        job.progress = 1.0 if state == "done" else job.progress
        job.state = state  # after the result: who sees "done" finds it there
        job._over.set()
        if self._jobs.get(job.key) is job:
            self._jobs[job.key] = self._jobs.pop(job.key)
        over = [key for key, kept in self._jobs.items() if kept.state not in LIVE]
        for key in over[: max(0, len(over) - FORGOTTEN_AFTER)]:
            del self._jobs[key]
        present = {user for kept in self._jobs.values() if kept.state in LIVE for user in kept._asked}
        self._served = {user: turn for user, turn in self._served.items() if user in present}

    def _order(self) -> list[Job]:
        """The waiting jobs in the order they are taken; the rule stands at the head of this file."""
        waiting = [job for job in self._jobs.values() if job.state == "waiting"]
        served, turn, order = dict(self._served), self._turn, []
        while waiting:
            job = min(waiting, key=lambda job: min((max(served.get(u, 0), at), at) for u, at in job._asked.items()))
            waiting.remove(job)
            order.append(job)
            turn += 1
            served |= dict.fromkeys(job._asked, turn)
        return order

    def _take(self) -> Job | None:
        self._drop_unseen()
        order = self._order()
        if not order:
            return None
        job = order[0]
        job._started = job._ended = self._now()
        job.state = "running"
        self._turn += 1
        self._served |= dict.fromkeys(job._asked, self._turn)
        return job

    def _serve(self) -> None:
        """Run jobs until none is waiting: an idle queue has no threads."""
        while True:
            with self._lock:
                job = self._take()
                if job is None:
                    self._threads -= 1
                    return
            self._run(job)

    def _stops(self, job: Job) -> bool:
        if job.state == "running" and self._deserted(job):
            with self._lock:
                if job.key in self._jobs and self._deserted(job):  # nobody joined it meanwhile
                    self._drop(job)
        return job.state != "running"

    def _run(self, job: Job) -> None:
        work, ending = job._work, {"state": "cancelled"}
        try:
            if work is not None:  # None: cancelled since it was taken
                ending = {"state": "done", "result": work(job._advance, lambda: self._stops(job))}
        except Cancelled:
            pass
        except BaseException as error:  # not only Exception: nothing that one job does may stop the others
            ending = {"state": "failed", "error": error}
        with self._lock:
            self._end(job, **ending)


QUEUE = Queue()
QUICK = Queue(waiting=64, per_user=16)


def queue_for(method: Method) -> Queue:
    """Return the queue that a method's jobs stand in."""
    return QUICK if method.quick else QUEUE
