"""How often a picture of one head is called a sheet, and a sheet of several or text in a picture is found.

Sheets and text are drawn by a seed from the scans below $CANDOR_DATA. The limits of `scans.sheets` were chosen on the
half of the files whose name's SHA-256 begins with an even byte; this measures on the other half.
"""

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np

from benchmarks.record import write
from scans.sheets import burned_in_text, sheet

COLLECTIONS = ("brain-tumor-mri-dataset", "figshare-brain-tumor", "brain-tumor-mri-images-44c", "dementia-mri")
OTHERS = "not-brain-mri"
GRIDS = ((1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 3), (4, 5), (6, 6), (8, 8), (10, 12))
GUTTERS = {"none": (0, 0), "black": (0, 0), "white": (255, 255), "grey": (60, 199)}  # darkest and brightest value
_EACH = 100  # sheets of a grid with a gutter; pictures with text of a collection are twice as many
_LARGEST = 1600  # pixels: of a sheet
_PANELS = ((2, 2), (1, 3))  # three pictures of any plane, the fourth panel blank or with text
_WORDS = ("SMITH", "MR", "1.5T", "TR: 500", "TE 14", "Se: 4", "Im: 12/36", "W 350", "L 40", "FOV 24cm", "2019-04-11")
_HEIGHTS = {"8 and 9": (8, 9), "10 to 13": (10, 13), "14 to 18": (14, 18), "19 and more": (19, 99)}  # pixels

Folders = list[list[np.ndarray]]  # the pictures of each folder, uint8, in the order of their numbers


def main() -> int:
    """Measure and write `results/sheets.json`; return 2 without $CANDOR_DATA."""
    data = os.environ.get("CANDOR_DATA")
    if not data:
        print("set CANDOR_DATA to the folder that holds the collections of scans")
        return 2
    folders: Folders = []
    alarms, texts, seconds = {}, {}, []
    for name in (*COLLECTIONS, OTHERS):
        of_collection = list(_folders(Path(data) / name))
        found = text = pictures = 0
        for gray in (gray for folder in of_collection for gray in folder):
            pixels = _shown(gray)
            started = perf_counter()
            found += sheet(pixels) is not None
            seconds.append(perf_counter() - started)
            text += burned_in_text(pixels)
            pictures += 1
        alarms[name], texts[name] = f"{found} of {pictures}", f"{text} of {pictures}"
        if name in COLLECTIONS:
            folders += of_collection
    write(
        "sheets",
        {
            "called a sheet, held-out pictures": alarms,
            "called text, held-out pictures": texts,
            "sheets found": _sheets_found(np.random.default_rng(0), folders),
            "text found, by height of the glyphs in pixels": _text_found(np.random.default_rng(1), folders),
            "sheet, milliseconds per picture": round(1000 * median(seconds), 2),
        },
    )
    return 0


def _folders(collection: Path) -> Iterator[list[np.ndarray]]:
    """Yield the held-out pictures of each folder."""
    by_folder: dict[Path, list[Path]] = {}
    for path in sorted(collection.rglob("*")):
        if (
            path.suffix.lower() in (".jpg", ".jpeg", ".webp", ".png")
            and hashlib.sha256(path.name.encode()).digest()[0] % 2
        ):
            by_folder.setdefault(path.parent, []).append(path)
    for paths in by_folder.values():
        paths.sort(key=lambda path: int((re.findall(r"\d+", path.name) or ["0"])[-1]))
        yield [gray for path in paths if (gray := cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) is not None]


def _shown(gray: np.ndarray) -> np.ndarray:
    """Return float32 in [0, 1], stretched to all of it."""
    low, high = int(gray.min()), int(gray.max())
    return (gray.astype(np.float32) - low) / max(high - low, 1)


def _sheets_found(rng: np.random.Generator, folders: Folders) -> dict[str, dict[str, str]]:
    """Return for each kind and gutter how many are found, and how many with the right rows and columns."""
    counts: dict[str, dict[str, str]] = {}
    kinds = [(f"{rows}x{columns}", (rows, columns), False) for rows, columns in GRIDS]
    kinds += [(f"three panels, {rows}x{columns}", (rows, columns), True) for rows, columns in _PANELS]
    for kind, grid, panels in kinds:
        for gutter in GUTTERS:
            found = [sheet(_shown(draw_sheet(rng, grid, gutter, folders, panels))) for _ in range(_EACH)]
            right, some = sum(each == grid for each in found), sum(each is not None for each in found)
            counts.setdefault(kind, {})[gutter] = f"{some} of {len(found)}, {right} with the right grid"
    return counts


