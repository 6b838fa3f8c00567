"""Work mapped over items by plain processes, with no engine: what a second process is worth on this machine at most."""

import pickle
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from time import perf_counter

from model_zoo.threads import use_threads

SPIN = 2.0  # seconds
_THREADS = 1  # of a process, as of a worker of Ray
_numbers = count()
_held: list = [-1, None]  # in a process: the number of the last work, and the work


class PlainProcesses:
    """Processes that share the items among themselves, one at a time, and keep the models that they have loaded."""

    def __init__(self, number: int) -> None:
        self._pool = ProcessPoolExecutor(number, get_context("spawn"), use_threads, (_THREADS,))
        self._number = number

    def map(self, work, items: Iterable) -> Iterator:
        """Yield the result of each item, in order."""
        number, pickled = next(_numbers), pickle.dumps(work)
        pending = [self._pool.submit(_do, number, pickled, item) for item in items]
        return (each.result() for each in pending)

    def spins(self) -> int:
        """Return how often all processes together go through an empty loop in a second: nothing but the processor."""
        return sum(self.map(_spin, [SPIN] * self._number))

    def close(self) -> None:
        """End all processes."""
        self._pool.shutdown()


def _do(number: int, pickled: bytes, item: object) -> object:
    if _held[0] != number:
        _held[:] = number, pickle.loads(pickled)
    return _held[1](item)


def _spin(seconds: float) -> int:
    """Return how often a loop that touches no memory runs in a second."""
    began, rounds = perf_counter(), 0
    while perf_counter() - began < seconds:
        for _ in range(1000):
            pass
        rounds += 1000
    return round(rounds / (perf_counter() - began))
