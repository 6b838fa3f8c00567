"""The brain of a phantom: folded cortex, ventricles, nuclei, brainstem, midline.

Coordinates and values are those of `phantom_head`.
"""

import cv2
import numpy as np

from scans.phantom_head import BLOOD, DURA, FLUID, GREY, WHITE, Head
from scans.phantom_shapes import cover, ellipse, join, noise, paint, stroke

_CORTEX = 3.2  # mm
_GYRI = 36  # cells of noise around one hemisphere, about 10 mm each
_STEP = np.float32(16)  # pixels of the unrolled cortex to a cell


def paint_brain(
    image: np.ndarray,
    head: Head,
    x: np.ndarray,
    y: np.ndarray,
    inner: np.ndarray,
    calm: np.ndarray | float,
    rng: np.random.Generator,
) -> None:
    """Paint the brain in place. `calm` (0 to 1) is where swelling has closed the sulci."""
    side = len(image)
    depth = -inner - head.gap
    sulcus, vessel, deep = _sulci(head, x, y, depth, rng, side)
    fluid = cover(sulcus - head.sulci) * (1 - calm)
    surface = np.minimum(np.maximum(sulcus, 0), np.maximum(deep, 0))
    ribbon = head.contrast * np.clip(1.35 - surface / _CORTEX, 0, 1)
    mottle = noise(rng, 40, side)
    tissue = WHITE - (WHITE - GREY) * ribbon * (1 - 0.6 * calm) + 0.007 * mottle + 0.012 * noise(rng, 9, side)
    tissue += (FLUID - tissue) * fluid
    tissue += (BLOOD - tissue) * vessel * (1 - calm)
    _paint_deep(tissue, head, x, y)
    _paint_midline(tissue, head, x, y, inner)
    paint(image, -depth, tissue)
    _paint_sinuses(image, head, x, y, inner)


def _paint_sinuses(image: np.ndarray, head: Head, x: np.ndarray, y: np.ndarray, inner: np.ndarray) -> None:
    """The superior sagittal sinus, a triangle on the inner skull: behind, and at the vertex in front too."""
    for end, size in ((-1, 0.6), (1, 1.0)):
        if head.level == "vertex" or end > 0:
            at = 6 + end * (head.length - (head.scalp + head.skull) * 1.25 + 1)
            triangle = stroke(x, y, (0, at), (0, at - end * 9 * size), (4.6 * size, 0.4))
            paint(image, np.maximum(triangle, inner + 0.6), 0.62, 2.2)


