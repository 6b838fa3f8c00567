"""Slices from several files: which belong to one stack, in which order, and through which window they are seen.

A stack is told by its series, the directions of its slices, its contrast (kind, echo, b-value, time), its matrix and
its spacing. Slices at one place that differ are repetitions of the stack; those that are equal are one slice.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from scans.scan import Scan
from scans.window import SAMPLE, slices_window

_ROOM = 0.01  # mm by which the positions of two slices may differ and be one
_TURN = 0.02  # by which the directions of two slices of a stack may differ, as cosines
_UNEVEN = 0.05  # of the usual distance of two slices: larger differences are told
_MIXED = (
    "Slices at one place of this series are told apart by their order only; where one is missing, its repetitions are "
    "mixed."
)
TILTED = 2.0  # degrees from the normal of the slices to the line through their corners: less is rounding


def in_series(files: Sequence[Sequence[Scan]]) -> list[list[Scan]]:
    """Return the files' scans with the slices of each stack together, in anatomical order.

    Every file comes as `read` returns it. Single slices of one stack whose position is known become one list, from
    below, from behind or from the left, at the place of the first of them, with one grey range; a slice that came
    twice is kept once, and notes tell that, missing slices, varying distances and a tilted gantry. All else stays as
    it is: a volume, a picture, a slice without a position. Each scan keeps its own digest, index and count.

    >>> import numpy as np
    >>> upper, lower = (Scan(np.eye(64), "", series="a", position=mm) for mm in (5.0, 0.0))
    >>> [[scan.position for scan in scans] for scans in in_series([[upper], [lower]])]
    [[0.0, 5.0]]
    """
    groups: list[tuple[object, list[Scan]]] = []
    open_groups: dict[object, list[list[Scan]]] = {}
    for scans in files:
        first = scans[0]
        if not single_slice(scans):
            groups.append((None, list(scans)))
            continue
        facts = first.series, first.plane, first.stack, first.shape, first.spacing, first.span[0] > first.span[1]
        alike = open_groups.setdefault(facts, [])
        group = next((each for each in alike if parallel(each[0].directions, first.directions)), None)
        if group is None:
            group = []
            alike.append(group)
            groups.append((facts, group))
        group.append(first)
    return [stack for facts, group in groups for stack in ([group] if facts is None else _stacks(group))]


def single_slice(scans: Sequence[Scan]) -> bool:
    """Return whether a file is one slice of a series whose place is known."""
    return len(scans) == 1 and not scans[0].stacks and bool(scans[0].series) and scans[0].position is not None


def with_one_grey_range(scans: Sequence[Scan]) -> list[Scan]:
    """Return slices of one stack, each with the window that it would have in one volume of them.

    A window that a file gives stays. The pixels stay too: a window is given as a share of a slice's own `span`.
    """
    seen = [scan for scan in scans if not scan.own_window and not scan.blank]
    if len(seen) < 2:
        return list(scans)
    sign = -1.0 if seen[0].span[0] > seen[0].span[1] else 1.0  # of a negative the largest stored value is black
    few = max(1, SAMPLE // len(seen))
    values = np.stack([sign * _stored(scan, few) for scan in seen])[:, None]
    low, high = float(values.min()), float(values.max())
    (dark, bright), notes = slices_window((values - low) / (high - low))
    dark, bright = low + dark * (high - low), low + bright * (high - low)
    return [
        scan if scan.own_window or scan.blank else _seen_from(scan, sign * dark, sign * bright, notes) for scan in scans
    ]


def about_places(scans: Sequence[Scan]) -> tuple[str, ...]:
    """Return notes on slices of one stack, in order: missing ones, varying distances, a tilt; () for a sound volume."""
    if len(scans) < 3 or not all(scan.corner and scan.directions for scan in scans):
        return ()
    steps = np.diff([scan.position for scan in scans])
    notes = ()
    if np.ptp(steps) > _UNEVEN * np.median(steps):
        # Imported late: it takes a second, and most series are even.
        from highdicom.spatial import get_volume_positions

        spacing, places = get_volume_positions(
            [scan.corner for scan in scans],
            scans[0].directions,
            rtol=_UNEVEN,
            perpendicular_tol=2.0,  # whether they are tilted is another question
            allow_missing_positions=True,
        )
        if places is None:
            least, most = steps.min(), steps.max()
            notes += (f"The distance between the slices of this series varies from {least:.3g} to {most:.3g} mm.",)
        else:
            missing = max(places) + 1 - len(places)
            verb = "slice is" if missing == 1 else "slices are"
            notes += (f"{missing} {verb} missing: this series leaves gaps between slices {spacing:.3g} mm apart.",)
    degrees = tilt(scans)
    if degrees > TILTED:
        notes += (
            f"The slices of this series are shifted against each other by {degrees:.0f}° (a tilted gantry): neighbours "
            "do not show the same place one above the other.",
        )
    return notes


def _stacks(group: list[Scan]) -> Iterator[list[Scan]]:
    """Yield the stack that slices of one kind are, and each of its repetitions, in anatomical order."""
    at: dict[int, list[Scan]] = {}  # place -> the slices that lie there, in the order of their acquisition
    numbered = zip(spots([scan.position for scan in group]), group, strict=True)
    for place, scan in sorted(numbered, key=lambda each: (each[0], each[1].acquired, each[1].position)):
        there = at.setdefault(place, [])
        if not any(_equal(scan, other) for other in there):
            there.append(scan)
    twice = len(group) - sum(map(len, at.values()))
    repetitions, sure = _repetitions(list(at.values()))
    for number, scans in enumerate(repetitions):
        notes = about_places(scans)
        if twice and not number:
            what = "1 slice of this series came twice and is" if twice == 1 else f"{twice} slices came twice and are"
            notes += (f"{what} shown once.",)
        notes += () if sure else (_MIXED,)
        stack = ", ".join(filter(None, (scans[0].stack, f"repetition {number + 1}" if number else "")))
        yield [replace(scan, stack=stack, notes=scan.notes + notes) for scan in with_one_grey_range(scans)]


def _repetitions(places: list[list[Scan]]) -> tuple[list[list[Scan]], bool]:
    """Return the repetitions of a stack by the slices at each place, and whether none can hold a slice of another.

    Where most places hold several slices, and each acquisition one of them, a repetition is an acquisition: else the
    acquisitions may be parts of one volume, and the slices that come first at their places are the first repetition.
    """
    most = max(map(len, places))
    numbers = sorted({scan.acquired[0] for there in places for scan in there})
    once = all(len({scan.acquired[0] for scan in there}) == len(there) for there in places)
    if once and len(numbers) == most and 2 * sum(len(there) > 1 for there in places) >= len(places):
        return [[scan for there in places for scan in there if scan.acquired[0] == number] for number in numbers], True
    repetitions = [[there[k] for there in places if k < len(there)] for k in range(most)]
    return repetitions, most == 1 or (len(numbers) == 1 and all(len(there) == most for there in places))


def spots(positions: Sequence[float]) -> list[int]:
    """Return the number of the place at which each position lies, mm, from 0: some differ by rounding only.

    >>> spots([5.0, 0.0, 4.996])
    [1, 0, 1]
    """
    numbers, first, number = [0] * len(positions), -math.inf, -1
    for k in sorted(range(len(positions)), key=positions.__getitem__):
        if positions[k] - first > _ROOM:
            first, number = positions[k], number + 1
        numbers[k] = number
    return numbers


def _equal(scan: Scan, other: Scan) -> bool:
    return scan.digest == other.digest or (
        scan.grey_range == other.grey_range and scan.pixels_sha256 == other.pixels_sha256
    )


def parallel(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Return whether two slices, by the directions of each, are cut alike."""
    return len(one) == len(other) and np.allclose(one, other, atol=_TURN)


def _stored(scan: Scan, count: int) -> np.ndarray:
    """Return `count` stored values of a scan, (n,), or all of them if there are fewer."""
    flat = scan.pixels.reshape(-1)
    if flat.size > count:
        flat = flat[np.random.default_rng(0).integers(0, flat.size, count)]
    return scan.span[0] + flat * (scan.span[1] - scan.span[0])


def _seen_from(scan: Scan, black: float, white: float, notes: tuple[str, ...]) -> Scan:
    """Return a scan with the window from `black` to `white`, in stored values."""
    first, last = scan.span
    window = (black - first) / (last - first), (white - first) / (last - first)
    return replace(scan, window=window, notes=scan.notes + notes)


def tilt(scans: Sequence[Scan]) -> float:
    """Return the angle in degrees between the normal of the slices and the line through their corners."""
    along, down = np.array(scans[0].directions[:3]), np.array(scans[0].directions[3:])
    way = np.array(scans[-1].corner) - np.array(scans[0].corner)
    return math.degrees(math.atan2(math.hypot(way @ along, way @ down), abs(way @ np.cross(along, down))))
