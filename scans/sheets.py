"""Sheets: pictures of several heads (mosaics, montages, films, panels), and pictures with text drawn into them.

A sheet is told by the lines between its tiles: no tissue goes on across them, since there is air, a gutter, or a step
where two tiles touch. They lie at equal distances, and what lies between them is of comparable size. The tissue of one
head goes on across every line through its middle. All limits were chosen on one half of four collections of scans, and
of sheets made from them; `python -m benchmarks.sheets` measures on the other half.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
from scipy.sparse.csgraph import connected_components

# Of a sheet; pixels are those of the reduced picture.
_SIDE = 256  # pixels: the picture is reduced to the area of a square of this side
_LONGEST = 640  # pixels: a strip is reduced to this side
_SMALLEST = 24  # pixels: a shorter side shows nothing
_FRAME = 20  # of 255: a row or column at the edge that varies less is a frame, even after JPEG
_GUTTER = 10  # of 255: a row or column that varies less is a gutter or air
_FLOOR = 20  # of 255: the darkest tissue
_ABOVE_AIR = 4  # times the 20th percentile, which is noise of the air: 2.7 standard deviations of the noise
_STRETCH = 9  # pixels along a line over which a step is averaged
_STEP, _STEP_FLOOR = 1.6, 4  # a step where tiles touch is so many times the steps nearby, plus so many of 255
_MOST = 12  # tiles along a side
_SAMPLES = 240  # of a profile: the hypotheses are made once, for this length
_FILLED = 0.3  # of the length of a tile, which its tissue covers
_HOPELESS = 0.35  # of the usual: where tissue goes on so much across every line, there is no sheet
_LIMITS = {2: 0.1, 3: 0.15, 4: 0.25}  # tiles along a side -> most tissue across their borders, of the usual
_LIMIT = 0.4  # the same for more tiles, which no head imitates
_MORE = 0.04  # of the usual, by which one more border may be less clean
_COMPARABLE = 0.25  # of the area of the larger tiles: less is no head
_STROKE = 0.06  # of the shorter side of a tile, or of 128 pixels: text is thinner
_LONG = 2.0  # times: no tile is longer in one direction than in the other by more
_MANY, _CLEAN = 4, 0.1  # so many tiles with so clean borders are a sheet, even if only its rows or columns are seen
_NARROW = 1.6  # times longer than wide: half a head
_MIRRORED, _MORE_MIRRORED = 0.45, 0.3  # correlation of two halves, one mirrored; by how much it exceeds others

# Of text; pixels are those of the picture, or of one reduced to `_READABLE`.
_READABLE = 1024  # pixels: the longest side
_STROKES = 9  # pixels: strokes of text are narrower
_CONTRAST, _INK = 60, 100  # of 255 above the surroundings: all of a glyph, and a glyph on average
_GLYPH = (5, 48)  # pixels: heights of glyphs
_WIDE = 3.0  # times its height: letters may touch
_SOLID = 0.25  # of its box that a glyph covers
_GLYPHS, _PARTS = 4, 3  # at least in a line, as its length says, and as separate parts
_LETTER = 0.75  # of the height of a glyph: its width
_LOWER = 0.5  # of the height of a glyph, by which the next may be taller or smaller
_SPACE = 1.4  # of the height of a glyph: between words
_BASE = 0.08  # of the height of a glyph, by which its foot may be off the line
_MOST_GLYPHS = 1500  # more is no text but noise, and every pair is compared
_EVEN = 0.25  # of the height of the glyphs: most standard deviation of the heights


class _Side(NamedTuple):
    """A hypothesis on one side of the picture: the borders of its tiles, outer ones included, and its evidence."""

    borders: np.ndarray  # n + 1 places
    across: float  # mean tissue across the inner borders, as a share of the usual
    doubt: float  # the same as a share of the most that is allowed; 0 for one tile

    @property
    def count(self) -> int:
        return len(self.borders) - 1


def sheet(pixels: np.ndarray) -> tuple[int, int] | None:
    """Return rows and columns of heads on a sheet, float32 (H, W) in [0, 1] being its pixels as shown.

    None stands for a picture of one head. Rows and columns without any head, as at the end of a mosaic, do not count.

    >>> head = cv2.circle(np.zeros((96, 96), np.float32), (48, 48), 40, 1.0, -1)
    >>> sheet(head), sheet(np.tile(head, (2, 3)))
    (None, (2, 3))
    """
    gray = _reduced(pixels)
    if min(gray.shape) < _SMALLEST:
        return None
    tissue, flat_rows, flat_columns = _tissue(gray)
    down = _sides(gray, tissue, flat_rows)
    across = _sides(np.ascontiguousarray(gray.T), np.ascontiguousarray(tissue.T), flat_columns)
    for rows, columns in product(down, across):
        # Where both sides are parted, the clean borders of one make up for the others.
        parted = (rows.count > 1) + (columns.count > 1)
        if parted and rows.doubt + columns.doubt <= parted and _heads(gray, tissue, rows, columns):
            return rows.count, columns.count
    return None


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 (h, w): smaller, without frames, on a dark background, single bright pixels gone."""
    scale = min(1.0, _SIDE / np.sqrt(pixels.size), _LONGEST / max(pixels.shape))
    pixels = _scaled(pixels, scale)
    white = max(float(np.percentile(pixels[::3, ::3], 99)), 0.1)
    gray = _without_frame(np.round(255 * np.clip(pixels / white, 0, 1)).astype(np.uint8))
    # The edge alone may be what a JPEG left of a white frame.
    if _white_edge(gray) and np.count_nonzero(gray > 204) > np.count_nonzero(gray < 51):
        gray = _without_frame(255 - gray)
    return cv2.medianBlur(gray, 3)


