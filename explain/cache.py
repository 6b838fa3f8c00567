"""Finished explanations in memory, by the key of their request, and the job that makes one that is missing."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from explain.explanation import Explanation
from explain.methods import METHODS
from explain.queue import QUICK, SLOW, Job, Present, Queue
from explain.request import Request, explain

# explain(request, progress=..., cancelled=...), as `explain.request.explain`
Explain = Callable[..., Explanation]

MAX_BYTES = 256 * 1024**2  # some 200 maps of 512 x 512 pixels with their raw maps


class Cache:
    """Finished explanations in memory; the least recently used are forgotten first. Any thread may use it.

    Users share what it returns: an Explanation is frozen, and its arrays are read-only.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = Lock()
        self._kept: OrderedDict[str, Explanation] = OrderedDict()  # the least recently used first
        self._bytes = 0

    def get(self, key: str) -> Explanation | None:
        """Return the explanation of a request, or None where it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation, and forget old ones until all maps fit `max_bytes`; one larger than that is not kept."""
        with self._lock:
            self._forget(key)
            if _size(explanation) > self.max_bytes:
                return
            self._kept[key] = explanation
            self._bytes += _size(explanation)
            while self._bytes > self.max_bytes:
                self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget every explanation."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _forget(self, key: str) -> None:
        if key in self._kept:
            self._bytes -= _size(self._kept.pop(key))


def _size(explanation: Explanation) -> int:
    return explanation.heat.nbytes + explanation.raw.nbytes


CACHE = Cache()


def submit(
    queue: Queue, request: Request, user: str, present: Present | None = None, elsewhere: Explain | None = None
) -> Job:
    """Return the job in `queue` that explains a request and keeps the explanation in `CACHE`; see `Queue.submit`.

    `elsewhere` explains it in another process; None: in the thread of the job.
    """

    def work(progress, cancelled) -> Explanation:
        return explained(request, progress, cancelled, elsewhere)

    return queue.submit(request.key, work, user, present, QUICK if METHODS[request.method].quick else SLOW)


def explained(
    request: Request,
    progress: Callable[[float], object] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
    elsewhere: Explain | None = None,
) -> Explanation:
    """Return the explanation of a request from `CACHE`, or made now and kept there; raises what `explain` does.

    `elsewhere` makes it in another process; None: in this thread.
    """
    if kept := CACHE.get(request.key):
        return kept
    explanation = (elsewhere or explain)(request, progress=progress, cancelled=cancelled)
    CACHE.put(request.key, explanation)
    return explanation
