"""How often one person may do something, and how much at once: counters by who they are."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from threading import Lock

SOCKETS = 12  # tabs of one person at once; each tab has its own share of the queue
OPENED = 60  # tabs that one person may open in a minute
UPLOADS = 600  # files that one person may upload in a minute: a study has up to 512
REFUSALS = 60  # refusals that the audit log takes in a minute, so that nobody fills the disk from outside

_MINUTE = 60.0
_MOST = 10_000  # people that are remembered


class Rate:
    """At most `most` things a minute for each person: as many at once, then one each time a share has come back."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.most, self.now = most, now
        self._lock = Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # who -> how many are left, when

    def take(self, who: str) -> bool:
        """Return whether one more is allowed, and count it if so."""
        with self._lock:
            now = self.now()
            left, since = self._left.pop(who, (float(self.most), now))
            left = min(float(self.most), left + (now - since) * self.most / _MINUTE)
            allowed = left >= 1.0
            self._left[who] = (left - 1.0 if allowed else left, now)
            while len(self._left) > _MOST:
                self._left.popitem(last=False)
            return allowed


class AtOnce:
    """At most `most` things at once for each person; used from one thread."""

    def __init__(self, most: int) -> None:
        self.most, self._counts = most, Counter()

    def begin(self, who: str) -> bool:
        """Return whether one more is allowed, and count it if so."""
        if self._counts[who] >= self.most:
            return False
        self._counts[who] += 1
        return True

    def end(self, who: str) -> None:
        """One of theirs is over."""
        self._counts[who] -= 1
        if self._counts[who] <= 0:
            del self._counts[who]
