"""Does a model cheat? What it says when the tumour is hidden, when only the edge is left, and in another dress.

A check changes the model's square, float32 (h, w) in [0, 1]. Where it leaves nothing to know the class by, a
model that is still right has learnt the picture's source; where it leaves all that matters, a model that is
no longer right has learnt the picture's dress.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from scans import resize
from scans.head import head_mask

EDGE = 0.1  # of the side: the border that "border only" keeps


@dataclass(frozen=True)
class Check:
    """One change. `apply(square, place)`: float32 (h, w) in [0, 1] and the lesion's box (4,), to float32 (h, w)."""

    name: str
    question: str  # what a reader learns from it
    apply: Callable[[np.ndarray, np.ndarray], np.ndarray]
    boxed: bool = False  # it needs the lesion's box


def _border_only(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    del place
    rows, columns = (round(EDGE * side) for side in square.shape)
    changed = square.copy()
    changed[rows:-rows, columns:-columns] = 0
    return changed


def _background_only(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    del place
    return np.where(head_mask(square), 0, square).astype(np.float32)


def _outline_only(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    """One grey for the whole head: its shape and place are left, nothing within."""
    del place
    mask = head_mask(square)
    return np.where(mask, square[mask].mean() if mask.any() else 0, square).astype(np.float32)


def box_of(square: np.ndarray, place: np.ndarray, margin: float = 0.1) -> tuple[slice, slice]:
    """Return the rows and columns of the lesion's box, widened by `margin` of its sides, within the square."""
    top, left, bottom, right = (float(edge) for edge in place)
    tall, wide = margin * (bottom - top), margin * (right - left)
    rows = slice(max(0, int(top - tall)), min(square.shape[0], int(np.ceil(bottom + tall))))
    return rows, slice(max(0, int(left - wide)), min(square.shape[1], int(np.ceil(right + wide))))


def _tumour_hidden(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Fill the box from what surrounds it (Telea 2004), so that no grey rectangle marks it."""
    mask = np.zeros(square.shape, np.uint8)
    mask[box_of(square, place)] = 1
    filled = cv2.inpaint(np.round(255 * square).astype(np.uint8), mask, 3, cv2.INPAINT_TELEA)
    return np.where(mask, filled.astype(np.float32) / 255, square)


def _tumour_only(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    changed = np.zeros_like(square)
    box = box_of(square, place)
    changed[box] = square[box]
    return changed


def _again_as_jpeg(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    del place
    _, code = cv2.imencode(".jpg", np.round(255 * square).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 40])
    return cv2.imdecode(code, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def _through_half_the_size(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    del place
    height, width = square.shape
    return resize(resize(square, (height // 2, width // 2)), (height, width))


def _inverted(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Bright for dark within the head; the air stays black, as it is in every sequence."""
    del place
    mask = head_mask(square)
    if not mask.any():
        return square
    low, high = np.percentile(square[mask], [1, 99])
    return np.where(mask, np.clip(low + high - square, 0, 1), square).astype(np.float32)


def _as_is(square: np.ndarray, place: np.ndarray) -> np.ndarray:
    del place
    return square


_CHECKS = (
    Check("as is", "the same scans, unchanged", _as_is),
    Check("border only", "is the class in the outermost tenth of the picture?", _border_only),
    Check("background only", "is the class in the air around the head?", _background_only),
    Check("outline only", "is the class in the head's shape alone?", _outline_only),
    Check("saved again as JPEG", "does compression change the answer? (quality 40)", _again_as_jpeg),
    Check("through half the size", "does sharpness change the answer?", _through_half_the_size),
    Check("contrast inverted", "does it need bright to be bright?", _inverted),
    Check("boxed scans as is", "the scans whose tumour is marked, unchanged", _as_is, boxed=True),
    Check("tumour hidden", "everything but the tumour: is the class still known?", _tumour_hidden, boxed=True),
    Check("tumour only", "nothing but the tumour's box: is the class known?", _tumour_only, boxed=True),
)

CHECKS: dict[str, Check] = {check.name: check for check in _CHECKS}
