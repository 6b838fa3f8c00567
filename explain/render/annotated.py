"""What is drawn over a scan to judge its map: the outline of an annotation, and the map's highest point."""

import cv2
import numpy as np


def outline(mask: np.ndarray) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return the closed lines around the parts of bool `mask` (H, W), through (row, column).

    They follow the edges of the pixels; pixel 0 reaches from 0 to 1.

    >>> outline(np.ones((2, 3), bool))
    (((0.0, 0.0), (2.0, 0.0), (2.0, 3.0), (0.0, 3.0)),)
    """
    double = np.kron(np.pad(mask, 1), np.ones((2, 2))).astype(np.uint8)  # so that the outline has an inside of its own
    lines, _ = cv2.findContours(double, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return tuple(tuple((_edge(row), _edge(column)) for column, row in line[:, 0]) for line in lines)


def _edge(half: int) -> float:
    """Return the edge of a pixel nearest to the middle of a half one, in the mask without its margin."""
    return float((half + 1) // 2 - 1)


def peak_of(heat: np.ndarray) -> np.ndarray:
    """Return (row, column) of the highest pixel; of several, the one nearest to their mean."""
    peaks = np.argwhere(heat == heat.max())
    return peaks[np.square(peaks - peaks.mean(axis=0)).sum(axis=1).argmin()]
