"""Work mapped over many items by Ray actors: one result for each item, in order, whatever happens to a worker.

Actors and not Ray Data: there a lost worker's items are done again together and on the same actor, so that one that
ends its worker takes its neighbours with it, or is tried for ever. Here a worker has one item at a time. The worker of
which one is lost is known, so is the item, and after `LOSSES` of them it is left out with a sentence.
"""

import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

import ray
from ray.exceptions import RayError

from explain.engine.engine import EngineError, ItemWork
from model_zoo.threads import use_threads
from scans import ScanError

THREADS = 1  # and cores, of a worker: the work on one scan hardly gets faster by a second
LOSSES = 3  # workers that may be lost over one item

_AHEAD = 16  # items per worker that are handed out before the first of them is done
_LOST = (
    f"{LOSSES} worker processes ended while they worked on this file, so it was left out; explain it alone, with the "
    "engine of this process, to see why."
)
_NO_START = "no worker of the Ray cluster starts ({}); each machine needs the same files and packages as this one"


class Worker:
    """The process of an actor. Work comes pickled, so that TensorFlow is loaded after its threads are set."""

    def __init__(self, threads: int) -> None:
        use_threads(threads)
        self._number, self._work = -1, None

    def ready(self) -> None:
        """Return once the process has started."""

    def do(self, number: int, pickled: list, item: object) -> tuple[bool, object]:
        """Return True and what work `number` makes of an item, or False and what it raised.

        `pickled` holds a reference to the work, which is fetched once.
        """
        try:
            if number != self._number:
                self._number, self._work = number, pickle.loads(ray.get(pickled[0]))
            return True, self._work(item)
        except Exception as error:
            return False, error


@dataclass(frozen=True, eq=False)
class _Given:
    """An item in the hands of a worker."""

    place: int
    item: object
    worker: object = None
    losses: int = 0


@dataclass(eq=False)
class Workers:
    """The actors of one engine. They stay from one `map` to the next, with the models that they have loaded."""

    wanted: int
    idle: list = field(default_factory=list)
    starting: dict = field(default_factory=dict)  # reference of `ready` -> worker: those not started hold no item
    _numbers: Iterator[int] = field(default_factory=count)
    _failed: int = 0  # workers in a row that did not start

    def __post_init__(self) -> None:
        for _ in range(self.wanted):
            self._start()

    def map(self, work: ItemWork, items: Iterable) -> Iterator:
        """Yield the result of each item, in order. Raises what the work raises, EngineError where no worker starts."""
        number, pickled = next(self._numbers), [ray.put(pickle.dumps(work))]
        waiting, again = enumerate(items), deque()
        running: dict[object, _Given] = {}
        results: dict[int, object] = {}
        turn, over = 0, False
        try:
            while True:
                while turn in results:
                    yield results.pop(turn)
                    turn += 1
                room = turn + _AHEAD * self.wanted
                while self.idle and (again or not over):
                    if not again:
                        if (place := len(results) + len(running) + turn) >= room:
                            break
                        place, item = next(waiting, (-1, None))
                        if place < 0:
                            over = True
                            break
                        again.append(_Given(place, item))
                    given = again.popleft()
                    worker = self.idle.pop()
                    reference = worker.do.remote(number, pickled, given.item)
                    running[reference] = _Given(given.place, given.item, worker, given.losses)
                if over and not running and not again:
                    if not results:
                        return
                    continue
                for reference in ray.wait([*running, *self.starting], num_returns=1)[0]:
                    if reference in self.starting:
                        self._started(reference)
                        continue
                    given = running.pop(reference)
                    try:
                        fine, made = ray.get(reference)
                    except RayError:
                        self._replace(given.worker)
                        if given.losses + 1 < LOSSES:
                            again.append(_Given(given.place, given.item, None, given.losses + 1))
                        else:
                            results[given.place] = ScanError(_LOST)
                        continue
                    self.idle.append(given.worker)
                    if not fine:
                        raise made
                    results[given.place] = made
        finally:
            for given in running.values():  # cancelled, or ended by an error
                self._replace(given.worker)

    def close(self) -> None:
        """End all workers."""
        for worker in [*self.idle, *self.starting.values()]:
            ray.kill(worker)

    def _start(self) -> None:
        worker = ray.remote(num_cpus=THREADS, max_restarts=0)(Worker).remote(THREADS)
        self.starting[worker.ready.remote()] = worker

    def _started(self, reference: object) -> None:
        worker = self.starting.pop(reference)
        try:
            ray.get(reference)
        except RayError as error:
            self._failed += 1
            if self._failed >= LOSSES:
                raise EngineError(_NO_START.format(type(error).__name__)) from None
            self._start()
            return
        self._failed = 0
        self.idle.append(worker)

    def _replace(self, worker: object) -> None:
        ray.kill(worker)
        self._start()
