"""The head in a scan: the box between the extreme points of its contour.

The crop that most published systems use (extreme top, bottom, left and right point of the largest
contour), made robust to background noise, uniform frames and burned-in text.
"""

from typing import NamedTuple

import cv2
import numpy as np

_WORKING_SIDE = 192  # pixels: the contour is looked for at this size, whatever the scan's own
_MARGIN = 0.015  # of the head's longer side, so that the scalp is never shaved
_FLAT = 0.02  # a row or column that varies less than this is a frame, not anatomy
_AIR = 0.08  # of the range: darker than this is outside the head's outline
_SMALLEST_HEAD = 0.06  # of the picture's area; anything less is a label or noise


class Box(NamedTuple):
    """A rectangle in pixels, half open: rows `top:bottom`, columns `left:right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing: `pixels[box.slices]`."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def find_head(pixels: np.ndarray) -> Box:
    """Return the box of the head in float32 `pixels` (H, W) in [0, 1]; the whole picture if there is none.

    Frames are trimmed first, then the picture is smoothed, thresholded (Otsu), opened so that letters
    fall off, and the largest part is kept.

    >>> disc = cv2.circle(np.zeros((96, 96), np.float32), (48, 40), 20, 1.0, -1)
    >>> find_head(disc)
    Box(top=19, left=27, bottom=62, right=70)
    """
    frame = _trim_frame(pixels)
    inside = pixels[frame.slices]
    if np.ptp(inside) < _FLAT:
        return Box(0, 0, *pixels.shape)
    scale = min(1.0, _WORKING_SIDE / max(inside.shape))
    size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    small = cv2.resize(inside, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    part = _largest_part(_foreground(small))
    if part is None:
        return Box(0, 0, *pixels.shape)
    top, left, bottom, right = (edge / scale for edge in part)
    margin = _MARGIN * max(bottom - top, right - left)
    return Box(
        max(0, int(frame.top + top - margin)),
        max(0, int(frame.left + left - margin)),
        min(pixels.shape[0], int(np.ceil(frame.top + bottom + margin))),
        min(pixels.shape[1], int(np.ceil(frame.left + right + margin))),
    )


def _trim_frame(pixels: np.ndarray) -> Box:
    """Drop rows and columns of one value from the edges inwards: frames, margins, letter boxes."""
    top, left, (bottom, right) = 0, 0, pixels.shape
    smallest = min(pixels.shape) // 3
    changed = True
    while changed and bottom - top > smallest and right - left > smallest:
        changed = False
        if np.ptp(pixels[top, left:right]) < _FLAT:
            top, changed = top + 1, True
        if np.ptp(pixels[bottom - 1, left:right]) < _FLAT:
            bottom, changed = bottom - 1, True
        if np.ptp(pixels[top:bottom, left]) < _FLAT:
            left, changed = left + 1, True
        if np.ptp(pixels[top:bottom, right - 1]) < _FLAT:
            right, changed = right - 1, True
    return Box(top, left, bottom, right)


def _foreground(small: np.ndarray) -> np.ndarray:
    """Return uint8 (h, w), 255 where there is tissue."""
    gray = cv2.medianBlur(np.round(255 * small).astype(np.uint8), 5)
    gray = cv2.GaussianBlur(gray, (5, 5), 0)
    otsu, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    # Otsu separates bright tissue from dark tissue when the head fills the picture: half of it keeps both,
    # and still lies above the noise of the air.
    _, mask = cv2.threshold(gray, 0.5 * otsu, 255, cv2.THRESH_BINARY)
    # A stroke of burned-in text is thinner than this, and so is the gap of air between head and label.
    side = max(3, round(0.035 * max(small.shape))) | 1
    return cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))


def _largest_part(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Return top, left, bottom, right of the largest contour, or None if it is too small for a head."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea)
    if cv2.contourArea(largest) < _SMALLEST_HEAD * mask.size:
        return None
    left, top, width, height = cv2.boundingRect(largest)
    return top, left, top + height, left + width


def head_mask(square: np.ndarray) -> np.ndarray:
    """Return bool (h, w) for float32 `square` (h, w) in [0, 1]: the head with all that lies within its outline."""
    tissue = (cv2.GaussianBlur(square, (0, 0), 1.5) > _AIR).astype(np.uint8)
    contours, _ = cv2.findContours(tissue, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    mask = np.zeros(square.shape, np.uint8)
    if contours:
        cv2.drawContours(mask, [cv2.convexHull(max(contours, key=cv2.contourArea))], -1, 1, -1)
    return mask.astype(bool)
