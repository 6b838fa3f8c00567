"""What surrounds the brain of a phantom: skin, fat, muscle, bone and face on four axial levels, in mm.

x grows to the picture's right, y towards the back of the head. Values are those of a T1-weighted picture
after contrast: fat and vessels bright, white matter over grey matter, fluid dark, bone and air black.
"""

from dataclasses import dataclass

import numpy as np

from scans.phantom_shapes import carve, ellipse, join, noise, paint, stroke

FAT, SKIN, MUSCLE, BONE, MARROW = 0.80, 0.50, 0.34, 0.04, 0.36
WHITE, GREY, FLUID, DURA, BLOOD = 0.42, 0.335, 0.11, 0.44, 0.70


@dataclass(frozen=True)
class Head:
    """One head, drawn at random; lengths in mm."""

    level: str  # "vertex", "ventricles", "midbrain" or "sella", from the top down
    width: float  # half, over the skin
    length: float
    egg: float  # how much broader the back is than the front
    square: float  # how far the outline bulges between the axes
    scalp: float
    skull: float
    gap: float  # fluid between dura and brain
    sulci: float  # half width
    folds: float  # depth of the sulci
    ventricles: float  # 1 is a young adult's
    contrast: float  # of grey against white matter, 1 as in the values above
    bodies: bool  # level "ventricles": the upper cut, through the bodies


def draw_head(rng: np.random.Generator, level: str) -> Head:
    """Return a head of the population: age widens fluid spaces together, the rest varies freely."""
    age = rng.uniform() ** 1.5
    shrink = {"vertex": 0.94, "ventricles": 1.0, "midbrain": 0.99, "sella": 0.97}[level]
    folds = {"vertex": 15.0, "ventricles": 10.5, "midbrain": 5.5, "sella": 2.8}[level]
    return Head(
        level=level,
        width=shrink * rng.uniform(66, 74),
        length=shrink * rng.uniform(82, 92),
        egg=rng.uniform(0.03, 0.11),
        square=rng.uniform(0.0, 0.035),
        scalp=rng.uniform(3.5, 6.5),
        skull=rng.uniform(5.0, 7.5),
        gap=0.9 + 1.5 * age + rng.uniform(0, 0.5),
        sulci=0.45 + 0.65 * age + rng.uniform(0, 0.25),
        folds=folds * rng.uniform(0.8, 1.2),
        ventricles=0.75 + 0.9 * age + rng.uniform(0, 0.3),
        contrast=rng.uniform(0.7, 1.6),
        bodies=bool(rng.uniform() < 0.4),
    )


def _vault(head: Head, x: np.ndarray, y: np.ndarray, inset: float) -> np.ndarray:
    """Return the distance to the egg that skin and inner skull follow, `inset` mm inside the skin."""
    y = y - np.float32(6)
    u = x / (head.width * (1 + np.float32(head.egg / head.length) * np.clip(y, -99, 99)))
    v = y / np.float32(head.length)
    square = u * u + v * v + np.float32(1e-4)
    reach = np.sqrt(square)
    slope = np.sqrt((u / np.float32(head.width)) ** 2 + (v / np.float32(head.length)) ** 2) / reach
    bulge = 1 - np.float32(4 * head.square) * (u * v / square) ** 2
    # The bone is thickest at brow and occiput.
    return (reach * bulge - 1) / (slope + np.float32(1e-5)) + np.float32(inset) * (1 + np.float32(0.25) * v * v)


