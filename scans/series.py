"""The slices of one series, from several files, in anatomical order."""

from collections.abc import Sequence

from scans.scan import Scan


def in_series(files: Sequence[Sequence[Scan]]) -> list[list[Scan]]:
    """Return the files' scans with the slices of each series together, in anatomical order.

    Every file comes as `read` returns it. Single slices of one series, plane, kind and size whose position is known
    become one list, from below, from behind or from the left, at the place of the first of them. All else stays as it
    is: a volume, a picture, a slice without a position. Each scan keeps its own digest, index and count.

    >>> import numpy as np
    >>> upper, lower = (Scan(np.eye(64), "", series="a", position=mm) for mm in (5.0, 0.0))
    >>> [[scan.position for scan in scans] for scans in in_series([[upper], [lower]])]
    [[0.0, 5.0]]
    """
    groups: dict[object, list[Scan]] = {}
    for place, scans in enumerate(files):
        first = scans[0]
        alone = len(scans) > 1 or not first.series or first.position is None
        kind = first.series, first.plane, first.stack, first.shape, first.spacing
        groups.setdefault(place if alone else kind, []).extend(scans)
    return [scans if isinstance(key, int) else sorted(scans, key=_position) for key, scans in groups.items()]


def _position(scan: Scan) -> float:
    return scan.position