def _scaled(pixels: np.ndarray, scale: float) -> np.ndarray:
    """Return the pixels reduced by `scale`, 1 or less; a strip stays a pixel wide."""
    if scale == 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _white_edge(gray: np.ndarray) -> bool:
    """Return whether most of the outermost pixels are bright, as around an inverted scan."""
    return bool(np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])) > 153)


def _without_frame(gray: np.ndarray) -> np.ndarray:
    """Drop rows and columns of one value from the edges inwards; twice, for a frame around a frame.

    One is kept: without the air beside it, the widest row of an even head would look like a gutter.
    """
    for _ in range(2):
        for axis in (1, 0):
            varied = np.flatnonzero(np.ptp(gray, axis) > _FRAME)
            if len(varied) < 2:
                return gray
            part = slice(max(varied[0] - 1, 0), varied[-1] + 2)
            gray = gray[part] if axis else gray[:, part]
    return gray


def _tissue(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return uint8 (h, w), 1 where there is tissue, and which rows and which columns are gutters, bool (h,), (w,)."""
    rows, columns = np.ptp(gray, 1) < _GUTTER, np.ptp(gray, 0) < _GUTTER
    inner = np.ascontiguousarray(gray[~rows][:, ~columns])
    otsu, _ = cv2.threshold(inner if inner.size else gray, 0, 255, cv2.THRESH_OTSU)
    # Otsu parts bright fluid or fat from all else in some heads, whose brain is still far brighter than the air.
    least = min(0.5 * otsu, max(_FLOOR, _ABOVE_AIR * np.percentile(gray[::3, ::3], 20)))
    return (gray > least).astype(np.uint8), rows, columns


def _sides(gray: np.ndarray, tissue: np.ndarray, flat: np.ndarray) -> list[_Side]:
    """Return the ways to part the rows into bands that the evidence allows, most likely first; the last is one band."""
    amount = np.where(flat, 0, tissue.sum(1))
    filled = amount >= max(2, 0.02 * gray.shape[1])
    rows = np.flatnonzero(filled)
    if not len(rows):
        return []
    first, last = rows[0], rows[-1] + 1
    whole = _Side(np.array([first, last], float), 0.0, 0.0)
    going_on = np.where(flat, 0, _going_on(gray, tissue)).astype(np.float32)
    usual = max(float(np.percentile(going_on[first:last], 75)), 1.0)
    # A border may lie between two pixels, and need not lie quite where the pitch puts it.
    profile = cv2.erode((going_on / usual)[:, None], np.ones((3, 1), np.uint8)).ravel()
    places = first + np.arange(_SAMPLES + 1) * (last - first) / _SAMPLES
    profile = np.interp(places, np.arange(len(profile)) + 0.5, profile).astype(np.float32)
    if profile[_SAMPLES // 5 : -_SAMPLES // 5].min() > _HOPELESS:
        return [whole]
    covered = np.interp(places, np.arange(len(filled) + 1), np.r_[0, np.cumsum(filled)]) * _SAMPLES / (last - first)
    sides = []
    for count, borders in _hypotheses().items():
        across = profile[borders[:, 1:-1]].mean(1)
        across[np.diff(covered[borders], axis=1).min(1) < _FILLED * _SAMPLES / count] = np.inf
        best = float(across.min())
        doubt = best / _LIMITS.get(count, _LIMIT)
        if doubt <= 2 and best <= _LIMIT:
            ties = np.flatnonzero(across <= best + 1e-6)
            sides.append(_Side(places[borders[ties[len(ties) // 2]]], best, doubt))
    # Every second border of a sheet is as clean as all of them, so that more borders are worth a little evidence.
    sides.sort(key=lambda side: side.across - _MORE * side.count)
    return [*sides, whole]


def _going_on(gray: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Return for each row (h,) how many pixels of tissue go on from the row above to the row below.

    They do not where the step from row to row is far larger than three rows above and below: there two tiles touch.
    """
    upright = np.ones((3, 1), np.uint8)
    step = cv2.blur(cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, upright).astype(np.float32), (_STRETCH, 1))
    nearby = np.empty_like(step)
    np.maximum(step[:-6], step[6:], out=nearby[3:-3])
    nearby[:3], nearby[-3:] = step[3:6], step[-6:-3]
    same = step <= _STEP * nearby + _STEP_FLOOR
    return (cv2.erode(tissue, upright).astype(bool) & same).sum(1)


