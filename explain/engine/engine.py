"""What an engine does: a request is submitted, watched and cancelled; work on one item is mapped over many.

The queue is the same for all: it shares, orders and bounds the jobs. An engine says where their work runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from explain.cache import Explain, explained, submit
from explain.explanation import Explanation
from explain.prediction import Prediction, predict
from explain.queue import LANES, Job, Lane, Present, Queue
from explain.request import Request

# work(item) -> result. It can be pickled, gives the same result whenever it is done again, and returns, not raises, the
# ScanError of an item of which nothing can be made: what it raises ends the whole run.
ItemWork = Callable[[object], object]


class EngineError(RuntimeError):
    """An engine that does not exist, cannot start or gives up; its one sentence says what to do."""


@dataclass(frozen=True, eq=False)
class Engine:
    """Where work runs. `queue` holds the jobs that were submitted; their state and progress are read there.

    `map(work, items)` yields the result of each item in the order of the items, one for each: closing it cancels what
    is left. An item whose worker is lost is done again; one over which several are lost gets a ScanError.
    `predict` is `explain.predict`, and `explain` is `explain.explain`, both where the engine runs; None: here.
    """

    queue: Queue
    map: Callable[[ItemWork, Iterable], Iterator]
    predict: Callable[..., Prediction] = predict
    explain: Explain | None = None
    close: Callable[[], object] = lambda: None

    def submit(self, request: Request, user: str, present: Present | None = None) -> Job:
        """Return the job that explains a request, as `Queue.submit` does; its `progress` and `state` can be watched."""
        return submit(self.queue, request, user, present, self.explain)

    def cancel(self, request: Request, user: str) -> None:
        """Withdraw a user from the job of a request; without users it is cancelled."""
        self.queue.cancel(request.key, user)

    def explained(self, request: Request, progress: Callable, cancelled: Callable[[], bool]) -> Explanation:
        """Return an explanation that is kept, or made now, within the work of a job."""
        return explained(request, progress, cancelled, self.explain)


def this_process(lanes: Mapping[str, Lane] = LANES) -> Engine:
    """Return the engine that works in the threads of this process: one item after the other.

    >>> list(this_process().map(str.upper, ["a", "b"]))
    ['A', 'B']
    """
    return Engine(Queue(lanes), lambda work, items: (work(item) for item in items))
