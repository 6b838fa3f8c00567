"""Tables and sections in Markdown."""

from collections.abc import Sequence


def markdown_table(heads: Sequence, rows: Sequence[Sequence]) -> str:
    """Return a table, "" where it has no rows. A vertical bar in a cell is escaped, or it would end the cell.

    >>> print(markdown_table(["Scan", "Class"], [["a.png", "glioma"]]))
    | Scan | Class |
    | --- | --- |
    | a.png | glioma |
    """
    lines = [[str(cell).replace("|", "\\|") for cell in line] for line in (heads, ["---"] * len(heads), *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""


def markdown_section(title: str, *parts: str, level: int = 2) -> str:
    """Return a heading and the parts below it, the empty ones left out."""
    return "\n\n".join([f"{'#' * level} {title}", *(part for part in parts if part)])
