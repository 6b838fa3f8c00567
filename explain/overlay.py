"""How is a heatmap laid over a scan so that the scan stays visible and the colours can be read?"""

import io

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

COLOUR_MAPS = ("inferno", "viridis", "magma", "cividis", "turbo")  # perceptual first; no jet
CONTOUR_LEVELS = (0.25, 0.5, 0.75)  # of the peak


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
    gray = np.repeat(np.clip(picture, 0, 1)[..., None], 3, axis=-1)
    level = strength(heat)
    if contours:
        return _with_contours(gray, level, opacity, colour_map, threshold)
    colours = colormaps[colour_map](level)[..., :3]
    # Two hundredths of soft edge: a hard cut draws a border that is not in the map.
    alpha = opacity * np.clip((level - threshold) / 0.02, 0, 1)[..., None]
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
        colour = tuple(int(255 * c) for c in colormaps[colour_map](0.35 + 0.65 * share)[:3])
        cv2.drawContours(lines, found, -1, colour, width, cv2.LINE_AA)
    return cv2.addWeighted(lines, opacity, canvas, 1 - opacity, 0)


def upright(picture: np.ndarray, spacing: tuple[float, float], side: int = 768) -> np.ndarray:
    """Return the picture with square pixels, its longer side `side` pixels: voxels need not be square."""
    height, width = picture.shape[0] * spacing[0], picture.shape[1] * spacing[1]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def colour_bar(peak: float, unit: str, colour_map: str, threshold: float, *, ink: str = "#8a949e") -> np.ndarray:
    """Return uint8 (h, w, 4): the key to the overlay's colours, 0 to the peak in the map's own unit."""
    figure = Figure(figsize=(6.4, 0.62), dpi=120)
    axes = figure.add_axes((0.02, 0.62, 0.96, 0.3))
    ramp = colormaps[colour_map](np.linspace(0, 1, 256))
    ramp[: round(256 * threshold), 3] = 0
    axes.imshow(ramp[None], aspect="auto", extent=(0, 1, 0, 1))
    axes.set_yticks([])
    labels = [f"{share * peak:.2g}" for share in (0, 0.25, 0.5, 0.75)] + [f"{peak:.2g} {unit}"]
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], labels, fontsize=8, color=ink)
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.get_xticklabels()[-1].set_horizontalalignment("right")
    axes.tick_params(color=ink, length=2)
    for spine in axes.spines.values():
        spine.set_color(ink)
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()).copy()


def png(picture: np.ndarray) -> bytes:
    """Return an uint8 picture (H, W), (H, W, 3) or (H, W, 4) as PNG bytes."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=1)  # 4 x faster, a third larger
    return stream.getvalue()
