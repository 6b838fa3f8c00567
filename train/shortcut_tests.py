"""Shortcut and robustness tests: predictions on changed scans.

Each test changes the model's square, float32 (h, w) in [0, 1]. A shortcut test removes the tumour or everything else: a
model that is right with the inside of the head gone uses a shortcut, such as the scan's source. With the tumour hidden
it may still see oedema and mass effect outside the box. A robustness test changes compression, sharpness or contrast;
the first two should not matter, and inverted contrast is that of no MRI.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from scans import resize
from scans.head import head_mask

EDGE = 0.1  # of the side: the border that "border only" keeps


@dataclass(frozen=True)
class ShortcutTest:
    """One test. It changes a square by `change(square)`, or by `lesion_change(square, place)` where that is given."""

    name: str
    question: str  # what its result tells
    change: Callable[[np.ndarray], np.ndarray] = np.copy
    lesion_change: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    boxed: bool = False  # made on the scans with a box around the tumour only

    def apply(self, square: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Return `square`, float32 (h, w) in [0, 1], changed; `place` is the lesion's box, float32 (4,)."""
        return self.lesion_change(square, place) if self.lesion_change else self.change(square)


def _border_only(square: np.ndarray) -> np.ndarray:
    rows, columns = (round(EDGE * side) for side in square.shape)
    changed = square.copy()
    changed[rows:-rows, columns:-columns] = 0
    return changed


def _background_only(square: np.ndarray) -> np.ndarray:
    return np.where(head_mask(square), 0, square).astype(np.float32)


def _outline_only(square: np.ndarray) -> np.ndarray:
    """One grey for the whole head: only its shape and place are left."""
    mask = head_mask(square)
    return np.where(mask, square[mask].mean() if mask.any() else 0, square).astype(np.float32)


def box_of(square: np.ndarray, place: np.ndarray, margin: float = 0.1) -> tuple[slice, slice]:
    """Return the rows and columns of the lesion's box within the square, each edge moved out by `margin`."""
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


def _again_as_jpeg(square: np.ndarray) -> np.ndarray:
    _, code = cv2.imencode(".jpg", np.round(255 * square).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 40])
    return cv2.imdecode(code, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def _through_half_the_size(square: np.ndarray) -> np.ndarray:
    height, width = square.shape
    return resize(resize(square, (height // 2, width // 2)), (height, width))


def _inverted(square: np.ndarray) -> np.ndarray:
    """Bright for dark within the head; the air stays black, as it is in every sequence."""
    mask = head_mask(square)
    if not mask.any():
        return square
    low, high = np.percentile(square[mask], [1, 99])
    return np.where(mask, np.clip(low + high - square, 0, 1), square).astype(np.float32)


_TESTS = (
    ShortcutTest("as is", "the same scans, unchanged"),
    ShortcutTest("border only", "is the class in the outermost tenth of the picture?", _border_only),
    ShortcutTest("background only", "is the class in the air around the head?", _background_only),
    ShortcutTest("outline only", "is the class in the head's shape alone?", _outline_only),
    ShortcutTest("saved again as JPEG", "does compression change the prediction? (quality 40)", _again_as_jpeg),
    ShortcutTest("through half the size", "does sharpness change the prediction?", _through_half_the_size),
    ShortcutTest("contrast inverted", "does the model need bright tissue to be bright?", _inverted),
    ShortcutTest("boxed scans as is", "the scans with a box around the tumour, unchanged", boxed=True),
    ShortcutTest(
        "tumour hidden", "is the class still predicted without the tumour?", lesion_change=_tumour_hidden, boxed=True
    ),
    ShortcutTest(
        "tumour only", "is the class predicted from the tumour's box alone?", lesion_change=_tumour_only, boxed=True
    ),
)

SHORTCUT_TESTS: dict[str, ShortcutTest] = {test.name: test for test in _TESTS}
