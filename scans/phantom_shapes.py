"""Shapes and textures of a phantom: signed distances in mm, soft paint, band-limited noise.

Every shape is a signed distance: negative inside, positive outside, in the unit of the coordinates. The
coordinates may be a picture's or a handful of points; nothing here knows the size of a picture except `noise`.
"""

import cv2
import numpy as np

SOFT = 1.1  # mm over which a border fades: the partial volume of a slice


def noise(rng: np.random.Generator, cells: int, side: int) -> np.ndarray:
    """Return float32 (side, side), smooth, about N(0, 1), with details of side / cells pixels.

    The numbers are drawn on a grid of `cells` x `cells`, so every `side` shows the same texture.
    """
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC if side > cells else cv2.INTER_AREA)


def ellipse(
    x: np.ndarray, y: np.ndarray, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0
) -> np.ndarray:
    """Return the distance to an ellipse, to first order; `turn` in radians, from x towards y."""
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    if turn:
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        dx, dy = cos * dx + sin * dy, cos * dy - sin * dx
    u, v = dx / np.float32(radii[0]), dy / np.float32(radii[1])
    reach = np.sqrt(u * u + v * v) + np.float32(1e-3)
    slope = np.sqrt((u / np.float32(radii[0])) ** 2 + (v / np.float32(radii[1])) ** 2) + np.float32(1e-5)
    return (reach - 1) * reach / slope


def stroke(
    x: np.ndarray,
    y: np.ndarray,
    start: tuple[float, float],
    end: tuple[float, float],
    widths: tuple[float, float],
) -> np.ndarray:
    """Return the distance to a round-ended line whose half width goes from `widths[0]` to `widths[1]`."""
    dx, dy = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    along = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(px - along * dx, py - along * dy) - (widths[0] + along * np.float32(widths[1] - widths[0]))


def join(a: np.ndarray, b: np.ndarray, round_off: float) -> np.ndarray:
    """Return the union of two shapes; where they meet the corner is filled over `round_off` mm."""
    gap = np.maximum(round_off - np.abs(a - b), 0)
    return np.minimum(a, b) - gap * gap * np.float32(0.25 / round_off)


def carve(a: np.ndarray, b: np.ndarray, round_off: float) -> np.ndarray:
    """Return the shape `a` without `b`, the cut rounded over `round_off` mm."""
    return -join(-a, b, round_off)


def cover(distance: np.ndarray, soft: float = SOFT) -> np.ndarray:
    """Return how much of each pixel a shape covers, 0 to 1, its border faded over `soft` mm."""
    return np.clip(np.float32(0.5) - distance * np.float32(1 / soft), 0, 1)


def paint(image: np.ndarray, distance: np.ndarray, value: float | np.ndarray, soft: float = SOFT) -> None:
    """Lay `value` over `image` in place, wherever `distance` is inside."""
    image += (value - image) * cover(distance, soft)
