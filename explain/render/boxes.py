"""Does the map meet the mark? A scan under its map, with the radiologist's box and the map's brightest point."""

import cv2
import numpy as np

from explain.render.overlay import overlay, squared, with_sides
from explain.render.smoothing import smoothed, smoothing
from scans import Scan

BOX, POINT, _HALO = (255, 255, 255), (0, 224, 255), (0, 0, 0)  # neither colour is in the maps' scale


def marked(
    scan: Scan, mask: np.ndarray, heat: np.ndarray | None = None, method: str = "", side: int = 480
) -> np.ndarray:
    """Return uint8 (side, side, 3): the scan, the outline of `mask`, and a map with a ring at its brightest point.

    `mask` is bool and `heat` float, both (H, W) in the scan's pixels; `method` says how the map is smoothed for the
    eye. The ring marks the point of the map as it is: the one that the pointing game counts.
    """
    picture = squared(scan.windowed(), scan.spacing, side)
    heat = np.zeros(scan.shape, np.float32) if heat is None else np.maximum(heat, 0)
    seen = smoothed(squared(heat, scan.spacing, side), smoothing(scan, method).usual / smoothing(scan, method).side)
    canvas = overlay(picture, seen)
    outline = (squared(mask.astype(np.float32), scan.spacing, side) >= 0.5).astype(np.uint8)
    found, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    width = max(1, side // 240)
    for colour, thickness in ((_HALO, 3 * width), (BOX, width)):
        cv2.drawContours(canvas, found, -1, colour, thickness, cv2.LINE_AA)
    if heat.any():
        for colour, thickness in ((_HALO, 3 * width), (POINT, width)):
            cv2.circle(canvas, _place(_peak(heat), scan, side), side // 24, colour, thickness, cv2.LINE_AA)
    return with_sides(canvas, scan.edges)


def _peak(heat: np.ndarray) -> np.ndarray:
    """Return (row, column) of the highest pixel; of several, that nearest to their middle."""
    peaks = np.argwhere(heat == heat.max())
    return peaks[np.square(peaks - peaks.mean(axis=0)).sum(axis=1).argmin()]


def _place(pixel: np.ndarray, scan: Scan, side: int) -> tuple[int, int]:
    """Return (x, y) in the square, as `squared` puts the scan there, of the middle of a pixel (row, column)."""
    extent = np.multiply(scan.shape, scan.spacing)
    scale = side / extent.max()
    y, x = (side - extent * scale) / 2 + (pixel + 0.5) * scan.spacing * scale
    return round(float(x)), round(float(y))
