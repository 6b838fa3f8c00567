"""Colour maps: warm colours for evidence for the class, blue for evidence against it.

Amber is distinct from that blue for every kind of colour vision; inferno and magma start in a purple that some see as
blue, and the other maps hold blues of their own.
"""

from functools import lru_cache

import numpy as np

COLOUR_MAPS = ("inferno", "viridis", "magma", "cividis", "turbo")  # perceptual first; no jet
SIGNED_COLOUR_MAPS = ("amber", "inferno", "magma")  # distinct from the blue of evidence against

# Stops: share, (red, green, blue). Both end in a colour, not in white: the strongest evidence for and against must
# differ, and white over bright bone is invisible.
_AMBER = ((0.0, (0.34, 0.12, 0.02)), (0.5, (0.91, 0.44, 0.05)), (1.0, (1.0, 0.93, 0.32)))
_AGAINST = ((0.0, (0.03, 0.15, 0.36)), (0.5, (0.10, 0.46, 0.90)), (1.0, (0.48, 0.90, 1.0)))


def colours(level: np.ndarray, colour_map: str) -> np.ndarray:
    """Return float32 (..., 3) in [0, 1] for levels in [-1, 1]: the map's colours from 0 up, blue from 0 down."""
    both = np.concatenate([against()[:0:-1], ramp(colour_map)])  # 511 colours, 0 in the middle
    return both[255 + np.round(255 * level).astype(int)]


def line_colour(colour_map: str, share: float) -> tuple[int, int, int]:
    """Return the 8-bit colour of a contour at a share in [-1, 1] of the peak.

    Taken from the bright two thirds of the colour map: a dark line is lost in a dark scan.
    """
    table = ramp(colour_map) if share >= 0 else against()
    return tuple(int(255 * c) for c in table[round(255 * (0.35 + 0.65 * abs(share)))])


@lru_cache
def ramp(colour_map: str) -> np.ndarray:
    """Return float32 (256, 3) in [0, 1], read-only: the colours of evidence for the class."""
    if colour_map == "amber":
        return _between(_AMBER)
    from matplotlib import colormaps  # imported late: it takes a third of a second

    return _fixed(colormaps[colour_map](np.linspace(0, 1, 256))[:, :3])


@lru_cache
def against() -> np.ndarray:
    """Return float32 (256, 3) in [0, 1], read-only: the colours of evidence against the class."""
    return _between(_AGAINST)


def _between(stops: tuple) -> np.ndarray:
    shares, colours = zip(*stops, strict=True)
    return _fixed(
        np.stack([np.interp(np.linspace(0, 1, 256), shares, part) for part in zip(*colours, strict=True)], -1)
    )


def _fixed(table: np.ndarray) -> np.ndarray:
    table = table.astype(np.float32)
    table.flags.writeable = False
    return table
