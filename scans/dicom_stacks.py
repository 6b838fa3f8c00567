"""The stacks of a DICOM file: frames that belong together.

One file may hold magnitude and phase, a field map, several echoes or points in time; only frames of one kind are one
volume. A fact is taken from the frame's functional groups, or from the top of the file (PS3.3 C.7.6.16, C.8.13).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from scans.dicom_facts import corner, directions, numbers, orientation, position
from scans.dicom_kinds import PLAIN, kind
from scans.scan import ScanError

_ROOM = 0.01  # mm by which the positions of two slices may differ and be one
_TURN = 0.02  # by which the directions of two slices of a stack may differ, as cosines


@dataclass(frozen=True)
class Stack:
    """Frames of one kind, in anatomical order where their positions are known. `name` tells it from the others."""

    name: str
    frames: tuple[int, ...]


def stacks(dataset: Dataset, frames: int) -> list[Stack]:
    """Return the stacks of a file of `frames` frames: magnitude before all else, then in the order of the file."""
    groups: dict[tuple[str, ...], list[int]] = {}
    taken: dict[tuple, int] = {}  # contrast and place -> how many frames lie there
    turned = [directions(dataset, frame) for frame in range(frames)]
    places = [position(turned[frame], corner(dataset, frame)) for frame in range(frames)]
    for (frame, place), cut in zip(enumerate(places), cuts(turned), strict=True):
        facts = (*contrast(dataset, frame), cut)
        spot = facts, frame if place is None else round(place / _ROOM)
        taken[spot] = taken.get(spot, 0) + 1
        groups.setdefault((*facts, f"repetition {taken[spot]}"), []).append(frame)
    differing = [len(set(column)) > 1 for column in zip(*groups, strict=True)]
    ordered = sorted(groups.items(), key=lambda group: (group[0][0] not in PLAIN, group[1][0]))
    return [
        Stack(
            ", ".join(fact or "other" for fact, differs in zip(facts, differing, strict=True) if differs),
            tuple(members if None in places else sorted(members, key=places.__getitem__)),
        )
        for facts, members in ordered
    ]


def chosen(found: list[Stack], name: str) -> Stack:
    """Return the stack of a name, the first for "". Raises ScanError where there is none of that name."""
    stack = next((each for each in found if each.name == name), None) if name else found[0]
    if stack is None:
        raise ScanError(
            f"This file has no stack {name[:80]!r}; it has {', '.join(each.name for each in found)}."
            if len(found) > 1
            else "This file holds one stack; open it without naming one."
        )
    return stack


def cuts(turned: Sequence[tuple[float, ...]]) -> list[str]:
    """Return the plane of each slice by its directions, numbered where slices of one plane are turned differently."""
    seen: dict[str, list[tuple[float, ...]]] = {}
    named = []
    for each in turned:
        plane = orientation(each)[0]
        others = seen.setdefault(plane, [])
        place = next((k for k, other in enumerate(others) if _parallel(each, other)), len(others))
        if place == len(others):
            others.append(each)
        named.append(f"{plane or 'oblique'} {place + 1}" if place else plane)
    return named


def _parallel(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and np.allclose(one, other, atol=_TURN)


def contrast(dataset: Dataset, frame: int) -> tuple[str, str, str, str]:
    """Return the kind, echo, b-value and time of a frame, "" for each that the file does not give."""
    echo = numbers(dataset, frame, "MREchoSequence", "EffectiveEchoTime") or numbers(dataset, frame, "", "EchoTime")
    b = numbers(dataset, frame, "MRDiffusionSequence", "DiffusionBValue")
    time = numbers(dataset, frame, "FrameContentSequence", "TemporalPositionIndex") or numbers(
        dataset, frame, "", "TemporalPositionIdentifier"
    )
    return (
        kind(dataset, frame),
        f"TE {echo[0]:.4g} ms" if echo else "",
        f"b {b[0]:g}" if b else "",
        f"time {time[0]:g}" if time else "",
    )
