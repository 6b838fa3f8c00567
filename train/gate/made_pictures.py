"""Pictures made for the gate from scans and photographs: what people send instead of one head in MRI.

All take and return uint8 (side, side), and draw every choice from `rng`.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL)
_WORDS = (
    "Series", "Im", "TR", "TE", "FOV", "Zoom", "File", "Edit", "View", "Tools", "Help", "Open", "Save", "Patient",
    "Study", "AX T1", "SAG", "COR", "A", "P", "R", "L", "cm", "mm", "W", "C", "Hospital", "Brain", "MRI", "Layout",
    "Prior", "100 %", "Settings", "Result", "Search", "Window", "12:03", "2024",
)  # fmt: skip


def several_heads(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return heads (N of the same side) side by side: a mosaic, a montage, the panels of a film."""
    side = heads[0].shape[0]
    rows, columns = [(1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (3, 4), (4, 4), (5, 5), (6, 6)][rng.integers(10)]
    gap, line = int(rng.integers(0, 6)), int(rng.choice([0, 0, 0, 40, 128, 255]))
    canvas = np.full((side, side), line, np.uint8)
    height, width = side / rows, side / columns
    cell = int(min(height, width)) - gap  # heads keep their shape
    neighbours = rng.random() < 0.6  # slices of one series: neighbours in the list look alike
    first = int(rng.integers(len(heads)))
    for number in range(rows * columns):
        if number > 1 and rng.random() < 0.04:  # a panel left empty
            continue
        place = (first + number) if neighbours else int(rng.integers(len(heads)))
        small = _zoomed(heads[place % len(heads)], cell)
        row, column = divmod(number, columns)
        top = int(row * height + (height - cell) / 2)
        left = int(column * width + (width - cell) / 2)
        canvas[top : top + cell, left : left + cell] = small
    if rng.random() < 0.4:
        canvas = with_text(canvas, rng)
    return canvas


def with_text(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture with a few words, and perhaps a scale bar or an arrow, drawn into it."""
    drawn, side = picture.copy(), picture.shape[0]
    for _ in range(int(rng.integers(1, 7))):
        where = (int(rng.integers(0, int(0.85 * side))), int(rng.integers(8, side)))
        if rng.random() < 0.8:  # at the edges, as viewers do
            where = (int(rng.choice([2, int(0.75 * side)])), int(rng.choice([rng.integers(8, 40), side - 4])))
        _write(drawn, where, int(rng.choice([255, 255, 200, 120])), rng)
    if rng.random() < 0.4:
        left = int(rng.choice([3, side - 6]))
        cv2.line(drawn, (left, side // 3), (left, 2 * side // 3), 255, 1)
        for y in np.linspace(side // 3, 2 * side // 3, 6):
            cv2.line(drawn, (left - 2, int(y)), (left + 2, int(y)), 255, 1)
    if rng.random() < 0.25:
        start, end = rng.integers(side // 5, 4 * side // 5, 2), rng.integers(side // 3, 2 * side // 3, 2)
        cv2.arrowedLine(drawn, tuple(map(int, start)), tuple(map(int, end)), 255, 1, tipLength=0.3)
    return drawn


def screenshot(pictures: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return a window of a program or a page with text, and pictures in some of its panels."""
    side = pictures[0].shape[0]
    paper, ink = [(245, 20), (255, 0), (225, 40), (32, 220), (50, 200), (12, 230)][rng.integers(6)]
    canvas = np.full((side, side), paper, np.uint8)
    bar = int(rng.integers(6, 16))
    canvas[:bar] = int(np.clip(paper + rng.integers(-60, 60), 0, 255))
    for x in range(3, side - 20, int(rng.integers(18, 34))):
        _write(canvas, (x, bar - 2), ink, rng, 0.25)
    panel = int(side * rng.uniform(0.3, 0.62))
    for _ in range(int(rng.integers(1, 4))):
        top, left = int(rng.integers(bar, side - panel + 1)), int(rng.integers(0, side - panel + 1))
        canvas[top : top + panel, left : left + panel] = _zoomed(pictures[rng.integers(len(pictures))], panel)
    for y in range(bar + 10, side, int(rng.integers(9, 16))):
        if rng.random() < 0.6:
            for x in range(int(rng.integers(2, side // 2)), side - 12, int(rng.integers(24, 40))):
                if abs(int(canvas[y - 4, min(x + 6, side - 1)]) - paper) < 5:
                    _write(canvas, (x, y), ink, rng, 0.28)
    return canvas


def photographed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as a telephone takes it from a light box or a screen: tilted, with glare and surroundings."""
    side = picture.shape[0]
    ground = cv2.GaussianBlur(rng.integers(0, 256, (side, side), dtype=np.uint8), (0, 0), float(rng.uniform(2, 25)))
    ground = cv2.normalize(ground, None, float(rng.integers(10, 120)), float(rng.integers(121, 250)), cv2.NORM_MINMAX)
    lit = picture.astype(np.float32)
    lit = rng.uniform(15, 90) + lit * rng.uniform(0.45, 0.8)  # black film lets light through, a screen shines
    corners = np.float32([[0, 0], [side, 0], [side, side], [0, side]])
    inset = side * rng.uniform(0.02, 0.22, (4, 2))
    target = corners + np.float32([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * inset.astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    seen = cv2.warpPerspective(lit, matrix, (side, side), flags=cv2.INTER_AREA, borderValue=-1)
    out = np.where(seen < 0, ground.astype(np.float32), seen)
    y, x = np.mgrid[:side, :side] / side
    centre, width = rng.uniform(0, 1, 2), rng.uniform(0.1, 0.5)
    out += rng.uniform(0, 120) * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / width**2)
    out *= 1 + rng.uniform(-0.35, 0.35) * (x - 0.5) + rng.uniform(-0.35, 0.35) * (y - 0.5)
    if rng.random() < 0.4:  # the lines of a screen
        out += rng.uniform(2, 14) * np.sin(2 * np.pi * (x * rng.uniform(10, 60) + y * rng.uniform(0, 30)))
    out += rng.standard_normal(out.shape) * rng.uniform(0, 6)
    return np.clip(out, 0, 255).astype(np.uint8)


def unreadable(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return a negative, a small piece of a head, noise, a smooth shade, plain shapes or a page of text."""
    return _UNREADABLE[rng.integers(len(_UNREADABLE))](heads, rng)


def _negative(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    return 255 - heads[rng.integers(len(heads))]


def _piece(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    head = heads[rng.integers(len(heads))]
    side = head.shape[0]
    for _ in range(8):
        part = int(side * rng.uniform(0.1, 0.26))
        top, left = rng.integers(0, side - part, 2)
        piece = head[top : top + part, left : left + part]
        if piece.std() > 8:
            break
    return cv2.resize(piece, (side, side), interpolation=cv2.INTER_CUBIC)


def _noise(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    side = heads[0].shape[0]
    grain = rng.standard_normal((side, side)).astype(np.float32)
    if width := float(rng.choice([0, 0.6, 1.5, 4, 10])):
        grain = cv2.GaussianBlur(grain, (0, 0), width)
    grain = grain / max(float(grain.std()), 1e-6)
    return np.clip(rng.uniform(10, 200) + rng.uniform(5, 60) * grain, 0, 255).astype(np.uint8)


def _shade(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    side = heads[0].shape[0]
    coarse = rng.uniform(0, 255, (int(rng.integers(2, 5)),) * 2).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def _shapes(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    side = heads[0].shape[0]
    canvas = np.full((side, side), int(rng.choice([0, 0, 40, 255])), np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        grey = int(rng.integers(40, 256))
        centre = tuple(map(int, rng.integers(side // 5, 4 * side // 5, 2)))
        if rng.random() < 0.5:
            axes = tuple(map(int, rng.integers(side // 16, side // 2, 2)))
            cv2.ellipse(canvas, centre, axes, float(rng.integers(180)), 0, 360, grey, int(rng.choice([-1, -1, 2])))
        else:
            corner = tuple(map(int, rng.integers(0, side, 2)))
            cv2.rectangle(canvas, centre, corner, grey, int(rng.choice([-1, -1, 2])))
    if rng.random() < 0.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.5, 6)))
    grain = rng.standard_normal(canvas.shape) * rng.uniform(0, 12)
    return np.clip(canvas + grain, 0, 255).astype(np.uint8)


def _page(heads: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    side = heads[0].shape[0]
    paper, ink = [(255, 0), (235, 30), (10, 230)][rng.integers(3)]
    canvas = np.full((side, side), paper, np.uint8)
    for y in range(int(rng.integers(8, 20)), side, int(rng.integers(7, 14))):
        for x in range(6, side - int(rng.integers(10, 50)), int(rng.integers(18, 30))):
            _write(canvas, (x, y), ink, rng, 0.28)
    return canvas


_UNREADABLE: tuple[Callable[[Sequence[np.ndarray], np.random.Generator], np.ndarray], ...] = (
    _negative,
    _negative,
    _piece,
    _noise,
    _shade,
    _shapes,
    _page,
)


def _write(canvas: np.ndarray, where: tuple[int, int], grey: int, rng: np.random.Generator, size: float = 0.0) -> None:
    word = _WORDS[rng.integers(len(_WORDS))]
    scale = size or float(rng.uniform(0.22, 0.5))
    cv2.putText(canvas, word, where, int(rng.choice(_FONTS)), scale, grey, 1, cv2.LINE_AA)


def _zoomed(picture: np.ndarray, side: int) -> np.ndarray:
    side = max(side, 1)
    how = cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(picture, (side, side), interpolation=how)
