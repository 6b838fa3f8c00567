"""Similar cases as one picture: the scans in a row, and below them the same map over each."""

import numpy as np

from explain.cache import explained
from explain.render.overlay import gray
from explain.render.rendering import draw
from explain.request import Request
from explain.similar.known import known_cases, request_for
from explain.similar.search import SimilarCase

_SIDE = 240  # pixels of a picture
_GAP = 6  # pixels


def similar_strip(request: Request) -> tuple[list[SimilarCase], np.ndarray | None]:
    """Return the similar cases of the scan of a request, and their strip, uint8 (h, w, 3); None without any.

    Raises ModelError and ScanError where a map cannot be made or a picture cannot be read.
    """
    cases, columns = known_cases(request.model, request.scan, request.prediction), []
    for case in cases:
        alike = request_for(request, case)
        explanation = explained(alike)
        pictures = [draw(alike.scan, each, side=_SIDE).picture for each in (None, explanation)]
        columns.append(np.vstack([_framed(picture) for picture in pictures]))
    return cases, np.hstack(columns)[:-_GAP, :-_GAP] if columns else None


def _framed(picture: np.ndarray) -> np.ndarray:
    """Return a picture as uint8 (side + gap, side + gap, 3), white at the right and below."""
    colour = picture if picture.ndim == 3 else np.repeat(gray(picture / 255)[..., None], 3, axis=-1)
    framed = np.full((_SIDE + _GAP, _SIDE + _GAP, 3), 255, np.uint8)
    framed[: colour.shape[0], : colour.shape[1]] = colour[..., :3]
    return framed
