"""The slices of a volume or series as one grid of voxels: how far apart they are, where they lie, and their sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from scans.scan import Scan, ScanError
from scans.series import TILTED, tilt

LONGEST = 256  # voxels of an axis of a reduced volume
MOST = 6_000_000  # voxels of all of it: 12 MB in 16 bits

_MOST_LAYERS = 2_000  # slices that lie far apart beside others that lie close would need more
_NEAR = 0.75  # of the distance of two layers: farther from every slice nothing was acquired
_LEVELS = 4095  # of a reduced volume's voxels, which are stored in 16 bits and packed more tightly for it
_THROUGH = {"axial": ("I", "S"), "coronal": ("P", "A"), "sagittal": ("L", "R")}  # the first slice's side, the last's


@dataclass(frozen=True)
class Grid:
    """The voxels of a volume: axis 0 leads through its slices, 1 down their rows, 2 along their columns.

    `layers` says which slice of the volume each layer of axis 0 shows, -1 where one is missing.
    """

    shape: tuple[int, int, int]
    sizes: tuple[float, float, float]  # of a voxel, in mm where `in_mm`
    in_mm: bool
    plane: str  # of the slices, "" if unknown
    sides: tuple[tuple[str, str], ...]  # the patient's side where each axis begins and ends, "" if unknown
    layers: tuple[int, ...]
    origin: tuple[float, ...] = ()  # x, y, z of the middle of the first voxel in the patient, mm; () if unknown
    steps: tuple[tuple[float, ...], ...] = ()  # the way of one voxel along each axis, x, y, z; () if unknown


def grid_of(volume: Sequence[Scan]) -> Grid:
    """Return the grid of the slices of one stack, in anatomical order. Slices that are missing leave layers empty.

    Raises ScanError with a sentence for the user where their distance is unknown, they are shifted against each other,
    or all of them are one value.

    >>> slices = [Scan(np.eye(64), "", apart=3.0, edges=("R", "L", "A", "P"), plane="axial") for _ in range(9)]
    >>> grid_of(slices).shape, grid_of(slices).sizes, grid_of(slices).sides[0]
    ((9, 64, 64), (3.0, 1.0, 1.0), ('I', 'S'))
    """
    first = volume[0]
    if len(volume) < 2 or any(scan.shape != first.shape for scan in volume):
        raise ScanError("The other planes need two slices or more, all of one size; this series has none such.")
    _span(volume)
    placed = all(scan.corner and scan.directions for scan in volume)
    if placed and tilt(volume) > TILTED:
        raise ScanError(
            f"The slices of this series are shifted against each other by {tilt(volume):.0f}° (a tilted gantry), so "
            "the other planes would be slanted; look at its slices one by one."
        )
    apart, layers = _layers(volume)
    left, right, top, bottom = first.edges
    through = _THROUGH[first.plane] if all(first.edges) and first.plane else ("", "")
    grid = {
        "shape": (len(layers), *first.shape),
        "sizes": (apart, *first.spacing),
        "in_mm": first.in_mm,
        "plane": first.plane,
        "sides": (through, (top, bottom), (left, right)),
        "layers": layers,
    }
    if not placed:
        return Grid(**grid)
    along, down = np.array(first.directions[:3]), np.array(first.directions[3:])
    way = np.array(volume[-1].corner) - np.array(first.corner)
    steps = (way / (len(layers) - 1), down * first.spacing[0], along * first.spacing[1])
    return Grid(**grid, origin=first.corner, steps=tuple(tuple(float(mm) + 0.0 for mm in step) for step in steps))


def _layers(volume: Sequence[Scan]) -> tuple[float, tuple[int, ...]]:
    """Return the distance of two layers and the slice that each of them shows. Raises ScanError."""
    places = [scan.position for scan in volume]
    if volume[0].apart > 0:
        return volume[0].apart, tuple(range(len(volume)))
    if None in places or not volume[0].in_mm:
        raise ScanError(
            "This series does not say how large its pixels are and how far apart its slices, so the other planes "
            "cannot be drawn to scale; export it with the position of each slice."
        )
    places = np.array(places) - places[0]
    apart = float(np.median(np.diff(places)))
    count = round(places[-1] / apart) + 1 if apart > 0 else 0
    if not 2 <= count <= _MOST_LAYERS:
        raise ScanError("The slices of this series lie too unevenly to be cut across; look at them one by one.")
    even = places[-1] / (count - 1)
    far = np.abs(places[None] - even * np.arange(count)[:, None])
    nearest = far.argmin(axis=1)
    return even, tuple(int(at) if far[layer, at] <= _NEAR * even else -1 for layer, at in enumerate(nearest))


def _span(volume: Sequence[Scan]) -> tuple[float, float]:
    """Return the stored values that are 0 and 1 in a grid of all slices. Raises ScanError where they are the same."""
    sign = -1 if volume[0].span[0] > volume[0].span[1] else 1  # of a negative the largest stored value is black
    first, last = (sign * far(sign * scan.span[end] for scan in volume) for end, far in enumerate((min, max)))
    if first == last:
        raise ScanError(
            f"Every pixel of this series has the value {first:g}, so the other planes show nothing; check the export."
        )
    return first, last


def reduced_shape(shape: Sequence[int], longest: int = LONGEST, most: int = MOST) -> tuple[int, int, int]:
    """Return the shape of a volume of `shape` once no axis is longer than `longest` and no more than `most` are left.

    >>> reduced_shape((600, 512, 60))
    (256, 256, 60)
    """
    sides = np.minimum(np.array(shape, float), longest)
    while np.prod(np.floor(sides)) > most:
        sides = np.where(sides == sides.max(), sides * 0.98, sides)  # the longest first: a thin stack keeps its slices
    return tuple(int(side) for side in np.maximum(1, np.floor(sides)))


def reduced(
    volume: Sequence[Scan], grid: Grid, longest: int = LONGEST, most: int = MOST
) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the voxels, uint16 (layers, rows, columns), averaged to `reduced_shape`, and what 0 and 65535 stand for.

    Those are stored values. Each slice may have a span of its own; here all share one. Layers without a slice are 0.
    Raises ScanError where all of them are one value.
    """
    shape = reduced_shape(grid.shape, longest, most)
    span = _span(volume)
    layers, (rows, columns) = len(grid.layers), shape[1:]
    out = np.zeros(shape, np.float32)
    for layer, place in enumerate(grid.layers):
        if place < 0:
            continue
        scan = volume[place]
        small = cv2.resize(scan.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
        black, white = ((edge - span[0]) / (span[1] - span[0]) for edge in scan.span)
        small = black + (white - black) * small
        begin, end = layer * shape[0] / layers, (layer + 1) * shape[0] / layers
        for target in range(int(begin), min(shape[0], int(np.ceil(end - 1e-9)))):
            out[target] += (min(end, target + 1) - max(begin, target)) * small
    levels = np.round(np.clip(out, 0, 1) * _LEVELS).astype(np.uint16)
    return (levels << 4) | (levels >> 8), span