@lru_cache(maxsize=1)
def _hypotheses() -> dict[int, np.ndarray]:
    """Return the borders to try for each count of tiles: int (k, count + 1), samples of a profile.

    The profile begins and ends with tissue, so that the first and last tile may begin and end beyond it.
    """
    tried = {}
    for count in range(2, _MOST + 1):
        borders = []
        for pitch in np.linspace(_SAMPLES / count, _SAMPLES / (count - 0.75), 20):
            starts = np.arange(_SAMPLES - count * pitch, 1e-9, max(1.0, pitch / 30))
            borders.append(starts[:, None] + pitch * np.arange(count + 1))
        tried[count] = np.clip(np.round(np.concatenate(borders)), 0, _SAMPLES).astype(np.int32)
    return tried


def _heads(gray: np.ndarray, tissue: np.ndarray, rows: _Side, columns: _Side) -> bool:
    """Return whether the tiles between the borders hold heads: in each row and column one, and two in all."""
    down, across = np.round(rows.borders).astype(int), np.round(columns.borders).astype(int)
    height, width = rows.borders[1] - rows.borders[0], columns.borders[1] - columns.borders[0]
    many_clean = any(side.count >= _MANY and side.across <= _CLEAN for side in (rows, columns))
    if max(height, width) > _LONG * min(height, width) and not many_clean:
        return False
    # Strokes of text are thinner than this.
    stroke = max(2, round(_STROKE * min(height, width, 128)))
    tissue = cv2.morphologyEx(tissue, cv2.MORPH_OPEN, np.ones((stroke, stroke), np.uint8))
    total = cv2.integral(tissue)
    area = np.diff(np.diff(total[np.ix_(down, across)], axis=0), axis=1)
    heads = area > _COMPARABLE * np.percentile(area, 90)
    if not (heads.any(0).all() and heads.any(1).all() and heads.sum() >= 2):
        return False
    if heads.shape == (1, 2):
        return not _two_halves(gray, tissue, across[1])
    return heads.shape != (2, 1) or not _two_halves(gray.T, tissue.T, down[1])


