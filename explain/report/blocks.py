"""The parts of a report: a few kinds of block, which the HTML page and the PDF each draw in their own way."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Text:
    """One paragraph; `tone` is "plain", "lead" (the first thing to read), "caution" (a warning) or "small"."""

    words: str
    tone: str = "plain"


@dataclass(frozen=True)
class Facts:
    """Pairs of a label and its text, one below the other."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bars:
    """One bar per class, the most probable first: name, probability in [0, 1], its text, whether it is predicted."""

    rows: tuple[tuple[str, float, str, bool], ...]


@dataclass(frozen=True)
class Table:
    """Short cells in columns; the first column is the widest."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Points:
    """A bulleted list of sentences."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """`pixels`, uint8 (h, w), (h, w, 3) or (h, w, 4), with a text alternative and a caption."""

    pixels: np.ndarray
    alt: str
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Pair:
    """The scan, the map over it, and the colour bar, None where the map is empty."""

    left: Picture
    right: Picture
    colour_bar: Picture | None


@dataclass(frozen=True, eq=False)
class Strip:
    """One picture over the whole width."""

    picture: Picture


Block = Text | Facts | Bars | Table | Points | Pair | Strip


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and the blocks below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Document:
    """A whole report. `title` is also that of the file; `foot` is the last line of every page."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    foot: str