def skin(head: Head, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the distance to the outside of the head, mm."""
    outline = _vault(head, x, y, 0.0)
    ax, front = np.abs(x), 6 - head.length
    if head.level in ("midbrain", "sella"):
        nose = 3.0 if head.level == "midbrain" else 8.0
        outline = join(outline, ellipse(ax, y, (31, front + 17), (19, 21)), 14)
        outline = join(outline, ellipse(x, y, (0, front + 12), (12, 12 + nose)), 14)
    if head.level == "sella":
        outline = join(outline, ellipse(ax, y, (head.width - 2, 24), (5.5, 12)), 6)
    return outline


def cavity(head: Head, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the distance to the inner skull (the dura), mm: negative where brain and its fluid are."""
    inside = _vault(head, x, y, head.scalp + head.skull + (3.0 if head.level == "sella" else 0.0))
    ax = np.abs(x)
    if head.level == "midbrain":
        orbits = stroke(ax, y, (33, -head.length), (20, -42), (25, 6))
        return carve(carve(inside, orbits, 10), ellipse(x, y, (0, -head.length - 4), (12, 30)), 8)
    if head.level == "sella":
        temporal = ellipse(ax, y, (41, -8), (27, 30), 0.25)
        behind = ellipse(x, y, (0, 50), (70, 50))
        parts = join(temporal, behind, 4)
        parts = carve(parts, stroke(ax, y, (66, 16), (24, 1), (7, 2.5)), 5)
        return -join(-inside, -parts, 6)
    return inside


def paint_outside(
    image: np.ndarray, head: Head, x: np.ndarray, y: np.ndarray, grain: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Paint scalp, muscle, skull, dura and fluid in place; return the distance to the inner skull."""
    outline, inner = skin(head, x, y), cavity(head, x, y)
    low = head.level in ("midbrain", "sella")
    patches = noise(rng, 14, len(image))
    ax = np.abs(x)
    paint(image, outline, SKIN)
    paint(image, outline + 1.4, FAT * (1 + 0.05 * grain + 0.06 * patches), 1.6)
    if head.level != "vertex":
        temporalis = ellipse(ax, y, (head.width - 6.5, -26), (4.5, 24), 0.12)
        paint(image, np.maximum(temporalis, outline + 3), MUSCLE * (1 + 0.1 * grain), 2.5)
    if low:
        _paint_face(image, head, x, y, grain, outline)
    paint(image, np.maximum(inner - head.skull - 0.5 * patches - 0.2 * grain, outline + 2.4), BONE, 1.4)
    marrow = np.maximum(np.abs(inner - 0.5 * head.skull) - 0.13 * head.skull * (1.1 + patches), outline + 3)
    paint(image, np.maximum(marrow, -50 - y) if low else marrow, MARROW * (1 + 0.25 * grain), 1.8)
    if head.level == "sella":
        _paint_sella(image, x, y, grain, outline)
    paint(image, inner, DURA * (0.7 + 0.3 * patches), 1.4)
    paint(image, inner + 0.9, FLUID + 0.03)
    return inner


def _paint_face(
    image: np.ndarray, head: Head, x: np.ndarray, y: np.ndarray, grain: np.ndarray, outline: np.ndarray
) -> None:
    """Orbits with globe, nerve and muscles; the air cells between them."""
    ax, front = np.abs(x), 6 - head.length
    sides = ellipse(ax, y, (50, front + 40), (12, 22), -0.5)
    paint(image, np.maximum(sides, outline + 5), MUSCLE * (1 + 0.15 * grain), 3)
    orbit = stroke(ax, y, (32, front + 15), (15, -36), (19, 4))
    paint(image, np.maximum(orbit - 2.2, outline + 2.5), BONE)
    paint(image, np.maximum(orbit, outline + 1.5), FAT * (0.92 + 0.06 * grain))
    for start, end in (((48, front + 22), (19, -38)), ((18, front + 20), (14, -38))):
        paint(image, np.maximum(stroke(ax, y, start, end, (1.6, 2.2)), orbit), 0.42, 1.6)
    if head.level == "sella":
        paint(image, stroke(ax, y, (32, front + 22), (15, -36), (2.0, 1.7)), 0.36, 1.6)
    globe = ellipse(ax, y, (32.5, front + 10), (12.2, 12.2) if head.level == "sella" else (10, 10))
    paint(image, globe, 0.38)
    paint(image, globe + 1.5, 0.10)
    paint(image, np.maximum(ellipse(ax, y, (32.5, front + 1.5), (4.6, 2.2)), globe + 1), 0.30)
    cells = ellipse(x, y, (0, front + 27), (12.5, 24))
    paint(image, np.maximum(cells, outline + 6), 0.03)
    # Zero lines of noise again: the thin walls between the cells.
    walls = np.maximum(np.abs(grain) - 0.10, np.maximum(cells + 1.5, outline + 7))
    paint(image, np.minimum(walls, np.maximum(np.abs(x) - 0.5, cells + 1.5)), 0.27, 1.4)


def _paint_sella(image: np.ndarray, x: np.ndarray, y: np.ndarray, grain: np.ndarray, outline: np.ndarray) -> None:
    """Sphenoid sinus, cavernous sinuses with the carotids, gland, clivus and petrous bone."""
    ax = np.abs(x)
    paint(image, ellipse(x, y, (0, -36), (13, 9)), 0.03)
    paint(image, ellipse(x, y, (0, -17), (17, 11)), 0.38 * (1 + 0.15 * grain), 2)
    paint(image, ellipse(ax, y, (12.5, -17), (2.8, 3.6)), 0.05)
    paint(image, ellipse(x, y, (0, -18), (6.5, 4.0)), 0.50 * (1 + 0.06 * grain), 2)
    paint(image, ellipse(x, y, (0, -6), (11, 2.6)), MARROW * (1 + 0.4 * grain), 2)
    petrous = np.maximum(stroke(ax, y, (60, 16), (26, 2), (7, 3)), outline + 9)
    paint(image, petrous, BONE + 0.10 * np.clip(grain, 0, 2), 2)
