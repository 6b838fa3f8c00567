"""What is a report made of? A few kinds of block, which the page and the document each draw in their own way."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Text:
    """One paragraph; `tone` is "plain", "lead" (the first thing to read), "doubt" (a warning) or "small"."""

    words: str
    tone: str = "plain"


@dataclass(frozen=True)
class Facts:
    """Pairs of a label and what there is to say, one under the other."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bars:
    """A bar a class, the most probable first: name, share in [0, 1], how it is said, whether it is set off."""

    rows: tuple[tuple[str, float, str, bool], ...]


@dataclass(frozen=True)
class Table:
    """Short cells in columns; the first column is the widest."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Points:
    """Sentences, each with a dot before it."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """uint8 (h, w), (h, w, 3) or (h, w, 4), what it shows for those who cannot see it, and its caption."""

    pixels: np.ndarray
    alt: str
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Pair:
    """The scan, the map over it, and the key to the map's colours, None where the map is empty."""

    left: Picture
    right: Picture
    key: Picture | None


Block = Text | Facts | Bars | Table | Points | Pair


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Document:
    """A whole report. `title` names the file, too; `foot` stands under every page."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    foot: str
