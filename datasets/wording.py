"""How a message names many files: the first of them, and how many more there are."""

from collections.abc import Sequence


def named(names: Sequence[str], most: int = 3) -> str:
    """Return the first `most` names in a row.

    >>> named(["Testing", "Training"]), named(["1", "2", "3", "4", "5"])
    ('Testing and Training', '1, 2, 3 and 2 more')
    """
    shown, rest = list(names[:most]), len(names) - most
    last = f"{rest:,} more" if rest > 0 else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last


def listing(lines: Sequence[str], most: int = 10) -> str:
    """Return the first `most` lines, each on an indented line of its own after the sentence that they follow."""
    more = [f"and {len(lines) - most:,} more"] if len(lines) > most else []
    return "".join(f"\n  {line}" for line in (*lines[:most], *more))
