"""Exports of a map: a sheet of the pictures with colour bar and caption, and a ZIP archive with its values."""

import io
import json
import zipfile

import cv2
import numpy as np

from explain.captions import convergence
from explain.explanation import NOT_FOR_DIAGNOSIS, Explanation
from explain.methods import METHODS
from explain.render.text import wrapped, write

_MARGIN, _GAP = 24, 16  # pixels
_TEXT, _LEADING = 19, 29  # pixels: font size, line height
_PAPER, _INK, _FAINT = (14, 15, 17), (214, 218, 222), (138, 148, 158)
_DATE = (2000, 1, 1, 0, 0, 0)  # fixed, so that the same map gives the same bytes


def sheet(plain: np.ndarray, overlay: np.ndarray, colour_bar: np.ndarray | None, lines: list[str]) -> np.ndarray:
    """Return uint8 (h, w, 3): the scan and the overlay side by side, the colour bar and the caption.

    `plain` and `overlay` are uint8 (s, s) or (s, s, 3); `colour_bar` is uint8 (h, w, 4), shrunk to their width where it
    is wider, or None where the map is empty. `lines` are wrapped; NOT_FOR_DIAGNOSIS follows them.
    """
    side = plain.shape[0]
    if colour_bar is not None and colour_bar.shape[1] > side:
        height = round(side / colour_bar.shape[1] * colour_bar.shape[0])
        colour_bar = cv2.resize(colour_bar, (side, height), interpolation=cv2.INTER_AREA)
    width = 2 * side + _GAP + 2 * _MARGIN
    text = [part for line in lines for part in wrapped(line, width - 2 * _MARGIN, _TEXT)]
    bar = 0 if colour_bar is None else colour_bar.shape[0] + _GAP
    below = _MARGIN + side + bar + _GAP
    page = np.full((below + _LEADING * (len(text) + 1) + _MARGIN, width, 3), _PAPER, np.uint8)
    left, right = _MARGIN, _MARGIN + side + _GAP
    for place, picture in ((left, plain), (right, overlay)):
        colour = picture if picture.ndim == 3 else picture[..., None]
        page[_MARGIN : _MARGIN + side, place : place + side] = colour
    if colour_bar is not None:
        _blend(page, colour_bar, _MARGIN + side + _GAP, right + side - colour_bar.shape[1])
    words = [(left, below + _LEADING * row, line, "la") for row, line in enumerate(text)]
    page = write(page, words, size=_TEXT, ink=_INK)
    return write(page, [(left, below + _LEADING * len(text), NOT_FOR_DIAGNOSIS, "la")], size=_TEXT, ink=_FAINT)


def _blend(page: np.ndarray, picture: np.ndarray, top: int, left: int) -> None:
    """Blend an RGBA picture into the page, in place."""
    place = page[top : top + picture.shape[0], left : left + picture.shape[1]]
    alpha = picture[..., 3:] / np.float32(255)
    place[:] = np.round(alpha * picture[..., :3] + (1 - alpha) * place)


def caption(explanation: Explanation, names: dict[str, str], title: str, method: str) -> list[str]:
    """Return the lines under the pictures. `names` gives the display name of a class id."""
    target, predicted = names[explanation.target], names[explanation.predicted]
    where = f", slice {explanation.slice + 1}" if explanation.plane or explanation.slice else ""
    seed = f", seed {explanation.seed}" if METHODS[explanation.method].random else ""
    return [
        f"Class explained: {target}, probability {_decimal(explanation.probability)}. Prediction: {predicted}.",
        f"{method} ({explanation.engine}{seed}) of {title}, weights {explanation.weights[:12]}, "
        f"scan {explanation.scan[:12]}{where}.",
        convergence(explanation),
        *([explanation.calibration] if explanation.calibration else []),
        *explanation.reasons,
        *explanation.notes,
        *explanation.warnings,
    ]


def _decimal(p: float) -> str:
    """Return a probability with three decimals, but never a flat 0 or 1."""
    if p < 0.0005:
        return "under 0.001"
    return "over 0.999" if p > 0.9995 else f"{p:.3f}"


def file_stem(explanation: Explanation) -> str:
    """Return how the names of exports begin: the request, and no name of a file."""
    parts = (explanation.model, explanation.method, explanation.target, explanation.scan[:8])
    return "-".join((*parts, f"{explanation.slice + 1}"))


def map_file(explanation: Explanation) -> bytes:
    """Return the map as a .npy file: float32 (H, W) in the pixels of the scan as uploaded."""
    stream = io.BytesIO()
    np.save(stream, explanation.heat)
    return stream.getvalue()


def archive(explanation: Explanation, picture: bytes, rendering: dict) -> bytes:
    """Return a ZIP of `map.npy` (float32 (H, W) of the scan as uploaded), `manifest.json` and `overlay.png`.

    `rendering` are the facts of the picture's `Rendering`, added to the manifest.
    """
    manifest = json.dumps(explanation.manifest() | {"picture": rendering}, indent=2, ensure_ascii=False) + "\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as bundle:  # not compressed: it is made again whenever a setting changes
        for name, data in (("map.npy", map_file(explanation)), ("manifest.json", manifest), ("overlay.png", picture)):
            bundle.writestr(zipfile.ZipInfo(name, _DATE), data)
    return stream.getvalue()
