"""A scan and its map, with the radiologist's annotation and the map's highest point."""

from dataclasses import replace

import cv2
import numpy as np

from explain.explanation import Explanation
from explain.render.overlay import squared, with_sides
from explain.render.rendering import Rendering, draw
from scans import Scan

BOX, POINT, _HALO = (255, 255, 255), (0, 224, 255), (0, 0, 0)  # the first two are in no colour map


def draw_annotated(scan: Scan, mask: np.ndarray, explanation: Explanation | None = None, side: int = 480) -> np.ndarray:
    """Return uint8 (side, side, 3): the scan, the outline of `mask`, and a map with a ring at its highest point.

    `mask` is bool (H, W) in the scan's pixels. Only evidence for the class is drawn. The ring is at the highest point
    of the map before smoothing, as in the pointing game.
    """
    positive = explanation and replace(explanation, heat=np.maximum(explanation.heat, 0), signed=False)
    canvas = draw(scan, positive, Rendering(side_letters=False), side=side).picture
    canvas = np.ascontiguousarray(canvas if canvas.ndim == 3 else np.repeat(canvas[..., None], 3, axis=-1))
    outline = (squared(mask.astype(np.float32), scan.spacing, side) >= 0.5).astype(np.uint8)
    borders, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    width = max(1, side // 240)
    for colour, thickness in ((_HALO, 3 * width), (BOX, width)):
        cv2.drawContours(canvas, borders, -1, colour, thickness, cv2.LINE_AA)
    if positive is not None and positive.heat.any():
        for colour, thickness in ((_HALO, 3 * width), (POINT, width)):
            cv2.circle(canvas, _in_square(_peak(positive.heat), scan, side), side // 24, colour, thickness, cv2.LINE_AA)
    return with_sides(canvas, scan.edges)


def _peak(heat: np.ndarray) -> np.ndarray:
    """Return (row, column) of the highest pixel; of several, the one nearest to their mean."""
    peaks = np.argwhere(heat == heat.max())
    return peaks[np.square(peaks - peaks.mean(axis=0)).sum(axis=1).argmin()]


def _in_square(pixel: np.ndarray, scan: Scan, side: int) -> tuple[int, int]:
    """Return (x, y) of the middle of a `pixel` (row, column) in the picture that `squared` makes of the scan."""
    extent = np.multiply(scan.shape, scan.spacing)
    scale = side / extent.max()
    y, x = (side - extent * scale) / 2 + (pixel + 0.5) * scan.spacing * scale
    return round(float(x)), round(float(y))
