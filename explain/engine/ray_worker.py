"""Work mapped over many items by Ray actors: one result for each item, in order, whatever happens to a worker.

Actors and not Ray Data: there a lost worker's items are done again together and on the same actor, so that one that
ends its worker takes its neighbours with it, or is tried for ever. Here a worker has one item at a time. The worker of
which one is lost is known, so is the item, and after `LOSSES` of them it is left out with a sentence.
"""

import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
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
        yield from _Mapping(self, next(self._numbers), [ray.put(pickle.dumps(work))], enumerate(items)).in_order()

    def close(self) -> None:
        """End all workers."""
        for worker in [*self.idle, *self.starting.values()]:
            ray.kill(worker)

    def started(self, reference: object) -> None:
        """Count the worker behind a reference of `starting` among the idle, or start another in its place.

        Raises EngineError where `LOSSES` in a row did not start.
        """
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

    def replace(self, worker: object) -> None:
        """End a worker, lost or not, and start another."""
        ray.kill(worker)
        self._start()

    def _start(self) -> None:
        worker = ray.remote(num_cpus=THREADS, max_restarts=0)(Worker).remote(THREADS)
        self.starting[worker.ready.remote()] = worker


@dataclass(eq=False)
class _Mapping:
    """One `map` over the workers: the items not handed out yet, those in their hands, and results before their turn."""

    workers: Workers
    number: int  # of the work
    pickled: list
    items: Iterator[tuple[int, object]]  # place and item
    again: deque[_Given] = field(default_factory=deque)  # lost with their worker
    running: dict[object, _Given] = field(default_factory=dict)  # by reference of their result
    results: dict[int, object] = field(default_factory=dict)  # by place
    turn: int = 0  # place of the next result
    over: bool = False  # no item is left in `items`

    def in_order(self) -> Iterator:
        """Yield each result in its turn; workers that are at work when this ends are replaced."""
        try:
            while True:
                yield from self._due()
                self._hand_out()
                if self.over and not self.running and not self.again:
                    return
                self._wait()
        finally:
            for given in self.running.values():  # cancelled, or ended by an error
                self.workers.replace(given.worker)

    def _due(self) -> Iterator:
        while self.turn in self.results:
            yield self.results.pop(self.turn)
            self.turn += 1

    def _hand_out(self) -> None:
        """Give each idle worker an item, as long as there is one."""
        while self.workers.idle and (given := self._next()):
            worker = self.workers.idle.pop()
            reference = worker.do.remote(self.number, self.pickled, given.item)
            self.running[reference] = replace(given, worker=worker)

    def _next(self) -> _Given | None:
        """Return the item to be handed out next: a lost one first. None where none is left, or too far ahead."""
        if self.again:
            return self.again.popleft()
        ahead = len(self.results) + len(self.running)
        if self.over or ahead >= _AHEAD * self.workers.wanted:
            return None
        for place, item in self.items:
            return _Given(place, item)
        self.over = True
        return None

    def _wait(self) -> None:
        """Wait until a worker has started, or is done with its item, or lost."""
        for reference in ray.wait([*self.running, *self.workers.starting], num_returns=1)[0]:
            if reference in self.workers.starting:
                self.workers.started(reference)
            else:
                self._take_back(reference)

    def _take_back(self, reference: object) -> None:
        """Keep the result of an item, or hand it out again where its worker is lost. Raises what the work raised."""
        given = self.running.pop(reference)
        try:
            fine, made = ray.get(reference)
        except RayError:
            self.workers.replace(given.worker)
            self._lost(given)
            return
        self.workers.idle.append(given.worker)
        if not fine:
            raise made
        self.results[given.place] = made

    def _lost(self, given: _Given) -> None:
        if given.losses + 1 < LOSSES:
            self.again.append(replace(given, worker=None, losses=given.losses + 1))
        else:
            self.results[given.place] = ScanError(_LOST)
