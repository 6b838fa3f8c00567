"""How often one person may do something, and how much at once."""

from collections import Counter

SOCKETS = 12  # tabs of one person at once; each tab has its own share of the queue
OPENED = 60  # tabs that one person may open in a minute
UPLOADS = 600  # files that one person may upload in a minute: a study has up to 512


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
