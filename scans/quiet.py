"""Warnings of a library that are no news to anybody, left out for one thread at a time.

Python keeps one list of filters for the whole process. Of two threads that change and restore it side by side, the last
to leave puts back what the first had set: from then on the process would be silent.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_one = RLock()


@contextmanager
def without_warnings(category: type[Warning] = Warning) -> Iterator[None]:
    """Leave out the warnings of a category within the block, in which no other thread does the same."""
    with _one, warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield
