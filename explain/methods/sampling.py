"""How do libraries that draw from NumPy's global generator give the same answer every time, with others at work?"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np

from explain.refinement import Clock

_WAIT = 0.1  # seconds between two looks at whether the answer is still wanted

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