def _sulci(
    head: Head, x: np.ndarray, y: np.ndarray, depth: np.ndarray, rng: np.random.Generator, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distance to the nearest sulcus, where a vessel runs in one (0 to 1), and the depth; mm.

    Sulci are the zero lines of noise on the unrolled cortex (angle around the hemisphere, depth): stretched
    along the depth, they cut in at right angles to the surface, and wind.
    """
    ax = np.abs(x)
    if head.level in ("vertex", "ventricles"):
        # Over the corpus callosum there is no medial cortex to cut into.
        bridge = 0 if head.level == "vertex" else np.maximum(34 - np.abs(y - 3), 0)
        deep = np.minimum(depth, np.hypot(ax - 1, bridge))
        around = _around_hemisphere(ax, y - 6)
    else:
        deep = depth
        around = np.arctan2((y - 6) / np.float32(1.3), ax) / np.float32(np.pi) + np.float32(0.5)
    column = around * _GYRI + np.float32(0.4) * noise(rng, 18, side)
    row = np.clip(deep, -5, 60) * np.float32(1 / 14) + np.where(x > 0, np.float32(6), np.float32(1))
    sampled = cv2.remap(
        _cortex_sheet(rng), (column + 4) * _STEP, row * _STEP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    field, other = np.ascontiguousarray(sampled[..., 0]), sampled[..., 1]
    scale = side / 230 / 8
    slope = np.hypot(
        cv2.Sobel(field, cv2.CV_32F, 1, 0, ksize=3, scale=scale),
        cv2.Sobel(field, cv2.CV_32F, 0, 1, ksize=3, scale=scale),
    )
    distance = np.abs(field) / (slope + np.float32(0.03))
    below = np.maximum(deep - head.folds * (1 + 0.4 * np.clip(other, -1.6, 1.6)), 0)
    # Sulci gape where they open and close as they go down.
    distance = np.hypot(distance, below) + np.float32(0.03) * np.maximum(deep, 0)
    return distance, cover(distance - 0.5) * np.clip(2 * other - 2.2, 0, 0.8), deep


def _around_hemisphere(ax: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far around a hemisphere each place lies, 0 to 1, along two lines and two half circles."""
    radius, half = np.float32(36), np.float32(20)  # mm
    along = np.clip(y, -half, half)
    arc = radius * np.arctan2((y - along) * np.float32(0.65), ax - 29)
    way = arc + np.where(ax > 29, along, np.where(y < -half, along, 2 * half - along))
    perimeter = 2 * np.float32(np.pi) * radius + 4 * half
    return np.mod(way / perimeter + np.float32(0.5), 1)


def _cortex_sheet(rng: np.random.Generator) -> np.ndarray:
    """Return float32 (rows, columns, 2): two noises on the unrolled cortex, a ring of columns."""
    cells = rng.standard_normal((11, _GYRI, 2), dtype=np.float32)
    cells = np.concatenate([cells[:, -4:], cells, cells[:, :4]], axis=1)
    size = (cells.shape[1] * int(_STEP), cells.shape[0] * int(_STEP))
    return cv2.resize(cells, size, interpolation=cv2.INTER_CUBIC)


def _paint_deep(tissue: np.ndarray, head: Head, x: np.ndarray, y: np.ndarray) -> None:
    """Paint what lies under the cortex: grey nuclei, fluid spaces, brainstem, cerebellum."""
    if head.level == "midbrain":
        _paint_midbrain(tissue, head, x, y)
    elif head.level == "sella":
        _paint_hindbrain(tissue, head, x, y)
    elif head.level == "ventricles" and head.bodies:
        _paint_bodies(tissue, np.abs(x), y, 1.35 * head.ventricles)
    elif head.level == "ventricles":
        _paint_nuclei(tissue, np.abs(x), y)
        _paint_horns(tissue, x, y, head.ventricles)
        _paint_fissure(tissue, head, np.abs(x), y)


def _paint_bodies(tissue: np.ndarray, ax: np.ndarray, y: np.ndarray, wide: float) -> None:
    """The bodies of the lateral ventricles, the caudate beside them, choroid plexus in them."""
    paint(tissue, stroke(ax, y, (8 + 1.5 * wide, -24), (11 + 1.5 * wide, 2), (4, 3)), GREY, 4)
    front = stroke(ax, y, (3 + 2.2 * wide, -29), (3 + 1.4 * wide, -4), (1.9 * wide, 1.7 * wide))
    back = stroke(ax, y, (3 + 1.4 * wide, -4), (11 + 2 * wide, 29), (1.7 * wide, 2.6 * wide))
    paint(tissue, join(front, back, 6), FLUID, 1.8)
    paint(tissue, ellipse(ax, y, (9 + 2 * wide, 20), (1.1, 5), -0.35), 0.42, 1.8)


def _paint_horns(tissue: np.ndarray, x: np.ndarray, y: np.ndarray, wide: float) -> None:
    """Frontal horns, trigones with choroid plexus, third ventricle, and the veins between them."""
    ax = np.abs(x)
    neck = stroke(ax, y, (1.6, -8), (4 + wide, -24), (0.6 * wide, 1.5 * wide))
    horn = join(neck, stroke(ax, y, (4 + wide, -24), (9 + 3 * wide, -34), (1.6 * wide, 2.1 * wide)), 6)
    front = stroke(ax, y, (19 + 2 * wide, 22), (22 + 2 * wide, 32), (0.8 * wide, 2.2 * wide))
    trigone = join(front, stroke(ax, y, (22 + 2 * wide, 32), (18 + 2 * wide, 48), (2.0 * wide, 0.7 * wide)), 4)
    paint(tissue, np.minimum(horn, trigone), FLUID, 1.8)
    paint(tissue, stroke(x, y, (0, -6), (0, 14), (0.9 * wide, 1.1 * wide)), FLUID, 1.4)
    paint(tissue, ellipse(ax, y, (20.5 + 2 * wide, 29), (1.5, 3.6), -0.3), 0.60, 2.2)
    paint(tissue, ellipse(x, y, (0, 22), (1.8, 2.6)), BLOOD, 2)
    paint(tissue, stroke(ax, y, (2.2, 17), (0.6, 4), (0.7, 0.4)), 0.55, 1.8)


def _paint_nuclei(tissue: np.ndarray, ax: np.ndarray, y: np.ndarray) -> None:
    """Caudate, lentiform nucleus and thalamus."""
    paint(tissue, ellipse(ax, y, (13, -22), (5, 8), 0.3), GREY, 6)
    paint(tissue, ellipse(ax, y, (25, -8), (6, 15), -0.15), GREY + 0.012, 7)
    paint(tissue, ellipse(ax, y, (9, 6), (7.5, 12), -0.3), GREY + 0.02, 7)


def _paint_fissure(tissue: np.ndarray, head: Head, ax: np.ndarray, y: np.ndarray) -> None:
    """The Sylvian fissure over the insula, open to the side."""
    width, start, bend, end, mouth = 0.5 + head.sulci, (35, -24), (41, -11), (39, 6), (63, -20)
    insula = join(stroke(ax, y, start, bend, (4, 5)), stroke(ax, y, bend, end, (5, 3)), 4)
    paint(tissue, np.minimum(insula, stroke(ax, y, bend, mouth, (3, 4))), GREY, 4)
    cleft = join(stroke(ax, y, start, bend, (0.4 * width, width)), stroke(ax, y, bend, end, (width, 0.3 * width)), 3)
    paint(tissue, join(cleft, stroke(ax, y, bend, mouth, (0.5 * width, 1.5 * width)), 3), FLUID + 0.02)
    paint(tissue, ellipse(ax, y, (42, -12), (0.9, 0.9)), BLOOD, 2)


def _paint_midbrain(tissue: np.ndarray, head: Head, x: np.ndarray, y: np.ndarray) -> None:
    """Midbrain in its cisterns, chiasm, arteries, temporal horns, tentorium and cerebellum."""
    ax, wide = np.abs(x), 0.6 + 0.5 * head.ventricles
    stem = join(ellipse(ax, y, (8.5, 4), (8, 9), 0.5), ellipse(x, y, (0, 14), (14, 9)), 4)
    paint(tissue, stem - 1.0 - 1.3 * wide, FLUID, 2)
    star = join(ellipse(x, y, (0, -12), (9 + wide, 8 + wide)), stroke(ax, y, (6, -15), (26, -21), (2.2, 1.2)), 5)
    paint(tissue, star, FLUID, 2)
    paint(tissue, stem, WHITE - 0.01)
    paint(tissue, ellipse(x, y, (0, 15), (1.2 * wide, 1.2 * wide)), FLUID, 1.6)
    paint(tissue, ellipse(x, y, (0, -1), (3, 4 + wide)), FLUID, 2)
    paint(tissue, stroke(ax, y, (0, -15), (5, -19), (1.4, 1.2)), GREY, 1.6)
    paint(tissue, ellipse(ax, y, (9, -14), (1.5, 1.5)), BLOOD, 1.8)
    paint(tissue, stroke(ax, y, (10, -15), (27, -20), (0.8, 0.5)), 0.62, 1.4)
    paint(tissue, stroke(ax, y, (16, 2), (19, 15), (0.6, 0.5)), 0.55, 1.4)
    paint(tissue, stroke(ax, y, (30, -2), (33, 9), (0.5 * wide, 0.3 * wide)), FLUID + 0.08, 2)
    leaf = join(stroke(x, y, (0, 22), (0, 46), (5, 22)), ellipse(x, y, (0, 52), (26, 15)), 6)
    folia = np.sin(np.hypot(x, y - 14) * np.float32(1.7))
    tissue += (0.37 + 0.007 * folia - tissue) * cover(leaf, 3)
    paint(tissue, np.maximum(np.abs(leaf + 0.5) - 0.5, 18 - y), 0.44, 2)
    paint(tissue, stroke(x, y, (0, 24), (0, 33), (1.2, 2.2)), FLUID + 0.12, 3)


def _paint_hindbrain(tissue: np.ndarray, head: Head, x: np.ndarray, y: np.ndarray) -> None:
    """Pons, fourth ventricle, cerebellum with its folia, basal arteries."""
    ax, wide = np.abs(x), 0.7 + 0.4 * head.ventricles
    folia = np.sin(np.hypot(ax - 6, 0.8 * (y - 26)) * np.float32(2.0))
    tissue += (0.375 + 0.009 * folia - tissue) * cover(ellipse(ax, y, (24, 46), (30, 32)), 4)
    paint(tissue, ellipse(ax, y, (20, 38), (9, 12), 0.5), WHITE, 6)
    pons = join(ellipse(x, y, (0, 17), (16, 12)), stroke(ax, y, (10, 20), (22, 30), (6, 5)), 6)
    paint(tissue, np.maximum(ellipse(x, y, (0, 11), (26, 9)), -pons), FLUID, 2)
    paint(tissue, pons, WHITE - 0.01, 1.6)
    fourth = join(ellipse(x, y, (0, 33), (6 * wide, 2.2 * wide)), ellipse(x, y, (0, 36), (2 * wide, 4 * wide)), 3)
    paint(tissue, fourth, FLUID, 1.6)
    paint(tissue, ellipse(x, y, (0, 3.5), (1.6, 1.6)), BLOOD, 1.8)
    paint(tissue, ellipse(x, y, (0, 50), (3.5, 11)), GREY, 3)


def _paint_midline(tissue: np.ndarray, head: Head, x: np.ndarray, y: np.ndarray, inner: np.ndarray) -> None:
    """The fissure between the hemispheres with the falx in it, and the vessels at its ends."""
    if head.level == "sella":
        return
    ahead, behind = {"vertex": (99, -99), "ventricles": (-36, 34), "midbrain": (-34, 64)}[head.level]
    outside = np.minimum(y - ahead, behind - y)
    opening = np.maximum(np.abs(x) - 0.5 - head.sulci, outside)
    paint(tissue, opening, FLUID, 1.4)
    paint(tissue, np.maximum(np.abs(x) - 0.45, outside + 2), DURA + 0.06, 1.2)
