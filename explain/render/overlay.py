"""Heatmaps laid over scans, so that the scan stays visible, with a colour bar that explains the colours."""

import io

import cv2
import numpy as np
from PIL import Image

from explain.render.colours import COLOUR_MAPS, SIGNED_COLOUR_MAPS, colours, line_colour
from explain.render.text import write

CONTOUR_LEVELS = (0.25, 0.5, 0.75)  # shares of the peak

_BAR = (800, 106)  # pixels: width and height of a colour bar
_BAND = slice(4, 34)  # rows of the colours
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def strongest(heat: np.ndarray) -> float:
    """Return the largest absolute value of the map: the scale of evidence both for and against."""
    return float(np.abs(heat).max())


def strength(heat: np.ndarray) -> np.ndarray:
    """Return float32 (H, W) in [-1, 1]: the map as a share of its largest absolute value; zeros stay zeros."""
    peak = strongest(heat)
    return (heat / np.float32(peak)).astype(np.float32) if peak > 0 else np.zeros_like(heat, np.float32)


def overlay(
    picture: np.ndarray,
    heat: np.ndarray,
    *,
    opacity: float = 0.5,
    colour_map: str = "",
    threshold: float = 0.15,
    contours: bool = False,
    against: bool = True,
) -> np.ndarray:
    """Return uint8 (H, W, 3): the gray `picture` (H, W) in [0, 1] with the map over it.

    `heat` is (H, W); below 0 is evidence against the class, drawn in blue unless `against` is false. Both share
    one scale in either case. Values weaker than `threshold` (a share of the peak) stay clear, so that the scan is not
    tinted where the map is empty. `contours` draws lines at 25, 50 and 75 % of the peak instead of a fill, dashed for
    evidence against. `colour_map` "" is the first that suits the map's signs.
    """
    gray = np.repeat(np.clip(picture, 0, 1).astype(np.float32)[..., None], 3, axis=-1)
    level = strength(heat)
    colour_map = colour_map or (SIGNED_COLOUR_MAPS if level.min() < 0 else COLOUR_MAPS)[0]
    level = level if against else np.maximum(level, 0)
    if contours:
        return _with_contours(gray, level, opacity, colour_map, threshold)
    # A soft edge of 2 %: a hard cut would draw a border that is not in the map.
    alpha = np.float32(opacity) * np.clip((np.abs(level) - threshold) / 0.02, 0, 1)[..., None]
    return np.round(255 * ((1 - alpha) * gray + alpha * colours(level, colour_map))).astype(np.uint8)


