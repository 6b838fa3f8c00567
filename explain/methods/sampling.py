"""Reproducible samples from libraries that draw from NumPy's global generator, with other threads at work."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np

from explain.refinement import Clock

_WAIT = 0.1  # seconds between two checks for a cancel

_generator = Lock()  # one for all libraries: a draw of one would shift those of another


@contextmanager
def numpy_seeded(seed: int, clock: Clock) -> Iterator[None]:
    """Hold NumPy's global generator, seeded, and give it back as it was. Raises Cancelled while it waits."""
    while not _generator.acquire(timeout=_WAIT):
        clock.check()
    before = np.random.get_state()
    try:
        np.random.seed(seed)
        yield
    finally:
        np.random.set_state(before)
        _generator.release()
