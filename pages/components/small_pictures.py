"""Scans as small pictures: of a file made once, when it is read."""

from explain import Rendering, draw, png
from scans import Scan

SIDE = 96  # pixels


def small_picture(scan: Scan) -> bytes:
    """Return a scan in the window of its file as a PNG of SIDE by SIDE pixels."""
    return png(draw(scan, rendering=Rendering(side_letters=False), side=SIDE).picture)
