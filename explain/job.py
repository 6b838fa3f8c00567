"""What is known of one explanation on its way? Set by its queue (`explain.queue`) only, read by anybody."""

from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.queue import Queue

Work = Callable[[Callable[[float], None], Callable[[], bool]], object]  # work(progress, cancelled) -> result
Present = Callable[[], bool]  # is the user still connected?

LIVE = ("waiting", "running")


class Job:
    """One explanation on its way, shared by all who asked for it.

    `state` is "waiting", "running", "done", "failed" or "cancelled". `progress` is in [0, 1]. `result` is there
    once it is done, `error`, the exception, once it has failed. A cancelled job stops at its next check.
    """

    def __init__(self, queue: "Queue", key: str, work: Work) -> None:
        self.key = key
        self.state = "waiting"
        self.progress = 0.0
        self.result: object = None
        self.error: BaseException | None = None
        self._queue = queue
        self._work: Work | None = work
        self._asked: dict[str, int] = {}  # user -> when, on the queue's count of turns
        self._present: dict[str, Present] = {}  # user -> are they still connected? of those of whom it can be told
        self._waiters = 0
        self._seen = self._started = self._ended = queue._now()
        self._over = Event()

    @property
    def place(self) -> int:
        """How soon it is taken, 1 being next, if nobody else asks or leaves; 0 where it is not waiting."""
        with self._queue._lock:
            order = self._queue._order()
            return order.index(self) + 1 if self in order else 0

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran; 0 before that."""
        return (self._queue._now() if self.state == "running" else self._ended) - self._started

    def seen(self) -> None:
        """Say that somebody is still there: a waiting job that nobody looks at for `patience` is dropped."""
        self._seen = self._queue._now()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over, at most `timeout` seconds; return whether it is. Who waits is there."""
        with self._queue._lock:
            self._waiters += 1
        try:
            return self._over.wait(timeout)
        finally:
            with self._queue._lock:
                self._waiters -= 1
                self.seen()

    def _advance(self, share: float) -> None:
        self.progress = max(self.progress, min(float(share), 1.0))
