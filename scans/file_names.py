"""Safe display of the name of an uploaded file, which is untrusted text."""

import re
import unicodedata

_LONGEST = 60  # characters
_END = 16  # of which this many from the end, so that the extension stays

# Without these Markdown has no image, link, code, formula or strong text, and HTML no tag.
_MARKUP = re.compile(r"[\[\]<>`*~$|]+")


def printable(text: object) -> str:
    """Return a path, or what was made of one, as it may be printed: on one line, without invisible characters.

    A file's name may hold escape codes for the terminal, line breaks, and marks that turn the writing direction.

    >>> printable("scans/head\\x1b[2J\\n.png")
    'scans/head[2J .png'
    """
    return "".join(" " if letter.isspace() else letter for letter in str(text) if _visible(letter))


def display_name(name: str) -> str:
    """Return what may be shown for a file `name`: its last part, at most 60 characters, harmless.

    Folders, control characters and those that turn the writing direction are left out, markup becomes a
    dot, a long name is cut in its middle. For display only: never a path, never a key.

    >>> display_name("C:\\\\scans\\\\**bold** head.png")
    'bold· head.png'
    """
    last = re.split(r"[/\\]", name)[-1]
    tidy = re.sub(r" +", " ", _MARKUP.sub("·", printable(last))).strip(" .·#")
    if len(tidy) > _LONGEST:
        tidy = f"{tidy[: _LONGEST - _END - 1].rstrip()}…{tidy[-_END:].lstrip()}"
    return tidy or "unnamed file"


def _visible(letter: str) -> bool:
    # Unicode's C: controls, formats (bidi overrides, zero width), halves of pairs, private, unassigned.
    return letter.isspace() or not unicodedata.category(letter).startswith("C")
