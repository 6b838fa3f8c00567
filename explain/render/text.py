"""Text drawn into pictures."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def write(
    picture: np.ndarray,
    words: Iterable[tuple[float, float, str, str]],
    *,
    size: int,
    ink: int | tuple[int, ...],
    halo: int | tuple[int, ...] | None = None,
) -> np.ndarray:
    """Return a copy of an uint8 picture with `words`: x, y, text, Pillow's anchor ("la", "mm" ...).

    `size` is the font size in pixels, `ink` one value per channel; `halo` is drawn around each letter, so that it can
    be read on any background.
    """
    canvas = Image.fromarray(picture)
    pen = ImageDraw.Draw(canvas)
    for x, y, text, anchor in words:
        pen.text(
            (x, y),
            text,
            fill=ink,
            font=font(size),
            anchor=anchor,
            stroke_width=0 if halo is None else 2,
            stroke_fill=halo,
        )
    return np.array(canvas)


def wrapped(text: str, width: int, size: int) -> list[str]:
    """Return `text` in lines that are at most `width` pixels wide; a word is never cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and font(size).getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which Matplotlib brings: Pillow's own font has neither × nor a dash."""
    from matplotlib import get_data_path

    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
