"""What does this process do behind a page, and how far is it? A thread a piece of work; who asks again joins it.

For what belongs to no reader: a dataset's download and its mean pictures are the same for all of them, and go on
when the page is left. Explanations have their own queue, `explain.queue`.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread


@dataclass
class Work:
    """One piece of work; `progress` is the share done, 0 to 1, and `result` is set once `over` is, or `error`."""

    progress: float = 0.0
    result: object = None
    error: Exception | None = None
    over: Event = field(default_factory=Event)
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> int:
        return round(time.monotonic() - self.began)

    def told(self, share: float) -> None:
        self.progress = share


_WORKS: dict[Hashable, Work] = {}  # what is over stays, with its result, until it is forgotten
_LOCK = Lock()


def started(key: Hashable, task: Callable[[Callable[[float], None]], object]) -> Work:
    """Return the work known by `key`, started now if there is none; `task` is given a function to tell its share to."""
    with _LOCK:
        if (work := _WORKS.get(key)) is None:
            work = _WORKS[key] = Work()
            Thread(target=_run, args=(work, task), name=f"work {key}", daemon=True).start()
        return work


def known(key: Hashable) -> Work | None:
    """Return the work known by `key`, running or over."""
    return _WORKS.get(key)


def forget(key: Hashable) -> None:
    """Drop what is over, so that it can be started again."""
    with _LOCK:
        if (work := _WORKS.get(key)) and work.over.is_set():
            del _WORKS[key]


def _run(work: Work, task: Callable[[Callable[[float], None]], object]) -> None:
    try:
        work.result = task(work.told)
    except Exception as error:
        work.error = error
    finally:
        work.over.set()
