"""Which of these files are slices of one series, and in what order do they lie?"""

from collections.abc import Sequence

from scans.scan import Scan


def in_series(files: Sequence[Sequence[Scan]]) -> list[list[Scan]]:
    """Return the files' scans with the slices of each series together, in the order in which they lie.

    Every file comes as `read` returns it. Single slices that say that they are of one series, lie in one plane and
    say where, become one list, from below, from behind or from the left; it stands where the first of them stood.
    All else stays as it is: a volume, a picture, a slice that does not say where it lies. Each scan keeps its own
    digest, index and count.
    """
    found: dict[object, list[Scan]] = {}
    for place, scans in enumerate(files):
        first = scans[0]
        alone = len(scans) > 1 or not first.series or first.position is None
        found.setdefault(place if alone else (first.series, first.plane), []).extend(scans)
    return [scans if isinstance(key, int) else sorted(scans, key=_position) for key, scans in found.items()]


def _position(scan: Scan) -> float:
    return scan.position
