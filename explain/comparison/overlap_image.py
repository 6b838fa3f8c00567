"""The picture of where two maps agree: both, only the first or only the second, in three colour-blind-safe colours."""

import cv2
import numpy as np

from explain.comparison.agreement import BOTH, FIRST, SECOND
from explain.render.overlay import gray, squared

# Distinct for every kind of colour vision, from each other and from the scan's greys (simulated after Machado et al.
# 2009, https://doi.org/10.1109/TVCG.2009.113), over dark tissue and bright.
COLOURS = {BOTH: "#f6e75a", FIRST: "#2f7fe0", SECOND: "#d95f02"}

_FILL = 0.6  # opacity: the scan stays visible


def overlap_image(picture: np.ndarray, parts: np.ndarray, spacing: tuple[float, float], side: int = 640) -> np.ndarray:
    """Return uint8 (side, side, 3): the picture (H, W) in [0, 1] with the `parts` of a pair of maps on it, outlined."""
    canvas = np.repeat(gray(squared(picture, spacing, side))[..., None], 3, axis=-1)
    for part, colour in COLOURS.items():
        ink = rgb(colour)
        inside = squared((parts == part).astype(np.float32), spacing, side) >= 0.5
        canvas[inside] = np.round(_FILL * np.array(ink) + (1 - _FILL) * canvas[inside])
        outline, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outline, -1, ink, max(1, side // 400))
    return canvas


def swatch(part: int, side: int = 28) -> np.ndarray:
    """Return uint8 (side, side, 3) in the colour of a part, for a legend."""
    return np.full((side, side, 3), rgb(COLOURS[part]), np.uint8)


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of "#rrggbb"."""
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))