def _two_halves(gray: np.ndarray, tissue: np.ndarray, border: int) -> bool:
    """Return whether the parts to the left and right of a column are halves of one head: hemispheres, temporal lobes.

    Those are far longer than wide, or mirror images of each other without being symmetric themselves.
    """
    parts, narrow = [], True
    for side in (slice(border), slice(border, None)):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(tissue[:, side]))
        largest = 1 + stats[1:, cv2.CC_STAT_AREA].argmax()  # a gutter is another part
        x, y, width, height = stats[largest, :4]
        part = (gray[:, side] * (labels == largest))[y : y + height, x : x + width]
        narrow &= part.shape[0] > _NARROW * part.shape[1]
        parts.append(cv2.resize(part, (32, 32), interpolation=cv2.INTER_AREA))
    left, right = parts
    mirrored = _alike(left, right[:, ::-1])
    symmetric = (_alike(left, left[:, ::-1]) + _alike(right, right[:, ::-1])) / 2
    return narrow or mirrored > max(_MIRRORED, _MORE_MIRRORED + max(symmetric, _alike(left, right)))


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two pictures of one size; 0 where one is of a single value."""
    if not np.ptp(one) or not np.ptp(other):
        return 0.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def burned_in_text(pixels: np.ndarray) -> bool:
    """Return whether lines of text seem to be drawn into the picture, float32 (H, W) in [0, 1], over the head or not.

    A line is a row of glyphs: bright, thin, on one foot line, of like height and close together. A letter or two for
    the side of the patient are none, nor is a scale.
    """
    pixels = _scaled(pixels, min(1.0, _READABLE / max(pixels.shape)))
    gray = np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    if _white_edge(gray):
        gray = 255 - gray
    left, width, height, foot = _glyphs(gray).T
    if len(left) < _PARTS:
        return False
    least = np.minimum(height[:, None], height)
    gap = left - (left + width)[:, None]  # from one, down the rows, to the next, along the columns
    following = (
        (np.abs(height[:, None] - height) <= _LOWER * least + 1)
        & (np.abs(foot[:, None] - foot) <= _BASE * least + 0.5)
        & (gap >= -0.2 * least)
        & (gap <= _SPACE * least + 1)
    )
    lines = connected_components(following, directed=False)[1]
    for line in np.flatnonzero(np.bincount(lines) >= _PARTS):
        inside = lines == line
        usual = np.median(height[inside])
        glyphs = np.maximum(1, np.round(width[inside] / (_LETTER * usual))).sum()
        straight = foot[inside].std() <= _BASE * usual and height[inside].std() <= _EVEN * usual
        if glyphs >= _GLYPHS and straight:
            return True
    return False


def _glyphs(gray: np.ndarray) -> np.ndarray:
    """Return left, width, height and foot in pixels, float (n, 4), of each part of uint8 `gray` that may be a glyph."""
    raised = cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, np.ones((_STROKES, _STROKES), np.uint8))
    mask = raised > _CONTRAST
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    left, top, width, height, area = stats.T
    ink = np.bincount(labels[mask], weights=raised[mask], minlength=len(stats)) / area
    fits = (height >= _GLYPH[0]) & (height <= _GLYPH[1]) & (width <= _WIDE * height)
    fits &= (area >= _SOLID * width * height) & (ink >= _INK)
    fits[0] = False  # the background
    if np.count_nonzero(fits) > _MOST_GLYPHS:
        return np.empty((0, 4))
    return np.stack([left, width, height, top + height], 1)[fits].astype(float)
