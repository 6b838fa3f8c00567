"""Smoothing of maps with one value per pixel, in the picture only, so that the eye finds their peaks."""

from dataclasses import dataclass

import cv2
import numpy as np

from explain.methods import METHODS
from scans import Scan

STEP = 0.5  # mm or pixels

_USUAL, _MOST = 0.015, 0.05  # of the longer side


@dataclass(frozen=True)
class Smoothing:
    """The choices for the Gaussian's standard deviation in a scan: in mm where the file gives the pixel spacing."""

    unit: str  # "mm" or "px"
    side: float  # the longer side of the scan, in that unit
    usual: float
    most: float

    def sentence(self, sigma: float) -> str:
        """Return the sentence for the caption, "" where nothing is smoothed."""
        if not sigma:
            return ""
        return f"Smoothed, in the picture only, by a Gaussian of {sigma:g} {self.unit} (standard deviation)."


def smoothing(scan: Scan, method: str) -> Smoothing:
    """Return the choices for a method's map of a scan; `usual` is 0 except for maps with one value per pixel."""
    side = max(scan.shape[0] * scan.spacing[0], scan.shape[1] * scan.spacing[1])
    usual = round(_USUAL * side / STEP) * STEP if method in METHODS and METHODS[method].per_pixel else 0.0
    most = max(1.0, round(_MOST * side / STEP) * STEP)
    return Smoothing("mm" if scan.in_mm else "px", side, usual, most)


def smoothed(heat: np.ndarray, share: float) -> np.ndarray:
    """Return float32 (H, W): the map blurred by a Gaussian of `share` of its longer side; for 0 the map itself.

    Signs and sums are kept: neighbouring evidence for and against cancels.
    """
    if not share > 0:
        return heat
    return cv2.GaussianBlur(heat.astype(np.float32), (0, 0), share * max(heat.shape))
