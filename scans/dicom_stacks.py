"""The stacks of a DICOM file: frames that belong together, and pictures that are sheets of tiles.

One file may hold magnitude and phase, a field map, several echoes or points in time; only frames of one kind are one
volume. A fact is taken from the frame's functional groups, or from the top of the file (PS3.3 C.7.6.16, C.8.13).
"""

import math
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from scans.dicom_facts import find, numbers, orientation, position

# Value 3 or 4 of ImageType and FrameType, as standard and vendors write them, and what it means. In this order: a
# field map is real-valued, too.
_KINDS = {
    "field map": ("FIELD_MAP", "FIELDMAP", "B0", "B0 MAP", "B0_MAP"),
    "ADC map": ("ADC", "ADC_MAP", "DIFFUSION_ADC", "EADC"),
    "FA map": ("FA", "FA_MAP", "FRACTIONAL_ANISOTROPY"),
    "perfusion map": ("CBF", "CBV", "RCBF", "RCBV", "MTT", "TTP", "TMAX", "PERFUSION_MAP"),
    "parameter map": ("T1 MAP", "T2 MAP", "T2* MAP", "T1_MAP", "T2_MAP", "T2_STAR_MAP", "R2_MAP", "R2_STAR_MAP"),
    "localizer": ("LOCALIZER", "SCOUT"),
    "projection": ("PROJECTION IMAGE", "PROJECTION", "MIP", "MAX_IP"),
    "phase": ("P", "PHASE", "PHASE MAP", "PHASE_MAP", "VELOCITY", "VELOCITY MAP"),
    "imaginary part": ("I", "IMAGINARY"),
    "real part": ("R", "REAL"),
    "magnitude": ("M", "M_FFE", "M_SE", "M_IR", "M_PCA", "MAGNITUDE", "FFE", "SE"),
}  # fmt: skip
_UNITS = {"Hz": "field map", "mm2/s": "ADC map", "um2/s": "ADC map", "10-6.mm2/s": "ADC map", "rad": "phase"}
_PLAIN = ("magnitude", "")  # what a model knows; "" is a file that does not say
_MOSAIC, _COUNT = "MOSAIC", 0x0019100A  # Siemens' number of images in a mosaic
_ROOM = 0.01  # mm by which the positions of two slices may differ and be one


@dataclass(frozen=True)
class Stack:
    """Frames of one kind, in anatomical order where their positions are known. `name` tells it from the others."""

    name: str
    frames: tuple[int, ...]


def stacks(dataset: Dataset, frames: int) -> list[Stack]:
    """Return the stacks of a file of `frames` frames: magnitude before all else, then in the order of the file."""
    groups: dict[tuple[str, ...], list[int]] = {}
    taken: dict[tuple, int] = {}  # contrast and place -> how many frames lie there
    places = [position(dataset, frame) for frame in range(frames)]
    for frame, place in enumerate(places):
        facts = (*contrast(dataset, frame), orientation(dataset, frame)[0])
        spot = facts, frame if place is None else round(place / _ROOM)
        taken[spot] = taken.get(spot, 0) + 1
        groups.setdefault((*facts, f"repetition {taken[spot]}" if taken[spot] > 1 else ""), []).append(frame)
    differing = [len(set(column)) > 1 for column in zip(*groups, strict=True)]
    ordered = sorted(groups.items(), key=lambda group: (group[0][0] not in _PLAIN, group[1][0]))
    return [
        Stack(
            ", ".join(fact or "other" for fact, differs in zip(facts, differing, strict=True) if differs),
            tuple(members if None in places else sorted(members, key=places.__getitem__)),
        )
        for facts, members in ordered
    ]


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


def kind(dataset: Dataset, frame: int) -> str:
    """Return what the values of a frame are, one of `_KINDS`, or "" where the file does not say."""
    group = "MRImageFrameTypeSequence"
    types = find(dataset, frame, group, "FrameType") or dataset.get("ImageType") or ()
    words = {str(word).strip().upper() for word in list(types)[2:]}
    component = str(find(dataset, frame, group, "ComplexImageComponent") or "").strip().upper()
    units = find(dataset, frame, "RealWorldValueMappingSequence", "MeasurementUnitsCodeSequence") or ()
    unit = str(units[0].get("CodeValue", "")) if len(units) else ""
    for name, spellings in _KINDS.items():
        if words.intersection(spellings) or _UNITS.get(unit) == name or component in spellings:
            return name
    return ""


def tiles(dataset: Dataset) -> tuple[int, int] | None:
    """Return rows and columns of the tiles of a mosaic, None where the file is none or does not say how many.

    Siemens lays the slices of a volume side by side into one square picture.
    """
    if not is_mosaic(dataset):
        return None
    acquired = [int(size) for size in numbers(dataset, 0, "", "AcquisitionMatrix") if size > 0]
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    side = round(columns / max(acquired)) if acquired else 0
    if _COUNT in dataset:
        side = math.ceil(math.sqrt(_whole(dataset[_COUNT].value)))
    if side < 2 or rows % side or columns % side:
        return None
    return rows // side, columns // side


def _whole(value) -> int:
    """Return a private number, which a file without value representations holds as bytes."""
    return int.from_bytes(value, "little") if isinstance(value, bytes) else int(value)


def is_mosaic(dataset: Dataset) -> bool:
    """Return whether the file says that it is a mosaic."""
    return _MOSAIC in {str(word).strip().upper() for word in dataset.get("ImageType") or ()}


def taken_apart(mosaic: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Return (n, h, w) of a mosaic (H, W): its tiles from left to right and down, without the blank ones at the end."""
    down, across = mosaic.shape[0] // tile[0], mosaic.shape[1] // tile[1]
    slices = mosaic.reshape(down, tile[0], across, tile[1]).swapaxes(1, 2).reshape(-1, *tile)
    filled = np.flatnonzero(slices.max(axis=(1, 2)) > slices.min(axis=(1, 2)))
    return slices[: filled[-1] + 1 if len(filled) else 1]