def draw_sheet(
    rng: np.random.Generator, grid: tuple[int, int], gutter: str, folders: Folders, panels: bool = False
) -> np.ndarray:
    """Return a uint8 sheet of `grid` rows and columns of pictures, one of GUTTERS between them.

    Half of the sheets show neighbouring pictures of a folder; a third have a margin, a quarter text in every tile,
    half of the larger ones blank tiles at the end, and two fifths went through a JPEG.
    """
    rows, columns = grid
    side = int(rng.integers(48, max(49, min(256, _LARGEST // max(grid)) + 1)))
    height, width = side, max(40, int(side * rng.choice([1, 1, 1, 1.2, 0.85])))
    blank = int(panels and rows * columns > 3)
    if not panels and rows * columns > 3 and rng.random() < 0.5:
        blank = int(rng.integers(min(columns, rows * columns - 3)))
    pictures = _pictures(rng, folders, rows * columns - blank, panels)
    gap = {"none": 0, "black": int(rng.integers(1, side // 6 + 1))}.get(gutter, int(rng.integers(1, side // 16 + 1)))
    margin = int(rng.choice([0, 0, gap, rng.integers(1, 30)]))
    size = [count * length + (count - 1) * gap + 2 * margin for count, length in ((rows, height), (columns, width))]
    drawn = np.full(size, rng.integers(GUTTERS[gutter][0], GUTTERS[gutter][1] + 1), np.uint8)
    written = rng.random() < 0.25
    for place in range(rows * columns):
        tile = _fitted(pictures[place], height, width) if place < len(pictures) else np.zeros((height, width), np.uint8)
        if written if place < len(pictures) else panels and rng.random() < 0.5:
            for line in range(int(rng.integers(1, 5))):
                scale = max(0.25, height / 500)
                at = (2, int(24 * scale * (line + 1)))
                cv2.putText(tile, str(rng.choice(_WORDS)), at, int(rng.integers(4)), scale, 255, 1)
        top, left = margin + place // columns * (height + gap), margin + place % columns * (width + gap)
        drawn[top : top + height, left : left + width] = tile
    return _as_jpeg(rng, drawn) if rng.random() < 0.4 else drawn


def _pictures(rng: np.random.Generator, folders: Folders, count: int, panels: bool) -> list[np.ndarray]:
    """Return neighbours of one folder, or others of one or of several folders."""
    enough = [folder for folder in folders if len(folder) > count]
    folder = enough[rng.integers(len(enough))]
    if not panels and rng.random() < 0.5:
        first = int(rng.integers(len(folder) - count))
        return folder[first : first + count]
    if rng.random() < 0.5:
        return [folder[index] for index in rng.integers(len(folder), size=count)]
    return [each[rng.integers(len(each))] for each in (folders[i] for i in rng.integers(len(folders), size=count))]


def _fitted(gray: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the picture scaled into the middle of a black tile."""
    scale = min(height / gray.shape[0], width / gray.shape[1])
    size = (min(width, max(1, round(gray.shape[1] * scale))), min(height, max(1, round(gray.shape[0] * scale))))
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    tile = np.zeros((height, width), np.uint8)
    smaller = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    tile[top : top + size[1], left : left + size[0]] = cv2.resize(gray, size, interpolation=smaller)
    return tile


def _as_jpeg(rng: np.random.Generator, gray: np.ndarray) -> np.ndarray:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
    return cv2.imdecode(cv2.imencode(".jpg", gray, quality)[1], cv2.IMREAD_GRAYSCALE)


def _text_found(rng: np.random.Generator, folders: Folders) -> dict[str, str]:
    counts = {name: [0, 0] for name in _HEIGHTS}
    for _ in range(2 * _EACH * len(COLLECTIONS)):
        folder = folders[rng.integers(len(folders))]
        written, height = draw_text(rng, folder[rng.integers(len(folder))])
        name = next(name for name, (low, high) in _HEIGHTS.items() if low <= height <= high)
        counts[name][0] += burned_in_text(_shown(written))
        counts[name][1] += 1
    return {name: f"{found} of {total}" for name, (found, total) in counts.items()}


def draw_text(rng: np.random.Generator, gray: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the picture with one to four lines of two or three words at a corner, and the height of capitals.

    The height is 8 to 26 pixels of 200 to 640; two fifths of the pictures have a scale as well, half went through a
    JPEG.
    """
    scale = rng.integers(200, 640) / max(gray.shape)
    drawn = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    rows, columns = drawn.shape
    wanted, font = int(rng.integers(8, max(9, min(26, rows // 14) + 1))), int(rng.integers(5))
    thick, size = 1 if wanted < 14 else int(rng.integers(1, 3)), wanted / 22
    while cv2.getTextSize("H", font, size, thick)[0][1] < wanted:
        size *= 1.05
    lines, corner, ink = int(rng.integers(1, 5)), int(rng.integers(4)), int(rng.integers(190, 256))
    for line in range(lines):
        words = "  ".join(rng.choice(_WORDS, size=int(rng.integers(2, 4)), replace=False))
        length = cv2.getTextSize(words, font, size, thick)[0][0]
        down = wanted + 4 + line * wanted * 1.6 if corner < 2 else rows - 6 - line * wanted * 1.6
        at = (4 if corner % 2 else max(0, columns - length - 4), int(down))
        cv2.putText(drawn, words, at, font, size, ink, thick, cv2.LINE_AA if rng.random() < 0.7 else cv2.LINE_8)
    if rng.random() < 0.4:
        for tick in range(11):
            at = (columns - 8, rows // 4 + tick * rows // 20)
            cv2.line(drawn, (at[0] - (8 if tick % 5 == 0 else 4), at[1]), at, 255, 1)
        cv2.line(drawn, (columns - 8, rows // 4), at, 255, 1)
    height = cv2.getTextSize("H", font, size, thick)[0][1]
    return (_as_jpeg(rng, drawn) if rng.random() < 0.5 else drawn), height


if __name__ == "__main__":
    sys.exit(main())
