"""How often one person may do something: a counter by who they are."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

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
