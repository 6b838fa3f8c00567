"""Phantoms: synthetic axial heads with a lesion of known place and kind.

Each phantom is drawn from its seed alone, in millimetres, on one of four levels. Only the lesion tells the
kinds apart, except that a pituitary tumour needs one of the two lower levels; the others occur there, too.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from scans.phantom_brain import paint_brain
from scans.phantom_head import Head, draw_head, paint_outside
from scans.phantom_lesions import Lesion, calm, draw_lesion, largest_part, outline, paint_lesion, pushed
from scans.phantom_shapes import noise
from scans.scan import Scan

KINDS = ("glioma", "meningioma", "notumor", "pituitary")
SAMPLES: tuple[tuple[str, int], ...] = (  # seeds far above those that a model is trained on
    ("glioma", 900_010),
    ("meningioma", 900_002),
    ("notumor", 900_006),
    ("pituitary", 900_003),
    ("glioma", 900_002),
    ("meningioma", 900_005),
)

FIELD = 230.0  # mm: the field of view
SIDES = (64, 512)  # pixels: smallest and largest
_FULL = 256  # pixels: smaller pictures are averaged from this one, as a thick-pixelled scan would be
_LEVELS = {  # how often each level is drawn
    "pituitary": {"midbrain": 0.5, "sella": 0.5},
    "other": {"vertex": 0.25, "ventricles": 0.4, "midbrain": 0.175, "sella": 0.175},
}


@dataclass(frozen=True)
class Phantom:
    """A synthetic scan and its reference label. `mask` is bool (H, W), all False for "notumor".

    The mask of a glioma is its enhancing rim and all within, without the oedema around it.
    """

    scan: Scan
    mask: np.ndarray
    kind: str  # one of KINDS
    seed: int


@lru_cache(maxsize=128)  # 50 ms each; 41 MB at 256 pixels
def phantom(kind: str, seed: int = 0, size: int = 256) -> Phantom:
    """Return the phantom of `kind` that `seed` (0 or more) stands for, `size` x `size` pixels (64 to 512).

    The same arguments give the same pixels; another `size` shows the same anatomy. Raises ValueError.

    >>> glioma = phantom("glioma", seed=3, size=64)
    >>> glioma.scan.shape, glioma.mask.any()
    ((64, 64), np.True_)
    """
    if kind not in KINDS:
        raise ValueError(f"no phantom of kind {kind!r}; use one of: {', '.join(KINDS)}")
    if seed < 0:
        raise ValueError(f"the seed of a phantom is {seed}; use a whole number from 0 up")
    if not SIDES[0] <= size <= SIDES[1]:
        raise ValueError(f"the size of a phantom is {size} pixels; use {SIDES[0]} to {SIDES[1]}")
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    shares = _LEVELS.get(kind, _LEVELS["other"])
    head = draw_head(rng, str(rng.choice(list(shares), p=list(shares.values()))))
    lesion = None if kind == "notumor" else draw_lesion(rng, kind, head)
    image, inside = _draw(rng, head, lesion, max(size, _FULL))
    if size < _FULL:
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        inside = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA)
    mask = largest_part(inside > 0.5)
    mask.flags.writeable = False
    return Phantom(_as_scan(image), mask, kind, seed)


def _draw(rng: np.random.Generator, head: Head, lesion: Lesion | None, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture and where the lesion is, both float32 (side, side)."""
    x, y = _anatomical(rng, side)
    bx, by = (c + np.float32(2.0) * noise(rng, 7, side) + np.float32(0.5) * noise(rng, 18, side) for c in (x, y))
    grain = noise(rng, 36, side)
    image = np.zeros((side, side), np.float32)
    inner = paint_outside(image, head, x, y, grain, rng)
    swollen, inside = 0.0, np.zeros_like(image)
    if lesion is not None:
        distance = outline(lesion, bx, by, inner)
        swollen = calm(lesion, distance, rng)
        bx, by = pushed(lesion, bx, by)
        inside = (distance < 0).astype(np.float32)
    paint_brain(image, head, bx, by, inner, swollen, rng)
    if lesion is not None:
        paint_lesion(image, lesion, distance, inner, swollen, rng)
    return _acquired(rng, image, side), inside


def _anatomical(rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y in the head's own mm for each pixel: turned, moved, scaled and gently bent at random."""
    line = ((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5) * np.float32(FIELD)
    x, y = np.meshgrid(line - np.float32(rng.normal(0, 2.5)), line - np.float32(rng.normal(0, 2.5)))
    turn, scale = np.clip(rng.normal(0, 0.06), -0.15, 0.15), rng.uniform(0.96, 1.08)
    cos, sin = np.float32(np.cos(turn) * scale), np.float32(np.sin(turn) * scale)
    bend = [np.float32(1.8) * noise(rng, 4, side) for _ in range(2)]
    return cos * x + sin * y + bend[0], cos * y - sin * x + bend[1]


def _acquired(rng: np.random.Generator, image: np.ndarray, side: int) -> np.ndarray:
    """Return the picture as a scanner would give it: coil shading, blur, Rician noise, a window of its own."""
    image = image * (1 + np.float32(0.08) * noise(rng, 4, side))
    image = cv2.GaussianBlur(image, (0, 0), 0.55 * side / _FULL)
    level = rng.uniform(0.008, 0.02)
    real, imaginary = (np.float32(level) * noise(rng, _FULL, side) for _ in range(2))
    image = np.hypot(np.maximum(image, 0) + real, imaginary)
    return image ** np.float32(rng.uniform(0.9, 1.15))


def _as_scan(image: np.ndarray) -> Scan:
    """Return the scan of `image` in steps of an 8-bit picture, black at 0 and the brightest fat at 1."""
    low, high = float(image.min()), float(np.percentile(image, 99.8))
    stored = np.round(255 * np.clip((image - low) / (high - low), 0, 1)).astype(np.uint8)
    spacing = FIELD / len(stored)
    return Scan(
        pixels=stored.astype(np.float32) / np.float32(255),
        digest=hashlib.sha256(stored.tobytes()).hexdigest(),
        plane="axial",
        spacing=(spacing, spacing),
        in_mm=True,
        modality="MR",
        sequence="T1C+",
        edges=("R", "L", "A", "P"),
    )
