"""From a scan to the input of a model, and from a map over that input back to the pixels of the scan.

The trainer and the app both call `fit`, so a scan is prepared once, in one place.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from scans.head import Box, find_head
from scans.scan import Scan

RESAMPLING = {name: Image.Resampling[name.upper()] for name in ("nearest", "bilinear", "bicubic", "lanczos")}


@dataclass(frozen=True)
class InputSpec:
    """The input of a model: float32 (height, width, channels) in `value_range`, cropped to the head or not.

    Models that others made may want the scan stretched to fill it, out of shape (`stretch`), or resampled as Pillow
    does (`resample`, one of RESAMPLING); "" is Candor's way, `resize`.
    """

    height: int
    width: int
    channels: int = 3
    value_range: tuple[float, float] = (0.0, 1.0)
    crop: bool = True
    stretch: bool = False
    resample: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels


@dataclass(frozen=True)
class Placement:
    """Position of a scan in a model's input: its rows and columns `box` fill `inner` of `input_shape`."""

    scan_shape: tuple[int, int]
    box: Box
    input_shape: tuple[int, int]
    inner: Box

    def to_scan(self, heat: np.ndarray) -> np.ndarray:
        """Return float32 (H, W) of the scan for a map drawn over the model's square, on a grid of any size.

        Bilinear between cell centres; 0 where the scan lies outside the model's input. Signs and values are
        kept: nothing is rescaled to [0, 1].
        """
        square = resize(heat.astype(np.float32), self.input_shape)
        out = np.zeros(self.scan_shape, np.float32)
        out[self.box.slices] = resize(square[self.inner.slices], (self.box.height, self.box.width))
        return out


def fit(scan: Scan, spec: InputSpec, box: Box | None = None) -> tuple[np.ndarray, Placement]:
    """Return the model's input, float32 `spec.shape` in `spec.value_range`, and where the scan lies in it.

    The file's own window is applied, the head is cropped if the model was trained so, and the rest is
    scaled without distortion (millimetres count, not pixels) and centred on black. `box` is the part of
    the scan to show; without it the head is searched. A changed scan is given the box of the original.

    >>> model_input, placement = fit(Scan(np.eye(64), ""), InputSpec(32, 32, crop=False))
    >>> model_input.shape, placement.to_scan(model_input[..., 0]).shape
    ((32, 32, 3), (64, 64))
    """
    pixels = scan.windowed()
    if box is None:
        box = find_head(pixels) if spec.crop else Box(0, 0, *scan.shape)
    row_mm, column_mm = scan.spacing
    scale = min(spec.height / (box.height * row_mm), spec.width / (box.width * column_mm))
    height = min(spec.height, max(1, round(box.height * row_mm * scale)))
    width = min(spec.width, max(1, round(box.width * column_mm * scale)))
    if spec.stretch:
        height, width = spec.height, spec.width
    top, left = (spec.height - height) // 2, (spec.width - width) // 2
    inner = Box(top, left, top + height, left + width)

    square = np.zeros((spec.height, spec.width), np.float32)
    part = pixels[box.slices]
    shown = _pillow_resize(part, (height, width), spec.resample) if spec.resample else resize(part, (height, width))
    square[inner.slices] = np.clip(shown, 0.0, 1.0)
    return as_input(square, spec), Placement(scan.shape, box, (spec.height, spec.width), inner)


def as_input(squares: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Return squares (..., h, w) in [0, 1] as a model takes them: float32 (..., h, w, channels) in its range."""
    low, high = spec.value_range
    return np.repeat((low + (high - low) * squares)[..., None], spec.channels, axis=-1).astype(np.float32)


def _pillow_resize(pixels: np.ndarray, shape: tuple[int, int], resample: str) -> np.ndarray:
    picture = Image.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.asarray(picture.resize(shape[::-1], RESAMPLING[resample]))


def resize(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return float32 `shape`: area average where the picture shrinks, bilinear where it grows.

    >>> resize(np.eye(4, dtype=np.float32), (2, 2)).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    if pixels.shape == shape:
        return pixels
    shrinks = shape[0] * shape[1] < pixels.shape[0] * pixels.shape[1]
    return cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
