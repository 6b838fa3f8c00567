"""One queue for everything slow: maps, whole series, evaluated cases, downloads and other work on datasets.

Work has a key made of all that its result depends on (such as `Request.key`): a user who submits what is already
waiting or running joins that job. Users see only the jobs that they submitted. Jobs stand in lanes, each with workers
of its own, so that a map of one pass does not wait for a map of thousands. Finished explanations are kept by
`explain.cache`, not here.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from explain.refinement import Cancelled
from explain.turns import in_turn

LIVE = ("waiting", "running")
PATIENCE = 120.0  # seconds; a browser wakes a page in the background only once per minute, so 60 would drop it
GRACE = 5.0  # seconds; a page that reloads is away for one or two, and would submit a dropped job again
FORGOTTEN_AFTER = 64  # finished jobs

# work(progress, cancelled) -> result: in a worker thread, it reports a share in [0, 1] to `progress`, and raises
# Cancelled once `cancelled()` is True.
Work = Callable[[Callable[[float], None], Callable[[], bool]], object]
Present = Callable[[], bool]  # is the user still connected?


class Busy(RuntimeError):
    """Raised when no further job is accepted now. The message gives the reason, the limit and what to do."""


@dataclass(frozen=True)
class Lane:
    """Limits: `workers` jobs run at once, `waiting` more may wait, and `per_user` of them belong to one user."""

    workers: int = 1
    waiting: int = 32
    per_user: int = 4

    def __post_init__(self) -> None:
        if min(self.workers, self.waiting, self.per_user) < 1:
            raise ValueError(f"each number of a lane is at least 1: {self}")


QUICK, SLOW, BACKGROUND, READING = "quick", "slow", "background", "reading"
LANES = {
    QUICK: Lane(waiting=64, per_user=16),  # maps of a pass or two
    SLOW: Lane(),  # all other maps, series and cases: each uses all cores
    BACKGROUND: Lane(workers=4),  # datasets and a PACS, limited by disk and network: a download holds up no other
    READING: Lane(workers=2, waiting=64),  # uploads, each decoded in a process of its own
}


@dataclass(eq=False)
class Job:
    """Work that was submitted, shared by all users who submitted it. Written by its queue only; any thread may read it.

    `state` is "waiting", "running", "done", "failed" or "cancelled". `progress` is in [0, 1]. `result` is set once it
    is done, `error`, the exception, once it has failed. A cancelled job stops at its next check.
    """

    queue: "Queue" = field(repr=False)
    key: str
    lane: str
    work: Work | None = field(repr=False)
    state: str = "waiting"
    progress: float = 0.0
    result: object = None
    error: BaseException | None = None
    users: dict[str, int] = field(default_factory=dict)  # user -> turn of submission
    present: dict[str, Present] = field(default_factory=dict)  # of those whose connection can be checked
    waiters: int = 0
    last_seen: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    over: Event = field(default_factory=Event, repr=False)

    @property
    def place(self) -> int:
        """Its place among the waiting, 1 being next, if nobody else submits or leaves; 0 where it is not waiting."""
        return self.queue.place(self)

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran; 0 before that."""
        return (self.queue.now() if self.state == "running" else self.ended) - self.started

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over, at most `timeout` seconds; return whether it is. A waiting caller is present."""
        return self.queue.wait(self, timeout)

    def advance(self, share: float) -> None:
        """Set the progress, which never falls."""
        self.progress = max(self.progress, min(float(share), 1.0))


class Queue:
    """Jobs in lanes. `patience`, in seconds, is how long a job that nobody looks at is kept; `now` is the clock."""

    def __init__(
        self,
        lanes: Mapping[str, Lane] = LANES,
        *,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lanes, self.patience, self.now = dict(lanes), patience, now
        self._lock = Lock()  # guards all fields below, and every change of a job's state and users
        self._jobs: dict[str, Job] = {}  # live ones in order of submission, finished ones in order of ending
        self._turn = 0
        self._served: dict[str, int] = {}  # user -> turn at which a job of theirs last started
        self._threads = dict.fromkeys(self.lanes, 0)

    def submit(self, key: str, work: Work, user: str, present: Present | None = None, lane: str = SLOW) -> Job:
        """Return the job of that key: the one that is waiting or running already, or a new one.

        `present` returns, from any thread, whether the user is still connected: a job whose users have all been away
        for `GRACE` seconds is dropped, running or not. Raises Busy where the user has as many jobs as the lane
        allows, or the lane is full.
        """
        with self._lock:
            self._drop_unseen()
            live = [job for job in self._jobs.values() if job.state in LIVE and job.lane == lane]
            job = next((job for job in live if job.key == key), None)
            if job is None or user not in job.users:
                self._refuse_too_many(live, user, self.lanes[lane], new=job is None)
            if job is None:
                job = Job(self, key, lane, work)
                job.last_seen = job.started = job.ended = self.now()
                if self._threads[lane] < self.lanes[lane].workers:  # the thread waits for this lock
                    Thread(target=self._serve, args=(lane,), name=f"{lane} lane", daemon=True).start()
                    self._threads[lane] += 1
                self._jobs.pop(key, None)  # a finished job of the same key: the new one goes to the end
                self._jobs[key] = job
            self._turn += 1
            job.users.setdefault(user, self._turn)
            if present is not None:
                job.present[user] = present
            job.last_seen = self.now()
            return job

    def look(self, key: str, user: str) -> Job | None:
        """Return a job that this user submitted, else None; each user gets a finished job once.

        Looking also marks the user as present. None for a job that was dropped, or that finished before 64 others:
        look into the cache, then submit.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None or user not in job.users:
                return None
            job.last_seen = self.now()
            if job.state not in LIVE:
                self._leave(job, user)
            return job

    def cancel(self, key: str, user: str) -> None:
        """Withdraw a user from a job; a job without users is cancelled."""
        with self._lock:
            if job := self._jobs.get(key):
                self._leave(job, user)

    def leave(self, user: str) -> None:
        """Withdraw a user from all jobs, as when the browser was closed."""
        with self._lock:
            for job in list(self._jobs.values()):
                self._leave(job, user)

    def place(self, job: Job) -> int:
        """Return the place of a job among the waiting of its lane, 1 being next; 0 where it is not waiting."""
        with self._lock:
            order = self._order(job.lane)
            return order.index(job) + 1 if job in order else 0

    def wait(self, job: Job, timeout: float | None = None) -> bool:
        """Wait until a job is over, at most `timeout` seconds; return whether it is."""
        with self._lock:
            job.waiters += 1
        try:
            return job.over.wait(timeout)
        finally:
            with self._lock:
                job.waiters -= 1
                job.last_seen = self.now()

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many jobs of each lane are waiting and running, by lane and state."""
        with self._lock:
            live = Counter((job.lane, job.state) for job in self._jobs.values())
        return {(lane, state): live[lane, state] for lane in self.lanes for state in LIVE}

    @property
    def idle(self) -> bool:
        """True where no worker is running: an idle queue has no threads."""
        return not any(self._threads.values())

    # All methods below are called with the lock held, except `_serve`, `_stops` and `_run`.

    def _refuse_too_many(self, live: list[Job], user: str, lane: Lane, new: bool) -> None:
        own = sum(user in job.users for job in live)
        if own >= lane.per_user:
            raise Busy(
                f"You have {own} requests queued or running; at most {lane.per_user} at a time are accepted. "
                "Wait for one of them, or cancel one."
            )
        if new and len(live) >= lane.workers + lane.waiting:
            raise Busy(
                f"{len(live)} requests are queued or running; at most {lane.workers + lane.waiting} are accepted. "
                "Try again in a minute."
            )

    def _leave(self, job: Job, user: str) -> None:
        job.present.pop(user, None)
        if job.users.pop(user, None) is not None and not job.users:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        del self._jobs[job.key]  # at once: a new submission must not join a job that is about to stop
        self._end(job, "cancelled")

    def _drop_unseen(self) -> None:
        oldest = self.now() - self.patience
        for job in list(self._jobs.values()):
            unseen = job.state != "running" and job.last_seen < oldest and not job.waiters
            if (job.state in LIVE and self._deserted(job)) or (unseen and not _any_present(job)):
                self._drop(job)

    def _deserted(self, job: Job) -> bool:
        """Return whether all users are known to be disconnected, and have been for GRACE seconds."""
        if job.waiters or set(job.present) < set(job.users):
            return False
        if _any_present(job):
            job.last_seen = self.now()
        return job.last_seen < self.now() - GRACE

    def _end(self, job: Job, state: str, result: object = None, error: BaseException | None = None) -> None:
        if job.state not in LIVE:
            return
        if job.state == "running":
            job.ended = self.now()
        job.result, job.error, job.work = result, error, None
        job.progress = 1.0 if state == "done" else job.progress
        job.state = state  # after the result: whoever reads "done" must find it set
        job.over.set()
        if self._jobs.get(job.key) is job:
            self._jobs[job.key] = self._jobs.pop(job.key)
        finished = [key for key, kept in self._jobs.items() if kept.state not in LIVE]
        for key in finished[: max(0, len(finished) - FORGOTTEN_AFTER)]:
            del self._jobs[key]
        users = {user for kept in self._jobs.values() if kept.state in LIVE for user in kept.users}
        self._served = {user: turn for user, turn in self._served.items() if user in users}

    def _order(self, lane: str) -> list[Job]:
        waiting = [job for job in self._jobs.values() if job.state == "waiting" and job.lane == lane]
        return in_turn(waiting, self._served, self._turn)

    def _take(self, lane: str) -> Job | None:
        self._drop_unseen()
        order = self._order(lane)
        if not order:
            return None
        job = order[0]
        job.started = job.ended = self.now()
        job.state = "running"
        self._turn += 1
        self._served |= dict.fromkeys(job.users, self._turn)
        return job

    def _serve(self, lane: str) -> None:
        """Run the jobs of a lane until none waits; the body of a worker thread."""
        while True:
            with self._lock:
                job = self._take(lane)
                if job is None:
                    self._threads[lane] -= 1
                    return
            self._run(job)

    def _stops(self, job: Job) -> bool:
        if job.state == "running" and self._deserted(job):
            with self._lock:
                # unless a user joined in the meantime, or the job was dropped and asked for anew
                if self._jobs.get(job.key) is job and self._deserted(job):
                    self._drop(job)
        return job.state != "running"

    def _run(self, job: Job) -> None:
        work, ending = job.work, {"state": "cancelled"}
        try:
            if work is not None:  # None: cancelled after it was taken
                ending = {"state": "done", "result": work(job.advance, lambda: self._stops(job))}
        except Cancelled:
            pass
        except BaseException as error:  # not only Exception: no job may stop the worker
            ending = {"state": "failed", "error": error}
        with self._lock:
            self._end(job, **ending)


def _any_present(job: Job) -> bool:
    return any(present() for present in list(job.present.values()))  # a user may join meanwhile, on another thread


QUEUE = Queue()
