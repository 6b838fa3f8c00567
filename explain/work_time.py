"""How long an explanation has worked, whoever else is there.

A time limit in seconds of the wall would cut the map of one user because others use the processor as well. So what
counts is the processor time of the thread that refines, and, for the passes of the network, which run in threads of
their runtime, how long they take at their fastest: seen once, a pass is known to need no more.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakKeyDictionary

_fastest: WeakKeyDictionary[object, dict[int, float]] = WeakKeyDictionary()  # network -> size of a pass -> seconds
_lock = Lock()


class WorkTime:
    """The work of one explanation, counted from construction by the thread that does it."""

    def __init__(self) -> None:
        self._passes: dict[tuple[object, int], int] = {}
        self._elsewhere = 0.0  # processor time of this thread within passes, which are counted as such
        self._started = time.thread_time()

    @contextmanager
    def of_pass(self, network: object, scans: int) -> Iterator[None]:
        """Count a pass of `scans` scans through a network: a runtime, or a function of it that can be hashed."""
        began, own = time.perf_counter(), time.thread_time()
        yield
        seconds = time.perf_counter() - began
        self._elsewhere += time.thread_time() - own
        self._passes[network, scans] = self._passes.get((network, scans), 0) + 1
        with _lock:
            known = _fastest.setdefault(network, {})
            known[scans] = min(seconds, known.get(scans, seconds))

    @property
    def seconds(self) -> float:
        """The work so far: never more than the time that has passed."""
        with _lock:
            passes = sum(count * _fastest[network][scans] for (network, scans), count in self._passes.items())
        return time.thread_time() - self._started - self._elsewhere + passes
