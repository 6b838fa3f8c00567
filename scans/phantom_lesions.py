"""The lesion of a phantom, its place and its look: one drawing for each kind."""

from dataclasses import dataclass

import cv2
import numpy as np

from scans.phantom_head import FLUID, Head, cavity
from scans.phantom_shapes import cover, noise, paint

_CANDIDATES = 400  # places tried; the roomiest wins if none has all the room that is wanted


@dataclass(frozen=True)
class Lesion:
    """A lesion before it is drawn: centre and radius in mm, outline as waves around the circle."""

    kind: str
    x: float
    y: float
    radius: float
    waves: tuple[tuple[int, float, float], ...]  # (times around, size as a part of the radius, phase)
    value: float  # of the bright part
    rim: float  # mm, of the bright part of a glioma
    reach: float  # mm: oedema around the bright part
    push: float  # mm: how far tissue gives way


def draw_lesion(rng: np.random.Generator, kind: str, head: Head) -> Lesion:
    """Return a lesion of `kind` ("glioma", "meningioma", "pituitary") at a place that suits it."""
    base = head.level in ("midbrain", "sella")
    if kind == "pituitary":
        radius, rough, spot = rng.uniform(7, 12.5), 0.05, (rng.uniform(-2, 2), rng.uniform(-19, -15))
        if head.level == "midbrain":
            spot = (spot[0], spot[1] + 4)
    elif kind == "meningioma":
        radius, rough = rng.uniform(9, 15 if base else 20), 0.07
        spot = _at_the_skull(rng, head, depth=rng.uniform(0.35, 0.7) * radius)
    else:
        radius, rough = rng.uniform(9, 15 if base else 23), 0.17
        spot, radius = _in_the_brain(rng, head, radius)
    waves = tuple((n, rough * rng.normal() / n**0.9, rng.uniform(0, 6.3)) for n in range(2, 8))
    reach = {"glioma": rng.uniform(4, 16), "meningioma": max(0.0, rng.uniform(-6, 7)), "pituitary": 0.0}[kind]
    return Lesion(
        kind=kind,
        x=spot[0],
        y=spot[1],
        radius=radius,
        waves=waves,
        value=rng.uniform(0.64 if kind == "glioma" else 0.56, 0.78),
        rim=max(2.5, radius * rng.uniform(0.14, 0.32)),
        reach=reach,
        push=radius * rng.uniform(0.1, 0.35),
    )


def _at_the_skull(rng: np.random.Generator, head: Head, depth: float) -> tuple[float, float]:
    """Return a place `depth` mm under the inner skull, away from the midline and, low down, from the face."""
    # Seen from this height of the midline the bone is smooth between these angles: no orbit, no petrous bone.
    height, first = {"midbrain": (6, -0.1), "sella": (42, -0.2)}.get(head.level, (6, -1.25))
    angle = rng.uniform(first, 1.2)
    radii = np.linspace(10, 110, 801, dtype=np.float32)
    x, y = radii * np.float32(np.cos(angle)), height + radii * np.float32(np.sin(angle))
    inside = cavity(head, x, y)
    at = int(np.flatnonzero(inside <= max(-depth, float(inside.min())))[-1])
    return float(x[at]) * (1 if rng.uniform() < 0.5 else -1), float(y[at])


def _in_the_brain(rng: np.random.Generator, head: Head, radius: float) -> tuple[tuple[float, float], float]:
    """Return a place with room for a glioma off the midline, and the radius that fits there."""
    x = rng.uniform(14, 62, _CANDIDATES).astype(np.float32)
    y = rng.uniform(-75, 85, _CANDIDATES).astype(np.float32)
    room = np.minimum(-cavity(head, x, y) - head.gap - 5, x - 3)
    fits = np.flatnonzero(room >= 1.3 * radius)
    at = int(fits[0]) if len(fits) else int(np.argmax(room))
    sign = 1 if rng.uniform() < 0.5 else -1
    return (sign * float(x[at]), float(y[at])), float(min(radius, room[at] / 1.3))


def pushed(lesion: Lesion, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates that tissue had before the lesion grew: the mass effect."""
    dx, dy = x - np.float32(lesion.x), y - np.float32(lesion.y)
    away = np.hypot(dx, dy) + np.float32(1e-3)
    spread = np.float32(1.2 * lesion.radius + lesion.reach)
    give = np.float32(lesion.push) * np.exp(-((away / spread) ** 2)) * np.minimum(away / np.float32(lesion.radius), 1)
    return x - dx / away * give, y - dy / away * give


def outline(lesion: Lesion, x: np.ndarray, y: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return the distance to the lesion's border, mm; `inner` is the distance to the inner skull."""
    dx, dy = x - np.float32(lesion.x), y - np.float32(lesion.y)
    angle = np.arctan2(dy, dx)
    border = np.full_like(x, lesion.radius)
    for times, size, phase in lesion.waves:
        border += np.float32(size * lesion.radius) * np.cos(times * angle + np.float32(phase))
    distance = np.hypot(dx, dy) - border
    return np.maximum(distance, inner + 0.5) if lesion.kind == "meningioma" else distance


def calm(lesion: Lesion, distance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how far swelling has closed the sulci and darkened the tissue, 0 to 1."""
    side = len(distance)
    fingers = 1 + 0.45 * noise(rng, 16, side) if lesion.reach else 1.0
    return np.clip((lesion.reach * fingers + 2.5 - distance) / 6.5, 0, 1)


def paint_lesion(
    image: np.ndarray,
    lesion: Lesion,
    distance: np.ndarray,
    inner: np.ndarray,
    swollen: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Paint oedema and lesion in place."""
    side = len(image)
    if lesion.reach:
        image -= 0.24 * image * swollen * cover(inner + 3.5, 3)
    grain, patches = noise(rng, 64, side), noise(rng, 24, side)
    if lesion.kind == "glioma":
        _paint_ring(image, lesion, distance, grain, patches)
        return
    if lesion.kind == "meningioma":
        cleft = np.maximum(distance - 1.3, inner + 1)
        paint(image, cleft, FLUID + 0.06, 1.6)
        tail = np.maximum(np.abs(inner + 0.9) - 0.9 * np.clip(1.7 - distance / 9, 0, 1), distance - 14)
        paint(image, tail, 0.9 * lesion.value)
    paint(image, distance, lesion.value * (1 + 0.035 * grain + 0.05 * patches))


def _paint_ring(
    image: np.ndarray, lesion: Lesion, distance: np.ndarray, grain: np.ndarray, patches: np.ndarray
) -> None:
    """A bright rim of uneven width around a dark, mottled core."""
    paint(image, distance, lesion.value * (1 + 0.09 * grain + 0.12 * patches))
    rim = lesion.rim * np.clip(1 + 0.6 * patches, 0.65, 2.2)
    paint(image, distance + rim, 0.19 + 0.035 * patches + 0.02 * grain, 2.2)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Return bool (H, W): the largest connected part of `mask`."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return np.zeros(mask.shape, bool)
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
