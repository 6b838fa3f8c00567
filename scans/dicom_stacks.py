"""The stacks of a DICOM file: frames that belong together.

One file may hold magnitude and phase, a field map, several echoes or points in time; only frames of one kind are one
volume. A fact is taken from the frame's functional groups, or from the top of the file (PS3.3 C.7.6.16, C.8.13).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from scans.dicom_facts import corner, directions, numbers, orientation, position
from scans.dicom_kinds import PLAIN, kind
from scans.scan import ScanError
from scans.series import parallel, spots


@dataclass(frozen=True)
class Stack:
    """Frames of one kind, in anatomical order where their positions are known. `name` tells it from the others."""

    name: str
    frames: tuple[int, ...]


def stacks(dataset: Dataset, frames: int) -> list[Stack]:
    """Return the stacks of a file of `frames` frames: magnitude before all else, then in the order of the file."""
    turned = [directions(dataset, frame) for frame in range(frames)]
    places = [position(turned[frame], corner(dataset, frame)) for frame in range(frames)]
    alike: dict[tuple[str, ...], list[int]] = {}
    for frame, cut in enumerate(cuts(turned)):
        alike.setdefault((*contrast(dataset, frame), cut), []).append(frame)
    groups: dict[tuple[str, ...], list[int]] = {}
    for facts, members in alike.items():
        placed = [frame for frame in members if places[frame] is not None]
        at = dict(zip(placed, spots([places[frame] for frame in placed]), strict=True))
        taken: Counter[int] = Counter()  # place -> how many frames lie there
        for frame in members:
            spot = at.get(frame, -1 - frame)  # nothing else lies at a place that is unknown
            taken[spot] += 1
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
        place = next((k for k, other in enumerate(others) if parallel(each, other)), len(others))
        if place == len(others):
            others.append(each)
        named.append(f"{plane or 'oblique'} {place + 1}" if place else plane)
    return named


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
