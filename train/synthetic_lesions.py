"""Synthetic lesions, drawn on healthy scans so that a scan's source is no shortcut to its class.

In the public sets healthy heads come from other sources than tumours, so a network may learn the source. With a
lesion drawn on a healthy scan the source tells nothing: the same scanner, now with a tumour. The lesion's place
is known to the pixel, which trains the gate without annotations. Two kinds are drawn: gliomas (in the brain,
uneven, ring-shaped, solid or faint, with oedema) and meningiomas (on the inner skull, round, even).

Simulated lesions on healthy brains: Wyatt et al. and others in the anomaly literature; for CT, Hu et al.
2023, https://arxiv.org/abs/2303.14869, train a tumour segmenter on nothing else.
"""

import cv2
import numpy as np

from scans.head import head_mask

KINDS = ("glioma", "meningioma")  # a pituitary tumour needs its gland, which cannot be found by outline alone
_SKULL = 0.07  # of the head's breadth: scalp and bone, which are not drawn on
_LEAST_HEAD = 0.15  # of the picture: the outline of a smaller head is not reliable enough to draw in


def draw_lesion(picture: np.ndarray, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """Return uint8 (h, w) `picture` with a lesion of `kind`, and its place, uint8 (h, w), 255 within.

    None where no head with room for a lesion is found.
    """
    inside = _brain(picture)
    if inside is None:
        return None
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    breadth = 2 * float(depth.max())
    radius = breadth * rng.uniform(0.07, 0.2 if kind == "glioma" else 0.17)
    spot = _spot(depth, radius, kind, rng)
    if spot is None:
        return None
    shape = _outline(picture.shape, spot, radius, 0.17 if kind == "glioma" else 0.06, rng)  # pixels, < 0 within
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    shape = np.maximum(shape, beyond - depth + 0.5)  # it ends at the bone
    tissue = picture[inside > 0]
    low, middle, high = (float(x) for x in np.percentile(tissue, [5, 50, 97]))
    canvas = picture.astype(np.float32)
    if rng.random() < (0.8 if kind == "glioma" else 0.3):
        canvas = _swollen(canvas, shape, inside, radius, middle, low, high, rng)
    canvas = _filled(canvas, shape, kind, radius, (low, middle, high), rng)
    place = np.where(shape < 0, 255, 0).astype(np.uint8)
    return np.round(np.clip(canvas, 0, 255)).astype(np.uint8), place


def _brain(picture: np.ndarray) -> np.ndarray | None:
    """Return uint8 (h, w), 1 where brain may be: the head's outline less scalp and bone."""
    mask = head_mask(picture.astype(np.float32) / 255).astype(np.uint8)
    if mask.mean() < _LEAST_HEAD:
        return None
    depth = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 5)
    inside = (depth[1:-1, 1:-1] > 2 * _SKULL * depth.max()).astype(np.uint8)
    return inside if inside.any() else None


def _spot(depth: np.ndarray, radius: float, kind: str, rng: np.random.Generator) -> tuple[int, int] | None:
    """Return row and column of the centre: deep enough for a glioma, just under the bone for a meningioma."""
    near, far = (0.9 * radius, np.inf) if kind == "glioma" else (0.3 * radius, 0.7 * radius)
    rows, columns = np.nonzero((depth >= near) & (depth <= far))
    if not rows.size:
        return None
    at = rng.integers(rows.size)
    return int(rows[at]), int(columns[at])


def _outline(
    shape: tuple[int, int], spot: tuple[int, int], radius: float, rough: float, rng: np.random.Generator
) -> np.ndarray:
    """Return float32 (h, w): the distance to the lesion's wavy border in pixels, negative within."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    down, right = rows - spot[0], (columns - spot[1]) * np.float32(rng.uniform(0.75, 1.33))
    angle = np.arctan2(down, right)
    border = np.full(shape, radius, np.float32)
    for times in range(2, 7):
        border += radius * rough * rng.normal() / times**0.8 * np.cos(times * angle + rng.uniform(0, 6.3))
    return np.hypot(down, right) - np.maximum(border, 0.4 * radius)


def _swollen(canvas, shape, inside, radius, middle, low, high, rng) -> np.ndarray:
    """Return the picture with oedema around the lesion: darker than tissue, or brighter, as in T2."""
    reach = radius * rng.uniform(0.4, 1.4)
    fingers = reach * (1 + 0.5 * _patches(canvas.shape, rng, 9))
    share = np.clip(1 - shape / np.maximum(fingers, 1), 0, 1) * inside * rng.uniform(0.4, 0.9)
    towards = rng.uniform(low, middle) if rng.random() < 0.5 else rng.uniform(middle, high)
    return canvas + share * (towards - canvas)


def _filled(canvas, shape, kind, radius, levels, rng) -> np.ndarray:
    """Return the picture with the lesion itself: a ring, or a solid of one tone with a little texture."""
    low, middle, high = levels
    soft = rng.uniform(0.7, 2.0)  # pixels, from tissue to lesion
    body = np.clip(0.5 - shape / soft, 0, 1) * rng.uniform(0.75, 1.0)
    bright, dark = rng.uniform(0.4, 1.1) * (high - middle) + middle, rng.uniform(low, middle)
    texture = _patches(canvas.shape, rng, 12) * rng.uniform(0.02, 0.12 if kind == "glioma" else 0.05) * (high - low)
    ring = kind == "glioma" and rng.random() < 0.5
    if ring:
        rim = radius * rng.uniform(0.12, 0.35) * (1 + 0.5 * _patches(canvas.shape, rng, 6))
        core = np.clip(0.5 - (shape + rim) / soft, 0, 1)
        tone = bright + core * (dark - bright)
    else:
        tone = dark if rng.random() < (0.35 if kind == "glioma" else 0.15) else bright
    return canvas + body * (tone + texture - canvas)


def _patches(shape: tuple[int, int], rng: np.random.Generator, cells: int) -> np.ndarray:
    """Return float32 (h, w): smooth noise of about `cells` patches a side, mean 0, standard deviation about 1."""
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
