"""How is a heatmap laid over a scan so that the scan stays visible and the colours can be read?"""

import io
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image

from explain.lettering import write

COLOUR_MAPS = ("inferno", "viridis", "magma", "cividis", "turbo")  # perceptual first; no jet
CONTOUR_LEVELS = (0.25, 0.5, 0.75)  # of the peak

_BAR = (800, 98)  # pixels: width and height of a colour bar


def strength(heat: np.ndarray) -> np.ndarray:
    """Return float32 (H, W) in [0, 1]: the map as a share of its peak; a map without a peak stays zero."""
    peak = float(heat.max())
    return np.clip(heat / peak, 0, 1).astype(np.float32) if peak > 0 else np.zeros_like(heat, np.float32)


def overlay(
    picture: np.ndarray,
    heat: np.ndarray,
    *,
    opacity: float = 0.5,
    colour_map: str = COLOUR_MAPS[0],
    threshold: float = 0.15,
    contours: bool = False,
) -> np.ndarray:
    """Return uint8 (H, W, 3): the gray `picture` (H, W) in [0, 1] with the map over it.

    `heat` is (H, W), >= 0. What lies below `threshold` (a share of the peak) is left clear, so that the
    scan is never tinted where the map says nothing. `contours` draws lines at 25, 50 and 75 % of the
    peak instead of a fill.
    """
    gray = np.repeat(np.clip(picture, 0, 1).astype(np.float32)[..., None], 3, axis=-1)
    level = strength(heat)
    if contours:
        return _with_contours(gray, level, opacity, colour_map, threshold)
    colours = _ramp(colour_map)[np.round(255 * level).astype(np.uint8)]  # (H, W, 3)
    # Two hundredths of soft edge: a hard cut draws a border that is not in the map.
    alpha = np.float32(opacity) * np.clip((level - threshold) / 0.02, 0, 1)[..., None]
    return np.round(255 * ((1 - alpha) * gray + alpha * colours)).astype(np.uint8)


def _with_contours(
    gray: np.ndarray, level: np.ndarray, opacity: float, colour_map: str, threshold: float
) -> np.ndarray:
    canvas = np.round(255 * gray).astype(np.uint8)
    if not level.any():
        return canvas
    lines = canvas.copy()
    width = max(1, round(max(level.shape) / 300))
    for share in CONTOUR_LEVELS:
        if share < threshold:
            continue
        found, _ = cv2.findContours((level >= share).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(lines, found, -1, _line_colour(colour_map, share), width, cv2.LINE_AA)
    return cv2.addWeighted(lines, opacity, canvas, 1 - opacity, 0)


def _line_colour(colour_map: str, share: float) -> tuple[int, int, int]:
    """Return the 8-bit colour of a contour, from the bright two thirds: a dark line is lost in a dark scan."""
    return tuple(int(255 * c) for c in _ramp(colour_map)[round(255 * (0.35 + 0.65 * share))])


@lru_cache
def _ramp(colour_map: str) -> np.ndarray:
    """Return float32 (256, 3) in [0, 1], read-only."""
    from matplotlib import colormaps  # a third of a second that a page need not wait for

    ramp = colormaps[colour_map](np.linspace(0, 1, 256))[:, :3].astype(np.float32)
    ramp.flags.writeable = False
    return ramp


def upright(picture: np.ndarray, spacing: tuple[float, float], side: int = 768) -> np.ndarray:
    """Return the picture with square pixels, its longer side `side` pixels: voxels need not be square."""
    height, width = picture.shape[0] * spacing[0], picture.shape[1] * spacing[1]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def squared(picture: np.ndarray, spacing: tuple[float, float], side: int = 640) -> np.ndarray:
    """Return float32 (side, side): the picture (H, W), `upright`, in the middle of a black square.

    Two slices, two planes and a scan beside its map then lie at the same place. Values stay within those
    of the picture: the cubic interpolation overshoots at edges, and a map must not grow a new peak.
    """
    placed = np.clip(upright(picture, spacing, side), picture.min(), picture.max())
    canvas = np.zeros((side, side), np.float32)
    top, left = (side - placed.shape[0]) // 2, (side - placed.shape[1]) // 2
    canvas[top : top + placed.shape[0], left : left + placed.shape[1]] = placed
    return canvas


def with_sides(picture: np.ndarray, edges: tuple[str, str, str, str]) -> np.ndarray:
    """Return a copy of uint8 (h, w) or (h, w, 3) with the patient's side at its left, right, top and bottom."""
    height, width = picture.shape[:2]
    size = max(12, round(height / 28))
    places = {
        "lm": (size // 2, height // 2),
        "rm": (width - size // 2, height // 2),
        "ma": (width // 2, size // 3),
        "md": (width // 2, height - size // 3),
    }
    letters = [(*place, letter, anchor) for (anchor, place), letter in zip(places.items(), edges, strict=True)]
    ink, halo = (210, 0) if picture.ndim == 2 else ((210,) * 3, (0,) * 3)
    return write(picture, letters, size=size, ink=ink, halo=halo)


def colour_bar(
    peak: float, unit: str, colour_map: str, threshold: float, *, contours: bool = False, ink: str = "#8a949e"
) -> np.ndarray:
    """Return uint8 (h, w, 4): the key to the overlay's colours, from 0 to the peak in the map's own unit.

    Clear below the threshold, as the overlay is; `contours` shows the lines drawn instead of the fill.
    """
    width, height = _BAR
    band = slice(4, 34)
    rgb = tuple(int(ink[start : start + 2], 16) for start in (1, 3, 5))
    bar = np.zeros((height, width, 4), np.uint8)
    bar[..., :3] = rgb
    bar[band, :, 3] = 36
    if contours:
        for share in CONTOUR_LEVELS:
            if share >= threshold:
                x = round(share * width)
                bar[band, x - 3 : x + 3] = (*_line_colour(colour_map, share), 255)
    else:
        clear = round(threshold * width)
        shares = np.round(np.linspace(0, 255, width)).astype(int)[clear:]
        bar[band, clear:, :3] = np.round(255 * _ramp(colour_map)[shares])
        bar[band, clear:, 3] = 255
    tick = band.stop + 6
    labels = [(round(share * width), tick, f"{share:.0%}".replace("%", " %"), "ma") for share in CONTOUR_LEVELS]
    labels += [(0, tick, "0", "la"), (width, tick, "peak", "ra"), (width, tick + 28, f"{peak:.2g} {unit}", "ra")]
    return write(bar, labels, size=21, ink=(*rgb, 255))


def gray(picture: np.ndarray) -> np.ndarray:
    """Return uint8 (H, W) of a picture in [0, 1]."""
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def level_and_width(window: tuple[float, float], span: tuple[float, float]) -> tuple[float, float]:
    """Return level and width in stored values for a `window` given as a part of [0, 1] of `span`."""
    stored = span[1] - span[0]
    return span[0] + stored * (window[0] + window[1]) / 2, stored * (window[1] - window[0])


def window_of(level: float, width: float, span: tuple[float, float]) -> tuple[float, float]:
    """Return the part of [0, 1] of `span` that `level` and `width`, in stored values, show; it may reach beyond."""
    stored = span[1] - span[0]
    return (level - width / 2 - span[0]) / stored, (level + width / 2 - span[0]) / stored


def png(picture: np.ndarray) -> bytes:
    """Return an uint8 picture (H, W), (H, W, 3) or (H, W, 4) as PNG bytes."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=1)  # 4 x faster, a third larger
    return stream.getvalue()
