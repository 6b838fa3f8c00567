"""A measured value with its 95 % interval, and how both are written: one type and one wording for the whole tree."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value, its interval (95 %, unless said otherwise) and the number of scans behind it, in the measure's unit."""

    value: float
    low: float
    high: float
    scans: int

    def decimal(self, digits: int = 4) -> str:
        """Return the value and its interval as decimals.

        >>> Estimate(0.9541, 0.935, 0.971, 620).decimal()
        '0.9541 (0.9350 to 0.9710)'
        """
        return f"{self.value:z.{digits}f} ({self.low:z.{digits}f} to {self.high:z.{digits}f})"

    def percent(self, digits: int = 1) -> str:
        """Return a share and its interval in per cent.

        >>> Estimate(0.9541, 0.935, 0.971, 620).percent()
        '95.4 % (93.5 to 97.1)'
        """
        value, low, high = (rounded_percent(share, digits) for share in (self.value, self.low, self.high))
        return f"{value} % ({low} to {high})"


def rounded_percent(share: float, digits: int = 0) -> str:
    """Return a share in per cent, rounded as its decimals are: 100 * 0.925 is 92.5, which would round to 92.

    >>> f"{0.925:.2f}", rounded_percent(0.925)
    ('0.93', '93')
    """
    return f"{100 * float(f'{share:.{digits + 2}f}'):.{digits}f}"