def _with_contours(
    gray: np.ndarray, level: np.ndarray, opacity: float, colour_map: str, threshold: float
) -> np.ndarray:
    canvas = np.round(255 * gray).astype(np.uint8)
    lines = canvas.copy()
    width = max(1, round(max(level.shape) / 300))
    for share in CONTOUR_LEVELS:
        if share < threshold:
            continue
        outlines, _ = cv2.findContours((level >= share).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(lines, outlines, -1, line_colour(colour_map, share), width, cv2.LINE_AA)
        outlines, _ = cv2.findContours((level <= -share).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.polylines(lines, _dashes(outlines, 4 * width), False, line_colour(colour_map, -share), width, cv2.LINE_AA)
    return cv2.addWeighted(lines, opacity, canvas, 1 - opacity, 0)


def _dashes(outlines: tuple[np.ndarray, ...], length: int) -> list[np.ndarray]:
    """Return every second piece of each outline (n, 1, 2), `length` points long."""
    return [points[at : at + length] for points in outlines for at in range(0, len(points), 2 * length)]


def upright(picture: np.ndarray, spacing: tuple[float, float], side: int = 768) -> np.ndarray:
    """Return the picture with square pixels, its longer side `side` pixels: voxels need not be square."""
    height, width = picture.shape[0] * spacing[0], picture.shape[1] * spacing[1]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def squared(picture: np.ndarray, spacing: tuple[float, float], side: int = 640) -> np.ndarray:
    """Return float32 (side, side): the picture (H, W), `upright`, in the middle of a black square.

    Slices, planes, and a scan beside its map are thus aligned. Values stay within the range of the picture: cubic
    interpolation overshoots at edges, and a map must not get a new peak.
    """
    placed = np.clip(upright(picture, spacing, side), picture.min(), picture.max())
    canvas = np.zeros((side, side), np.float32)
    top, left = (side - placed.shape[0]) // 2, (side - placed.shape[1]) // 2
    canvas[top : top + placed.shape[0], left : left + placed.shape[1]] = placed
    return canvas


def with_sides(picture: np.ndarray, edges: tuple[str, str, str, str]) -> np.ndarray:
    """Return a copy of uint8 (h, w) or (h, w, 3) with the letters of `edges` at its left, right, top and bottom."""
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
    peak: float | None,
    unit: str,
    colour_map: str,
    threshold: float,
    *,
    contours: bool = False,
    against: bool = False,
    ink: str = "#8a949e",
) -> np.ndarray:
    """Return uint8 (h, w, 4): the colours of the overlay with their values in the map's `unit`, from 0 to the peak.

    Where evidence `against` is drawn, it runs from -peak to +peak. Like the overlay, it is clear below the threshold;
    `contours` shows the lines drawn instead of the fill. `peak` None is for several maps, each with its own.
    `ink` is the colour of the letters, "#rrggbb".
    """
    width, height = _BAR
    rgb = tuple(int(ink[start : start + 2], 16) for start in (1, 3, 5))
    bar = np.zeros((height, width, 4), np.uint8)
    bar[..., :3] = rgb
    bar[_BAND, :, 3] = 36
    lowest = -1 if against else 0
    if contours:
        for share in (*CONTOUR_LEVELS, *(-share for share in CONTOUR_LEVELS if against)):
            if abs(share) >= threshold:
                x = round((share - lowest) / (1 - lowest) * width)
                line = (np.arange(_BAND.start, _BAND.stop) // 6 % 2 == 0) if share < 0 else slice(None)
                bar[_BAND, x - 3 : x + 3][line] = (*line_colour(colour_map, share), 255)
    else:
        levels = np.linspace(lowest, 1, width)
        drawn = np.abs(levels) >= threshold
        bar[_BAND, drawn, :3] = np.round(255 * colours(levels[drawn], colour_map))
        bar[_BAND, drawn, 3] = 255
    return write(bar, _labels(peak, unit, width, against), size=24, ink=(*rgb, 255))


def _labels(peak: float | None, unit: str, width: int, against: bool) -> list[tuple[int, int, str, str]]:
    first, second = _BAND.stop + 6, _BAND.stop + 38
    value = "" if peak is None else number(peak)
    if not against:
        labels = [(round(share * width), first, f"{100 * share:.0f} %", "ma") for share in CONTOUR_LEVELS]
        ends = [(0, first, "0", "la"), (width, first, "peak", "ra")]
        return [*labels, *ends, (width, second, f"{value} {unit}".strip(), "ra")]
    return [
        (0, first, f"−{value or 'peak'}", "la"),
        (width // 4, first, "50 %", "ma"),
        (width // 2, first, "0", "ma"),
        (3 * width // 4, first, "50 %", "ma"),
        (width, first, f"+{value or 'peak'}", "ra"),
        (0, second, "against", "la"),
        (width // 2, second, unit, "ma"),
        (width, second, "for", "ra"),
    ]


def number(value: float) -> str:
    """Return a positive number with two significant digits: "0.034", "120", "1.2 × 10⁻⁵"."""
    if 1e-3 <= value < 1e4:
        return np.format_float_positional(value, precision=2, fractional=False, trim="-")
    digits, power = f"{value:.1e}".split("e")
    return f"{digits} × 10{str(int(power)).translate(_SUPERSCRIPT)}"


def gray(picture: np.ndarray) -> np.ndarray:
    """Return uint8 (H, W) of a picture in [0, 1]."""
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def level_and_width(window: tuple[float, float], span: tuple[float, float]) -> tuple[float, float]:
    """Return level and width in stored values of a `window`, given as shares of `span`; the width is above 0."""
    stored = span[1] - span[0]  # below 0 for a negative, whose largest value is black
    return span[0] + stored * (window[0] + window[1]) / 2, abs(stored) * (window[1] - window[0])


def window_of(level: float, width: float, span: tuple[float, float]) -> tuple[float, float]:
    """Return the window, as shares of `span`, of a `level` and `width` in stored values; it may reach beyond [0, 1]."""
    stored = span[1] - span[0]
    middle, half = (level - span[0]) / stored, width / abs(stored) / 2
    return middle - half, middle + half


def png(picture: np.ndarray) -> bytes:
    """Return an uint8 picture (H, W), (H, W, 3) or (H, W, 4) as PNG bytes."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=1)  # 4 times faster, a third larger
    return stream.getvalue()
